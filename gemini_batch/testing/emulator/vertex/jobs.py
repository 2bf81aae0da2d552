"""The life of a Vertex AI job, as a pure function of emulated time."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import anyio
from attrs import define, field, frozen

from gemini_batch.testing.emulator.core.clock import seconds, stamp
from gemini_batch.testing.emulator.core.limits import Limits
from gemini_batch.testing.emulator.developer.jobs import Look
from gemini_batch.testing.emulator.google_cloud.project import PROJECT_NUMBER

PENDING: Final = "JOB_STATE_PENDING"
QUEUED: Final = "JOB_STATE_QUEUED"
RUNNING: Final = "JOB_STATE_RUNNING"
SUCCEEDED: Final = "JOB_STATE_SUCCEEDED"
PARTIALLY_SUCCEEDED: Final = "JOB_STATE_PARTIALLY_SUCCEEDED"
FAILED: Final = "JOB_STATE_FAILED"
CANCELLING: Final = "JOB_STATE_CANCELLING"
CANCELLED: Final = "JOB_STATE_CANCELLED"
EXPIRED: Final = "JOB_STATE_EXPIRED"
TERMINAL: Final = frozenset((SUCCEEDED, PARTIALLY_SUCCEEDED, FAILED, CANCELLED, EXPIRED))
STATES: Final = TERMINAL | {
    "JOB_STATE_UNSPECIFIED",
    QUEUED,
    PENDING,
    RUNNING,
    CANCELLING,
    "JOB_STATE_PAUSED",
    "JOB_STATE_UPDATING",
}
"""Every state there is."""


_UNREAD: Final = frozenset((PENDING, QUEUED))
_UNKNOWN: Final = "-1"


@define(kw_only=True, eq=False)
class VertexJob:
    """One batch prediction job the emulator holds."""

    id: str
    """Digits."""

    location: str
    resource: Mapping[str, Any]
    """What its create said, in camelCase."""

    sequence: int = 0
    """Place in the order of creation."""

    create_time: dt.datetime
    cancel_time: dt.datetime | None = None
    """When the first cancel call came that found it open."""

    looks: int = 0
    """GET requests it has answered."""

    course: Sequence[Look] = ()
    """Scripted looks; empty for a job that lives by the clock."""

    course_taken: int = 0
    """Scripted looks taken so far."""

    scripted_end: dt.datetime | None = None
    """When a script first showed it ended."""

    loaded: bool = False
    """Whether its input has been read, which happens when it starts."""

    row_count: int = 0
    """Rows of its input, once it has been read."""

    load_error: Mapping[str, Any] | None = None
    """Why it cannot run, as its ``error``."""

    partial_failures: Sequence[Mapping[str, Any]] = ()
    columns: Sequence[Mapping[str, Any]] = ()
    """Fields of the table it reads."""

    manner: Mapping[str, Any] = field(factory=dict)
    """Members of the fault that hit its create: how its output is to be."""

    input_path: Path = field(repr=False)
    """One row per line, once its input has been read."""

    result_path: Path = field(repr=False)
    """Where rows are written as they are answered."""

    succeeded: int = 0
    """Rows answered so far."""

    failed: int = 0
    """Rows that ended in an error so far."""

    input_offset: int = 0
    """Bytes of the input that are dealt with."""

    result_bytes: int = 0
    """Bytes of the results that these rows have."""

    output_info: Mapping[str, Any] = field(factory=dict)
    """Where its output is, once there is some."""

    settled: bool = False
    """Whether nothing about it can change any more."""

    lock: anyio.Lock = field(factory=anyio.Lock, repr=False)
    """Held while it is worked on."""

    abandoned: bool = False
    """Deleted, or the emulator is closing: its rows need no more answers."""

    @property
    def name(self) -> str:
        """Full resource name, with the number of the project."""
        parent = f"projects/{PROJECT_NUMBER}/locations/{self.location}"
        return f"{parent}/batchPredictionJobs/{self.id}"

    @property
    def display_name(self) -> str:
        """The caller's name for it."""
        return str(self.resource.get("displayName", ""))

    @property
    def model(self) -> str:
        """Resource name of the model."""
        return str(self.resource["model"])

    @property
    def model_id(self) -> str:
        """Bare name of the model."""
        return self.model.rpartition("/")[2]

    @property
    def labels(self) -> Mapping[str, str]:
        """The caller's labels."""
        return dict(self.resource.get("labels", {}))

    @property
    def output_stamp(self) -> str:
        """The moment its output folder is named after, which is not its create time."""
        # Jobs made at one moment, by a clock that stands still, have folders of their own.
        later = seconds(1.706110 + (self.sequence - 1) / 1e6)
        return stamp(self.create_time + later, digits=6)


@frozen(kw_only=True)
class VertexMoment:
    """Where a job is at one moment."""

    state: str
    answered: int = 0
    """Rows dealt with."""

    start_time: dt.datetime | None = None
    end_time: dt.datetime | None = None
    update_time: dt.datetime
    overrides: Mapping[str, Any] = field(factory=dict)

    @property
    def ended(self) -> bool:
        """Whether the state cannot change any more."""
        return self.state in TERMINAL

    @property
    def needs_input(self) -> bool:
        """Whether the job has got so far that it reads its input."""
        return self.state not in _UNREAD and self.start_time is not None


