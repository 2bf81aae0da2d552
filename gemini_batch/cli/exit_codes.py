"""Exit codes of the commands, for shell scripts."""

from enum import IntEnum
from typing import Self

from gemini_batch import (
    CreateOutcomeUnknownError,
    CredentialsError,
    InputError,
    ResultsUnavailableError,
    SecurityError,
    WaitTimeoutError,
)


class ExitCode(IntEnum):
    """How a command ended. The texts are part of ``--help``."""

    text: str

    def __new__(cls, value: int, text: str) -> Self:
        """Make a member that carries its explanation."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.text = text
        return member

    OK = 0, "success"
    FAILED = (
        1,
        "the service or the network failed; the job failed, was cancelled or expired",
    )
    USAGE = 2, "wrong usage, wrong input, or no usable key"
    REQUESTS_NOT_OK = 3, "results: some requests did not end OK"
    NOT_ENDED = 4, "the job has not ended: the wait timed out, or results came too early"
    CREATE_UNKNOWN = 5, "it is unknown whether a job was created; nothing was sent twice"
    INTERRUPTED = 130, "interrupted by Ctrl-C; a job that was created keeps running"
    TERMINATED = 143, "terminated by a signal; a job that was created keeps running"


_EARLY = ("not_finished", "not_ready")
_WRONG_PATH = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)


def code_of(error: BaseException) -> ExitCode:
    """Return the exit code that says what `error` means."""
    if isinstance(error, (InputError, SecurityError, CredentialsError, *_WRONG_PATH)):
        return ExitCode.USAGE
    if isinstance(error, WaitTimeoutError):
        return ExitCode.NOT_ENDED
    if isinstance(error, ResultsUnavailableError) and error.reason in _EARLY:
        return ExitCode.NOT_ENDED
    if isinstance(error, CreateOutcomeUnknownError):
        return ExitCode.CREATE_UNKNOWN
    return ExitCode.FAILED


def help_text() -> str:
    """Return the table of exit codes for ``--help``."""
    return "Exit codes:\n\n" + "\n".join(f"- {int(c)}: {c.text}" for c in ExitCode)
