"""Lines of any length."""

import io
from collections.abc import Iterable, Iterator
from itertools import chain

_LONG = 8_192  # bytes


class LineSplitter:
    r"""Cuts a byte stream into lines of any length, at ``\n`` alone; lines keep theirs.

    Pending pieces are joined once, when their line ends, so a line that spans many chunks
    costs time linear in its length.
    """

    def __init__(self) -> None:
        self._pending: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterable[bytes]:
        """Return the lines that `chunk` completes, short ones each made when it is asked for.

        One after the other they take the same memory, which is in the processor's cache; all
        at once they would take as much again as the chunk, and the system time to get it.
        """
        end = chunk.rfind(b"\n") + 1
        tail = chunk[end:]
        if not end:
            if tail:
                self._pending.append(tail)
            return ()
        # Three times as fast as `split`. Of the lines it reads, only the tail has no newline.
        read = io.BytesIO(chunk)
        first = b"".join((*self._pending, read.readline()))
        self._pending = [tail] if tail else []
        if len(first) < _LONG:
            return chain((first,), iter(read.readline, tail))
        # What is kept of a long line is shorter, such as a vector. Made in turn with the lines,
        # it would leave holes in the heap where they were.
        lines = read.readlines()
        if tail:
            lines.pop()
        return (first, *lines)

    def finish(self) -> bytes:
        """Return what follows the last newline; empty if the stream ended with one."""
        tail = b"".join(self._pending)
        self._pending.clear()
        return tail


Numbered = list[tuple[int, bytes | None]]
"""Lines with their numbers, from 1; None is a line that is too long."""


class BoundedLines:
    """Cuts blocks into lines; a line beyond the limit is dropped, not held.

    Pending pieces are joined once, when their line ends: linear in the length of a line.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []
        self._length = 0

    def feed(self, block: bytes) -> list[bytes | None]:
        """Return the lines that `block` completes, without newline; None for one too long."""
        head, newline, rest = block.partition(b"\n")
        self._keep(head)
        if not newline:
            return []
        first = self.finish()
        *whole, tail = rest.split(b"\n")
        self._keep(tail)
        return [first, *whole]

    def finish(self) -> bytes | None:
        """Return what is pending as a line; empty if nothing is."""
        line = None if self._length > self._max_bytes else b"".join(self._pieces)
        self._pieces.clear()
        self._length = 0
        return line

    def _keep(self, piece: bytes) -> None:
        self._length += len(piece)
        if self._length > self._max_bytes:
            self._pieces.clear()
        else:
            self._pieces.append(piece)


class NumberedLines:
    """Cuts blocks into numbered lines; a line beyond the limit is dropped, not held."""

    def __init__(self, max_line_bytes: int) -> None:
        self._lines = BoundedLines(max_line_bytes)
        self._number = 0

    def feed(self, block: bytes) -> Numbered:
        """Return the lines that `block` completes."""
        return list(self._numbered(self._lines.feed(block)))

    def finish(self) -> Numbered:
        """Return what is pending as a line; nothing if nothing is."""
        tail = self._lines.finish()
        return [] if tail == b"" else list(self._numbered([tail]))

    def _numbered(self, lines: list[bytes | None]) -> Iterator[tuple[int, bytes | None]]:
        for line in lines:
            self._number += 1
            yield self._number, line