def moment_of(job: VertexJob, now: dt.datetime, limits: Limits) -> VertexMoment:
    """Return where `job` is at `now`. Its script, if it has one, goes before the clock."""
    if job.course:
        return _scripted(job)
    started = job.create_time + seconds(limits.pending)
    given_up = job.create_time + seconds(limits.queue_expiry)
    cancelled = job.cancel_time and job.cancel_time + seconds(limits.cancel_delay)
    unstarted = [(given_up, EXPIRED)] if given_up < started else []
    if cancelled is not None and cancelled <= started:
        unstarted.append((cancelled, CANCELLED))
    if unstarted:
        end, state = min(unstarted)
        if now >= end:
            return VertexMoment(state=state, end_time=end, update_time=end)
    if now < started:
        state = PENDING if job.cancel_time is None else CANCELLING
        return VertexMoment(state=state, update_time=job.cancel_time or job.create_time)
    return _started(job, now, started, cancelled, limits)


def _started(
    job: VertexJob,
    now: dt.datetime,
    started: dt.datetime,
    cancelled: dt.datetime | None,
    limits: Limits,
) -> VertexMoment:
    if job.load_error is not None:
        return VertexMoment(
            state=FAILED, start_time=started, end_time=started, update_time=started
        )
    length = max(limits.least_running, job.row_count / limits.rows_per_second)
    done = PARTIALLY_SUCCEEDED if job.partial_failures else SUCCEEDED
    ends = [
        (started + seconds(length), done),
        (started + seconds(limits.run_expiry), EXPIRED),
    ]
    if cancelled is not None:
        ends.append((cancelled, CANCELLED))
    end, state = min(ends, key=lambda candidate: candidate[0])
    running = (min(now, end) - started).total_seconds()
    answered = min(job.row_count, int(job.row_count * running / length))
    if now >= end:
        if state == done:
            answered = job.row_count
        return VertexMoment(
            state=state,
            answered=answered,
            start_time=started,
            end_time=end,
            update_time=end,
        )
    return VertexMoment(
        state=RUNNING if job.cancel_time is None else CANCELLING,
        answered=answered,
        start_time=started,
        update_time=job.cancel_time or started,
    )


def _scripted(job: VertexJob) -> VertexMoment:
    if not job.course_taken:
        return VertexMoment(state=PENDING, update_time=job.create_time)
    look = job.course[min(job.course_taken, len(job.course)) - 1]
    overrides = {"state": look} if isinstance(look, str) else dict(look)
    state = str(overrides.get("state", PENDING))
    end = job.scripted_end if state in TERMINAL else None
    # What was given up before its end has the results of what was done until then.
    shares = {SUCCEEDED: job.row_count, FAILED: 0}
    answered = shares.get(state, (job.row_count + 1) // 2) if end else 0
    return VertexMoment(
        state=state,
        answered=answered,
        start_time=None if state in _UNREAD else job.create_time,
        end_time=end,
        update_time=end or job.create_time,
        overrides=overrides,
    )


def take_look(job: VertexJob, now: dt.datetime) -> None:
    """Count one GET of `job`, and move its script on."""
    job.looks += 1
    if not job.course:
        return
    job.course_taken = min(job.course_taken + 1, len(job.course))
    if job.scripted_end is None and _scripted(job).state in TERMINAL:
        job.scripted_end = now


def resource_of(job: VertexJob, moment: VertexMoment) -> dict[str, Any]:
    """Return the BatchPredictionJob resource as it stands in answers."""
    value: dict[str, Any] = {"name": job.name, **job.resource, "state": moment.state}
    error = _error_of(job, moment)
    if error:
        value["error"] = error
    if moment.ended and job.partial_failures:
        value["partialFailures"] = list(job.partial_failures)
    if moment.ended and job.output_info:
        value["outputInfo"] = dict(job.output_info)
    stats = _stats(job, moment)
    if stats:
        value["completionStats"] = stats
    value["createTime"] = stamp(job.create_time, digits=6)
    if moment.start_time is not None:
        value["startTime"] = stamp(moment.start_time, digits=6)
    if moment.end_time is not None:
        value["endTime"] = stamp(moment.end_time, digits=6)
    value["updateTime"] = stamp(moment.update_time, digits=6)
    value["modelVersionId"] = "1"
    for name, member in moment.overrides.items():
        if member is None:
            value.pop(name, None)
        else:
            value[name] = member
    return value


def _error_of(job: VertexJob, moment: VertexMoment) -> Mapping[str, Any] | None:
    if moment.state == CANCELLED:
        return {"code": 1, "message": "CANCELED"}
    if moment.state == FAILED:
        return job.load_error or {"code": 13, "message": "INTERNAL"}
    return None


def _stats(job: VertexJob, moment: VertexMoment) -> dict[str, str]:
    if moment.start_time is None or not job.loaded or moment.state == FAILED:
        return {}
    answered = min(moment.answered, job.succeeded + job.failed)
    failed = min(job.failed, answered)
    counts = {"successfulCount": answered - failed, "failedCount": failed}
    stats = {name: str(count) for name, count in counts.items() if count}
    if not moment.ended:
        # How much there is to do is not known before the end.
        return {**stats, "incompleteCount": _UNKNOWN}
    left = job.row_count - answered
    return {**stats, "incompleteCount": str(left)} if left else stats
