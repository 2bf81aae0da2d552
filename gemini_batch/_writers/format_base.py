"""What every format of a results file has."""

from collections.abc import Iterator, Sequence
from typing import IO, Any, Protocol, TypeAlias

from gemini_batch._io.input_file import shorten_path
from gemini_batch.errors import InputError
from gemini_batch.types import BatchResult, ErrorCode

Record: TypeAlias = Any
"""A row in the form of the file it goes to; values that `marshal` takes."""

Kept: TypeAlias = tuple[str | None, bool, Record]
"""A row that is in a file: its key, whether it ended well, and the row."""


class Format(Protocol):
    """One form of files. Of one file at a time."""

    def open(self, file: IO[bytes]) -> None:
        """Begin to write to an empty file, which stays the caller's."""

    def records(self, results: Sequence[BatchResult]) -> list[Record]:
        """Return results in the form of the file, one record each."""

    def write(self, records: Sequence[Record]) -> None:
        """Write records."""

    def finish(self) -> None:
        """Write what is due at the end: the file is sound after it, and only then."""

    def read(self, path: str) -> Iterator[list[Kept]]:
        """Yield the rows of a file that was written in this form, some at a time.

        Raises:
            InputError: It was not.
        """


def not_ours(path: str, why: str) -> InputError:
    """Return the error for a file that was not written in the form it should have."""
    return InputError.one(
        f"its rows cannot be kept: {why}",
        remedy="Write to another path, or replace the file with resume=False.",
        file=shorten_path(path),
        field="path",
        code=ErrorCode.FOREIGN_OUTPUT,
    )
