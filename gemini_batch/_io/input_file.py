"""Reading the lines of an input file, block by block, in worker threads."""

import os
import stat

from gemini_batch._io.lines import Numbered, NumberedLines
from gemini_batch.errors import InputError

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
        fault = _fault(self._path)
        if fault is not None:
            message, remedy = fault
            raise InputError.one(message, remedy=remedy, file=shorten_path(self._path))

    def block(self) -> Numbered | None:
        """Return the next lines; None at the end of the file."""
        # Open only within the hop: nothing is left behind by a cancelled task.
        with open(self._path, "rb", buffering=0) as file:  # noqa: PTH123 - takes any path
            file.seek(self._offset)
            block = file.read(BLOCK_BYTES)
        self._offset += len(block)
        return self._lines.feed(block) if block else self._lines.finish() or None


def check_here(source: object) -> None:
    """Refuse a URI of Google Cloud where a file of this machine is due.

    Raises:
        InputError: It is one, and must not be taken for a path.
    """
    if isinstance(source, str) and source[:5] in _ELSEWHERE:
        place, argument = _ELSEWHERE[source[:5]]
        raise InputError.one(
            f"it is in {place}, where a file of this machine is due",
            remedy=f"Make a job of it with create({argument}=…), on Vertex AI; "
            "client.batches.check(…) checks its rows.",
            file=shorten_path(source),
        )


def check_start(start: bytes, name: str) -> None:
    """Look at how a file or an object begins.

    Args:
        start: Its first bytes.
        name: What it is called in problems.

    Raises:
        InputError: It is empty, or compressed.
    """
    fault = _fault_of(start, name)
    if fault is not None:
        message, remedy = fault
        raise InputError.one(message, remedy=remedy, file=shorten_path(name))


def shorten_path(path: str) -> str:
    """Return a path as it is shown in a problem."""
    limit = 200
    return path if len(path) <= limit else f"{path[:limit]}…"


def _fault(path: str) -> tuple[str, str] | None:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - takes any path
        if not stat.S_ISREG(mode):
            what = "it is a directory" if stat.S_ISDIR(mode) else "it is not a regular file"
            return what, "Give the path of one JSONL file, or the lines as an iterable."
        with open(path, "rb") as file:  # noqa: PTH123 - takes any path
            start = file.read(len(_GZIP))
    except (OSError, ValueError) as exc:
        # ValueError: a zero byte, which no path has.
        return _unreadable(path, exc)
    return _fault_of(start, path)


def _fault_of(start: bytes, name: str) -> tuple[str, str] | None:
    if not start:
        return "it is empty", "It must hold one JSON object per line."
    if start.startswith(_GZIP) or name.endswith(".gz"):
        return (
            "it is compressed",
            "Decompress it first (gunzip): the service reads plain JSONL.",
        )
    if name.lower().endswith(_TABLES) and not start.startswith(b"{"):
        return (
            "it is a table, not JSONL",
            "Make requests of it: gemini_batch.tables.requests_from(path, template=…).",
        )
    return None


def _unreadable(path: str, exc: Exception) -> tuple[str, str]:
    if isinstance(exc, PermissionError):
        return "it cannot be read: permission denied", "Change its permissions."
    text = path.lstrip()
    if text.startswith(("{", "[")):
        return (
            "a path is due, but this looks like JSON",
            "Give a list of requests, or of lines, rather than one string.",
        )
    if len(text.split()) > 2 and "/" not in text:  # noqa: PLR2004 - more words than a name has
        return (
            "a path is due, but this looks like a prompt",
            "Give a list of requests, such as [GenerateRequest.from_text(…)].",
        )
    if isinstance(exc, FileNotFoundError):
        return "there is no such file", f"Check the path; it is taken from {os.getcwd()}."  # noqa: PTH109
    return f"it cannot be read: {exc}", "Check the path."
