"""Jobs are found, listed, waited for, cancelled and deleted."""

import asyncio
from collections.abc import Sequence

import pytest

from gemini_batch import (
    BadRequestError,
    BatchJob,
    Client,
    InputError,
    JobState,
    NotFoundError,
    Progress,
    WaitTimeoutError,
)
from gemini_batch.testing import Emulator, Limits, ManualClock
from tests.apis.sides import Side
from tests.support.rows import MODEL, row
from tests.support.settings import QUICK


async def make(client: Client, count: int) -> list[BatchJob]:
    return [
        await client.batches.submit(MODEL, [row("a")], display_name=f"job {n}")
        for n in range(count)
    ]


def named(jobs: Sequence[BatchJob]) -> list[str | None]:
    return [job.display_name for job in jobs]


async def test_a_job_is_got_by_name_id_or_value(client: Client) -> None:
    (job,) = await make(client, 1)

    for name in (job.name, job.id, job):
        assert await client.batches.get(name) == job


@pytest.mark.parametrize("name", ["", "a/b", "files/abc", "../x", 3, None])
async def test_what_is_no_name_is_refused(side: Side, client: Client, name: str) -> None:
    batches = client.batches
    for call in (batches.get, batches.cancel, batches.delete, batches.poll):
        with pytest.raises(InputError, match=r"name: .* is not the name of a job"):
            await call(name)

    assert side.emulator.log == []


async def test_there_is_no_such_job(client: Client) -> None:
    batches = client.batches
    for call in (batches.get, batches.cancel, batches.delete, batches.poll):
        with pytest.raises(NotFoundError):
            await call("1234567890123456789")
    with pytest.raises(NotFoundError):
        [row async for row in batches.results("1234567890123456789")]


# Lists


async def test_jobs_are_listed_newest_first(client: Client) -> None:
    jobs = await make(client, 5)

    page = await client.batches.list(page_size=2)
    rest = await client.batches.list(page_size=2, page_token=page.next_page_token)
    everything = [job async for job in client.batches.list_all(page_size=2)]

    assert named(page.items) == ["job 4", "job 3"]
    assert named(rest.items) == ["job 2", "job 1"]
    assert page.has_more
    assert [job.name for job in everything] == [job.name for job in reversed(jobs)]
    assert {job.intent_token for job in everything} == {job.intent_token for job in jobs}


async def test_a_page_token_that_is_none_is_told(client: Client) -> None:
    with pytest.raises(BadRequestError, match="page token"):
        await client.batches.list(page_token="garbage")


async def test_an_empty_list_is_empty(client: Client) -> None:
    page = await client.batches.list()

    assert (page.items, page.has_more) == ((), False)
    assert [job async for job in client.batches.list_all()] == []


@pytest.mark.parametrize("size", [0, 101])
async def test_a_page_has_a_size(side: Side, client: Client, size: int) -> None:
    with pytest.raises(InputError, match="page_size"):
        await client.batches.list(page_size=size)
    with pytest.raises(InputError, match="page_size"):
        client.batches.list_all(page_size=size)

    assert side.emulator.log == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ('display_name="job 1"', [1]),
        ('display_name!="job 1"', [3, 2, 0]),
        ('display_name:"job*"', [3, 2, 1, 0]),
        ('display_name:"*2"', [2]),
        ('display_name:"job"', []),
        ('display_name="job"', []),
        ('state="running"', [0]),
        ('state!="running"', [3, 2, 1]),
        ('state="dreaming"', []),
        ('state!="dreaming" AND display_name:"*1"', [1]),
        ('state="JOB_STATE_RUNNING"', [0]),
        ('state="BATCH_STATE_PENDING" AND display_name:"*1"', [1]),
        (f'model="{MODEL}"', [3, 2, 1, 0]),
        (f'model!="{MODEL}"', []),
        ('model="gemini-2.5-pro"', []),
        ('create_time>"2026-09-01T10:00:02Z"', [3, 2, 1]),
        ('create_time<"2026-09-01T10:00:02Z" AND state="running"', [0]),
        ('create_time>"2000-01-01T00:00:00Z" AND display_name="job 3"', [3]),
    ],
)
async def test_a_filter_means_the_same(
    client: Client, clock: ManualClock, wanted: str, found: list[int]
) -> None:
    await make(client, 1)
    clock.advance(2.5)
    for n in range(1, 4):
        await client.batches.submit(MODEL, [row("a")], display_name=f"job {n}")

    page = await client.batches.list(filter=wanted)
    everything = [j async for j in client.batches.list_all(filter=wanted, page_size=1)]

    assert named(page.items) == named(everything) == [f"job {n}" for n in found]


