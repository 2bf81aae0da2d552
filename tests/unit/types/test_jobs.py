"""A job, its progress, and pages of jobs."""

import datetime as dt
from typing import Any

import pytest

from gemini_batch.types import (
    BatchJob,
    CompletionStats,
    JobKind,
    JobState,
    Page,
    Progress,
)


def job(state: JobState, **facts: Any) -> BatchJob:
    return BatchJob(name="batches/abc", state=state, kind=JobKind.GENERATE, **facts)


@pytest.mark.parametrize(
    ("state", "flags"),
    [
        (JobState.PENDING, ""),
        (JobState.QUEUED, ""),
        (JobState.RUNNING, "running"),
        (JobState.SUCCEEDED, "done succeeded"),
        (JobState.PARTIALLY_SUCCEEDED, "done succeeded"),
        (JobState.FAILED, "done failed"),
        (JobState.EXPIRED, "done failed"),
        (JobState.CANCELLED, "done cancelled"),
        (JobState.CANCELLING, ""),
        (JobState.PAUSED, ""),
        (JobState.UPDATING, ""),
        (JobState("frozen"), ""),
    ],
)
def test_what_a_state_means(state: JobState, flags: str) -> None:
    names = ["running", "done", "succeeded", "failed", "cancelled"]

    assert [name for name in names if getattr(job(state), name)] == flags.split()


def test_a_job_knows_its_id_and_when_it_is_due() -> None:
    made = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)

    assert job(JobState.PENDING).id == "abc"
    assert job(JobState.PENDING).expected_by is None
    assert job(JobState.PENDING, create_time=made).expected_by == made + dt.timedelta(
        days=1
    )


def test_progress_counts_what_ended_well_or_not() -> None:
    stats = CompletionStats(
        total_count=10, success_count=2, failure_count=1, pending_count=7
    )

    assert job(JobState.RUNNING).progress is None
    assert job(JobState.RUNNING, completion_stats=CompletionStats()).progress is None
    assert job(JobState.RUNNING, completion_stats=stats).progress == 30.0
    # The counts of an ended job may be stale.
    assert job(JobState.SUCCEEDED, completion_stats=stats).progress == 100.0
    assert job(JobState.FAILED, completion_stats=stats).progress == 30.0


def test_a_snapshot_shows_its_job() -> None:
    stats = CompletionStats(total_count=4, success_count=1)
    seen = Progress(
        job=job(JobState.RUNNING, completion_stats=stats),
        elapsed=1.0,
        polls=1,
        next_poll_in=2.0,
    )

    assert (seen.state, seen.stats, seen.percent, seen.fraction) == (
        "running",
        stats,
        25.0,
        0.25,
    )
    unknown = Progress(job=job(JobState.RUNNING), elapsed=1.0, polls=1, next_poll_in=2.0)
    assert (unknown.stats, unknown.percent, unknown.fraction) == (None, None, None)


def test_a_page_knows_whether_there_is_more() -> None:
    assert Page(items=(), next_page_token="x").has_more
    assert not Page(items=(1,)).has_more
