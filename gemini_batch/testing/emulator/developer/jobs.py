"""The life of a job, as a pure function of emulated time."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import anyio
from attrs import define, field, frozen

from gemini_batch.testing.emulator.core.clock import seconds, stamp
from gemini_batch.testing.emulator.core.errors import GRPC_MESSAGES
from gemini_batch.testing.emulator.core.limits import Limits

PENDING: Final = "BATCH_STATE_PENDING"
RUNNING: Final = "BATCH_STATE_RUNNING"
SUCCEEDED: Final = "BATCH_STATE_SUCCEEDED"
FAILED: Final = "BATCH_STATE_FAILED"
CANCELLED: Final = "BATCH_STATE_CANCELLED"
EXPIRED: Final = "BATCH_STATE_EXPIRED"
TERMINAL: Final = frozenset((SUCCEEDED, FAILED, CANCELLED, EXPIRED))

# gRPC code that an operation which ended so carries as its error.
_ERROR_CODES: Final = {FAILED: 13, CANCELLED: 1}
_TYPE_PREFIX: Final = "type.googleapis.com/google.ai.generativelanguage.v1main."
# Members of an operation beside its metadata, which a script may set as well.
_ENVELOPE: Final = frozenset(("done", "error", "response"))

Look = str | Mapping[str, Any]
"""One step of a scripted course: a wire state, or members that replace the usual ones."""


class Kind(StrEnum):
    """What a job does with its requests. The value is the resource's name on the wire."""

    GENERATE = "GenerateContentBatch"
    EMBED = "EmbedContentBatch"


@define(kw_only=True, eq=False)
class Job:
    """One batch job the emulator holds."""

    name: str
    kind: Kind
    model: str
    """``models/…`` or ``tunedModels/…``."""

    display_name: str = ""
    file_name: str = ""
    """Input file; empty for a job made of inlined requests."""

    priority: int | None = None
    webhook_config: Mapping[str, Any] | None = None
    row_count: int
    tokens: int = 0
    """Tokens of its prompts, together."""

    input_path: Path = field(repr=False)
    """One request per line, as they came."""

    result_path: Path = field(repr=False)
    """Where the answers are written as they are made."""

    sequence: int = 0
    """Place in the order of creation."""

    create_time: dt.datetime
    cancel_time: dt.datetime | None = None
    """When the first cancel call came that found it open."""

    update_time: dt.datetime | None = None
    looks: int = 0
    """GET requests it has answered."""

    course: Sequence[Look] = ()
    """Scripted looks; empty for a job that lives by the clock."""

    course_taken: int = 0
    """Scripted looks taken so far."""

    scripted_end: dt.datetime | None = None
    """When a script first showed it ended."""

    succeeded: int = 0
    """Requests answered so far."""

    failed: int = 0
    """Requests that ended in an error so far."""

    input_offset: int = 0
    """Bytes of the input that are dealt with."""

    result_bytes: int = 0
    """Bytes of the result file that these requests have."""

    lock: anyio.Lock = field(factory=anyio.Lock, repr=False)
    """Held while requests are answered."""

    abandoned: bool = False
    """Deleted, or the emulator is closing: its requests need no more answers."""

    state_now: Callable[[], str] = field(default=lambda: PENDING, repr=False)
    """Tells the state by the emulator's clock; set when the job is taken in."""

    @property
    def state(self) -> str:
        """Wire state at this moment; for a scripted job, the one of the last look."""
        return self.state_now()

    @property
    def id(self) -> str:
        """Its name without ``batches/``."""
        return self.name.removeprefix("batches/")

    @property
    def result_file(self) -> str:
        """Name of the file that holds the results of a job made from a file."""
        return f"files/batch-{self.id}"


@frozen(kw_only=True)
class Moment:
    """Where a job is at one moment."""

    state: str
    answered: int
    """Requests dealt with, as clients see it: refreshed now and then only."""

    update_time: dt.datetime
    end_time: dt.datetime | None = None
    has_output: bool = False
    """Whether there are results to show."""

    overrides: Mapping[str, Any] = field(factory=dict)

    @property
    def ended(self) -> bool:
        """Whether the state cannot change any more."""
        return self.state in TERMINAL


def moment_of(job: Job, now: dt.datetime, limits: Limits) -> Moment:
    """Return where `job` is at `now`. Its script, if it has one, goes before the clock."""
    if job.course and job.course_taken:
        return _scripted(job)
    started = job.create_time + seconds(limits.pending)
    length = max(limits.least_running, job.row_count / limits.rows_per_second)
    end, state = started + seconds(length), SUCCEEDED
    expiry = job.create_time + seconds(limits.job_expiry)
    if end > expiry:
        end, state = expiry, EXPIRED
    if job.cancel_time is not None:
        cancelled = job.cancel_time + seconds(limits.cancel_delay)
        if cancelled < end:
            end, state = cancelled, CANCELLED
    if now >= end:
        seen = job.row_count if state == SUCCEEDED else _visible(job, end, started, limits)
        return Moment(
            state=state,
            answered=seen,
            update_time=end,
            end_time=end,
            has_output=_has_output(state, seen, limits),
        )
    seen = _visible(job, now, started, limits)
    state = RUNNING if now >= started else PENDING
    return Moment(
        state=state, answered=seen, update_time=job.update_time or job.create_time
    )


