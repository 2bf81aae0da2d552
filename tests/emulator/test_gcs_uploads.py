"""Uploads to the emulator's Cloud Storage."""

import datetime as dt
import random
from collections.abc import AsyncIterator

import aiohttp
import pytest

from gemini_batch.testing import Emulator, ManualClock
from tests.emulator.cloud import BUCKET, TOKEN, UNIT, Cloud
from tests.emulator.service import recorded, shape

DATA = random.Random(5).randbytes(3 * UNIT + 1000)
SIZE = len(DATA)
# aiohttp sends a PUT once more by itself when its connection is cut.
TRIES = 2
URI = f"gs://{BUCKET}/in/input.jsonl"


def stored(emulator: Emulator) -> bytes:
    return emulator.objects[URI].read()


def received(answer: object) -> str | None:
    return answer.headers.get("Range")  # type: ignore[attr-defined,no-any-return]


async def test_an_upload_in_chunks(cloud: Cloud, emulator: Emulator) -> None:
    sample = recorded("gcs/resumable-start.exchange.json")
    start = await cloud.start(
        "in/input.jsonl", size=SIZE, metadata=sample["request"]["body"], ifGenerationMatch=0
    )
    session = start.headers["Location"]
    before = await cloud.ask(session, SIZE)
    first = await cloud.send(session, DATA[: 2 * UNIT], 0, SIZE)
    between = await cloud.ask(session, SIZE)
    last = await cloud.send(session, DATA[2 * UNIT :], 2 * UNIT, SIZE)
    after = await cloud.ask(session, SIZE)

    assert start.status == sample["response"]["status"]
    assert all(name in start.headers for name in sample["response"]["headers"])
    assert "name=in%2Finput.jsonl&upload_id=" in session
    assert (before.status, received(before)) == (308, None)
    assert (first.status, received(first)) == (308, f"bytes=0-{2 * UNIT - 1}")
    assert (between.status, received(between)) == (308, f"bytes=0-{2 * UNIT - 1}")
    assert last.status == after.status == 200
    assert last.json == after.json
    expected = {**shape(recorded("gcs/object.json")), "metadata": {"intent": "str"}}
    assert shape(last.json) == expected
    assert last.json["contentType"] == "application/jsonl"
    assert stored(emulator) == DATA


async def test_an_upload_whose_size_is_told_last(cloud: Cloud, emulator: Emulator) -> None:
    session = await cloud.session_for("in/input.jsonl")
    first = await cloud.send(session, DATA[:UNIT])
    last = await cloud.send(session, DATA[UNIT:], UNIT, SIZE)

    assert (first.status, last.status) == (308, 200)
    assert stored(emulator) == DATA


async def test_an_end_that_is_told_later(cloud: Cloud, emulator: Emulator) -> None:
    session = await cloud.session_for("in/input.jsonl")
    await cloud.send(session, DATA[:UNIT])

    end = await cloud.ask(session, UNIT)

    assert end.status == 200
    assert stored(emulator) == DATA[:UNIT]


async def test_an_empty_object(cloud: Cloud, emulator: Emulator) -> None:
    session = await cloud.session_for("in/input.jsonl", size=0)

    answer = await cloud.ask(session, 0)

    assert answer.json["size"] == "0"
    assert stored(emulator) == b""


async def test_one_request_without_a_range(cloud: Cloud, emulator: Emulator) -> None:
    session = await cloud.session_for("in/input.jsonl")

    answer = await cloud.call("PUT", session, data=DATA, token={})

    assert answer.status == 200
    assert stored(emulator) == DATA


async def test_only_whole_units_are_kept(cloud: Cloud, emulator: Emulator) -> None:
    session = await cloud.session_for("in/input.jsonl")

    answer = await cloud.send(session, DATA[: UNIT + 5])
    rest = await cloud.send(session, DATA[UNIT:], UNIT, SIZE)

    assert received(answer) == f"bytes=0-{UNIT - 1}"
    assert rest.status == 200
    assert stored(emulator) == DATA


