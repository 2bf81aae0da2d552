"""Resumable uploads, as the protocol describes them."""

import base64
import hashlib

import aiohttp
import pytest

from gemini_batch.testing import Emulator, Fault, ManualClock
from tests.emulator.service import RECORDED, Service

UNIT = 262_144


async def test_a_file_arrives_whole_and_is_described_like_the_recorded_one(
    service: Service,
) -> None:
    data = (RECORDED / "jsonl/embed-input.jsonl").read_bytes()

    file = await service.upload(data, displayName="embeddings_batch_requests.jsonl")

    # The service recorded this digest for these very bytes.
    recorded = "NTk3Yjk2ZTVjN2QyYjBkMDFhY2RjODBkZDBiY2Q2NTNkYTA5OWJiMjZkODEwNmIxMmQ4NzBlZGFkZjI4MzdmYw=="
    assert file["sha256Hash"] == recorded
    assert file["sizeBytes"] == "202"
    assert file["state"] == "ACTIVE"
    assert file["source"] == "UPLOADED"
    assert file["uri"] == f"{service.emulator.url}/v1beta/{file['name']}"
    assert file["displayName"] == "embeddings_batch_requests.jsonl"
    assert service.emulator.files[file["name"]].read() == data


async def test_the_start_answers_with_the_recorded_headers(service: Service) -> None:
    answer = await service.start_upload(202)

    assert answer.status == 200
    assert answer.body == b""
    assert answer.headers["X-Goog-Upload-Status"] == "active"
    assert answer.headers["X-Goog-Upload-Chunk-Granularity"] == str(UNIT)
    assert (
        answer.headers["X-Goog-Upload-URL"] == answer.headers["X-Goog-Upload-Control-URL"]
    )
    assert answer.headers["X-Goog-Upload-URL"].startswith(service.emulator.url)


async def test_chunks_add_up(service: Service) -> None:
    data = bytes(range(256)) * 3 * 1024 + b"end"
    url = (await service.start_upload(len(data))).headers["X-Goog-Upload-URL"]

    for offset in (0, UNIT, 2 * UNIT):
        answer = await service.send(url, "upload", offset, data[offset : offset + UNIT])
        assert answer.headers["X-Goog-Upload-Status"] == "active"
        assert answer.body == b""
    last = await service.send(url, "upload, finalize", 3 * UNIT, data[3 * UNIT :])

    assert last.headers["X-Goog-Upload-Status"] == "final"
    stored = service.emulator.files[last.json["file"]["name"]]
    assert stored.read() == data
    assert stored.size == len(data)
    assert stored.sha256 == hashlib.sha256(data).hexdigest()


async def test_an_empty_file_is_one_empty_final_chunk(service: Service) -> None:
    file = await service.upload(b"")

    # A zero is left out, as everywhere in this JSON.
    assert "sizeBytes" not in file
    assert base64.b64decode(file["sha256Hash"]).decode() == hashlib.sha256(b"").hexdigest()


async def test_a_query_tells_what_is_stored(service: Service) -> None:
    url = (await service.start_upload(UNIT + 5)).headers["X-Goog-Upload-URL"]
    await service.send(url, "upload", 0, b"x" * UNIT)

    answer = await service.send(url, "query")

    assert answer.status == 200
    assert answer.headers["X-Goog-Upload-Status"] == "active"
    assert answer.headers["X-Goog-Upload-Size-Received"] == str(UNIT)
    assert answer.headers["X-Goog-Upload-Chunk-Granularity"] == str(UNIT)


async def test_a_query_after_the_end_says_final_and_nothing_else(service: Service) -> None:
    url = (await service.start_upload(3)).headers["X-Goog-Upload-URL"]
    await service.send(url, "upload, finalize", 0, b"abc")

    answer = await service.send(url, "query")

    assert answer.headers["X-Goog-Upload-Status"] == "final"
    assert answer.headers["X-Goog-Upload-Size-Received"] == "3"
    assert answer.body == b""


@pytest.mark.parametrize(
    ("cut", "kept"), [(0, 0), (7, 0), (UNIT - 1, 0), (UNIT, UNIT), (UNIT + 100, UNIT)]
)
async def test_what_arrived_before_a_cut_is_kept_in_whole_units(
    service: Service, emulator: Emulator, cut: int, kept: int
) -> None:
    data = bytes(range(256)) * 2048 + b"tail"
    url = (await service.start_upload(len(data))).headers["X-Goog-Upload-URL"]
    emulator.faults.append(Fault(path="/upload/*", drop_body_after=cut))

    with pytest.raises(aiohttp.ClientError):
        await service.send(url, "upload, finalize", 0, data)
    received = (await service.send(url, "query")).headers["X-Goog-Upload-Size-Received"]
    answer = await service.send(url, "upload, finalize", kept, data[kept:])

    assert received == str(kept)
    assert emulator.files[answer.json["file"]["name"]].read() == data