def _visible(job: Job, now: dt.datetime, started: dt.datetime, limits: Limits) -> int:
    """Return how many requests clients see as done: the real count, some seconds old."""
    running = (now - started).total_seconds()
    if running <= 0:
        return 0
    refreshed = running // limits.lag * limits.lag if limits.lag > 0 else running
    length = max(limits.least_running, job.row_count / limits.rows_per_second)
    return min(job.row_count, int(job.row_count * refreshed / length))


def _has_output(state: str, answered: int, limits: Limits) -> bool:
    partial = state == CANCELLED and limits.partial_output and answered > 0
    return state == SUCCEEDED or partial


def _scripted(job: Job) -> Moment:
    look = job.course[min(job.course_taken, len(job.course)) - 1]
    overrides = {"state": look} if isinstance(look, str) else dict(look)
    state = str(overrides.get("state", PENDING))
    end = job.scripted_end if state in TERMINAL else None
    return Moment(
        state=state,
        answered=job.row_count if state == SUCCEEDED else 0,
        update_time=end or job.update_time or job.create_time,
        end_time=end,
        has_output=state == SUCCEEDED,
        overrides=overrides,
    )


def take_look(job: Job, now: dt.datetime) -> None:
    """Count one GET of `job`, and move its script on."""
    job.looks += 1
    if not job.course:
        return
    job.course_taken = min(job.course_taken + 1, len(job.course))
    if job.scripted_end is None and _scripted(job).ended:
        job.scripted_end = now


def resource_of(
    job: Job, moment: Moment, output: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the batch resource, with its output if that is given."""
    nanos = sum(job.id.encode()) % 1000
    value: dict[str, Any] = {"model": job.model}
    if job.display_name:
        value["displayName"] = job.display_name
    if job.file_name:
        value["inputConfig"] = {"fileName": job.file_name}
    if output is not None:
        value["output"] = dict(output)
    value["createTime"] = stamp(job.create_time, nanos=nanos)
    if moment.end_time is not None:
        value["endTime"] = stamp(moment.end_time, nanos=nanos)
    value["updateTime"] = stamp(moment.update_time, nanos=nanos)
    value["batchStats"] = _stats(job, moment)
    value["state"] = moment.state
    value["name"] = job.name
    if job.priority:
        value["priority"] = str(job.priority)
    if job.webhook_config is not None:
        value["webhookConfig"] = dict(job.webhook_config)
    return value


def _stats(job: Job, moment: Moment) -> dict[str, str]:
    answered = min(moment.answered, job.succeeded + job.failed)
    failed = min(job.failed, answered)
    counts = {
        "requestCount": job.row_count,
        "successfulRequestCount": answered - failed,
        "failedRequestCount": failed,
        "pendingRequestCount": job.row_count - answered,
    }
    return {name: str(count) for name, count in counts.items() if count}


def operation_of(
    job: Job, moment: Moment, output: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the Operation that stands for `job` in answers.

    Its `output` is ``responsesFile`` or ``inlinedResponses``; None where neither is shown.
    """
    if not moment.has_output:
        output = None
    type_name = _TYPE_PREFIX + job.kind.value
    metadata = {"@type": type_name, **resource_of(job, moment, output)}
    operation: dict[str, Any] = {"name": job.name, "metadata": metadata}
    if moment.ended:
        operation["done"] = True
        code = _ERROR_CODES.get(moment.state)
        if code is not None:
            operation["error"] = {"code": code, "message": GRPC_MESSAGES[code]}
    # An operation has a response or an error, never both.
    if output is not None and "error" not in operation:
        # Seen live: embeddings of inlined requests lack the suffix.
        bare = job.kind is Kind.EMBED and not job.file_name
        operation["response"] = {"@type": type_name + ("" if bare else "Output"), **output}
    _override(operation, metadata, moment.overrides)
    return operation


def _override(
    operation: dict[str, Any], metadata: dict[str, Any], overrides: Mapping[str, Any]
) -> None:
    """Put scripted members in place; one that is None is taken away."""
    for name, value in overrides.items():
        target = operation if name in _ENVELOPE else metadata
        if value is None:
            target.pop(name, None)
        else:
            target[name] = value
    if overrides.get("output", ...) is None:
        operation.pop("response", None)
