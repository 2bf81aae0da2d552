"""Results come with their keys, every outcome classified, wherever they are stored."""

import pickle
from collections.abc import Mapping
from typing import Any

import pytest

from gemini_batch import (
    BatchJob,
    BatchResult,
    Client,
    JobFailedError,
    JobState,
    Outcome,
    ResultsUnavailableError,
)
from gemini_batch.testing import Emulator, Fault, Limits, ManualClock
from tests.apis.sides import Side
from tests.support.rows import MODEL, jsonl, many, row
from tests.support.settings import QUICK

CUT_SHORT = {"maxOutputTokens": 2, "thinkingConfig": {"thinkingBudget": 0}}

ERRORS = {
    "CANCELLED": 1,
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "ABORTED": 10,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
}


async def ended(
    side: Side, client: Client, data: bytes, seconds: float = 24 * 3600 - 60
) -> BatchJob:
    """Return an ended job whose rows were stored."""
    job = await client.batches.create(MODEL, **await side.store(client, data))
    side.clock.advance(seconds)
    return await client.batches.get(job)


async def read(client: Client, job: BatchJob | str) -> list[BatchResult]:
    return [result async for result in client.batches.results(job)]


def outcomes(results: list[BatchResult]) -> Mapping[str | None, Outcome]:
    """Return outcomes by key; each key is there once."""
    assert len({result.key for result in results}) == len(results)
    return {result.key: result.outcome for result in results}


@pytest.mark.parametrize("stored", [False, True])
async def test_every_outcome_comes_out(
    side: Side, client: Client, clock: ManualClock, stored: bool
) -> None:
    rows = [
        row("ok"),
        row("blocked", "[emulator:block]"),
        row("filtered", "[emulator:safety]"),
        *(row(reason, f"[emulator:error:{code}]") for reason, code in ERRORS.items()),
        row("empty", "[emulator:empty]"),
        row("cut", "Tell me everything", generationConfig=CUT_SHORT),
    ]
    if stored:
        job = await ended(side, client, jsonl(*rows))
    else:
        job = await client.batches.submit(MODEL, rows)
        clock.advance(3600)

    results = {r.key: r for r in await read(client, job.name)}

    assert {key: (r.outcome, r.ok) for key, r in results.items()} == {
        "ok": (Outcome.OK, True),
        "blocked": (Outcome.BLOCKED, False),
        "filtered": (Outcome.BLOCKED, False),
        **dict.fromkeys(ERRORS, (Outcome.ERROR, False)),
        "empty": (Outcome.EMPTY, False),
        "cut": (Outcome.TRUNCATED, False),
    }
    assert results["ok"].error is None
    for reason, code in ERRORS.items():
        error = results[reason].error
        assert error is not None
        assert (error.code, error.reason) == (code, reason)
        assert (results[reason].text, results[reason].response) == (None, None)
    assert results["cut"].text
    assert results["ok"].text
    assert results["ok"].usage is not None
    assert results["ok"].usage.total_token_count
    blocked = results["blocked"].error
    assert blocked is not None
    assert blocked.message == "the prompt was blocked: PROHIBITED_CONTENT"


async def test_a_job_will_do_in_any_form(client: Client, clock: ManualClock) -> None:
    job = await client.batches.submit(MODEL, [row("a")])
    clock.advance(3600)
    (listed,) = [j async for j in client.batches.list_all()]

    for one in (job, job.name, job.id, listed, await client.batches.get(job)):
        assert outcomes(await read(client, one)) == {"a": Outcome.OK}


async def test_keys_of_ones_own_come_back_as_they_were(side: Side, client: Client) -> None:
    keys = ["1", "ü 中 🙂", 'a"b\\c', " spaced ", "x" * 500, "line\nfeed", "{}"]

    job = await ended(side, client, jsonl(*(row(key, f"Hi {key}") for key in keys)))

    assert outcomes(await read(client, job)) == dict.fromkeys(keys, Outcome.OK)


async def test_rows_that_are_broken_are_told_and_kept(side: Side, client: Client) -> None:
    side.odd_rows("invalid")

    results = await read(client, await ended(side, client, many(20)))

    (broken,) = [r for r in results if r.outcome == Outcome.INVALID]
    assert broken.raw
    assert broken.error is not None
    assert broken.error.message.startswith("the row cannot be read: ")
    # It has its own key, where its beginning tells, or none: never another's.
    whole = {r.key for r in results if r.ok}
    assert (len(results), len(whole)) == (20, 19)
    assert broken.key not in whole


async def test_a_row_that_is_missing_is_not_made_up(side: Side, client: Client) -> None:
    side.odd_rows("missing")

    results = await read(client, await ended(side, client, many(20)))

    assert len(outcomes(results)) == 19
    assert outcomes(results).keys() < {f"k{n}" for n in range(20)}


async def test_a_row_of_many_megabytes_is_one_row(side: Side, client: Client) -> None:
    side.odd_rows("huge")

    results = await read(client, await ended(side, client, many(3)))

    assert outcomes(results) == {"k0": Outcome.OK, "k1": Outcome.OK, "k2": Outcome.OK}
    assert max(len(r.text or "") for r in results) > 4 << 20


async def test_rows_that_nobody_sent_are_shown_too(side: Side, client: Client) -> None:
    side.odd_rows("foreign")

    results = await read(client, await ended(side, client, many(3)))

    assert outcomes(results).keys() == {"k0", "k1", "k2", "foreign-1"}


async def test_rows_that_come_twice_come_out_twice(side: Side, client: Client) -> None:
    side.odd_rows("duplicate")

    results = await read(client, await ended(side, client, many(3)))

    assert sorted({r.key or "" for r in results}) == ["k0", "k1", "k2"]
    assert len(results) == 4


