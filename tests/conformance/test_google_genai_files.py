"""google-genai's file calls, judged by what they return."""

import base64
import hashlib
import io
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.genai import MIB, Genai, generate_rows, read_rows
from tests.conformance.stage import Stage

pytestmark = [
    # google-genai derives from aiohttp.ClientSession.
    pytest.mark.filterwarnings(
        "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"
    ),
    # google-genai hands each chunk of 8 MiB to aiohttp as bytes.
    pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning"),
]


def digest(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).hexdigest().encode()).decode()


def noise(size: int) -> bytes:
    return (
        b"".join(hashlib.sha256(bytes([n])).digest() for n in range(256))
        * (size // 8192 + 1)
    )[:size]


# One chunk, one chunk exactly, several with a rest, several exactly.
SIZES = [1, 8 * MIB, 17 * MIB + 5, 24 * MIB]


@pytest.mark.parametrize("size", SIZES)
async def test_upload_from_a_path(genai: Genai, tmp_path: Path, size: int) -> None:
    path = tmp_path / "input.jsonl"
    path.write_bytes(noise(size))

    file = await genai(
        genai.api.files.upload(file=path, config={"mime_type": "application/jsonl"})
    )

    assert file.size_bytes == size
    assert file.sha256_hash == digest(noise(size))
    assert file.mime_type == "application/jsonl"
    assert file.state.name == "ACTIVE"
    assert file.source.name == "UPLOADED"
    assert (file.expiration_time - file.create_time).total_seconds() == 48 * 3600


@pytest.mark.parametrize("size", SIZES)
async def test_upload_from_bytes(genai: Genai, size: int) -> None:
    file = await genai(
        genai.api.files.upload(file=io.BytesIO(noise(size)), config={"mime_type": "jsonl"})
    )

    assert file.size_bytes == size
    assert file.sha256_hash == digest(noise(size))
    assert file.mime_type == "jsonl"


async def test_an_empty_file(genai: Genai) -> None:
    file = await genai.upload(b"")

    assert file.state.name == "ACTIVE"
    assert not file.size_bytes
    assert file.sha256_hash == digest(b"")


async def test_a_file_has_the_name_it_was_given(genai: Genai) -> None:
    made = await genai.upload(b"{}\n", name="my-input", display_name="Eingabe für heute")
    found = await genai(genai.api.files.get(name="my-input"))

    assert made.name == found.name == "files/my-input"
    assert found.display_name == "Eingabe für heute"
    assert found.sha256_hash == made.sha256_hash
    assert found.uri == made.uri


async def test_the_files_are_listed_across_pages(genai: Genai) -> None:
    made = [(await genai.upload(b"{}\n")).name for _ in range(5)]

    paged = await genai.all(genai.api.files.list(config={"page_size": 2}))

    assert [file.name for file in paged] == made[::-1]


async def test_the_files_are_listed_without_a_page_size(genai: Genai) -> None:
    made = {(await genai.upload(b"{}\n")).name for _ in range(12)}

    assert {file.name for file in await genai.all(genai.api.files.list())} == made


async def test_a_deleted_file_is_gone(genai: Genai) -> None:
    from google.genai import errors

    name = (await genai.upload(b"{}\n")).name

    await genai(genai.api.files.delete(name=name))

    with pytest.raises(errors.ClientError) as caught:
        await genai(genai.api.files.get(name=name))
    assert caught.value.code in {403, 404}
    assert await genai.all(genai.api.files.list()) == []


async def test_a_file_expires_after_two_days(genai: Genai, stage: Stage) -> None:
    from google.genai import errors

    name = (await genai.upload(b"{}\n")).name
    stage.advance(48 * 3600 - 1)
    assert (await genai(genai.api.files.get(name=name))).name == name

    stage.advance(1)

    with pytest.raises(errors.ClientError):
        await genai(genai.api.files.get(name=name))


async def finished(genai: Genai, stage: Stage) -> Any:
    file = await genai.upload(generate_rows("One", "Two"))
    job = await genai(genai.api.batches.create(model="gemini-2.5-flash", src=file.name))
    stage.advance(60)
    return await genai(genai.api.batches.get(name=job.name))


async def test_a_result_file_is_downloaded_as_bytes(genai: Genai, stage: Stage) -> None:
    job = await finished(genai, stage)

    data = await genai(genai.api.files.download(file=job.dest.file_name))

    assert isinstance(data, bytes)
    assert read_rows(data).keys() == {"r0", "r1"}


async def test_a_result_file_is_downloaded_to_a_place(
    genai: Genai, stage: Stage, tmp_path: Path
) -> None:
    job = await finished(genai, stage)
    target = tmp_path / "results.jsonl"

    data = await genai(
        genai.api.files.download(file=job.dest.file_name, destination=target)
    )

    assert data is None
    assert read_rows(target.read_bytes()).keys() == {"r0", "r1"}


async def test_an_uploaded_file_cannot_be_downloaded(genai: Genai) -> None:
    from google.genai import errors

    file = await genai.upload(b"{}\n")

    with pytest.raises(errors.ClientError) as caught:
        await genai(genai.api.files.download(file=file.name))
    assert caught.value.code == 400
    assert caught.value.status == "INVALID_ARGUMENT"


@pytest.mark.limits(long_file_ids=True)
async def test_a_result_file_is_downloaded_by_its_record(
    genai: Genai, stage: Stage
) -> None:
    """As the service allows since September 2026."""
    job = await finished(genai, stage)
    file = await genai(genai.api.files.get(name=job.dest.file_name))

    data = await genai(genai.api.files.download(file=file))

    assert file.source.name == "GENERATED"
    assert file.size_bytes == len(data)
    assert read_rows(data).keys() == {"r0", "r1"}


async def test_a_result_file_cannot_be_deleted(genai: Genai, stage: Stage) -> None:
    from google.genai import errors

    job = await finished(genai, stage)

    with pytest.raises(errors.ClientError) as caught:
        await genai(genai.api.files.delete(name=job.dest.file_name))
    assert caught.value.code == 400
