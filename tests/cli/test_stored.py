"""Rows and answers in Google Cloud, where the command line takes a path."""

import asyncio
import json
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from gemini_batch.testing import Emulator, Fault, Limits
from tests.cli.program import ARGV, Program, create, in_process_of_its_own, write_rows

TOKEN = "emulator-token"
HERE = ("--emulator", "--vertex")
IN = "gs://emulator-bucket/in/rows.jsonl"
OUT = "gs://emulator-bucket/out/answers.jsonl"
TABLE = "bq://emulator-project.data.asked"
LIMITS = Limits(pending=1.0, least_running=2.0, lag=0.5)
READ: dict[str, Any] = {"method": "GET", "path": "/storage/v1/b/*/o/*"}
SEND: dict[str, Any] = {"method": "PUT", "path": "/upload/storage/*"}


@pytest.fixture
async def emulator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Emulator]:
    """An emulator that --emulator finds."""
    async with Emulator(speed=40.0, limits=LIMITS) as emulator:
        monkeypatch.setenv("GEMINI_BATCH_EMULATOR", emulator.url)
        yield emulator


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the temporary files of other processes go."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


async def finished(cli: Program, path: Path) -> str:
    """Run a job to its end and return its name."""
    name = await create(cli, path, *HERE)
    waited = await cli("wait", name, "--poll-interval=0.02", *HERE)
    assert waited.code == 0, waited.err
    return name


# check


async def test_sound_rows_in_a_bucket(
    cli: Program, emulator: Emulator, input_file: Path
) -> None:
    emulator.objects.put(IN, input_file.read_bytes())
    # Of the description, and of the bytes.
    emulator.faults += [
        Fault(**READ, status=503),
        Fault(**READ, skip=1, truncate_after=100),
    ]

    ran = await cli("check", IN, "--model=gemini-2.5-flash", *HERE)
    data = await cli("check", IN, *HERE, "--json")

    size = len(input_file.read_bytes())
    assert ran.code == 0, ran.err
    assert ran.out == f"ok: 3 generation requests, {size} B, read where they are stored\n"
    assert (data.code, data.err) == (0, "")
    assert data.document == {"kind": "generate", "count": 3, "size": size, "inline": False}
    assert TOKEN not in ran.out + ran.err


async def test_a_wrong_row_in_a_bucket(emulator: Emulator, input_file: Path) -> None:
    lines = input_file.read_bytes().splitlines(keepends=True)
    lines[2] = b'{"key":"c","request":{"contents":[{"parts":[{"text":1}]}]}}\n'
    emulator.objects.put(IN, b"".join(lines))

    ran = await in_process_of_its_own("check", IN, *HERE)
    data = await in_process_of_its_own("check", IN, *HERE, "--json")

    assert (ran.code, data.code) == (2, 2)
    assert f"error: {IN}:3: request.contents[0].parts[0].text: " in ran.err
    (problem,) = data.document["error"]["problems"]
    assert (problem["file"], problem["line"]) == (IN, 3)
    assert TOKEN not in ran.out + ran.err + data.out


async def test_a_problem_in_a_bucket_on_a_terminal(
    terminal: Program, emulator: Emulator
) -> None:
    emulator.objects.put(IN, b"{}\n")

    ran = await terminal("check", IN, *HERE)

    assert ran.code == 2
    assert f"in {IN}; nothing was sent" in ran.err


async def test_rows_of_a_table_are_checked(cli: Program, emulator: Emulator) -> None:
    request = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
    emulator.tables[TABLE] = [{"id": "a", "request": request}, {"id": "b", "request": {}}]

    nameless = await cli("check", TABLE, *HERE)
    wrong = await cli("check", TABLE, "--key-column=id", *HERE)
    emulator.tables[TABLE] = [{"id": "a", "request": request}]
    sound = await cli("check", TABLE, "--key-column=id", *HERE)

    assert (nameless.code, wrong.code, sound.code) == (2, 2, 0)
    assert f"error: {TABLE}: --key-column: the table has no column 'key'" in nameless.err
    assert f"error: {TABLE}:2: " in wrong.err
    assert sound.out.startswith("ok: 1 generation request, ")


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("gs://emulator-bucket/none", "there is no such object"),
        ("gs://none/none", "there is no such object"),
        ("gs://emulator-bucket/*.jsonl", "it may mean several objects"),
        ("gs://emulator-bucket", "is not the name of an object"),
        ("bq://emulator-project.data.none", "there is no such table"),
    ],
)
async def test_what_cannot_be_checked(
    cli: Program, emulator: Emulator, uri: str, told: str
) -> None:
    ran = await cli("check", uri, *HERE)

    assert ran.code == 2
    assert told in ran.err


# results


async def test_answers_into_a_bucket(
    cli: Program, emulator: Emulator, input_file: Path, tmp_path: Path
) -> None:
    name = await finished(cli, input_file)
    emulator.faults += [Fault(**SEND, status=503), Fault(**SEND, drop="after", times=2)]

    ran = await cli("results", name, "-o", OUT, *HERE)
    again = await cli("results", name, "-o", OUT, *HERE, "--json")
    local = await cli("results", name, "-o", tmp_path / "out.jsonl", *HERE)

    assert (ran.code, again.code, local.code) == (0, 0, 0), ran.err
    written = emulator.objects[OUT].read()
    assert written == (tmp_path / "out.jsonl").read_bytes()
    assert {json.loads(line)["key"] for line in written.splitlines()} == {"k0", "k1", "k2"}
    assert (ran.out, again.err) == ("", "")
    assert "ok              3" in ran.err
    assert again.document["output"] == OUT
    assert again.document["outcomes"] == {"ok": 3}
    assert TOKEN not in ran.err + again.out


