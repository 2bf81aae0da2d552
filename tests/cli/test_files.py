"""Files on the command line."""

import hashlib
from pathlib import Path

import pytest

from gemini_batch import Client
from gemini_batch.testing import Emulator
from tests.cli.program import Program


async def test_upload_prints_the_name(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    ran = await cli("files", "upload", input_file)

    size = input_file.stat().st_size
    assert ran.code == 0
    assert service.files[ran.out.strip()].read() == input_file.read_bytes()
    assert ran.err == f"uploading: {size} B of {size} B\n"


async def test_upload_as_json(cli: Program, service: Emulator, input_file: Path) -> None:
    ran = await cli(
        "files",
        "upload",
        input_file,
        "--name=files/my-input",
        "--display-name=mine",
        "--mime-type=text/plain",
        "--json",
    )

    file = ran.document
    assert ran.err == ""
    assert file["name"] == "files/my-input"
    assert (file["display_name"], file["mime_type"]) == ("mine", "text/plain")
    assert file["sha256"] == hashlib.sha256(input_file.read_bytes()).hexdigest()
    assert file["state"] == "ACTIVE"


async def test_upload_of_what_is_not_there(cli: Program, service: Emulator) -> None:
    ran = await cli("files", "upload", "/no/such/file")

    assert ran.code == 2
    assert "does not exist" in ran.err
    assert service.log == []


async def test_get_list_delete(cli: Program, service: Emulator, input_file: Path) -> None:
    names = [(await cli("files", "upload", input_file)).out.strip() for _ in range(3)]

    shown = await cli("files", "get", names[0])
    data = await cli("files", "get", names[0], "--json")
    listed = await cli("files", "list", "--limit=2")
    every = await cli("files", "list", "--json")
    gone = await cli("files", "delete", names[0])
    gone_data = await cli("files", "delete", names[1], "--json")
    left = await cli("files", "list", "--json")

    assert f"name          {names[0]}\n" in shown.out
    assert "state         active\n" in shown.out
    assert data.document["name"] == names[0]
    assert len(listed.out.splitlines()) == 3
    assert "in 2 d" in listed.out or "in 1 d" in listed.out
    assert "--limit 0 shows all" in listed.err
    assert {file["name"] for file in every.document["files"]} == set(names)
    assert gone.out == f"deleted {names[0]}\n"
    assert gone_data.document == {"file": names[1], "deleted": True}
    assert [file["name"] for file in left.document["files"]] == [names[2]]


async def test_list_of_nothing(cli: Program, service: Emulator) -> None:
    ran = await cli("files", "list")

    assert (ran.code, ran.out, ran.err) == (0, "", "There are no files.\n")


async def test_get_of_what_is_not_there(cli: Program, service: Emulator) -> None:
    ran = await cli("files", "get", "files/nope", "--json")

    assert ran.code == 1
    assert ran.document["error"]["type"] == "PermissionDeniedError"
    assert ran.document["error"]["status_code"] == 403


async def result_file(path: Path) -> str:
    async with Client() as client:
        file = await client.files.upload(path)
        job = await client.batches.create("gemini-2.5-flash", file_name=file)
        ended = await client.batches.poll(job, poll_interval=0.02)
    assert ended.dest is not None
    return ended.dest.file_name or ""


async def test_download(
    cli: Program, service: Emulator, input_file: Path, tmp_path: Path
) -> None:
    name = await result_file(input_file)
    content = service.files[name].read()
    target = tmp_path / "results.jsonl"

    told = await cli("files", "download", name, "-o", target)
    again = await cli("files", "download", name, "-o", target, "--json")
    piped = await cli("files", "download", name, "-o", "-")

    assert told.out.startswith(f"{target}  ")
    assert target.read_bytes() == content
    assert again.document["size_bytes"] == len(content)
    assert piped.out.encode() == content


async def test_download_names_its_file(
    cli: Program,
    service: Emulator,
    input_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = await result_file(input_file)
    monkeypatch.chdir(tmp_path)

    ran = await cli("files", "download", name)

    expected = tmp_path / f"{name.removeprefix('files/')}.jsonl"
    assert ran.code == 0
    assert expected.read_bytes() == service.files[name].read()


async def test_download_of_an_upload(
    cli: Program, service: Emulator, input_file: Path, tmp_path: Path
) -> None:
    name = (await cli("files", "upload", input_file)).out.strip()
    folder = tmp_path / "folder"
    folder.mkdir()

    ran = await cli("files", "download", name, "-o", folder / "x")

    assert ran.code == 1
    assert list(folder.iterdir()) == []