async def test_what_comes_again_is_not_stored_again(
    cloud: Cloud, emulator: Emulator
) -> None:
    session = await cloud.session_for("in/input.jsonl")
    await cloud.send(session, DATA[: 2 * UNIT])

    again = await cloud.send(session, DATA[UNIT:], UNIT, SIZE)

    assert again.status == 200
    assert stored(emulator) == DATA


@pytest.mark.parametrize(
    ("header", "data", "message"),
    [
        (
            f"bytes {UNIT}-{2 * UNIT - 1}/*",
            DATA[:UNIT],
            "exceeds already uploaded size of 0",
        ),
        ("bytes 0-99/*", DATA[:100], "equal or greater than 262144"),
        ("bytes 0-99/1000", DATA[:50], "There were 50 byte(s)"),
        ("bytes 0-99/50", DATA[:100], "differs from the"),
        ("bytes 5-4/*", b"", "outside of its total size"),
        ("bytes */*", b"x", "should have been none"),
        ("bytes=0-9/10", DATA[:10], "Failed to parse Content-Range"),
        (f"bytes */{SIZE + 1}", b"", "differs from the"),
    ],
)
async def test_chunks_that_make_no_sense(
    cloud: Cloud, header: str, data: bytes, message: str
) -> None:
    session = await cloud.session_for("in/input.jsonl", size=SIZE)

    answer = await cloud.call(
        "PUT", session, headers={"Content-Range": header}, data=data, token={}
    )

    assert answer.status == 400
    assert message in answer.message
    assert (await cloud.ask(session, SIZE)).status == 308


async def test_a_body_without_a_length_or_a_range(cloud: Cloud) -> None:
    session = await cloud.session_for("in/input.jsonl")

    async def body() -> AsyncIterator[bytes]:
        yield b"x"

    assert (await cloud.call("PUT", session, data=body(), token={})).status == 411


async def test_a_chunk_beyond_its_total(cloud: Cloud) -> None:
    session = await cloud.session_for("in/input.jsonl")

    answer = await cloud.send(session, DATA[:100], 0, 50)

    assert answer.status == 400


async def test_sessions_end(cloud: Cloud, clock: ManualClock) -> None:
    cancelled = await cloud.session_for("a")
    done = await cloud.session_for("b")
    old = await cloud.session_for("c")
    await cloud.ask(done, 0)

    assert (await cloud.call("DELETE", cancelled, token={})).status == 499
    assert (await cloud.ask(cancelled)).status == 404
    assert (await cloud.call("DELETE", done, token={})).status == 499
    assert (await cloud.ask(done, 0)).status == 200
    assert (await cloud.ask(done.replace(BUCKET, "other"), 0)).status == 404
    clock.advance(dt.timedelta(days=7, seconds=1).total_seconds())
    assert (await cloud.ask(old)).status == 410


async def test_conditions_are_checked_at_both_ends(
    cloud: Cloud, emulator: Emulator
) -> None:
    one = await cloud.session_for("in/input.jsonl", ifGenerationMatch=0)
    two = await cloud.session_for("in/input.jsonl", ifGenerationMatch=0)

    first = await cloud.send(one, b"one", 0, 3)
    second = await cloud.send(two, b"two", 0, 3)
    late = await cloud.start("in/input.jsonl", ifGenerationMatch=0)
    again = await cloud.session_for(
        "in/input.jsonl", ifGenerationMatch=first.json["generation"]
    )
    third = await cloud.send(again, b"three", 0, 5)

    assert (first.status, second.status, late.status) == (200, 412, 412)
    assert third.status == 200
    assert stored(emulator) == b"three"