async def test_answers_into_a_bucket_on_a_terminal(
    cli: Program, terminal: Program, emulator: Emulator, input_file: Path
) -> None:
    """The bar of the upload follows that of the reading."""
    name = await finished(cli, input_file)

    ran = await terminal("results", name, "-o", OUT, *HERE)

    assert ran.code == 0, ran.err
    assert "uploading" in ran.err
    assert OUT in emulator.objects


async def test_rows_that_are_not_ok_are_written_too(
    cli: Program, emulator: Emulator, mixed_file: Path
) -> None:
    name = await finished(cli, mixed_file)

    ran = await cli("results", name, "--raw", "-o", OUT, *HERE)

    assert ran.code == 3
    assert len(emulator.objects[OUT].read().splitlines()) == 3


async def test_an_object_that_is_there_stays(
    emulator: Emulator, cli: Program, input_file: Path, temporary: Path
) -> None:
    name = await finished(cli, input_file)
    emulator.objects.put(OUT, b"mine\n")

    ran = await in_process_of_its_own("results", name, "-o", OUT, *HERE)
    data = await in_process_of_its_own("results", name, "-o", OUT, *HERE, "--json")

    assert (ran.code, data.code) == (1, 1)
    assert f"{OUT} is there already, and has other bytes: delete it, or choose" in ran.err
    assert data.document["error"]["type"] == "ConflictError"
    assert emulator.objects[OUT].read() == b"mine\n"
    assert list(temporary.iterdir()) == []
    assert TOKEN not in ran.err + data.out


async def test_a_bucket_that_is_not_there(
    cli: Program, emulator: Emulator, input_file: Path
) -> None:
    name = await finished(cli, input_file)

    ran = await cli("results", name, "-o", "gs://none/answers.jsonl", *HERE)

    assert ran.code == 1
    assert "404" in ran.err


async def interrupted(emulator: Emulator, name: str, fault: Fault) -> tuple[int, str]:
    """Write answers to a bucket, and press Ctrl-C once a fault has taken hold."""
    emulator.faults.append(fault)
    process = await asyncio.create_subprocess_exec(
        *ARGV, "results", name, "-o", OUT, *HERE, stderr=subprocess.PIPE
    )
    with anyio.fail_after(15):
        while emulator.faults:
            await anyio.sleep(0.02)
        await anyio.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    return process.returncode or 0, err.decode()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(method="GET", path="*/o/*predictions*", stall_after=50_000, delay=30),
        Fault(method="POST", path="/upload/storage/*", delay=30),
        Fault(**SEND, keep=0, delay=30),
    ],
    ids=["reading", "opening", "sending"],
)
async def test_ctrl_c_leaves_no_object_and_no_file(
    emulator: Emulator, cli: Program, tmp_path: Path, temporary: Path, fault: Fault
) -> None:
    path = write_rows(tmp_path / "in.jsonl", 100, text="x" * 5_000)
    name = await finished(cli, path)

    code, err = await interrupted(emulator, name, fault)

    assert code == 130
    assert "Traceback" not in err
    assert OUT not in emulator.objects
    assert list(temporary.iterdir()) == []


async def test_answers_that_break_off_leave_no_object(
    emulator: Emulator, cli: Program, input_file: Path, temporary: Path
) -> None:
    name = await finished(cli, input_file)
    emulator.faults.append(
        Fault(method="GET", path="*/o/*predictions*", status=403, times=None)
    )

    ran = await in_process_of_its_own("results", name, "-o", OUT, *HERE)

    assert ran.code == 1
    assert OUT not in emulator.objects
    assert list(temporary.iterdir()) == []


# What is refused


@pytest.mark.parametrize(
    ("tokens", "told"),
    [
        (["files", "upload", IN], "submit takes it where it is. Or copy it here: gcloud"),
        (["files", "upload", TABLE], "On Vertex AI, submit takes it where it is."),
        (["results", "1", "-o", TABLE], "Write gs://bucket/answers.jsonl, and load it"),
        (["results", "1", "-o", "gs://emulator-bucket/out/"], "Name the object to write"),
        (["files", "download", "x", "-o", OUT], "files of this machine only"),
        (["files", "download", "x", "-o", TABLE], "files of this machine only"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.parametrize("api", ["--vertex", "--no-vertex"])
async def test_what_is_refused_before_anything_is_sent(
    cli: Program, emulator: Emulator, tokens: list[str], told: str, api: str
) -> None:
    ran = await cli(*tokens, "--emulator", api)
    data = await cli(*tokens, "--emulator", api, "--json")

    assert (ran.code, data.code) == (2, 2)
    assert told in ran.err
    assert data.document["error"]["type"] == "InputError"
    assert emulator.log == []


async def test_the_developer_api_has_no_buckets(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    name = await create(cli, input_file)
    waited = await cli("wait", name, "--poll-interval=0.02")
    assert waited.code == 0
    service.objects.put(IN, input_file.read_bytes())

    check = await cli("check", IN)
    table = await cli("check", TABLE)
    results = await cli("results", name, "-o", OUT)

    for ran in (check, table, results):
        assert ran.code == 2
        assert "the Gemini Developer API does not have it\n" in ran.err
        assert "       Vertex AI has it: give --vertex and --project.\n" in ran.err
    assert list(service.objects) == [IN]
