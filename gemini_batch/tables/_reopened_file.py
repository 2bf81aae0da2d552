"""Table files, opened anew for every read."""

import io
import os
import stat
from typing import Any, Final

from gemini_batch._io.input_file import shorten_path
from gemini_batch.errors import InputError

_GZIP: Final = b"\x1f\x8b"


class ReopenedFile(io.RawIOBase):
    """A file that is open only while it is read.

    Whoever reads it may stop for ever in between, and leaves nothing open. Everything here
    blocks: it runs in a worker thread.
    """

    def __init__(self, path: str) -> None:
        """Create a reader that stands at the beginning."""
        self._path = path
        self._offset = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read up to as many bytes as there is room for, and return how many."""
        with open(self._path, "rb", buffering=0) as file:  # noqa: PTH123 - takes any path
            file.seek(self._offset)
            count = file.readinto(buffer)
        self._offset += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Stand at another place, and return where."""
        if whence == os.SEEK_CUR:
            offset += self._offset
        elif whence == os.SEEK_END:
            offset += os.stat(self._path).st_size  # noqa: PTH116 - takes any path
        self._offset = offset
        return offset


def check_file(path: str) -> None:
    """Look at a file before reading it.

    Raises:
        InputError: It is not there, empty, not a file, not readable, or compressed.
    """
    fault = _fault(path)
    if fault is not None:
        message, remedy = fault
        raise InputError.one(message, remedy=remedy, file=shorten_path(path))


def _fault(path: str) -> tuple[str, str] | None:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - takes any path
        if not stat.S_ISREG(mode):
            what = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
            return f"it is {what}", "Give the path of one table."
        with open(path, "rb") as file:  # noqa: PTH123 - takes any path
            start = file.read(len(_GZIP))
    except FileNotFoundError:
        return "there is no such file", f"Check the path; it is taken from {os.getcwd()}."  # noqa: PTH109
    except (OSError, ValueError) as exc:
        # ValueError: a zero byte, which no path has.
        return f"it cannot be read: {exc}", "Check the path."
    if not start:
        return "it is empty", "A table has at least one row."
    if start == _GZIP:
        return "it is compressed", "Decompress it first (gunzip)."
    return None