@pytest.mark.parametrize(
    ("query", "metadata"),
    [
        ("uploadType=resumable", {}),
        ("uploadType=resumable&name=..", {}),
        ("uploadType=resumable&name=a%0Ab", {}),
        ("uploadType=resumable&name=" + "x" * 1025, {}),
        ("uploadType=resumable&name=x&odd=1", {}),
        ("uploadType=resumable&name=x", {"odd": 1}),
        ("uploadType=resumable&name=x", {"metadata": {"a": 1}}),
        ("uploadType=strange&name=x", {}),
        ("name=x", {}),
        ("uploadType=media", {}),
        ("uploadType=multipart&name=x", {}),
    ],
)
async def test_starts_that_make_no_sense(
    cloud: Cloud, query: str, metadata: dict[str, object]
) -> None:
    path = f"/upload/storage/v1/b/{BUCKET}/o?{query}"

    answer = await cloud.call("POST", path, json=metadata)

    assert answer.status == 400
    assert answer.json["error"]["errors"][0]["reason"] == "invalid"


async def test_a_size_that_is_no_number(cloud: Cloud) -> None:
    answer = await cloud.call(
        "POST",
        f"/upload/storage/v1/b/{BUCKET}/o?uploadType=resumable&name=x",
        headers={"X-Upload-Content-Length": "many"},
        json={},
    )

    assert answer.status == 400


async def test_a_bucket_that_is_not_there(cloud: Cloud) -> None:
    assert (await cloud.start("x", bucket="nobody")).status == 404


async def test_the_name_may_be_in_the_metadata(cloud: Cloud, emulator: Emulator) -> None:
    path = f"/upload/storage/v1/b/{BUCKET}/o?uploadType=resumable"
    metadata = {"name": "in/input.jsonl", "contentType": "text/plain"}
    start = await cloud.call("POST", path, json=metadata)

    answer = await cloud.send(start.headers["Location"], b"x", 0, 1)

    assert answer.json["contentType"] == "text/plain"
    assert stored(emulator) == b"x"


@pytest.mark.parametrize("member", ["crc32c", "md5Hash"])
async def test_other_bytes_than_their_checksum_says(
    cloud: Cloud, emulator: Emulator, member: str
) -> None:
    session = await cloud.session_for("in/input.jsonl", metadata={member: "AAAAAA=="})

    answer = await cloud.send(session, b"x", 0, 1)

    assert answer.status == 400
    assert "doesn't match calculated" in answer.message
    assert URI not in emulator.objects


async def test_bytes_in_one_request(cloud: Cloud, emulator: Emulator) -> None:
    path = f"/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name=in%2Finput.jsonl"
    headers = {"Content-Type": "text/csv"}

    made = await cloud.call(
        "POST", f"{path}&ifGenerationMatch=0", headers=headers, data=DATA
    )
    again = await cloud.call("POST", f"{path}&ifGenerationMatch=0", data=b"x")

    assert made.json["contentType"] == "text/csv"
    assert again.status == 412
    assert stored(emulator) == DATA


async def test_parts_in_one_request(cloud: Cloud, emulator: Emulator) -> None:
    path = f"/upload/storage/v1/b/{BUCKET}/o?uploadType=multipart"
    with aiohttp.MultipartWriter("related") as writer:
        writer.append_json({"name": "in/input.jsonl", "metadata": {"a": "b"}})
        writer.append(DATA, {"Content-Type": "application/jsonl"})
    async with cloud.session.post(
        emulator.url + path, data=writer, headers=TOKEN
    ) as response:
        made = await response.json()

    assert made["metadata"] == {"a": "b"}
    assert made["contentType"] == "application/jsonl"
    assert stored(emulator) == DATA


@pytest.mark.parametrize(
    "body",
    [b"--b\r\n\r\n{}\r\n--b--\r\n", b"--b\r\n\r\n{}\r\n", b"no parts at all", b""],
)
async def test_parts_that_are_none(cloud: Cloud, body: bytes) -> None:
    path = f"/upload/storage/v1/b/{BUCKET}/o?uploadType=multipart&name=x"
    headers = {"Content-Type": "multipart/related; boundary=b"}

    answer = await cloud.call("POST", path, headers=headers, data=body)

    assert answer.status == 400
