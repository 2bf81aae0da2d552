"""How uploads go on the wire: in one request, in chunks after a failure, a few at a time."""

import asyncio
import os
import threading
from pathlib import Path

import anyio
import pytest

from gemini_batch import Client, InputError, TransferProgress, TransportError
from gemini_batch._transfer import upload as _upload
from gemini_batch._transfer.upload import UploadPlan
from gemini_batch._transfer.upload_source import Source
from gemini_batch.resources.files import UPLOADS_AT_ONCE
from gemini_batch.testing import Emulator, Fault
from tests.support.leaks import stray_tasks
from tests.support.settings import QUICK

CHUNK = 262_144
UPLOADS = "/upload/*"
LAST = "upload, finalize"


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make small data several chunks."""
    monkeypatch.setattr(_upload, "CHUNK", CHUNK)


def commands(emulator: Emulator) -> list[str]:
    return [entry.headers["X-Goog-Upload-Command"] for entry in emulator.log]


def open_uploads(emulator: Emulator) -> int:
    """Requests with bytes that have come and are not answered."""
    return sum(
        entry.status is None and entry.headers["X-Goog-Upload-Command"] == LAST
        for entry in emulator.log
    )


@pytest.mark.usefixtures("small_chunks")
async def test_a_file_goes_in_one_request(emulator: Emulator, client: Client) -> None:
    file = await client.files.upload(bytes(5 * CHUNK))

    assert file.size_bytes == 5 * CHUNK
    assert commands(emulator) == ["start", LAST]


@pytest.mark.usefixtures("small_chunks")
async def test_what_is_left_after_a_failure_goes_in_chunks(
    emulator: Emulator, client: Client
) -> None:
    """Also past something on the way that lets only so large requests through."""
    data = os.urandom(6 * CHUNK + 1)
    emulator.faults += [
        Fault(path=UPLOADS, command=LAST, drop_body_after=2 * CHUNK + 5),
        Fault(path=UPLOADS, command="upload", status=413),
    ]

    file = await client.files.upload(data)

    assert emulator.files[file.name].read() == data
    assert commands(emulator) == [
        *("start", LAST, "query"),
        *("upload", "query"),
        *("upload", "upload", "upload", "upload", LAST),
    ]


def test_a_plan_without_chunks_is_one_step() -> None:
    plan = UploadPlan(size=10, granularity=4, chunk_size=None)

    assert plan.step(0) == (10, True)
    assert plan.step(3) == (7, True)


async def test_speed_and_time_left_are_told(client: Client) -> None:
    seen: list[TransferProgress] = []

    async def note(progress: TransferProgress) -> None:
        seen.append(progress)
        await anyio.sleep(0.002)

    await client.files.upload(bytes(8 << 20), on_progress=note)

    assert (seen[0].rate, seen[0].eta) == (None, None)
    for progress in seen[1:-1]:
        assert progress.rate is not None
        assert progress.rate > 0
        assert progress.eta == ((8 << 20) - progress.done) / progress.rate
    assert seen[-1].eta == 0.0


async def test_a_file_that_shrinks_on_the_way_is_an_input_error(
    client: Client, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(bytes(8 << 20))

    def shrink(progress: TransferProgress) -> None:
        if progress.done:
            os.truncate(path, (4 << 20) + 5)

    with pytest.raises(InputError, match="fewer now"):
        await client.files.upload(path, on_progress=shrink)

    assert stray_tasks() == []


async def test_a_client_closed_meanwhile_ends_the_upload(emulator: Emulator) -> None:
    half = asyncio.Event()

    async def wait(progress: TransferProgress) -> None:
        if progress.done == 2 << 20:
            half.set()
            await anyio.sleep(0.02)

    async with Client(emulator.api, retry=QUICK) as client:
        upload = asyncio.ensure_future(
            client.files.upload(bytes(8 << 20), on_progress=wait)
        )
        await half.wait()
        await client.aclose()
        with pytest.raises((TransportError, RuntimeError)):
            await upload

    assert dict(emulator.files) == {}
    assert stray_tasks() == []


async def test_a_client_closed_while_it_reads_ends_the_upload(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes are on a disk that takes its time."""
    asked, spun = threading.Event(), threading.Event()

    def read(self: Source, offset: int, stop: int) -> list[bytes]:
        asked.set()
        spun.wait(5)
        return []

    monkeypatch.setattr(Source, "read", read)
    async with Client(emulator.api, retry=QUICK) as client:
        upload = asyncio.ensure_future(client.files.upload(b"abc"))
        while not asked.is_set():
            await anyio.sleep(0.001)
        await client.aclose()
        with pytest.raises(TransportError, match="the client was closed"):
            await upload
    spun.set()

    assert commands(emulator) == ["start"]
    assert stray_tasks() == []


@pytest.mark.parametrize("error", [TransportError(message="mine"), KeyError("mine")])
async def test_what_a_callback_raises_is_no_failure_of_the_upload(
    emulator: Emulator, client: Client, error: Exception
) -> None:
    def stop(progress: TransferProgress) -> None:
        if progress.done:
            raise error

    with pytest.raises(type(error)) as caught:
        await client.files.upload(bytes(3 << 20), on_progress=stop)

    assert caught.value is error
    assert commands(emulator) == ["start", LAST]


async def test_a_few_uploads_send_at_a_time(emulator: Emulator, client: Client) -> None:
    emulator.faults.append(Fault(path=UPLOADS, command=LAST, delay=0.02, times=None))
    most = 0

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(client.files.upload, bytes([number]) * 300_000)
        while len(emulator.files) < 20:
            most = max(most, open_uploads(emulator))
            await anyio.sleep(0.001)

    assert most == UPLOADS_AT_ONCE
    assert {file.read() for file in emulator.files.values()} == {
        bytes([number]) * 300_000 for number in range(20)
    }


async def test_a_cancelled_upload_that_waits_leaves_nothing(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(
        Fault(path=UPLOADS, command=LAST, delay=0.1, times=UPLOADS_AT_ONCE)
    )

    async with anyio.create_task_group() as tasks:
        for _ in range(UPLOADS_AT_ONCE):
            tasks.start_soon(client.files.upload, b"abc")
        while open_uploads(emulator) < UPLOADS_AT_ONCE:
            await anyio.sleep(0.001)
        with anyio.move_on_after(0.01) as scope:
            await client.files.upload(b"never")
        waiting = asyncio.ensure_future(client.files.upload(b"never"))
        await asyncio.sleep(0.001)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    assert scope.cancelled_caught
    assert len(emulator.files) == UPLOADS_AT_ONCE
    assert len(emulator.log) == 2 * UPLOADS_AT_ONCE
    # Its place is free.
    for _ in range(UPLOADS_AT_ONCE + 1):
        await client.files.upload(b"abc")
    assert stray_tasks() == []
