"""Two hundred random moments of cancellation leave nothing behind."""

import asyncio
import contextlib
import gc
import os
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import pytest

from gemini_batch import BatchJob, Client, write_results
from gemini_batch.testing import Emulator, Fault, Limits, ManualClock
from tests.support.leaks import stray_tasks
from tests.support.rows import MODEL, many
from tests.support.settings import QUICK

MOMENTS = 20
SEED = 20261122
CHUNKS = 3 << 20


def sockets() -> int:
    """Sockets this process has open, the emulator's included."""
    count = 0
    for handle in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            count += str(handle.readlink()).startswith("socket:")
    return count


async def pieces() -> AsyncIterator[bytes]:
    for _ in range(6):
        yield os.urandom(1 << 19)
        await anyio.sleep(0)


async def upload(client: Client, folder: Path, job: BatchJob) -> None:
    path = folder / "in.bin"
    if not path.exists():
        path.write_bytes(os.urandom(CHUNKS))
    await client.files.upload(path)


async def upload_iterable(client: Client, folder: Path, job: BatchJob) -> None:
    await client.files.upload(pieces())


async def submit(client: Client, folder: Path, job: BatchJob) -> None:
    path = folder / "in.jsonl"
    if not path.exists():
        path.write_bytes(many(3000))
    await client.batches.submit(MODEL, path)


async def wait(client: Client, folder: Path, job: BatchJob) -> None:
    async for _ in client.batches.wait(job, poll_interval=0.001, timeout=0.03):
        pass


async def results(client: Client, folder: Path, job: BatchJob) -> None:
    async for _ in client.batches.results(job):
        await anyio.sleep(0)


async def download(client: Client, folder: Path, job: BatchJob) -> None:
    assert job.dest is not None
    await client.files.download(job.dest.file_name or "", folder / "out")


async def write(client: Client, folder: Path, job: BatchJob) -> None:
    await write_results(client.batches.results(job), folder / "out.jsonl")


async def cut(operation: Coroutine[Any, Any, None], after: float, native: bool) -> None:
    """Run `operation` and cancel it after `after` seconds, unless it is done by then."""
    if native:
        task = asyncio.ensure_future(operation)
        await asyncio.sleep(after)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, TimeoutError):
            await task
        return
    with anyio.move_on_after(after):
        with contextlib.suppress(TimeoutError):
            await operation


@pytest.mark.parametrize(
    ("operation", "longest", "ignore_range"),
    [
        (upload, 0.06, False),
        (upload_iterable, 0.06, False),
        (submit, 0.15, False),
        (wait, 0.03, False),
        (results, 0.10, False),
        (results, 0.10, True),
        (download, 0.02, False),
        (write, 0.10, False),
    ],
)
@pytest.mark.parametrize("native", [False, True])
async def test_cancelling_leaves_nothing(
    operation: Callable[[Client, Path, BatchJob], Coroutine[Any, Any, None]],
    longest: float,
    ignore_range: bool,
    native: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    rng = random.Random(SEED)
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, c: problems.append(c))
    clock = ManualClock()
    async with Emulator(clock=clock, limits=Limits(rows_per_second=1e9)) as emulator:
        # The emulator's own files are made above; ours go where they can be counted.
        monkeypatch.setattr("tempfile.tempdir", str(temporary))
        before = sockets()
        async with Client(emulator.api, retry=QUICK) as client:
            file = await client.files.upload(many(4000, "x" * 60))
            job = await client.batches.create(MODEL, file_name=file)
            clock.advance(3600)
            job = await client.batches.get(job)
            [r async for r in client.batches.results(job)]
            emulator.faults.append(
                Fault(path="*:download", ignore_range=ignore_range, times=10**6)
            )
            for moment in range(MOMENTS):
                after = rng.uniform(0, longest)
                await cut(operation(client, tmp_path, job), after, native)
                for _ in range(5):
                    # Tasks that have been cancelled need a turn of the loop to end.
                    await asyncio.sleep(0)
                assert stray_tasks() == [], f"moment {moment}: after {after}"
            # Abandoned worker threads finish what they were at.
            await anyio.sleep(0.05)
            gc.collect()
            await anyio.sleep(0.01)
            assert list(temporary.glob("*.part")) == []
            assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
            assert client._owned is not None
            connector = client._owned.connector
            assert connector is not None
            assert len(connector._acquired) == 0
            assert (await client.batches.get(job)).succeeded
        with anyio.fail_after(2):
            while sockets() > before:
                await anyio.sleep(0.01)
    gc.collect()
    assert problems == []
    assert list(temporary.iterdir()) == []