async def test_a_stored_chunk_whose_answer_is_lost_is_stored(
    service: Service, emulator: Emulator
) -> None:
    url = (await service.start_upload(UNIT)).headers["X-Goog-Upload-URL"]
    emulator.faults.append(Fault(command="upload, finalize", drop="after"))

    with pytest.raises(aiohttp.ClientError):
        await service.send(url, "upload, finalize", 0, b"x" * UNIT)

    answer = await service.send(url, "query")
    assert answer.headers["X-Goog-Upload-Status"] == "final"
    assert [file.size for file in emulator.files.values()] == [UNIT]


@pytest.mark.parametrize(
    ("command", "offset", "data", "text"),
    [
        ("upload", UNIT, b"x" * UNIT, "Invalid upload offset"),
        ("upload", 0, b"x" * 1000, "multiple of the granularity"),
        ("upload", None, b"x" * UNIT, "X-Goog-Upload-Offset"),
        ("upload, finalize", 0, b"x" * UNIT, "were announced"),
        ("upload, finalize", 0, b"x" * 3 * UNIT, "exceeds its announced size"),
        ("rewind", 0, b"", "Invalid upload command"),
    ],
)
async def test_a_wrong_chunk_is_refused_and_the_session_lives_on(
    service: Service, command: str, offset: int | None, data: bytes, text: str
) -> None:
    size = 2 * UNIT
    url = (await service.start_upload(size)).headers["X-Goog-Upload-URL"]

    answer = await service.send(url, command, offset, data)

    assert answer.status == 400
    assert text in answer.message
    assert answer.headers["X-Goog-Upload-Status"] == "active"
    received = int(answer.headers["X-Goog-Upload-Size-Received"])
    rest = b"x" * (size - received)
    assert (await service.send(url, "upload, finalize", received, rest)).status == 200


async def test_a_chunk_without_a_length_is_checked_as_it_arrives(service: Service) -> None:
    url = (await service.start_upload()).headers["X-Goog-Upload-URL"]
    headers = {"X-Goog-Upload-Command": "upload", "X-Goog-Upload-Offset": "0"}

    async def body() -> object:
        yield b"x" * 1000

    answer = await service.call("POST", url, headers=headers, data=body())

    assert answer.status == 400
    assert "multiple of the granularity" in answer.message


async def test_an_unknown_session_is_not_found(service: Service) -> None:
    url = f"{service.emulator.url}/upload/v1beta/files?upload_id=gone"

    assert (await service.send(url, "query")).status == 404


async def test_a_cancelled_session_takes_no_more(service: Service) -> None:
    url = (await service.start_upload(3)).headers["X-Goog-Upload-URL"]

    cancelled = await service.send(url, "cancel")
    later = await service.send(url, "upload, finalize", 0, b"abc")

    assert cancelled.headers["X-Goog-Upload-Status"] == "cancelled"
    assert later.status == 400
    assert later.headers["X-Goog-Upload-Status"] == "cancelled"
    assert not service.emulator.files


async def test_a_chosen_name_is_honoured_once(service: Service) -> None:
    file = await service.upload(b"one", name="files/my-input-1")
    second = await service.start_upload(3, name="files/my-input-1")

    assert file["name"] == "files/my-input-1"
    assert second.status == 409
    assert second.json["error"]["status"] == "ALREADY_EXISTS"


async def test_of_two_open_uploads_under_one_name_the_first_to_end_wins(
    service: Service,
) -> None:
    first = (await service.start_upload(1, name="files/same")).headers["X-Goog-Upload-URL"]
    second = (await service.start_upload(1, name="files/same")).headers["X-Goog-Upload-URL"]

    assert (await service.send(second, "upload, finalize", 0, b"2")).status == 200
    assert (await service.send(first, "upload, finalize", 0, b"1")).status == 409
    assert service.emulator.files["files/same"].read() == b"2"


@pytest.mark.parametrize(
    "name", ["files/" + "a" * 41, "files/-a", "files/a-", "files/A", "files/a_b", "files/"]
)
async def test_a_bad_name_is_refused(service: Service, name: str) -> None:
    answer = await service.start_upload(3, name=name)

    assert answer.status == 400
    assert answer.message.startswith("* CreateFileRequest.file.name: File ID")


async def test_unknown_members_of_the_start_are_refused(service: Service) -> None:
    answer = await service.start_upload(3, display="x")

    assert answer.status == 400
    assert "Unknown name \"display\" at 'file': Cannot find field." in answer.message


async def test_both_spellings_of_a_display_name_are_known(service: Service) -> None:
    assert (await service.upload(b"x", display_name="a"))["displayName"] == "a"


async def test_a_file_over_the_limit_is_refused_at_the_start(service: Service) -> None:
    answer = await service.start_upload(2 * 1024**3 + 1)

    assert answer.status == 400


async def test_a_display_name_has_a_limit(service: Service) -> None:
    assert (await service.start_upload(1, displayName="x" * 512)).status == 200
    assert (await service.start_upload(1, displayName="x" * 513)).status == 400


async def test_nothing_is_left_on_the_disk(clock: ManualClock) -> None:
    async with Emulator(clock=clock) as emulator, aiohttp.ClientSession() as session:
        service = Service(emulator, session)
        file = await service.upload(b"x")
        path = emulator.files[file["name"]].path
        assert path.exists()

    assert not path.parent.exists()
