"""Every error that the package raises.

::

    GeminiBatchError
    ├── APIError                     the service answered with an error status
    │   ├── BadRequestError          400: the request is wrong
    │   ├── AuthenticationError      401, or an API key that is not valid
    │   ├── PermissionDeniedError    403: not allowed
    │   ├── NotFoundError            404: there is no such job or model
    │   ├── ConflictError            409: it exists, or is being changed
    │   ├── RateLimitError           429: too many calls, jobs or tokens
    │   └── ServerError              5xx: the service failed
    ├── TransportError               no answer, or one that broke off
    ├── DecodeError                  JSON of another shape; a ValueError
    ├── WaitTimeoutError             a wait took longer than allowed; a TimeoutError
    ├── JobFailedError               the job has no results
    ├── InputError                   nothing was sent: the input is wrong; a ValueError
    ├── ResultsUnavailableError      the results are not there, or not here
    ├── EmbeddingsError              the results do not make a matrix
    ├── CreateOutcomeUnknownError    a job may have been created, or not
    ├── CredentialsError             there are no usable credentials
    ├── SecurityError                a secret was kept from where it must not go
    └── FileFailedError              the service could not process an upload

Errors carry facts as attributes: `APIError.status_code`, `InputProblem.field`, codes
(`ErrorCode`) and so on; the texts are for people, and change. Errors can be pickled, and
hold no key, token or upload URL.
"""

# Exceptions need a `__dict__` and identity, hence neither slots nor equality below.

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Self

from attrs import define, field, fields_dict, frozen

from gemini_batch._lazy import loader
from gemini_batch._renamed import missing_attribute, names_new_arguments
from gemini_batch._unavailable import UNAVAILABLE, UnavailableReason
from gemini_batch.types import BatchJob, ErrorCode, JobState, RpcStatus, UnusableResult


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
    """400: the request is wrong, or the service refused lines of the input."""

    line_errors: tuple[tuple[int, str], ...] = ()
    """Lines of the input that the service refused at create: number from 1, and message."""


class AuthenticationError(APIError):
    """401, or a key that is not valid (which the service answers with 400)."""


class PermissionDeniedError(APIError):
    """403: not allowed, or a file that does not exist: the service does not say which."""


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
    """False only if it is certain that the service did not receive the request."""

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
    """The job at the last poll; None if no poll succeeded."""

    elapsed: float = 0.0
    """Seconds waited."""

    def __str__(self) -> str:
        state = "unknown" if self.last is None else self.last.state
        return (
            f"{self.name} had not ended after {self.elapsed:.1f} s (state {state}); "
            "it keeps running: wait for it again, or cancel it"
        )


_ENDED: Final[Mapping[JobState, str]] = {
    JobState.FAILED: "failed",
    JobState.CANCELLED: "was cancelled",
    JobState.EXPIRED: "expired",
}


@define(slots=False, eq=False, kw_only=True)
class JobFailedError(_Pickles, GeminiBatchError):
    """The job ended without results: failed, cancelled or expired."""

    job: BatchJob

    def __str__(self) -> str:
        job = self.job
        ended = _ENDED.get(job.state, f"ended in state {job.state}")
        why = f": {job.error}" if job.error else ""
        return f"{job.name} {ended} and has no results{why}"


@frozen(kw_only=True)
class InputProblem:
    """One thing that is wrong with the input, and what to do about it."""

    message: str
    remedy: str = ""
    file: str | None = None
    line: int | None = None
    """Line in the file, or position among the requests, from 1."""

    field: str | None = None
    """Path of the member of a request, such as ``request.generationConfig.topP``; without a
    `line` the argument, such as ``dest``, or a member of one."""

    code: ErrorCode | None = None
    """What is wrong, where a program could act on it."""

    def __str__(self) -> str:
        line = None if self.line is None else str(self.line)
        where = ":".join(part for part in (self.file, line) if part)
        head = ": ".join(part for part in (where, self.field, self.message) if part)
        return _sentences(head, self.remedy)


def _sentences(message: str, remedy: str) -> str:
    return f"{message}. {remedy}" if remedy else message


_SHOWN = 10


