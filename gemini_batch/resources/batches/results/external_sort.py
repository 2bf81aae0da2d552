"""Rows put in order in bounded memory: sorted piece by piece, spilled to disk, merged."""

import heapq
import io
import struct
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Any, Final, TypeAlias

from attrs import define

PlacedResult: TypeAlias = tuple[int, int, bytes]
"""Position in the order, position among the results, and the row."""

_HELD_BYTES: Final = 16 << 20
_EXTRA: Final = 200  # bytes that a row takes in memory beside its text
_LEAST_READ: Final = 8_192  # bytes of a run
_HEAD: Final = struct.Struct("<QQQ")


@define
class _Run:
    """Rows in order, one after the other in the file."""

    start: int
    end: int
    """Bytes of the file."""

    last: int
    """Position in the order of its last row."""


class ResultSorter:
    """Takes rows in any order, and returns them in order of their positions.

    It holds some megabytes of them, whatever their number. All of it blocks: it is used by one
    thread at a time.
    """

    def __init__(self, *, held_bytes: int = _HELD_BYTES) -> None:
        """Create a sorter.

        Args:
            held_bytes: Bytes of rows that are held in memory; more of them go to a file, which
                has no name, so that nothing is left of it whatever happens.
        """
        self._held_bytes = held_bytes
        self._rows: list[PlacedResult] = []
        self._bytes = 0
        self._file: IO[bytes] | None = None
        self._size = 0
        self._runs: list[_Run] = []

    def add(self, position: int, index: int, row: bytes) -> None:
        """Take a row, whose position is that of no other."""
        self._rows.append((position, index, row))
        self._bytes += len(row) + _EXTRA
        if self._bytes >= self._held_bytes:
            self._spill()

    def merged(self) -> Iterator[PlacedResult]:
        """Yield all rows in order. None may be added any more."""
        self._rows.sort()
        file = self._file
        if file is None:
            return iter(self._rows)
        # All together hold as much as rows did before.
        size = max(_LEAST_READ, self._held_bytes // len(self._runs))
        runs: list[Iterable[PlacedResult]] = [
            _rows_of(file, run, size) for run in self._runs
        ]
        return heapq.merge(*runs, self._rows)

    def close(self) -> None:
        """Forget everything."""
        self._rows.clear()
        if self._file is not None:
            self._file.close()

    def _spill(self) -> None:
        rows, self._rows, self._bytes = self._rows, [], 0
        rows.sort()
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        start = self._size
        self._file.seek(start)
        for position, index, row in rows:
            self._file.write(_HEAD.pack(position, index, len(row)))
            self._file.write(row)
        self._size = self._file.tell()
        last = rows[-1][0]
        if self._runs and self._runs[-1].last < rows[0][0]:
            # Rows that come in order make a single run.
            self._runs[-1].end, self._runs[-1].last = self._size, last
        else:
            self._runs.append(_Run(start, self._size, last))


def _rows_of(file: IO[bytes], run: _Run, size: int) -> Iterator[PlacedResult]:
    with io.BufferedReader(_Part(file, run.start, run.end), size) as part:
        while head := part.read(_HEAD.size):
            position, index, length = _HEAD.unpack(head)
            yield position, index, part.read(length)


class _Part(io.RawIOBase):
    """A part of a file, of which other parts are read in turn."""

    def __init__(self, file: Any, start: int, end: int) -> None:
        super().__init__()
        self._file = file
        self._at = start
        self._end = end

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._at)
        count: int = self._file.readinto(memoryview(buffer)[: self._end - self._at])
        self._at += count
        return count
