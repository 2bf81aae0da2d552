"""What an error means on the command line: options for arguments, and what to do.

The SDK says what to do in Python. Its errors carry facts, and these are looked up here: the
code, the argument, the reason. No text of an error is ever searched.
"""

from collections.abc import Mapping
from typing import Final

from attrs import evolve, frozen

from gemini_batch import (
    BadRequestError,
    CreateOutcomeUnknownError,
    CredentialsError,
    ErrorCode,
    InputError,
    InputProblem,
    ResultsUnavailableError,
    SecurityError,
)

OPTIONS: Final[Mapping[str, str]] = {
    "bigquery_uri": "INPUT at bq://",
    "dest": "--dest",
    "display_name": "--display-name",
    "expected": "--expected",
    "failures": "--failures",
    "files": "files",
    "filter": "--filter",
    "gcs_uri": "INPUT at gs://",
    "generation_config": "--generation-config",
    "idempotency_key": "--idempotency-key",
    "job": "JOB",
    "key_column": "--key-column",
    "kms_key_name": "--kms-key",
    "labels": "--label",
    "max_cost": "--max-cost",
    "model": "--model",
    "name": "NAME",
    "objects": "--output",
    "path": "--output",
    "poll_interval": "--poll-interval",
    "priority": "--priority",
    "raw": "--raw",
    "requests": "--expected",
    "service_account": "--service-account",
    "source": "PATH",
    "staging": "--staging",
    "system_instruction": "--system-instruction",
    "timeout": "--timeout",
}
"""Argument of the SDK to what it is called on the command line."""

ADDRESSES: Final[Mapping[str, str]] = {
    "base_url": "GOOGLE_GEMINI_BASE_URL; for Vertex AI, GOOGLE_VERTEX_BASE_URL; with "
    "--emulator, GEMINI_BATCH_EMULATOR",
    "storage_url": "STORAGE_EMULATOR_HOST",
    "bigquery_url": "BIGQUERY_EMULATOR_HOST",
}
"""Address to the environment variables that it is read from."""

_OFFLINE = "--emulator needs none, and costs nothing."
_ADDRESS = "The address is read from {variables}."

REMEDIES: Final[Mapping[ErrorCode, str]] = {
    ErrorCode.MISSING_API_KEY: "Set GEMINI_API_KEY or GOOGLE_API_KEY; --vertex takes Google "
    "credentials instead. --emulator needs neither, and costs nothing.",
    ErrorCode.INVALID_API_KEY: "It is read from GOOGLE_API_KEY, or else GEMINI_API_KEY: look "
    "for line breaks, spaces and quotes around it.",
    ErrorCode.MISSING_PROJECT: f"Give --project, or set GOOGLE_CLOUD_PROJECT. {_OFFLINE}",
    ErrorCode.MISSING_CREDENTIALS: "Run gcloud auth application-default login, or set "
    f"GOOGLE_APPLICATION_CREDENTIALS. {_OFFLINE}",
    ErrorCode.INVALID_CREDENTIALS: "Run gcloud auth application-default login again, or "
    f"check GOOGLE_APPLICATION_CREDENTIALS. {_OFFLINE}",
    ErrorCode.INVALID_URL: _ADDRESS,
    ErrorCode.INSECURE_URL: f"Plain http is accepted for this machine only. {_ADDRESS}",
    ErrorCode.NEEDS_VERTEX_AI: "Vertex AI has it: give --vertex and --project.",
    ErrorCode.NEEDS_DEVELOPER_API: "The Gemini Developer API has it: leave --vertex, "
    "--project, --location and --staging out, or give --no-vertex.",
    ErrorCode.OTHER_LOCATION: "Give its location with --location.",
    ErrorCode.MISSING_STAGING: "Give --staging gs://bucket/prefix. Or upload the file "
    "yourself (gcloud storage cp), and submit its gs:// URI.",
    ErrorCode.MISSING_DESTINATION: "Give --dest gs://bucket/prefix, --dest "
    "bq://project.dataset.table or --staging gs://bucket/prefix.",
    ErrorCode.NOT_LOCAL: "Copy it to this machine first, such as with gcloud storage cp.",
    ErrorCode.TABLE: "Make a file of it with one JSON request per line; in Python, "
    "gemini_batch.tables does that.",
    ErrorCode.STORED_INPUT: "Put it into the requests, or submit a local file.",
    ErrorCode.EMBEDDING_MODEL: "Give --embed for input at gs:// or bq://; a file must hold "
    "requests that embed.",
    ErrorCode.NO_KEYS: "Use gemini-embedding-001. Or store requests in the model's own form, "
    "and submit their URI with --embed.",
    ErrorCode.SEVERAL_OBJECTS: "Check them one by one; gcloud storage ls lists them.",
    ErrorCode.UNKNOWN_COST: "Give --price for each kind of tokens (what is free costs 0) and "
    "--answer-tokens, or leave --max-cost out.",
    ErrorCode.FOREIGN_OUTPUT: "Write to another file, or leave --resume out to replace it.",
}
"""Code to what to do about it. Without an entry, the words of the SDK do here, too."""

