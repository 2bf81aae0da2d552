"""Looks at an inline job: without its results until it has ended, where the service can."""

import pytest

from gemini_batch import (
    BadRequestError,
    BatchJob,
    Client,
    PollSchedule,
    Progress,
    RateLimitError,
    ServerError,
)
from gemini_batch.testing import Emulator, Fault, ManualClock
from tests.support.rows import EMBED_MODEL, MODEL, many, row

FAST = 0.002
RUNNING, SUCCEEDED = "BATCH_STATE_RUNNING", "BATCH_STATE_SUCCEEDED"


@pytest.fixture
async def job(client: Client, clock: ManualClock) -> BatchJob:
    job = await client.batches.create(
        MODEL, inlined_requests=[row("a"), row("b")], display_name="mine", priority=7
    )
    clock.advance(3600)
    return job


async def wait(client: Client, job: str | BatchJob) -> list[Progress]:
    return [p async for p in client.batches.wait(job, poll_interval=FAST)]


def looks(emulator: Emulator, job: BatchJob) -> list[bool]:
    """Return of each GET of a job whether it asked for a part."""
    return [
        "fields" in entry.query
        for entry in emulator.log
        if entry.method == "GET" and entry.path.endswith(job.name)
    ]


def keys(job: BatchJob) -> list[str | None]:
    assert job.dest is not None
    assert job.dest.inlined_responses is not None
    return [result.key for result in job.dest.inlined_responses]


