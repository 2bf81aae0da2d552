"""Results: one way to read them all, in constant memory, none dropped."""

import asyncio
import gc
import json
import tracemalloc
from pathlib import Path
from typing import Any

import anyio
import pytest
from attrs import evolve

from gemini_batch import (
    BatchJob,
    BatchResult,
    Client,
    JobFailedError,
    JobState,
    Outcome,
    ResultsUnavailableError,
    TransportError,
)
from gemini_batch._transfer import read_ahead
from gemini_batch._transport import transport
from gemini_batch.testing import Emulator, Fault, Limits, ManualClock
from tests.support.leaks import stray_tasks
from tests.support.rows import EMBED_MODEL, MODEL, jsonl, many, row

DOWNLOAD = "*:download"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that come in small pieces and wait for nobody."""
    original = read_ahead.ReadAhead.__init__

    def init(self: read_ahead.ReadAhead, *args: Any, **options: Any) -> None:
        original(self, *args, **{**options, "ahead": 1000, "patience": 0.01})

    monkeypatch.setattr(read_ahead.ReadAhead, "__init__", init)
    monkeypatch.setattr(transport, "_PIECE", 500)


async def finished(
    client: Client, clock: ManualClock, data: bytes, model: str = MODEL
) -> BatchJob:
    file = await client.files.upload(data)
    create = client.batches.create if model == MODEL else client.batches.create_embeddings
    job = await create(model, file_name=file)
    clock.advance(48 * 3600 - 60)
    return await client.batches.get(job)


async def read(client: Client, job: BatchJob | str) -> list[BatchResult]:
    return [result async for result in client.batches.results(job)]


async def read_slowly(client: Client, job: BatchJob) -> list[BatchResult]:
    """Take a while over a row now and then."""
    rows = []
    async for result in client.batches.results(job):
        rows.append(result)
        if len(rows) % 10 == 1:
            await anyio.sleep(0.03)
    return rows


async def test_a_file_is_read_whole(client: Client, clock: ManualClock) -> None:
    job = await finished(client, clock, many(300))

    rows = await read(client, job)

    assert [r.key for r in rows] == [f"k{n}" for n in range(300)]
    assert [r.index for r in rows] == list(range(300))
    assert all(r.ok and r.text for r in rows)


async def test_a_large_inline_job_is_read_beside_the_loop(
    client: Client, clock: ManualClock
) -> None:
    job = await client.batches.create(
        MODEL, inlined_requests=[row(f"k{n}", "Tell me more") for n in range(1500)]
    )
    clock.advance(3600)

    assert [r.key for r in await read(client, job.name)] == [f"k{n}" for n in range(1500)]


async def test_a_name_or_a_job_from_a_list_will_do(
    client: Client, clock: ManualClock
) -> None:
    job = await client.batches.create(MODEL, inlined_requests=[row("a")])
    clock.advance(3600)
    (listed,) = [j async for j in client.batches.list_all()]

    assert listed.succeeded
    assert listed.dest is None  # lists hide inline results
    for name in (job.name, job.id, job, listed):
        assert [r.key for r in await read(client, name)] == ["a"]
        assert [r.key for r in await client.batches.get_responses(name)] == ["a"]


async def test_every_outcome_comes_out(client: Client, clock: ManualClock) -> None:
    data = jsonl(
        row("ok"),
        row("blocked", "[emulator:block]"),
        row("filtered", "[emulator:safety]"),
        row("error", "[emulator:error:13]"),
        row("empty", "[emulator:empty]"),
        row(
            "cut",
            "Tell me everything",
            generationConfig={
                "maxOutputTokens": 2,
                "thinkingConfig": {"thinkingBudget": 0},
            },
        ),
    )
    job = await finished(client, clock, data)

    rows = {r.key: r for r in await read(client, job)}

    assert {key: r.outcome for key, r in rows.items()} == {
        "ok": Outcome.OK,
        "blocked": Outcome.BLOCKED,
        "filtered": Outcome.BLOCKED,
        "error": Outcome.ERROR,
        "empty": Outcome.EMPTY,
        "cut": Outcome.TRUNCATED,
    }
    assert rows["error"].error is not None
    assert rows["error"].error.reason == "INTERNAL"
    assert rows["cut"].text
    assert rows["ok"].usage is not None
    assert rows["ok"].usage.thoughts_token_count


async def test_embeddings_are_read_from_a_file(client: Client, clock: ManualClock) -> None:
    request = {"content": {"parts": [{"text": "x"}]}, "outputDimensionality": 4}
    data = jsonl({"key": "a", "request": request}, {"key": "b", "request": request})
    job = await finished(client, clock, data, EMBED_MODEL)

    rows = await read(client, job)

    assert [(r.key, r.outcome, len(r.embedding or ())) for r in rows] == [
        ("a", Outcome.OK, 4),
        ("b", Outcome.OK, 4),
    ]
    assert rows[0].usage is not None
    assert rows[0].usage.prompt_token_count


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("ignore_range", [False, True])
async def test_no_connection_waits_for_a_slow_consumer(
    emulator: Emulator,
    client: Client,
    clock: ManualClock,
    ignore_range: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    job = await finished(client, clock, many(40, "x" * 300))
    emulator.faults.append(Fault(path=DOWNLOAD, ignore_range=ignore_range, times=999))
    requests = len(emulator.log)

    rows = await read_slowly(client, job)

    assert [r.key for r in rows] == [f"k{n}" for n in range(40)]
    # Without ranges the file is seen once more from its beginning, and not a third time.
    count = len(emulator.log) - requests
    assert count == 2 if ignore_range else count > 2
    assert [p for p in tmp_path.iterdir() if p.suffix == ".part"] == []


@pytest.mark.usefixtures("impatient")
async def test_a_consumer_who_keeps_up_needs_one_connection(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, clock, many(40, "x" * 300))
    requests = len(emulator.log)

    rows = await read(client, job)

    assert [r.key for r in rows] == [f"k{n}" for n in range(40)]
    assert len(emulator.log) - requests == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("reader", [read, read_slowly])
@pytest.mark.parametrize("cut", [0, 1, 999])
@pytest.mark.parametrize("skip", [0, 3])
async def test_a_break_neither_loses_nor_repeats_a_row(
    emulator: Emulator, client: Client, clock: ManualClock, cut: int, skip: int, reader: Any
) -> None:
    job = await finished(client, clock, many(40))
    emulator.faults.append(Fault(path=DOWNLOAD, truncate_after=cut, skip=skip, times=2))

    rows = await reader(client, job)

    assert [r.key for r in rows] == [f"k{n}" for n in range(40)]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("skip", [1, 2])
async def test_a_service_that_stops_honouring_ranges_is_coped_with(
    emulator: Emulator, client: Client, clock: ManualClock, skip: int
) -> None:
    job = await finished(client, clock, many(40, "x" * 300))
    emulator.faults.append(Fault(path=DOWNLOAD, ignore_range=True, skip=skip, times=999))

    rows = await read_slowly(client, job)

    assert [r.key for r in rows] == [f"k{n}" for n in range(40)]


async def test_a_client_that_is_closed_ends_the_reading(
    emulator: Emulator, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "_PIECE", 500)
    monkeypatch.setattr(
        read_ahead.ReadAhead.__init__, "__kwdefaults__", {"ahead": 1000, "patience": 5.0}
    )
    async with Client(emulator.api) as client:
        job = await finished(client, clock, many(40, "x" * 300))
        rows = client.batches.results(job)
        await anext(rows)

    with pytest.raises(TransportError, match="the client was closed"):
        async for _ in rows:
            pass

    assert stray_tasks() == []


async def test_a_break_again_and_again_is_an_error(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, clock, many(3))
    emulator.faults.append(Fault(path=DOWNLOAD, truncate_after=0, times=999))

    with pytest.raises(TransportError, match=r"broke off|ClientPayloadError|Disconnected"):
        await read(client, job)


async def test_rows_that_are_broken_are_told_and_kept(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, clock, many(1))
    body = b'{"key":"a","response":{"candidates":[{}]}}\n{"key":"b"\n\n[]\r\n{"key":"c"}'
    emulator.faults.append(Fault(path=DOWNLOAD, status=200, body=body, times=9))

    rows = await read(client, job)

    assert [(r.key, r.outcome) for r in rows] == [
        ("a", Outcome.EMPTY),
        (None, Outcome.INVALID),
        (None, Outcome.INVALID),
        ("c", Outcome.INVALID),
    ]
    assert [r.raw for r in rows][1] == b'{"key":"b"'


async def test_a_line_of_many_megabytes_is_one_row(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, clock, many(1))
    text = "ü" * 10_000_000
    answer = {"candidates": [{"content": {"parts": [{"text": text}]}}]}
    line = json.dumps({"key": "big", "response": answer}, ensure_ascii=False).encode()
    body = line + b"\n" + line.replace(b"big", b"two")
    emulator.faults.append(Fault(path=DOWNLOAD, status=200, body=body, times=9))

    rows = await read(client, job)

    assert [(r.key, r.text == text) for r in rows] == [("big", True), ("two", True)]


async def test_an_empty_result_file_has_no_rows(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, clock, many(1))
    emulator.faults.append(Fault(path=DOWNLOAD, status=200, body=b""))
    assert await read(client, job) == []
    emulator.faults.append(Fault(path=DOWNLOAD, status=416, times=2))
    assert await read(client, job) == []


# Not there


async def test_an_unfinished_job_has_no_results(client: Client) -> None:
    job = await client.batches.create(MODEL, inlined_requests=[row("a")])

    with pytest.raises(ResultsUnavailableError) as caught:
        await read(client, job)
    with pytest.raises(ResultsUnavailableError, match=r"is pending\. Wait for it first"):
        await client.batches.get_responses(job.name)

    assert caught.value.reason == "not_finished"


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "EXPIRED"])
async def test_a_job_that_did_not_succeed_has_none(
    emulator: Emulator, client: Client, state: str
) -> None:
    job = await client.batches.create(MODEL, inlined_requests=[row("a")])
    emulator.script(job.name, f"BATCH_STATE_{state}")

    with pytest.raises(JobFailedError) as caught:
        await read(client, job)

    assert caught.value.job.state == state.lower()


@pytest.mark.parametrize("state", ["CANCELLED", "EXPIRED"])
async def test_its_requests_are_missing_for_who_asks_for_them(
    emulator: Emulator, client: Client, state: str
) -> None:
    job = await client.batches.create(MODEL, inlined_requests=[row("a")])
    emulator.script(job.name, f"BATCH_STATE_{state}")

    (result,) = [r async for r in client.batches.results(job, expected=["a"])]

    assert (result.key, result.outcome) == ("a", Outcome.MISSING)
    assert state.lower() in str(result.error)


async def test_results_elsewhere_are_located(client: Client, clock: ManualClock) -> None:
    job = await finished(client, clock, many(1))

    with pytest.raises(ResultsUnavailableError) as caught:
        await client.batches.get_responses(job)

    assert caught.value.reason == "in_file"
    assert job.dest is not None
    assert caught.value.location == job.dest.file_name


async def test_a_result_file_that_expired_is_told(
    client: Client, clock: ManualClock, emulator: Emulator
) -> None:
    job = await finished(client, clock, many(1))
    clock.advance(60 * 24 * 3600)

    with pytest.raises(ResultsUnavailableError) as caught:
        await read(client, job)

    assert caught.value.reason == "expired"
    assert caught.value.__cause__ is not None


async def test_an_output_that_never_comes_is_told(
    emulator: Emulator, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gemini_batch.resources.batches.results import result_reader as _results

    monkeypatch.setattr(_results, "_OUTPUT_PAUSE", 30.1)
    job = await client.batches.create(MODEL, inlined_requests=[row("a")])
    emulator.script(job.name, {"state": "BATCH_STATE_SUCCEEDED", "output": None})
    monkeypatch.setattr(_results, "_OUTPUT_PAUSE", 99.0)

    with pytest.raises(ResultsUnavailableError) as caught:
        await read(client, job)

    assert caught.value.reason == "not_ready"


async def test_an_output_that_comes_late_is_waited_for(
    emulator: Emulator, client: Client, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gemini_batch.resources.batches.results import result_reader as _results

    monkeypatch.setattr(_results, "_OUTPUT_PAUSE", 0.001)
    job = await client.batches.create(MODEL, inlined_requests=[row("a")])
    clock.advance(3600)
    late = {"state": "BATCH_STATE_SUCCEEDED", "output": None}
    emulator.script(job.name, late, late, "BATCH_STATE_SUCCEEDED")

    assert [r.key for r in await read(client, job)] == ["a"]


async def test_a_cancelled_job_from_a_list_is_asked_for_its_output(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await client.batches.create(MODEL, inlined_requests=[row("a")])
    rows = [{"metadata": {"key": "a"}, "error": {"code": 1}}]
    output = {"inlinedResponses": {"inlinedResponses": rows}}
    emulator.script(job.name, {"state": "BATCH_STATE_CANCELLED", "output": output})
    listed = evolve(await client.batches.get(job), dest=None)

    assert [r.key for r in await read(client, listed)] == ["a"]


async def test_partial_output_of_a_cancelled_job_is_read(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, clock, many(3))
    assert job.dest is not None
    emulator.script(
        job.name,
        {"state": "BATCH_STATE_CANCELLED", "output": {"responsesFile": job.dest.file_name}},
    )

    cancelled = await client.batches.get(job)

    assert cancelled.state is JobState.CANCELLED
    assert len(await read(client, cancelled)) == 3


# Leaving


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("ignore_range", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 20])
async def test_leaving_the_loop_leaves_nothing(
    emulator: Emulator,
    client: Client,
    clock: ManualClock,
    ignore_range: bool,
    steps: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    job = await finished(client, clock, many(40))
    emulator.faults.append(Fault(path=DOWNLOAD, ignore_range=ignore_range, times=999))
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, c: problems.append(c))

    count = 0
    async for _ in client.batches.results(job):
        count += 1
        if count == steps:
            break
    gc.collect()
    await anyio.sleep(0.01)

    assert problems == []
    assert stray_tasks() == []
    assert [p for p in tmp_path.iterdir() if p.suffix == ".part"] == []


async def test_other_tasks_run_while_many_results_are_read(
    client: Client, clock: ManualClock
) -> None:
    job = await finished(client, clock, many(2000))
    limiter = 0

    async def count() -> None:
        nonlocal limiter
        while True:
            await anyio.sleep(0)
            limiter += 1

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(count)
        rows = client.batches.results(job)
        await anext(rows)
        before = limiter
        async for _ in rows:
            pass
        tasks.cancel_scope.cancel()

    # Every half a millisecond; how much that is depends on the machine.
    assert limiter - before >= 4


async def test_memory_does_not_grow_with_the_results(clock: ManualClock) -> None:
    limits = Limits(rows_per_second=1e9)
    async with (
        Emulator(clock=clock, limits=limits) as emulator,
        Client(emulator.api) as client,
    ):
        job = await finished(client, clock, many(60_000, "x" * 60))
        assert job.dest is not None
        assert job.dest.file_name is not None
        size = emulator.files[job.dest.file_name].size
        assert size > 25_000_000
        tracemalloc.start()
        try:
            count = 0
            async for _ in client.batches.results(job):
                count += 1
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert count == 60_000
    # What is read ahead, and what the emulator in this process holds to send it.
    assert peak < 45_000_000


@pytest.mark.usefixtures("impatient")
async def test_a_file_that_cannot_be_kept_whole_leaves_nothing(
    emulator: Emulator,
    client: Client,
    clock: ManualClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without ranges the rest goes to a temporary file; here it never gets to its end."""
    job = await finished(client, clock, many(40))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    emulator.faults.append(
        Fault(path=DOWNLOAD, ignore_range=True, truncate_after=1500, times=999)
    )

    with pytest.raises(TransportError):
        await read_slowly(client, job)

    assert [p for p in tmp_path.iterdir() if p.suffix == ".part"] == []
