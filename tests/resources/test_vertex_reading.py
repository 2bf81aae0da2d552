"""Results in Cloud Storage, with trouble on the way: each row once, and nothing left open."""

import asyncio
import gc
import json
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import anyio
import pytest
from attrs import evolve

from gemini_batch import (
    BatchJob,
    BatchResult,
    Client,
    TransportError,
)
from gemini_batch._transfer import read_ahead
from gemini_batch._transport import transport
from gemini_batch.resources.batches.results import gcs_lines
from gemini_batch.testing import Emulator, Fault, Limits, ManualClock
from tests.support.leaks import stray_tasks
from tests.support.rows import jsonl, many
from tests.support.settings import QUICK
from tests.support.vertex_output import (
    LIST,
    READ,
    answered,
    finished,
    folder_of,
    lines_of,
    read,
    read_slowly,
    stored,
    until,
    with_objects,
)


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[Client]:
    async with Client(emulator.vertex, retry=QUICK) as client:
        yield client


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that come in small pieces, take turns often and wait for nobody."""
    original = read_ahead.ReadAhead.__init__

    def init(self: read_ahead.ReadAhead, *args: Any, **options: Any) -> None:
        original(self, *args, **{**options, "ahead": 1000, "patience": 0.01})

    monkeypatch.setattr(read_ahead.ReadAhead, "__init__", init)
    monkeypatch.setattr(transport, "_PIECE", 500)
    monkeypatch.setattr(gcs_lines, "TURN", 700)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("reader", [read, read_slowly])
@pytest.mark.parametrize("shards", [0, 5])
@pytest.mark.parametrize(
    "trouble",
    [
        {"truncate_after": 0},
        {"truncate_after": 1},
        {"truncate_after": 999},
        {"status": 503},
        {"drop": "after"},
        {"stall_after": 600, "delay": 0.02},
        {"ignore_range": True},
    ],
    ids=lambda trouble: "-".join(map(str, trouble.items())),
)
async def test_trouble_neither_loses_nor_repeats_nor_changes_a_row(
    emulator: Emulator,
    client: Client,
    clock: ManualClock,
    reader: Any,
    shards: int,
    trouble: dict[str, Any],
) -> None:
    job = await finished(client, emulator, clock, many(60), shards=shards)
    for skip in (0, 2, 3):
        emulator.faults.append(Fault(**READ, **trouble, skip=skip))

    rows = await reader(client, job)

    assert sorted(lines_of(rows)) == sorted(stored(emulator, job))
    assert [r.index for r in rows] == list(range(60))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("shards", [0, 6])
async def test_a_token_that_runs_out_on_the_way_is_renewed(
    emulator: Emulator, client: Client, clock: ManualClock, shards: int
) -> None:
    job = await finished(client, emulator, clock, many(60, "x" * 200), shards=shards)
    results = client.batches.results(job)
    rows = [await anext(results)]
    await anyio.sleep(0.03)  # connections are closed, and opened again later
    emulator.expire_token()

    rows.extend([result async for result in results])

    assert sorted(lines_of(rows)) == sorted(stored(emulator, job))
    assert 401 in [entry.status for entry in emulator.log]


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_list_that_fails_is_asked_for_again(
    emulator: Emulator, client: Client, clock: ManualClock, status: int
) -> None:
    job = await finished(client, emulator, clock, many(3))
    emulator.faults.append(Fault(**LIST, status=status, times=2))

    assert len(await read(client, job)) == 3


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("shards", [0, 3])
@pytest.mark.parametrize("begun", [False, True])
async def test_an_object_that_changes_is_not_mixed_with_what_it_was(
    emulator: Emulator, client: Client, clock: ManualClock, shards: int, begun: bool
) -> None:
    """Between the list and the first read, or between two."""
    job = await finished(client, emulator, clock, many(60, "x" * 200), shards=shards)
    whole = stored(emulator, job)
    results = client.batches.results(job)
    rows: list[BatchResult] = []
    if begun:
        rows.append(await anext(results))
        await anyio.sleep(0.03)  # connections are closed, and opened again later
    emulator.faults.append(Fault.object_changed(**READ))

    async def read_on() -> None:
        async for result in results:
            rows.append(result)  # noqa: PERF401 - those before the error, too

    with pytest.raises(TransportError, match="changed while it was read"):
        await read_on()

    assert set(lines_of(rows)) <= set(whole)
    assert len(rows) < 60
    assert stray_tasks() == []


async def test_an_object_that_goes_before_it_is_read_is_told(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, emulator, clock, many(30), shards=6)
    results = client.batches.results(job)
    rows = [await anext(results)]
    gone = f"{folder_of(job)}/predictions_0006.jsonl"
    emulator.objects.remove(emulator.objects[gone])

    async def read_on() -> None:
        async for result in results:
            rows.append(result)  # noqa: PERF401 - those before the error, too

    with pytest.raises(TransportError, match=r"predictions_0006\.jsonl changed"):
        await read_on()

    assert len(rows) == 25


async def test_a_break_again_and_again_is_an_error(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, emulator, clock, many(30), shards=6)
    emulator.faults.append(Fault(**READ, truncate_after=0, times=None))

    with pytest.raises(TransportError):
        await read(client, job)

    assert stray_tasks() == []


# The order


@pytest.mark.usefixtures("impatient")
async def test_the_order_is_the_same_however_the_bytes_arrive(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    """Rows without keys are told apart by their index."""
    job = await finished(client, emulator, clock, many(120), shards=6)

    first = await read(client, job)
    second = await read_slowly(client, job)
    emulator.faults.append(Fault(**READ, bytes_per_second=50_000))
    emulator.faults.append(Fault(**READ, skip=2, truncate_after=1500))
    third = await read(client, job)

    order = [r.key for r in first]
    assert [r.key for r in second] == order
    assert [r.key for r in third] == order
    # Several objects take turns.
    places = [n for n, key in enumerate(order) if key in order[:6]]
    assert places == [*range(6)]
    shard = [json.loads(line)["key"] for line in shards_of(emulator, job)[0].splitlines()]
    assert [order.index(key) for key in shard] != [*range(len(shard))]


def shards_of(emulator: Emulator, job: BatchJob) -> list[bytes]:
    prefix = f"{folder_of(job)}/predictions_"
    return [
        emulator.objects[name].read()
        for name in sorted(emulator.objects)
        if name.startswith(prefix)
    ]


# Leaving, waiting, memory


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("shards", [0, 6])
async def test_no_connection_waits_for_a_slow_consumer(
    emulator: Emulator, client: Client, clock: ManualClock, shards: int
) -> None:
    job = await finished(client, emulator, clock, many(60, "x" * 300), shards=shards)
    requests = len(emulator.log)

    rows = await read_slowly(client, job)

    assert sorted(lines_of(rows)) == sorted(stored(emulator, job))
    # A list, and more reads than there are objects.
    assert len(emulator.log) - requests > 1 + max(1, shards)


async def test_so_many_objects_are_read_at_a_time(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, emulator, clock, many(90), shards=9)
    emulator.faults.append(Fault(**READ, stall_after=10, delay=0.3, times=9))
    requests = len(emulator.log)

    async def start() -> None:
        async with aclosing(client.batches.results(job)) as rows:
            await anext(rows)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(start)
        await until(lambda: len(emulator.log) - requests > gcs_lines.AT_ONCE)
        await anyio.sleep(0.02)
        reads = len(emulator.log) - requests - 1
        tasks.cancel_scope.cancel()

    assert reads == gcs_lines.AT_ONCE
    assert stray_tasks() == []


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("shards", [0, 6])
@pytest.mark.parametrize("steps", [1, 2, 40])
async def test_leaving_the_loop_leaves_nothing(
    emulator: Emulator, client: Client, clock: ManualClock, shards: int, steps: int
) -> None:
    job = await finished(client, emulator, clock, many(60), shards=shards)
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, c: problems.append(c))

    count = 0
    async for _ in client.batches.results(job):
        count += 1
        if count == steps:
            break
    gc.collect()
    await until(lambda: not stray_tasks())

    assert problems == []
    assert stray_tasks() == []


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("shards", [0, 6])
@pytest.mark.parametrize("moment", [0, 1, 3, 10, 30])
async def test_cancellation_at_any_moment_leaves_nothing(
    emulator: Emulator, client: Client, clock: ManualClock, shards: int, moment: int
) -> None:
    job = await finished(client, emulator, clock, many(60), shards=shards)
    emulator.faults.append(Fault(**READ, bytes_per_second=20_000, times=None))
    task = asyncio.create_task(read(client, job))
    for _ in range(moment):
        await anyio.sleep(0.002)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert stray_tasks() == []


async def test_a_client_that_is_closed_ends_the_reading(
    emulator: Emulator, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_PIECE", 500)
    monkeypatch.setattr(
        read_ahead.ReadAhead.__init__, "__kwdefaults__", {"ahead": 1000, "patience": 5.0}
    )
    async with Client(emulator.vertex) as client:
        job = await finished(client, emulator, clock, many(40, "x" * 300), shards=3)
        rows = client.batches.results(job)
        await anext(rows)

    with pytest.raises(TransportError, match="the client was closed"):
        async for _ in rows:
            pass

    assert stray_tasks() == []


async def test_memory_does_not_grow_with_the_results(clock: ManualClock) -> None:
    limits = Limits(rows_per_second=1e9)
    async with (
        Emulator(clock=clock, limits=limits) as emulator,
        Client(emulator.vertex) as client,
    ):
        line = jsonl(answered("k", "x" * 20_000))
        shard = line * (3_000_000 // len(line))
        names = [f"predictions_{n}" for n in range(8)]
        job = await with_objects(client, emulator, clock, **dict.fromkeys(names, shard))
        tracemalloc.start()
        try:
            count = 0
            async for _ in client.batches.results(job):
                count += 1
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert count == 8 * shard.count(b"\n")
    # 24 MB in all; what is read ahead, and what the emulator in this process holds.
    assert peak < 15_000_000


async def test_an_older_job_may_be_read_again(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    """A job that is passed as it was is read where it says, without another look."""
    job = await finished(client, emulator, clock, many(3))
    looks = emulator.vertex_jobs[job.name].looks

    await read(client, job)
    await read(client, evolve(job, display_name="other"))

    assert emulator.vertex_jobs[job.name].looks == looks
