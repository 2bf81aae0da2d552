"""Exactly one result per request, on both APIs, whatever is wrong with the rows."""

import asyncio
import gc
from pathlib import Path

import anyio
import pytest

from gemini_batch import (
    BatchResult,
    Client,
    InputError,
    JobFailedError,
    Outcome,
    ResultsUnavailableError,
    Tally,
)
from gemini_batch.resources.batches.results.expected_keys import Expected
from gemini_batch.testing import ManualClock
from gemini_batch.testing.faults import RowEffect
from tests.apis.sides import Side
from tests.apis.test_reading_results import ended
from tests.support.leaks import stray_tasks
from tests.support.rows import MODEL, many, row

COUNT = 60
KEYS = [f"k{number}" for number in range(COUNT)]


async def read(
    client: Client,
    job: object,
    expected: Expected | None = None,
    *,
    ordered: bool = False,
    tally: Tally | None = None,
) -> list[BatchResult]:
    results = client.batches.results(
        job,  # type: ignore[arg-type]
        expected=expected,
        ordered=ordered,
        tally=tally,
    )
    return [result async for result in results]


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize(
    "effects",
    [
        (),
        ("shuffled",),
        ("missing", "duplicate"),
        ("invalid", "foreign"),
        ("duplicate", "missing", "foreign", "huge", "invalid", "shuffled"),
    ],
)
async def test_outcomes_equal_requests_one_each(
    side: Side, client: Client, effects: tuple[RowEffect, ...], ordered: bool
) -> None:
    if effects:
        side.odd_rows(*effects)
    job = await ended(side, client, many(COUNT))
    tally = Tally()
    came = await read(client, job)

    results = await read(client, job, KEYS, ordered=ordered, tally=tally)

    if ordered:
        assert [result.key for result in results] == KEYS
    assert sorted(result.key or "" for result in results) == sorted(KEYS)
    assert tally.total == COUNT
    assert ("missing" in effects or "invalid" in effects) == (
        tally.outcomes[Outcome.OK] < COUNT
    )
    there = tally.total - tally.outcomes[Outcome.MISSING]
    assert there + tally.duplicates + tally.foreign == len(came)
    assert bool(tally.duplicates) == ("duplicate" in effects)
    assert tally.foreign >= ("foreign" in effects)
    texts = {result.key: result.text for result in came if result.ok}
    assert all(result.text == texts[result.key] for result in results if result.ok)


async def test_the_submitted_file_is_what_is_expected(
    side: Side, client: Client, tmp_path: Path
) -> None:
    path = tmp_path / "input.jsonl"
    path.write_bytes(many(COUNT))
    side.odd_rows("shuffled", "missing")
    job = await ended(side, client, path.read_bytes())

    results = await read(client, job, path, ordered=True)

    assert [result.key for result in results] == KEYS
    (missing,) = [r for r in results if r.outcome is Outcome.MISSING]
    assert missing.error is not None
    assert missing.error.message == "no row came back, although the job succeeded"
    assert len(await read(client, job, COUNT)) == COUNT


async def test_rows_of_an_inline_job(client: Client, clock: ManualClock) -> None:
    job = await client.batches.submit(MODEL, [row("b"), row("a")])
    clock.advance(3600)
    tally = Tally()

    results = await read(client, job, ["a", "x", "b"], ordered=True, tally=tally)

    assert [(r.key, r.outcome) for r in results] == [
        ("a", Outcome.OK),
        ("x", Outcome.MISSING),
        ("b", Outcome.OK),
    ]
    assert tally.usage.total_token_count > 0


async def test_results_are_counted_without_being_told_what_to_expect(
    side: Side, client: Client
) -> None:
    side.odd_rows("invalid")
    job = await ended(side, client, many(COUNT))
    tally = Tally()

    results = await read(client, job, tally=tally)

    assert tally.outcomes == {Outcome.OK: COUNT - 1, Outcome.INVALID: 1}
    assert tally.bytes == sum(len(result.raw) for result in results)


async def test_requests_of_a_job_that_failed_are_missing(
    side: Side, client: Client
) -> None:
    job = await client.batches.submit(MODEL, [row("a"), row("b")])
    side.script(job, "FAILED")
    tally = Tally()

    results = await read(client, job.name, ["a", "b"], tally=tally)

    assert [(r.key, r.outcome) for r in results] == [
        ("a", Outcome.MISSING),
        ("b", Outcome.MISSING),
    ]
    assert tally.outcomes == {Outcome.MISSING: 2}
    assert "no row came back, the job failed" in str(results[0].error)
    with pytest.raises(JobFailedError):
        await read(client, job.name)


async def test_a_job_that_runs_has_no_missing_requests(client: Client) -> None:
    job = await client.batches.submit(MODEL, [row("a")])

    with pytest.raises(ResultsUnavailableError):
        await read(client, job, ["a"])


async def test_what_cannot_be_expected_is_told_at_once(client: Client) -> None:
    with pytest.raises(InputError, match="no order"):
        client.batches.results("batches/any", ordered=True)
    with pytest.raises(InputError, match="no order"):
        client.batches.results("batches/any", ordered=True, expected={"a"})


# Leaving


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("after", [1, 30, COUNT])
async def test_a_loop_that_is_left_leaves_nothing(
    side: Side, client: Client, folder: Path, ordered: bool, after: int
) -> None:
    side.odd_rows("shuffled")
    job = await ended(side, client, many(COUNT))
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, said: complaints.append(said)
    )

    results = client.batches.results(job, expected=KEYS, ordered=ordered)
    count = 0
    async for _ in results:
        count += 1
        if count == after:
            break
    del results
    gc.collect()
    # What is left is closed by the loop, in a task of its own.
    await anyio.wait_all_tasks_blocked()

    assert (complaints, stray_tasks(), list(folder.iterdir())) == ([], [], [])


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.004, 0.02])
async def test_a_reading_that_is_cancelled_leaves_nothing(
    side: Side, client: Client, folder: Path, seconds: float, native: bool
) -> None:
    side.odd_rows("shuffled")
    job = await ended(side, client, many(COUNT))

    async def reading() -> None:
        await read(client, job, KEYS, ordered=True)
        await anyio.sleep_forever()

    if native:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reading(), seconds)
    else:
        with anyio.move_on_after(seconds):
            await reading()
    await anyio.wait_all_tasks_blocked()

    assert (stray_tasks(), list(folder.iterdir())) == ([], [])
    assert len(await read(client, job, KEYS, ordered=True)) == COUNT