@define(slots=False, eq=False, kw_only=True)
class InputError(_Pickles, GeminiBatchError, ValueError):
    """The input is wrong. Nothing has been uploaded, created or paid."""

    problems: tuple[InputProblem, ...]
    """What is wrong, in the order of the input."""

    omitted: int = 0
    """Number of further problems that are not listed."""

    @classmethod
    def one(
        cls,
        message: str,
        *,
        remedy: str = "",
        file: str | None = None,
        field: str | None = None,
        code: ErrorCode | None = None,
    ) -> Self:
        """Return an error of a single problem."""
        problem = InputProblem(
            message=message, remedy=remedy, file=file, field=field, code=code
        )
        return cls(problems=(problem,))

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems[:_SHOWN]]
        rest = len(self.problems) - len(lines) + self.omitted
        if rest > 0:
            lines.append(f"… and {rest} more")
        return "\n".join(lines)


@define(slots=False, eq=False, kw_only=True)
class ResultsUnavailableError(_Pickles, GeminiBatchError):
    """The job has no results to read here, or not yet."""

    reason: UnavailableReason
    """``not_finished``: the job still runs. ``not_ready``: it succeeded, but the service has
    not filled in the output. ``in_file``, ``in_gcs``, ``in_bigquery``, ``in_dataset``: they
    are in `location`. ``expired``: the result file is gone.

    On Vertex AI: ``not_located``: the service has not said where below `location` they are,
    and what is there may be another job's. ``empty``: there is nothing at `location`.
    ``no_table``: the table there is gone, or never was. ``no_response_column``: it is no
    table of results."""

    job: BatchJob
    location: str | None = None

    @property
    def message(self) -> str:
        """What is the matter, without what to do about it."""
        text = UNAVAILABLE[self.reason][0]
        text = text.format(state=self.job.state, location=self.location)
        return f"{self.job.name} {text}"

    @property
    def remedy(self) -> str:
        """What to do about it in Python; empty if there is nothing."""
        return UNAVAILABLE[self.reason][1]

    def __str__(self) -> str:
        return _sentences(self.message, self.remedy)


@define(slots=False, eq=False, kw_only=True)
class EmbeddingsError(_Pickles, GeminiBatchError):
    """The results of a job do not make a matrix: some failed, or do not fit together."""

    job: BatchJob
    unusable: tuple[UnusableResult, ...]
    """Results that cannot be in the matrix, in the order in which they came."""

    omitted: int = 0
    """Number of further ones that are not listed."""

    def __str__(self) -> str:
        count = len(self.unusable) + self.omitted
        if not count:
            return f"{self.job.name} has no vectors"
        listed = [str(result) for result in self.unusable[:_SHOWN]]
        rest = [f"… and {count - len(listed)} more"] if count > len(listed) else []
        head = f"{count} results of {self.job.name} cannot be in a matrix:"
        tail = "collect_embeddings(…, partial=True) leaves them out"
        return "\n".join([head, *listed, *rest, tail])


@define(slots=False, eq=False, kw_only=True)
class CreateOutcomeUnknownError(_Pickles, GeminiBatchError):
    """A job may or may not have been created: no answer came, and no job was found.

    It was not tried again, because a job that exists would be paid twice. Look for
    `intent_token` in the names of your jobs later, or call again with the same
    ``idempotency_key``, which looks before it creates.
    """

    intent_token: str
    model: str

    @property
    def message(self) -> str:
        """What is the matter, without what to do about it."""
        return (
            f"it is unknown whether a job for {self.model} was created: no answer came, and "
            f"no job with the token {self.intent_token} was found. Creating again could pay "
            "twice"
        )

    @property
    def remedy(self) -> str:
        """What to do about it in Python."""
        return (
            "Look for the token in list_all() later, or call again with the same "
            "idempotency_key."
        )

    def __str__(self) -> str:
        return _sentences(self.message, self.remedy)


@define(slots=False, eq=False, kw_only=True)
class CredentialsError(_Pickles, GeminiBatchError):
    """There are no usable credentials."""

    message: str
    remedy: str = ""
    code: ErrorCode | None = None
    """What is wrong, where a program could act on it."""

    def __str__(self) -> str:
        return _sentences(self.message, self.remedy)


@define(slots=False, eq=False, kw_only=True)
class SecurityError(_Pickles, GeminiBatchError):
    """A secret would have gone where it must not; nothing was sent."""

    message: str
    remedy: str = ""
    field: str | None = None
    """The argument with the address, such as ``base_url``."""

    code: ErrorCode | None = None
    """What is wrong, where a program could act on it."""

    def __str__(self) -> str:
        return _sentences(self.message, self.remedy)


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
