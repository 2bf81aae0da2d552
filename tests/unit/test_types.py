"""Values: enums that outlive the release, digests, progress, settings."""

import base64
import datetime as dt
import hashlib
import itertools
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from gemini_batch.types import (
    BatchJob,
    CompletionStats,
    DeveloperAPI,
    File,
    FinishReason,
    GenerateContentResponse,
    JobKind,
    JobState,
    Page,
    Part,
    PollSchedule,
    Progress,
    Retry,
    RpcStatus,
    Timeouts,
    TransferProgress,
)


def job(state: JobState, **facts: Any) -> BatchJob:
    return BatchJob(name="batches/abc", state=state, kind=JobKind.GENERATE, **facts)


def test_an_unknown_enum_value_survives() -> None:
    state = JobState("frozen")

    assert state == "frozen"
    assert type(state) is JobState
    assert not state.is_known
    assert not state.is_terminal
    assert hash(state) == hash("frozen")
    assert pickle.loads(pickle.dumps(state)) == state
    assert JobState("frozen") not in JobState.__members__.values()


def test_a_known_enum_value_is_the_member() -> None:
    assert FinishReason("STOP") is FinishReason.STOP
    assert FinishReason.STOP.is_known


def test_an_enum_is_made_of_strings_only() -> None:
    with pytest.raises(ValueError, match="3 is not a valid JobState"):
        JobState(3)  # type: ignore[arg-type]


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


def test_a_digest_is_read_in_both_forms() -> None:
    digest = hashlib.sha256(b"x")
    of_text = base64.b64encode(digest.hexdigest().encode()).decode()
    of_bytes = base64.b64encode(digest.digest()).decode()

    assert File(name="files/a", sha256_hash=of_text).sha256 == digest.hexdigest()
    assert File(name="files/a", sha256_hash=of_bytes).sha256 == digest.hexdigest()
    for nonsense in [None, "", "!!", "YWJj", base64.b64encode(b"zz" * 32).decode()]:
        assert File(name="files/a", sha256_hash=nonsense).sha256 is None


def test_a_transfer_knows_its_share() -> None:
    assert TransferProgress(done=1, total=4).fraction == 0.25
    assert TransferProgress(done=0, total=0).fraction == 1.0
    assert TransferProgress(done=1, total=None).fraction is None


def test_a_status_names_its_code() -> None:
    assert str(RpcStatus(code=4, message="late")) == "DEADLINE_EXCEEDED: late"
    assert str(RpcStatus(code=99, message="odd")) == "code 99: odd"
    assert str(RpcStatus(message="odd")) == "odd"


def test_text_leaves_thoughts_out() -> None:
    from gemini_batch.types import Candidate, Content

    parts = (Part(text="hm", thought=True), Part(text="a"), Part(), Part(text="b"))
    content = Content(parts=parts)

    assert GenerateContentResponse(candidates=(Candidate(content=content),)).text == "ab"
    assert GenerateContentResponse(candidates=(Candidate(content=Content()),)).text is None
    assert GenerateContentResponse(candidates=(Candidate(),)).text is None
    assert GenerateContentResponse().text is None


def test_parts_are_made_by_shape() -> None:
    assert Part.from_text("a") == Part(text="a")
    part = Part.from_bytes(b"\x89PNG", mime_type="image/png")
    assert part.inline_data is not None
    assert part.inline_data.data == b"\x89PNG"
    assert "PNG" not in repr(part)
    uri = Part.from_uri("https://x/files/a", mime_type="image/png").file_data
    assert uri is not None
    assert uri.file_uri == "https://x/files/a"


def test_the_default_schedule_grows_to_its_cap() -> None:
    pauses = list(itertools.islice(PollSchedule().pauses(), 12))

    assert pauses[:3] == [2.0, 3.0, 4.5]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 60.0


def test_schedules_of_other_shapes_end_too() -> None:
    assert list(itertools.islice(PollSchedule.fixed(5).pauses(), 3)) == [5, 5, 5]
    shrinking = PollSchedule(initial=8, factor=0.5, cap=60)
    assert list(itertools.islice(shrinking.pauses(), 3)) == [8, 8, 8]
    assert list(itertools.islice(PollSchedule(initial=9, cap=3).pauses(), 2)) == [3, 3]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Timeouts(short=0),
        lambda: Retry(attempts=0),
        lambda: PollSchedule(jitter=1),
        lambda: PollSchedule(jitter=-0.1),
    ],
)
def test_settings_are_checked_when_made(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        make()


def test_the_environment_is_read_when_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ["GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("GOOGLE_GENAI_API_VERSION", raising=False)
    plain = DeveloperAPI()
    assert plain.api_key == ""
    assert plain.base_url == "https://generativelanguage.googleapis.com"
    assert plain.version == "v1beta"

    monkeypatch.setenv("GEMINI_API_KEY", "gemini")
    assert DeveloperAPI().api_key == "gemini"
    monkeypatch.setenv("GOOGLE_API_KEY", "google")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "https://proxy.example/")
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "v1")
    api = DeveloperAPI()
    assert (api.api_key, api.base_url, api.version) == (
        "google",
        "https://proxy.example",
        "v1",
    )
    assert "google" not in repr(api)
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "beta")
    assert DeveloperAPI().version == "v1beta"
