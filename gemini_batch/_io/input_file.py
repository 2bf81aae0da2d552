"""Reading the lines of an input file, block by block, in worker threads."""

import os
import stat

from gemini_batch._io.lines import Numbered, NumberedLines
from gemini_batch.errors import InputError, InputProblem
from gemini_batch.types import ErrorCode

BLOCK_BYTES = 524_288
"""Bytes per thread hop: some hundred rows, and a millisecond or two of work."""

_GZIP = b"\x1f\x8b"
_TABLES = (".csv", ".tsv", ".parquet")
_ELSEWHERE = {
    "gs://": ("Cloud Storage", "gcs_uri"),
    "bq://": ("BigQuery", "bigquery_uri"),
}


class LineReader:
    """Reads numbered lines of a file. Everything here blocks: it runs in a worker thread."""

    def __init__(self, path: str | os.PathLike[str], *, max_line_bytes: int) -> None:
        self._path = os.fspath(path)
        self._lines = NumberedLines(max_line_bytes)
        self._offset = 0

    def check(self) -> None:
        """Look at the file before reading it.

        Raises:
            InputError: It is not there, not on this machine, empty, not a file, not readable,
                or compressed.
        """
        check_here(self._path)
        problem = _problem(self._path)
        if problem is not None:
            raise InputError(problems=(problem,))

    def block(self) -> Numbered | None:
        """Return the next lines; None at the end of the file."""
        # Open only within the hop: nothing is left behind by a cancelled task.
        with open(self._path, "rb", buffering=0) as file:  # noqa: PTH123 - takes any path
            file.seek(self._offset)
            block = file.read(BLOCK_BYTES)
        self._offset += len(block)
        return self._lines.feed(block) if block else self._lines.finish() or None


def check_here(source: object) -> None:
    """Refuse a URI of Google Cloud where a local file is expected.

    Raises:
        InputError: It is one, and must not be taken for a path.
    """
    if isinstance(source, str) and source[:5] in _ELSEWHERE:
        place, argument = _ELSEWHERE[source[:5]]
        raise InputError.one(
            f"expected a local file, got a {place} URI",
            remedy=f"On Vertex AI, create({argument}=…) makes a job of it, and "
            "client.batches.check(…) checks its rows.",
            file=shorten_path(source),
            code=ErrorCode.NOT_LOCAL,
        )


def check_start(start: bytes, name: str) -> None:
    """Look at how a file or an object begins.

    Args:
        start: Its first bytes.
        name: What it is called in problems.

    Raises:
        InputError: It is empty, or compressed.
    """
    problem = _problem_of(start, name)
    if problem is not None:
        raise InputError(problems=(problem,))


def shorten_path(path: str) -> str:
    """Return a path as it is shown in a problem."""
    limit = 200
    return path if len(path) <= limit else f"{path[:limit]}…"


def _problem(path: str) -> InputProblem | None:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - takes any path
        if not stat.S_ISREG(mode):
            what = "it is a directory" if stat.S_ISDIR(mode) else "it is not a regular file"
            remedy = "Give the path of one JSONL file, or the lines as an iterable."
            return _about(path, what, remedy)
        with open(path, "rb") as file:  # noqa: PTH123 - takes any path
            start = file.read(len(_GZIP))
    except (OSError, ValueError) as exc:
        # ValueError: a zero byte, which no path has.
        return _about(path, *_unreadable(path, exc))
    return _problem_of(start, path)


def _problem_of(start: bytes, name: str) -> InputProblem | None:
    if not start:
        return _about(name, "it is empty", "It must hold one JSON object per line.")
    if start.startswith(_GZIP) or name.endswith(".gz"):
        remedy = "Decompress it first (gunzip): the service reads plain JSONL."
        return _about(name, "it is compressed", remedy)
    if name.lower().endswith(_TABLES) and not start.startswith(b"{"):
        return _about(
            name,
            "it is a table, not JSONL",
            "Make requests of it: gemini_batch.tables.requests_from(path, template=…).",
            ErrorCode.TABLE,
        )
    return None


def _about(
    path: str, message: str, remedy: str, code: ErrorCode | None = None
) -> InputProblem:
    return InputProblem(message=message, remedy=remedy, file=shorten_path(path), code=code)


def _unreadable(path: str, exc: Exception) -> tuple[str, str]:
    if isinstance(exc, PermissionError):
        return "it cannot be read: permission denied", "Change its permissions."
    text = path.lstrip()
    if text.startswith(("{", "[")):
        return (
            "expected a path, got JSON",
            "Give a list of requests, or of lines, rather than one string.",
        )
    if len(text.split()) > 2 and "/" not in text:  # noqa: PLR2004 - more words than a name has
        return (
            "expected a path, got a prompt",
            "Give a list of requests, such as [GenerateRequest.from_text(…)].",
        )
    if isinstance(exc, FileNotFoundError):
        return "there is no such file", f"Check the path; it is taken from {os.getcwd()}."  # noqa: PTH109
    return f"it cannot be read: {exc}", "Check the path."