@pytest.mark.parametrize(
    "name", ['it\'s "so"', "back\\slash", "a*b", "ü … 中", " ", "x--gb0", 'a" OR "b']
)
async def test_any_name_can_be_asked_for(client: Client, name: str) -> None:
    await make(client, 2)
    job = await client.batches.submit(MODEL, [row("a")], display_name=name)
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')

    page = await client.batches.list(filter=f'display_name="{escaped}"')

    assert (job.display_name, named(page.items)) == (name, [name])


# Waiting


async def test_each_look_is_a_snapshot_and_the_last_is_terminal(
    client: Client, clock: ManualClock
) -> None:
    job = await client.batches.submit(MODEL, [row(f"k{n}") for n in range(100)])
    looks: list[Progress] = []

    async for progress in client.batches.wait(job, poll_interval=0.001):
        looks.append(progress)
        clock.advance(1.5)

    states = [look.state for look in looks]
    assert states == sorted(states, key=[*dict.fromkeys(states)].index)
    assert list(dict.fromkeys(states)) == [
        JobState.PENDING,
        JobState.RUNNING,
        JobState.SUCCEEDED,
    ]
    assert [look.polls for look in looks] == list(range(1, len(looks) + 1))
    done = [0 if look.stats is None else look.stats.done_count for look in looks]
    assert done == sorted(done)
    assert 0 < done[-2] < done[-1] == 100
    # Where the service does not know the total, there is no percentage until the end.
    assert all(look.percent is None or look.percent < 100 for look in looks[:-1])
    last = looks[-1]
    assert (last.percent, last.eta, last.next_poll_in) == (100.0, 0.0, 0.0)
    assert last.job.completion_stats is not None
    assert last.job.completion_stats.success_count == 100
    assert last.job.completion_stats.total_count == 100
    assert last.job.succeeded
    assert [r async for r in client.batches.results(last.job)]


async def test_poll_is_the_wait_in_one_await(client: Client, clock: ManualClock) -> None:
    (job,) = await make(client, 1)

    ended = await client.batches.poll(
        job.id, poll_interval=0.001, on_progress=lambda _: clock.advance(2)
    )

    assert (ended.name, ended.succeeded) == (job.name, True)
    assert [result.key async for result in client.batches.results(ended)] == ["a"]


async def test_a_deadline_carries_the_last_job(client: Client) -> None:
    (job,) = await make(client, 1)

    with pytest.raises(WaitTimeoutError) as caught:
        await client.batches.poll(job, poll_interval=0.01, timeout=0.05)

    assert caught.value.name == job.name
    assert caught.value.last is not None
    assert caught.value.last.state == JobState.PENDING
    assert str(caught.value) == (
        f"{job.name} had not ended after {caught.value.elapsed:.1f} s (state pending); "
        "it keeps running: wait for it again, or cancel it"
    )
    assert not (await client.batches.get(job)).done