async def test_answers_are_structured(side: Side, client: Client) -> None:
    config = {
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}},
    }
    (result,) = await read(
        client, await ended(side, client, jsonl(row("a", generationConfig=config)))
    )

    assert result.response is not None
    assert result.response.candidates[0].finish_reason == "STOP"
    assert isinstance(result.parsed(dict[str, Any]), dict)


async def test_results_and_jobs_can_be_pickled(side: Side, client: Client) -> None:
    job = await ended(side, client, jsonl(row("a"), row("b", "[emulator:error:13]")))
    results = await read(client, job)

    assert pickle.loads(pickle.dumps(job)) == job
    for result in results:
        again = pickle.loads(pickle.dumps(result))
        assert (again.key, again.text, again.outcome, again.error) == (
            result.key,
            result.text,
            result.outcome,
            result.error,
        )


# Not there


async def test_results_that_are_stored_are_located(side: Side, client: Client) -> None:
    job = await ended(side, client, many(1))

    with pytest.raises(ResultsUnavailableError) as caught:
        await client.batches.get_responses(job)

    assert caught.value.location
    assert caught.value.location in str(caught.value)
    assert str(caught.value).endswith(". Read them with results().")


async def test_an_unfinished_job_has_no_results(client: Client) -> None:
    job = await client.batches.submit(MODEL, [row("a")])

    for one in (job, job.name):
        with pytest.raises(ResultsUnavailableError) as caught:
            await read(client, one)

        assert caught.value.reason == "not_finished"
        assert str(caught.value) == f"{job.name} is pending. Wait for it first."


async def test_a_job_that_runs_has_no_results(client: Client, clock: ManualClock) -> None:
    job = await client.batches.submit(MODEL, [row("a")])
    clock.advance(3)

    with pytest.raises(ResultsUnavailableError, match=r"is running\. Wait for it first"):
        await read(client, await client.batches.get(job))


async def test_a_state_of_tomorrow_is_no_end(side: Side, client: Client) -> None:
    job = await client.batches.submit(MODEL, [row("a")])
    side.script(job, "DREAMING")

    with pytest.raises(ResultsUnavailableError, match=r"is dreaming\. Wait for it first"):
        await read(client, job.name)


async def test_a_job_that_failed_has_none(side: Side, client: Client) -> None:
    job = await client.batches.submit(MODEL, [row("a")])
    error = {"code": 13, "message": "It broke."}
    side.script(job, {"state": "FAILED", "error": error})

    for one in (job.name, await client.batches.get(job)):
        with pytest.raises(JobFailedError) as caught:
            await read(client, one)

        assert caught.value.job.failed
        assert str(caught.value) == (
            f"{job.name} failed and has no results: {caught.value.job.error}"
        )
        assert "It broke." in str(caught.value)


async def test_a_job_that_expired_in_the_queue_has_none(
    clock: ManualClock, side: Side
) -> None:
    limits = Limits(pending=float("inf"), job_expiry=3600, queue_expiry=3600)
    # An emulator of its own: nothing ever starts there.
    async with Emulator(clock=clock, limits=limits) as emulator:
        other = type(side)(emulator, clock)
        async with Client(other.settings, retry=QUICK) as client:
            job = await client.batches.submit(MODEL, [row("a")])
            clock.advance(3601)
            job = await client.batches.get(job)

            assert (job.state, job.failed) == (JobState.EXPIRED, True)
            with pytest.raises(JobFailedError) as caught:
                await read(client, job)

    assert str(caught.value).startswith(f"{job.name} expired and has no results")


async def test_a_job_that_was_cancelled_in_the_queue_has_none(
    client: Client, clock: ManualClock
) -> None:
    job = await client.batches.submit(MODEL, [row("a")])
    await client.batches.cancel(job)
    clock.advance(5)

    with pytest.raises(JobFailedError) as caught:
        await read(client, job.name)

    assert caught.value.job.cancelled


# Partly there


@pytest.mark.parametrize("stored", [False, True])
async def test_what_was_done_before_a_cancel_is_read(
    side: Side, client: Client, clock: ManualClock, stored: bool
) -> None:
    if stored:
        job = await client.batches.create(MODEL, **await side.store(client, many(100)))
    else:
        job = await client.batches.submit(MODEL, [row(f"k{n}") for n in range(100)])
    clock.advance(3)
    await client.batches.cancel(job)
    clock.advance(5)

    job = await client.batches.get(job)
    results = await read(client, job)

    assert job.cancelled
    assert 0 < len(results) < 100
    assert outcomes(results) == {f"k{n}": Outcome.OK for n in range(len(results))}
    assert job.completion_stats is not None
    assert job.completion_stats.success_count == len(results)
    assert job.completion_stats.total_count == 100


async def test_a_partial_success_is_a_success(
    side: Side, client: Client, clock: ManualClock
) -> None:
    job = await ended(side, client, many(4))
    side.partial(job)

    job = await client.batches.get(job)
    results = await read(client, job)

    assert (job.state, job.succeeded) == (JobState.PARTIALLY_SUCCEEDED, True)
    assert job.progress == 100.0
    assert outcomes(results).keys() == {"k0", "k1", "k2", "k3"}


async def test_an_output_that_comes_late_is_waited_for(side: Side, client: Client) -> None:
    job = await ended(side, client, many(3))
    side.emulator.faults.append(Fault.output_late(looks=2))

    looks = [p async for p in client.batches.wait(job, poll_interval=0.001)]

    # The end is not shown before its output is there.
    assert [(look.state, look.polls) for look in looks] == [(JobState.SUCCEEDED, 3)]
    assert outcomes(await read(client, looks[-1].job)).keys() == {"k0", "k1", "k2"}
