"""Waiting: a snapshot per look, and nothing left behind whatever happens."""

import asyncio
import gc
from contextlib import aclosing
from typing import Any

import anyio
import pytest

from gemini_batch import (
    BatchJob,
    Client,
    CompletionStats,
    InputError,
    JobKind,
    JobState,
    NotFoundError,
    PollSchedule,
    Progress,
    ServerError,
    TransportError,
    WaitTimeoutError,
)
from gemini_batch.resources.batches.polling import Tracker
from gemini_batch.testing import Emulator, Fault, ManualClock
from tests.support.leaks import stray_tasks
from tests.support.rows import MODEL, many, row

FAST = 0.002


@pytest.fixture
async def job(client: Client) -> BatchJob:
    return await client.batches.create(MODEL, inlined_requests=[row("a"), row("b")])


async def states(client: Client, job: BatchJob, **options: Any) -> list[str]:
    options.setdefault("poll_interval", FAST)
    return [p.state async for p in client.batches.wait(job, **options)]


async def test_each_look_is_a_snapshot_and_the_last_is_terminal(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    emulator.script(
        job.name, "BATCH_STATE_PENDING", "BATCH_STATE_RUNNING", "BATCH_STATE_SUCCEEDED"
    )

    seen = [p async for p in client.batches.wait(job.name, poll_interval=FAST)]

    assert [p.state for p in seen] == ["pending", "running", "succeeded"]
    assert [p.polls for p in seen] == [1, 2, 3]
    assert [p.next_poll_in for p in seen] == [FAST, FAST, 0.0]
    assert seen[-1].job.done
    assert seen[-1].eta == 0.0
    assert seen[0].elapsed <= seen[1].elapsed <= seen[2].elapsed


async def test_counts_move_as_the_clock_turns(
    client: Client, emulator: Emulator, clock: ManualClock
) -> None:
    file = await client.files.upload(many(1000))
    job = await client.batches.create(MODEL, file_name=file)
    seen: list[Progress] = []

    async for progress in client.batches.wait(job, poll_interval=FAST):
        seen.append(progress)
        clock.advance(4)

    percents = [p.percent or 0.0 for p in seen]
    assert percents == sorted(percents)
    assert len(set(percents)) > 3
    assert percents[-1] == 100.0
    assert any(p.rate and p.eta for p in seen)


@pytest.mark.parametrize("ending", ["FAILED", "CANCELLED", "EXPIRED", "SUCCEEDED"])
async def test_every_end_ends_the_wait(
    emulator: Emulator, client: Client, job: BatchJob, ending: str
) -> None:
    emulator.script(job.name, f"BATCH_STATE_{ending}")

    assert await states(client, job) == [ending.lower()]


async def test_an_unknown_state_is_waited_through(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    emulator.script(job.name, "BATCH_STATE_FROZEN", "BATCH_STATE_SUCCEEDED")

    assert await states(client, job) == ["frozen", "succeeded"]


async def test_an_output_that_comes_late_is_waited_for(
    emulator: Emulator, client: Client, job: BatchJob, clock: ManualClock
) -> None:
    clock.advance(3600)
    late = {"state": "BATCH_STATE_SUCCEEDED", "output": None}
    emulator.script(job.name, late, late, "BATCH_STATE_SUCCEEDED")

    seen = [p async for p in client.batches.wait(job, poll_interval=FAST)]

    assert len(seen) == 1
    assert seen[0].polls == 3
    assert seen[0].job.dest is not None


async def test_an_output_that_never_comes_does_not_hold_the_wait_up(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    emulator.script(job.name, {"state": "BATCH_STATE_SUCCEEDED", "output": None})
    schedule = PollSchedule(initial=FAST, cap=FAST, output_grace=0.05)

    (last,) = [p async for p in client.batches.wait(job, poll_interval=schedule)]

    assert last.job.succeeded
    assert last.job.dest is None
    assert last.polls > 1


# Failed looks


@pytest.mark.parametrize(
    "fault", [Fault(status=503, times=4), Fault(drop="before", times=8), Fault(status=429)]
)
async def test_a_failed_look_is_made_up_for(
    emulator: Emulator, client: Client, job: BatchJob, fault: Fault
) -> None:
    emulator.script(job.name, "BATCH_STATE_SUCCEEDED")
    emulator.faults.append(fault)

    assert await states(client, job) == ["succeeded"]


async def test_html_instead_of_json_is_a_failed_look(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    emulator.script(job.name, "BATCH_STATE_SUCCEEDED")
    emulator.faults.append(Fault(status=200, body=b"<html>", times=4))

    (last,) = [p async for p in client.batches.wait(job, poll_interval=FAST)]

    assert last.polls == 5


async def test_five_failed_looks_in_a_row_are_not_made_up_for(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    before = len(emulator.log)
    emulator.faults.append(Fault(status=503, times=999))

    with pytest.raises(ServerError):
        await states(client, job)

    # Four tries make one look.
    assert len(emulator.log) - before == 5 * 4


async def test_failed_looks_that_are_not_in_a_row_do_not_add_up(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    emulator.script(job.name, *["BATCH_STATE_RUNNING"] * 3, "BATCH_STATE_SUCCEEDED")
    polls = []

    async for progress in client.batches.wait(job, poll_interval=FAST):
        polls.append(progress.polls)
        emulator.faults.append(Fault(status=200, body=b"<html>", times=3))

    assert polls == [1, 5, 9, 13]


async def test_an_outage_from_the_start_is_a_transport_error(
    emulator: Emulator, client: Client
) -> None:
    await emulator.aclose()

    with pytest.raises(TransportError):
        async for _ in client.batches.wait("batches/abc", poll_interval=FAST):
            pass


async def test_a_deleted_job_is_not_waited_for(client: Client, job: BatchJob) -> None:
    snapshots = client.batches.wait(job, poll_interval=FAST)
    await anext(snapshots)
    await client.batches.delete(job)

    with pytest.raises(NotFoundError):
        await anext(snapshots)


# Deadlines


async def test_a_deadline_carries_the_last_job(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    emulator.script(job.name, "BATCH_STATE_RUNNING")

    with pytest.raises(WaitTimeoutError) as caught:
        await states(client, job, timeout=0.05)

    assert caught.value.last is not None
    assert caught.value.last.state is JobState.RUNNING
    assert caught.value.elapsed >= 0.05


async def test_a_deadline_cuts_a_look_short(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    emulator.faults.append(Fault(delay=5.0))

    with anyio.fail_after(2), pytest.raises(WaitTimeoutError) as caught:
        await states(client, job, timeout=0.05)

    assert caught.value.last is None


async def test_the_consumers_time_counts_towards_the_deadline(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    emulator.script(job.name, "BATCH_STATE_RUNNING")
    snapshots = client.batches.wait(job, poll_interval=FAST, timeout=0.03)

    await anext(snapshots)
    await anyio.sleep(0.04)

    with pytest.raises(WaitTimeoutError):
        await anext(snapshots)


async def test_a_consumer_slower_than_the_interval_gets_fresh_looks(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    emulator.script(
        job.name, "BATCH_STATE_PENDING", "BATCH_STATE_RUNNING", "BATCH_STATE_FAILED"
    )
    seen = []

    async for progress in client.batches.wait(job, poll_interval=FAST):
        seen.append(progress.state)
        await anyio.sleep(0.02)

    assert seen == ["pending", "running", "failed"]


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
async def test_a_timeout_must_be_seconds(client: Client, timeout: float) -> None:
    with pytest.raises(InputError, match="timeout"):
        client.batches.wait("batches/abc", timeout=timeout)


@pytest.mark.parametrize("interval", [0, -1, float("nan"), float("inf")])
async def test_an_interval_must_be_seconds(client: Client, interval: float) -> None:
    with pytest.raises(InputError, match="poll_interval"):
        client.batches.wait("batches/abc", poll_interval=interval)


# Leaving


async def test_leaving_the_loop_leaves_nothing(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, c: problems.append(c))
    for steps in (1, 2, 3):
        emulator.script(job.name, "BATCH_STATE_RUNNING")
        count = 0
        async for _ in client.batches.wait(job, poll_interval=FAST):
            count += 1
            if count == steps:
                break
    gc.collect()
    await anyio.sleep(0.01)
    gc.collect()

    assert problems == []
    assert stray_tasks() == []
    assert (await client.batches.get(job)).running


@pytest.mark.parametrize("after", [0.0, 0.001, 0.004, 0.02])
@pytest.mark.parametrize("native", [False, True])
async def test_cancelling_a_wait_leaves_nothing(
    emulator: Emulator, client: Client, job: BatchJob, after: float, native: bool
) -> None:
    emulator.script(job.name, "BATCH_STATE_RUNNING")
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, c: problems.append(c))

    async def forever() -> None:
        async for _ in client.batches.wait(job, poll_interval=FAST):
            pass

    if native:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(after):
                await forever()
    else:
        with anyio.move_on_after(after):
            await forever()
    gc.collect()
    await anyio.sleep(0)

    assert problems == []
    assert (await client.batches.get(job)).running


async def test_a_timeout_of_the_consumers_own_is_a_timeout(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    """A scope around the loop works, because none is open inside it."""
    emulator.script(job.name, "BATCH_STATE_RUNNING")

    async def slowly() -> None:
        with anyio.fail_after(0.05):
            async for _ in client.batches.wait(job, poll_interval=FAST):
                await anyio.sleep(0.01)

    with pytest.raises(TimeoutError):
        await slowly()


# poll


async def test_poll_is_the_wait_in_one_await(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    emulator.script(job.name, "BATCH_STATE_RUNNING", "BATCH_STATE_SUCCEEDED")
    seen: list[str] = []

    async def later(progress: Progress) -> None:
        await anyio.sleep(0)
        seen.append(progress.state)

    first = await client.batches.poll(
        job, poll_interval=FAST, on_progress=lambda p: seen.append(p.state)
    )
    second = await client.batches.poll(job, poll_interval=FAST, on_progress=later)
    third = await client.batches.poll(job, poll_interval=FAST)

    assert first.succeeded
    assert second == first or second.succeeded
    assert third.succeeded
    assert seen == ["running", "succeeded", "succeeded"]


async def test_what_on_progress_raises_comes_out(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    def stop(_: Progress) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError):
        await client.batches.poll(job, poll_interval=FAST, on_progress=stop)


async def test_the_default_schedule_starts_short(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    emulator.script(job.name, "BATCH_STATE_RUNNING")
    snapshots = client.batches.wait(job)
    async with aclosing(snapshots):
        first = await anext(snapshots)

    assert first.next_poll_in == pytest.approx(2.0, rel=0.11)


# What a series of looks tells


def look(done: int, total: int = 100, state: JobState = JobState.RUNNING) -> BatchJob:
    return BatchJob(
        name="batches/a",
        state=state,
        kind=JobKind.GENERATE,
        completion_stats=CompletionStats(
            total_count=total, success_count=done, pending_count=total - done
        ),
    )


def test_rate_and_time_left_come_from_the_counts() -> None:
    tracker = Tracker(started=100.0)

    first = tracker.progress(look(10), now=101.0, polls=1, pause=5.0)
    second = tracker.progress(look(10), now=111.0, polls=2, pause=5.0)
    third = tracker.progress(look(30), now=121.0, polls=3, pause=5.0)

    assert (first.rate, first.eta, first.stalled_for) == (None, None, 0.0)
    assert (second.rate, second.eta, second.stalled_for) == (None, None, 10.0)
    # Twenty rows in the ten seconds since the counts were last seen standing still.
    assert (third.rate, third.eta, third.stalled_for) == (2.0, 35.0, 0.0)
    assert third.elapsed == 21.0


def test_jobs_without_counts_have_no_rate() -> None:
    tracker = Tracker(started=0.0)
    bare = BatchJob(name="batches/a", state=JobState.RUNNING, kind=JobKind.GENERATE)

    assert tracker.progress(bare, now=1.0, polls=1, pause=1.0).rate is None
    assert tracker.progress(look(0, total=0), now=2.0, polls=2, pause=1.0).eta is None
    assert tracker.progress(look(5), now=2.0, polls=3, pause=1.0).rate is None
    assert tracker.progress(look(9), now=2.0, polls=4, pause=1.0).rate is None


def test_counts_that_go_back_give_no_rate() -> None:
    tracker = Tracker(started=0.0)
    tracker.progress(look(50), now=1.0, polls=1, pause=1.0)

    assert tracker.progress(look(40), now=2.0, polls=2, pause=1.0).rate is None


def test_an_ended_job_has_no_time_left() -> None:
    tracker = Tracker(started=0.0)

    ended = tracker.progress(look(50, state=JobState.FAILED), now=1.0, polls=1, pause=9.0)

    assert (ended.eta, ended.next_poll_in) == (0.0, 0.0)