@pytest.mark.parametrize("state", ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"])
async def test_every_end_ends_the_wait(side: Side, client: Client, state: str) -> None:
    (job,) = await make(client, 1)
    side.script(job, "RUNNING", state)

    ended = await client.batches.poll(job, poll_interval=0.001)

    assert (ended.state, ended.done) == (state.lower(), True)


async def test_a_state_of_tomorrow_is_kept_and_waited_through(
    side: Side, client: Client
) -> None:
    (job,) = await make(client, 1)
    side.script(job, "DREAMING", "DREAMING", "SUCCEEDED")

    seen = [p.job async for p in client.batches.wait(job, poll_interval=0.001)]

    assert [one.state for one in seen] == ["dreaming", "dreaming", "succeeded"]
    assert not seen[0].state.is_known
    assert (seen[0].done, seen[0].running, seen[0].failed) == (False, False, False)


async def test_failed_looks_are_made_up_for(side: Side, client: Client) -> None:
    (job,) = await make(client, 1)
    side.script(job, "RUNNING", "RUNNING", "SUCCEEDED")
    side.fault(side.LOOK, status=200, body=b"<html>")
    side.fault(side.LOOK, truncate_after=10, skip=1, times=4)
    side.fault(side.LOOK, status=503, skip=1)

    assert (await client.batches.poll(job, poll_interval=0.001)).succeeded


async def test_a_job_that_is_gone_is_not_waited_for(side: Side, client: Client) -> None:
    (job,) = await make(client, 1)
    side.script(job, "SUCCEEDED")
    assert (await client.batches.get(job)).succeeded
    await client.batches.delete(job)

    with pytest.raises(NotFoundError):
        await client.batches.poll(job, poll_interval=0.001)


async def test_an_outage_is_waited_through(side: Side, client: Client) -> None:
    (job,) = await make(client, 1)
    side.script(job, "RUNNING", "SUCCEEDED")
    states = []
    looks = client.batches.wait(job, poll_interval=0.001)

    states.append((await anext(looks)).state)
    async with side.emulator.unreachable():
        late = asyncio.ensure_future(anext(looks))
        await asyncio.sleep(0.01)
        assert not late.done()
    states.append((await late).state)

    assert states == ["running", "succeeded"]
    assert [progress async for progress in looks] == []


# Cancelling and deleting


async def test_a_cancelled_job_ends(client: Client, clock: ManualClock) -> None:
    (job,) = await make(client, 1)

    await client.batches.cancel(job)
    clock.advance(5)

    job = await client.batches.get(job)
    assert job.cancelled
    assert job.error is not None
    assert job.error.reason == "CANCELLED"


async def test_a_finished_job_cannot_be_cancelled(
    client: Client, clock: ManualClock
) -> None:
    (job,) = await make(client, 1)
    clock.advance(3600)

    with pytest.raises(BadRequestError) as caught:
        await client.batches.cancel(job)

    assert caught.value.status == "FAILED_PRECONDITION"


async def test_a_job_may_be_cancelled_twice(client: Client, clock: ManualClock) -> None:
    (job,) = await make(client, 1)

    await client.batches.cancel(job)
    await client.batches.cancel(job)
    clock.advance(5)

    assert (await client.batches.get(job)).cancelled


async def test_cancelling_counts_as_done_when_the_answer_was_lost(
    side: Side, clock: ManualClock
) -> None:
    """By then the job is cancelled, and cannot be any more."""
    limits = Limits(cancel_delay=0)
    async with Emulator(clock=clock, limits=limits) as emulator:
        other = type(side)(emulator, clock)
        async with Client(other.settings, retry=QUICK) as client:
            (job,) = await make(client, 1)
            other.fault({"method": "POST", "path": "*:cancel"}, drop="after")

            await client.batches.cancel(job)

            assert other.count({"method": "POST", "path": "*:cancel"}) == 2
            assert (await client.batches.get(job)).cancelled


async def test_a_deleted_job_is_gone(client: Client, clock: ManualClock) -> None:
    first, second = await make(client, 2)
    clock.advance(3600)

    await client.batches.delete(first)

    for call in (client.batches.get, client.batches.delete, client.batches.cancel):
        with pytest.raises(NotFoundError):
            await call(first)
    assert [job.name async for job in client.batches.list_all()] == [second.name]


async def test_deleting_counts_as_done_when_the_answer_was_lost(
    side: Side, client: Client, clock: ManualClock
) -> None:
    (job,) = await make(client, 1)
    clock.advance(3600)
    # aiohttp itself repeats a DELETE whose connection broke; that repeat fails as well.
    side.fault({"method": "DELETE", "path": "*"}, drop="after")
    side.fault({"method": "DELETE", "path": "*"}, status=503)

    await client.batches.delete(job)

    with pytest.raises(NotFoundError):
        await client.batches.get(job)