UNAVAILABLE: Final[Mapping[str, str]] = {
    "not_finished": "Wait for it first: gemini-batch wait {job}",
    "not_ready": "Try again in a minute.",
    "not_located": "Look for them there, and give each job a --dest of its own.",
    "in_file": "Read them with gemini-batch results {job}",
    "in_gcs": "Read them with gemini-batch results {job}",
    "in_bigquery": "Read them with gemini-batch results {job}",
    "in_dataset": "Name a table when you submit: --dest bq://project.dataset.table.",
    "expired": "",
    "empty": "Look there, or try again in a minute.",
    "no_table": "",
    "no_response_column": "",
}
"""Reason why there are no results to what to do about it."""

_CREATE_UNKNOWN = (
    "Look for it later with gemini-batch list. Submit again with the --idempotency-key of "
    "this call only: without one, a job that exists after all is paid twice."
)


@frozen(kw_only=True)
class Explanation:
    """An error in words of the command line."""

    message: str
    remedy: str = ""
    code: ErrorCode | None = None
    problems: tuple[InputProblem, ...] = ()
    """What is wrong with the input, if that is it."""

    omitted: int = 0
    """Number of further problems that are not listed."""

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}" if self.remedy else self.message


def explain(error: BaseException) -> Explanation:
    """Return an error in words of the command line."""
    if isinstance(error, InputError):
        return _input(error)
    if isinstance(error, BadRequestError):
        refused = error.line_errors
        problems = tuple(InputProblem(line=line, message=text) for line, text in refused)
        return Explanation(message=str(error), problems=problems)
    if isinstance(error, CredentialsError | SecurityError):
        field = error.field if isinstance(error, SecurityError) else None
        remedy = _remedy(error.code, error.remedy, field)
        return Explanation(message=error.message, remedy=remedy, code=error.code)
    if isinstance(error, ResultsUnavailableError):
        remedy = UNAVAILABLE[error.reason].format(job=error.job.name)
        return Explanation(message=error.message, remedy=remedy)
    if isinstance(error, CreateOutcomeUnknownError):
        return Explanation(message=error.message, remedy=_CREATE_UNKNOWN)
    return Explanation(message=str(error) or type(error).__name__)


def _input(error: InputError) -> Explanation:
    problems = tuple(map(_problem, error.problems))
    if len(problems) == 1 and not error.omitted:
        (only,) = problems
        head = str(evolve(only, remedy=""))
        return Explanation(
            message=head, remedy=only.remedy, code=only.code, problems=problems
        )
    lines = [str(problem) for problem in problems]
    if error.omitted:
        lines.append(f"… and {error.omitted:,} more")
    return Explanation(message="\n".join(lines), problems=problems, omitted=error.omitted)


def _problem(problem: InputProblem) -> InputProblem:
    """Return a problem with the option in place of the argument, and what to do about it."""
    field = problem.field
    if field is not None and problem.line is None:
        # What is in an argument follows its name: labels.team, generation_config.topP.
        name, dot, inner = field.partition(".")
        if name in OPTIONS:
            field = OPTIONS[name] + (f": {inner}" if dot else "")
    remedy = _remedy(problem.code, problem.remedy)
    return evolve(problem, field=field, remedy=remedy)


def _remedy(code: ErrorCode | None, remedy: str, field: str | None = None) -> str:
    own = None if code is None else REMEDIES.get(code)
    if own is None:
        return remedy
    return own.format(variables=ADDRESSES.get(field or "", "the environment"))
