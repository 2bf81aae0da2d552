"""What goes wrong with transfers at the emulator's Cloud Storage."""

import random
from collections.abc import AsyncIterator

import aiohttp
import anyio
import pytest

from gemini_batch.testing import Emulator, Fault
from tests.emulator.cloud import BUCKET, UNIT, Cloud

DATA = random.Random(5).randbytes(3 * UNIT + 1000)
SIZE = len(DATA)
# aiohttp sends a PUT once more by itself when its connection is cut.
TRIES = 2
URI = f"gs://{BUCKET}/in/input.jsonl"


def stored(emulator: Emulator) -> bytes:
    return emulator.objects[URI].read()


def received(answer: object) -> str | None:
    return answer.headers.get("Range")  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("cut", [0, 1, UNIT - 1, UNIT, UNIT + 1, 2 * UNIT, SIZE - 1, SIZE])
async def test_a_chunk_that_is_cut_off(cloud: Cloud, emulator: Emulator, cut: int) -> None:
    session = await cloud.session_for("in/input.jsonl", size=SIZE)
    emulator.faults.append(Fault(method="PUT", drop_body_after=cut, times=TRIES))
    with pytest.raises(aiohttp.ClientError):
        await cloud.send(session, DATA, 0, SIZE)

    asked = await cloud.ask(session, SIZE)
    whole = cut // UNIT * UNIT
    rest = await cloud.send(session, DATA[whole:], whole, SIZE)

    assert asked.status == 308
    assert received(asked) == (f"bytes=0-{whole - 1}" if whole else None)
    assert rest.status == 200
    assert stored(emulator) == DATA


@pytest.mark.parametrize("kept", [0, 10, UNIT, 2 * UNIT + 1, SIZE])
async def test_less_is_kept_than_was_sent(
    cloud: Cloud, emulator: Emulator, kept: int
) -> None:
    session = await cloud.session_for("in/input.jsonl", size=SIZE)
    emulator.faults.append(Fault(method="PUT", keep=kept))

    answer = await cloud.send(session, DATA, 0, SIZE)
    whole = kept // UNIT * UNIT
    rest = await cloud.send(session, DATA[whole:], whole, SIZE)

    assert answer.status == 308
    assert received(answer) == (f"bytes=0-{whole - 1}" if whole else None)
    assert rest.status == 200
    assert stored(emulator) == DATA


@pytest.mark.parametrize(("shift", "told"), [(-UNIT, None), (UNIT, 2 * UNIT - 1)])
async def test_a_session_that_is_wrong_about_itself(
    cloud: Cloud, emulator: Emulator, shift: int, told: int | None
) -> None:
    session = await cloud.session_for("in/input.jsonl", size=SIZE)
    await cloud.send(session, DATA[:UNIT], 0, SIZE)
    emulator.faults.append(Fault.wrong_offset(shift, command=None))

    answer = await cloud.ask(session, SIZE)

    assert received(answer) == (None if told is None else f"bytes=0-{told}")


async def test_a_finished_upload_whose_answer_is_lost(
    cloud: Cloud, emulator: Emulator
) -> None:
    session = await cloud.session_for("in/input.jsonl", size=SIZE)
    emulator.faults.append(Fault(method="PUT", drop="after", times=TRIES))
    with pytest.raises(aiohttp.ClientError):
        await cloud.send(session, DATA, 0, SIZE)

    assert (await cloud.ask(session, SIZE)).json["size"] == str(SIZE)
    again = await cloud.send(session, DATA, 0, SIZE)
    assert again.json["size"] == str(SIZE)
    assert len(emulator.objects) == 1


async def test_a_status_instead_of_an_answer(cloud: Cloud, emulator: Emulator) -> None:
    emulator.faults.append(Fault(path="/upload/storage/*", status=503))

    answer = await cloud.start("x")

    assert answer.status == 503
    assert answer.json["error"]["errors"][0]["reason"] == "backendError"
    assert "status" not in answer.json["error"]


@pytest.mark.parametrize("cut", [0, 1, 7, 99])
async def test_a_download_that_is_cut_off(
    cloud: Cloud, emulator: Emulator, cut: int
) -> None:
    emulator.objects.put(URI, DATA[:100])
    emulator.faults.append(Fault(path="/storage/*", truncate_after=cut))
    got = bytearray()
    with pytest.raises(aiohttp.ClientPayloadError):
        await cloud.receive("in/input.jsonl", got)

    rest = await cloud.read("in/input.jsonl", Range=f"bytes={cut}-")

    assert bytes(got) + rest.body == DATA[:100]
    assert len(got) == cut


async def test_a_body_in_one_request_that_is_cut_off(
    cloud: Cloud, emulator: Emulator
) -> None:
    path = f"/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name=x"
    emulator.faults.append(Fault(method="POST", drop_body_after=10))

    with pytest.raises(aiohttp.ClientError):
        await cloud.call("POST", path, data=DATA)

    assert not emulator.objects


async def test_a_chunk_that_is_still_coming_when_the_next_one_is_there(
    cloud: Cloud, emulator: Emulator
) -> None:
    session = await cloud.session_for("in/input.jsonl", size=SIZE)
    go_on = anyio.Event()
    received_first = anyio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield DATA[:UNIT]
        received_first.set()
        await go_on.wait()
        yield b"X" * (SIZE - UNIT)

    async def send_slowly() -> None:
        headers = {"Content-Range": f"bytes 0-{SIZE - 1}/{SIZE}"}
        with pytest.raises(aiohttp.ClientError):
            await cloud.call("PUT", session, headers=headers, data=slow(), token={})

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(send_slowly)
        await received_first.wait()
        held = await cloud.ask(session, SIZE)
        while received(held) is None:
            held = await cloud.ask(session, SIZE)
        done = await cloud.send(session, DATA[UNIT:], UNIT, SIZE)
        go_on.set()

    assert done.status == 200
    assert stored(emulator) == DATA
