"""Everything that can go wrong. All errors derive from `GeminiBatchError`.

Errors carry facts as attributes, can be pickled, and hold no key, token or upload URL.
Exceptions need a `__dict__` and identity, hence neither slots nor equality.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from attrs import define, field, fields_dict, frozen

from gemini_batch._lazy import loader
from gemini_batch._renamed import missing_attribute, names_new_arguments
from gemini_batch.types import BatchJob, RpcStatus, UnusableResult


class GeminiBatchError(Exception):
    """Base of every error this package raises."""


def _rebuild(cls: type[GeminiBatchError], values: dict[str, Any]) -> GeminiBatchError:
    return cls(**values)


class _Pickles:
    """Keyword-only exceptions do not pickle by themselves."""

    def __reduce__(self) -> tuple[Any, ...]:
        values = {name: getattr(self, name) for name in fields_dict(type(self))}  # type: ignore[arg-type]
        return (_rebuild, (type(self), values))


@names_new_arguments
@define(slots=False, eq=False, kw_only=True)
class APIError(_Pickles, GeminiBatchError):
    """The service answered with an error status."""

    status_code: int
    """HTTP status code, such as 429."""

    status: str = ""
    """Canonical code from the body, such as ``"RESOURCE_EXHAUSTED"``; may be empty."""

    message: str = ""
    """Message from the body, or the start of a body that is not JSON."""

    details: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    """Details from the body, as the service words them."""

    retry_after: float | None = None
    """Seconds the service asked to wait, by header or by RetryInfo."""

    method: str = ""
    path: str = ""
    """What was called, without query."""

    tries: int = 1
    """How often it was sent, the last time included."""

    def __str__(self) -> str:
        head = f"{self.status_code} {self.status}".strip()
        return f"{head}: {self.message} ({self.method} {self.path})"

    if not TYPE_CHECKING:  # else type checkers would believe in any attribute

        def __getattr__(self, name: str) -> Any:
            raise missing_attribute(self, name)


@names_new_arguments
@define(slots=False, eq=False, kw_only=True)
class BadRequestError(APIError):
    """400: the request is wrong. `line_errors` tells rows the service refused."""

    line_errors: tuple[tuple[int, str], ...] = ()
    """Line numbers from 1 and what the service said of them, from the check at create."""


class AuthenticationError(APIError):
    """401, or a key that is not valid (which the service answers with 400)."""


class PermissionDeniedError(APIError):
    """403: not allowed, or a file that is not there: the service does not tell which."""


class NotFoundError(APIError):
    """404: there is no such job or model, or it belongs to another project."""


class ConflictError(APIError):
    """409: it exists already, or is being changed."""


class RateLimitError(APIError):
    """429: too many calls, open jobs or enqueued tokens."""


class ServerError(APIError):
    """5xx: the service failed."""


@define(slots=False, eq=False, kw_only=True)
class TransportError(_Pickles, GeminiBatchError):
    """No answer arrived, or it broke off."""

    message: str
    maybe_received: bool = True
    """False only if the service certainly did not get the request."""

    def __str__(self) -> str:
        return self.message


@define(slots=False, eq=False, kw_only=True)
class DecodeError(_Pickles, GeminiBatchError, ValueError):
    """JSON that does not have the expected shape."""

    message: str

    def __str__(self) -> str:
        return self.message


@define(slots=False, eq=False, kw_only=True)
class WaitTimeoutError(_Pickles, GeminiBatchError, TimeoutError):
    """The deadline passed before the job ended. The job itself keeps running."""

    name: str
    last: BatchJob | None = None
    """The job as last seen; None if no look succeeded."""

    elapsed: float = 0.0
    """Seconds waited."""

    def __str__(self) -> str:
        state = "unknown" if self.last is None else self.last.state
        return (
            f"{self.name} had not ended after {self.elapsed:.1f} s (state {state}); "
            "it keeps running: wait for it again, or cancel it"
        )


@define(slots=False, eq=False, kw_only=True)
class JobFailedError(_Pickles, GeminiBatchError):
    """The job ended without results: failed, cancelled or expired."""

    job: BatchJob

    def __str__(self) -> str:
        why = f": {self.job.error}" if self.job.error else ""
        return f"{self.job.name} ended {self.job.state} and has no results{why}"


@frozen(kw_only=True)
class InputProblem:
    """One thing that is wrong with the input, and what to do about it."""

    message: str
    remedy: str = ""
    file: str | None = None
    line: int | None = None
    """Line in the file, or position among the requests, from 1."""

    field: str | None = None
    """Path of the member, such as ``request.generationConfig.topP``."""

    def __str__(self) -> str:
        line = None if self.line is None else str(self.line)
        where = ":".join(part for part in (self.file, line) if part)
        head = ": ".join(part for part in (where, self.field, self.message) if part)
        return f"{head}. {self.remedy}" if self.remedy else head


_SHOWN = 10


@define(slots=False, eq=False, kw_only=True)
class InputError(_Pickles, GeminiBatchError, ValueError):
    """The input is wrong. Nothing has been uploaded, created or paid."""

    problems: tuple[InputProblem, ...]
    """What is wrong, in the order of the input."""

    omitted: int = 0
    """Further problems that are not listed."""

    @classmethod
    def one(
        cls,
        message: str,
        *,
        remedy: str = "",
        file: str | None = None,
        field: str | None = None,
    ) -> Self:
        """Return an error of a single problem."""
        return cls(
            problems=(InputProblem(message=message, remedy=remedy, file=file, field=field),)
        )

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems[:_SHOWN]]
        rest = len(self.problems) - len(lines) + self.omitted
        if rest > 0:
            lines.append(f"… and {rest} more")
        return "\n".join(lines)


@define(slots=False, eq=False, kw_only=True)
class ResultsUnavailableError(_Pickles, GeminiBatchError):
    """The job has no results to read here, or not yet."""

    reason: Literal[
        "not_finished",
        "not_ready",
        "not_located",
        "in_file",
        "in_gcs",
        "in_bigquery",
        "in_dataset",
        "expired",
        "empty",
        "no_table",
        "no_response_column",
    ]
    """``not_finished``: the job still runs. ``not_ready``: it succeeded, but the service has
    not filled in the output. ``in_file``, ``in_gcs``, ``in_bigquery``, ``in_dataset``:
    `location` tells where. ``expired``: the result file is gone.

    On Vertex AI: ``not_located``: the service has not said where below `location` they are,
    and what is there may be another job's. ``empty``: there is nothing at `location`.
    ``no_table``: the table there is gone, or never was. ``no_response_column``: it is no
    table of results."""

    job: BatchJob
    location: str | None = None

    def __str__(self) -> str:
        what = {
            "not_finished": f"is {self.job.state}: wait for it first",
            "not_ready": "succeeded, but its output is not there yet: try again in a minute",
            "not_located": (
                f"ended {self.job.state} without saying where below {self.location} its "
                "results are, and that place may hold those of other jobs: look there for "
                "them, and give each job a destination of its own"
            ),
            "in_file": f"has its results in {self.location}: read them with results()",
            "in_gcs": f"has its results under {self.location}: read them with results()",
            "in_bigquery": f"has its results in {self.location}: read them with results()",
            "in_dataset": (
                f"has its results in {self.location}, of which the service does not say in "
                "which table: name one with dest='bq://project.dataset.table'"
            ),
            "expired": (
                f"had its results in {self.location}, which cannot be read any more: files "
                "are deleted after a while, and keys of other projects do not see them"
            ),
            "empty": (
                f"has no results in {self.location}: they may have been moved or deleted, or "
                "are not there yet; look there, or try again in a minute"
            ),
            "no_table": (
                f"has its results in {self.location}, which does not exist: it may have been "
                "deleted, or expired with its dataset's own rules"
            ),
            "no_response_column": (
                f"has its results in {self.location}, which has no column 'response': it is "
                "another table by now, or was never one of results"
            ),
        }
        return f"{self.job.name} {what[self.reason]}"


@define(slots=False, eq=False, kw_only=True)
class EmbeddingsError(_Pickles, GeminiBatchError):
    """The results of a job do not make a matrix: rows failed, or do not fit together."""

    job: BatchJob
    unusable: tuple[UnusableResult, ...]
    """Results that have no place in it, in the order in which they came."""

    omitted: int = 0
    """Further ones that are not listed."""

    def __str__(self) -> str:
        count = len(self.unusable) + self.omitted
        if not count:
            return f"{self.job.name} has no vectors"
        rows = [str(row) for row in self.unusable[:_SHOWN]]
        rest = [f"… and {count - len(rows)} more"] if count > len(rows) else []
        head = f"{count} results of {self.job.name} have no place in a matrix:"
        tail = "collect_embeddings(…, partial=True) goes on without them"
        return "\n".join([head, *rows, *rest, tail])


@define(slots=False, eq=False, kw_only=True)
class CreateOutcomeUnknownError(_Pickles, GeminiBatchError):
    """A job may or may not have been created: no answer came, and no job was found.

    It was not tried again, because a job that exists would be paid twice. Look for
    `intent_token` in the names of your jobs later, or call again with the same
    ``idempotency_key``, which looks before it creates.
    """

    intent_token: str
    model: str

    def __str__(self) -> str:
        return (
            f"it is unknown whether a job for {self.model} was created: no answer came, and "
            f"no job with the token {self.intent_token} was found. Creating again could pay "
            "twice; look for the token in list_all() later, or call again with the same "
            "idempotency_key"
        )


@define(slots=False, eq=False, kw_only=True)
class CredentialsError(_Pickles, GeminiBatchError):
    """There are no usable credentials."""

    message: str

    def __str__(self) -> str:
        return self.message


@define(slots=False, eq=False, kw_only=True)
class SecurityError(_Pickles, GeminiBatchError):
    """A secret would have gone where it must not; nothing was sent."""

    message: str

    def __str__(self) -> str:
        return self.message


@define(slots=False, eq=False, kw_only=True)
class FileFailedError(_Pickles, GeminiBatchError):
    """The service could not process an uploaded file."""

    name: str
    status: RpcStatus | None = None

    def __str__(self) -> str:
        return f"{self.name} could not be processed: {self.status or 'no reason given'}"


__all__ = [
    "APIError",
    "AuthenticationError",
    "BadRequestError",
    "ConflictError",
    "CreateOutcomeUnknownError",
    "CredentialsError",
    "DecodeError",
    "EmbeddingsError",
    "FileFailedError",
    "GeminiBatchError",
    "InputError",
    "InputProblem",
    "JobFailedError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ResultsUnavailableError",
    "SecurityError",
    "ServerError",
    "TransportError",
    "WaitTimeoutError",
]

if not TYPE_CHECKING:  # else type checkers would believe in any name
    __getattr__ = loader(__name__, (), ())