async def test_later_looks_ask_for_no_results_and_the_last_fetches_them(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    emulator.script(job.name, RUNNING, RUNNING, RUNNING, SUCCEEDED)

    seen = await wait(client, job)

    assert [p.state for p in seen] == ["running", "running", "running", "succeeded"]
    assert [p.polls for p in seen] == [1, 2, 3, 4]
    assert looks(emulator, job) == [False, True, True, True, False]
    assert keys(seen[-1].job) == ["a", "b"]
    # What a part leaves out is known from the first look.
    first, second = seen[0].job, seen[1].job
    assert second == first
    assert (second.model, second.display_name, second.priority) == (
        f"models/{MODEL}",
        "mine",
        7,
    )
    assert second.create_time is not None
    assert second.intent_token == job.intent_token


async def test_the_results_of_the_last_snapshot_need_no_further_call(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    emulator.script(job.name, RUNNING, SUCCEEDED)
    last = (await wait(client, job))[-1].job
    calls = len(emulator.log)

    assert [r.key async for r in client.batches.results(last)] == ["a", "b"]
    assert [r.key for r in await client.batches.get_responses(last)] == ["a", "b"]
    assert len(emulator.log) == calls


async def test_a_job_that_has_ended_already_takes_one_call(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    (last,) = await wait(client, job)

    assert looks(emulator, job) == [False]
    assert keys(last.job) == ["a", "b"]


@pytest.mark.parametrize(
    ("ending", "state", "whole"),
    [
        ({"state": "BATCH_STATE_CANCELLED"}, "cancelled", True),
        ({"state": "BATCH_STATE_FAILED"}, "failed", False),
        ({"state": "BATCH_STATE_EXPIRED"}, "expired", False),
        ({"state": "BATCH_STATE_FAILED", "error": None}, "failed", True),
        # What is done has ended, whatever its state is called; how, the output tells.
        ({"state": "BATCH_STATE_MOVED", "done": True, "response": {}}, "succeeded", True),
    ],
)
async def test_an_end_is_fetched_whole_where_it_may_have_an_output(
    emulator: Emulator,
    client: Client,
    job: BatchJob,
    ending: dict[str, object],
    state: str,
    whole: bool,
) -> None:
    emulator.script(job.name, RUNNING, ending)
    schedule = PollSchedule(initial=FAST, cap=FAST, output_grace=0.0)

    seen = [p async for p in client.batches.wait(job, poll_interval=schedule)]

    assert seen[-1].state == state
    assert looks(emulator, job) == [False, True, *([False] if whole else [])]
    assert seen[-1].job == await client.batches.get(job)


async def test_the_kind_is_remembered(emulator: Emulator, client: Client) -> None:
    request = {"content": {"parts": [{"text": "x"}]}}
    job = await client.batches.create_embeddings(EMBED_MODEL, inlined_requests=[request])
    emulator.script(job.name, RUNNING, RUNNING, RUNNING, "BATCH_STATE_FAILED")

    assert [p.job.kind for p in await wait(client, job.name)] == ["embed"] * 4


async def test_changes_show_in_a_part(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await client.batches.create(MODEL, inlined_requests=[row("a")])
    seen: list[BatchJob] = []
    async for progress in client.batches.wait(job, poll_interval=FAST):
        seen.append(progress.job)
        if len(seen) == 2:
            clock.advance(0.5)
            await client.batches.update(job, priority=-3)
        if len(seen) == 3:
            break

    assert [job.priority for job in seen] == [0, 0, -3]
    assert seen[2].update_time != seen[1].update_time
    assert looks(emulator, job) == [False, True, True]


async def test_jobs_from_a_file_are_looked_at_whole(
    emulator: Emulator, client: Client
) -> None:
    job = await client.batches.create(MODEL, file_name=await client.files.upload(many(2)))
    emulator.script(job.name, RUNNING, RUNNING, SUCCEEDED)

    await wait(client, job)

    assert looks(emulator, job) == [False] * 3


async def test_a_service_that_refuses_is_not_asked_again(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    emulator.script(job.name, RUNNING, RUNNING, RUNNING, SUCCEEDED)
    emulator.faults.append(Fault(fields="refuse", times=None))

    seen = await wait(client, job)
    again = await wait(client, job)

    # The refusal was no look that failed, and no look of its own.
    assert [p.polls for p in seen] == [1, 2, 3, 4]
    assert looks(emulator, job) == [False, True, False, False, False, False]
    assert keys(seen[-1].job) == keys(again[-1].job) == ["a", "b"]


async def test_a_service_that_ignores_it_has_told_all(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    emulator.script(job.name, RUNNING, RUNNING, SUCCEEDED)
    emulator.faults.append(Fault(fields="ignore", times=None))

    seen = await wait(client, job)

    assert looks(emulator, job) == [False, True, True]
    assert seen[0].job == seen[1].job
    assert keys(seen[-1].job) == ["a", "b"]


async def test_a_service_that_takes_it_for_something_else_is_not_asked_again(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    """A mask that does not reach into the metadata would hide the end for ever."""
    emulator.script(job.name, RUNNING, RUNNING, RUNNING, SUCCEEDED)
    nothing = f'{{"name": "{job.name}", "metadata": {{}}}}'.encode()
    emulator.faults.append(Fault(path=f"*/{job.name}", status=200, body=nothing, skip=1))

    seen = await wait(client, job)

    assert [p.state for p in seen] == ["running", "running", "running", "succeeded"]
    assert looks(emulator, job) == [False, True, False, False, False]


async def test_an_answer_to_nothing_else_is_no_answer(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    emulator.script(job.name, RUNNING, SUCCEEDED)
    emulator.faults.append(Fault(path=f"*/{job.name}", status=200, body=b"{}", skip=1))

    assert [p.state for p in await wait(client, job)] == ["running", "succeeded"]


async def test_an_output_that_comes_late_is_asked_for_whole(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    late = {"state": SUCCEEDED, "output": None}
    emulator.script(job.name, RUNNING, late, late, late, SUCCEEDED)

    first, last = await wait(client, job)

    assert (first.polls, last.polls) == (1, 4)
    assert looks(emulator, job) == [False, True, False, False, False]
    assert keys(last.job) == ["a", "b"]


async def test_a_failure_of_a_part_is_a_failed_look(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    emulator.script(job.name, *[RUNNING] * 3, SUCCEEDED)
    emulator.faults.append(Fault(path=f"*/{job.name}", status=200, body=b"<html>", skip=1))

    seen = await wait(client, job)

    assert [p.polls for p in seen] == [1, 3, 4, 5]
    assert looks(emulator, job)[:3] == [False, True, True]


@pytest.mark.parametrize(("status", "error"), [(503, ServerError), (429, RateLimitError)])
async def test_five_failures_of_parts_are_too_many(
    emulator: Emulator, client: Client, job: BatchJob, status: int, error: type[Exception]
) -> None:
    emulator.script(job.name, RUNNING)
    emulator.faults.append(Fault(path=f"*/{job.name}", status=status, skip=1, times=None))

    with pytest.raises(error):
        await wait(client, job)


async def test_a_bad_request_that_was_not_about_the_part_is_final(
    emulator: Emulator, client: Client, job: BatchJob
) -> None:
    emulator.script(job.name, RUNNING)
    emulator.faults.append(Fault(path=f"*/{job.name}", status=400, skip=1, times=None))

    with pytest.raises(BadRequestError):
        await wait(client, job)

    assert looks(emulator, job) == [False, True, False]
