"""What happens to a batch of rows in one thread hop: check, look for duplicates, keep."""

import contextlib
from array import array
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from pathlib import Path  # noqa: TC003 - the house has no type-checking blocks

from gemini_batch._input.key_index import KeyIndex
from gemini_batch._io.local_files import append, make_file, remove
from gemini_batch._io.thread_guard import ThreadGuard
from gemini_batch._requests.checker import (
    INLINE_EXTRA,
    EncodedBlock,
    EncodedRequest,
    NumberedRequest,
    RequestChecker,
)

_HELD_BYTES = 262_144  # rows that are still in memory; more of them go to a file


class RequestSpool:
    """Takes rows in and keeps them, in memory while they are few, else in a file.

    All of it blocks: it runs in worker threads, in one at a time.
    """

    def __init__(
        self,
        checker: RequestChecker,
        *,
        inline_limit: int,
        inline_requests: int,
        max_file_bytes: int,
        spool: bool,
    ) -> None:
        """Create an intake.

        Args:
            checker: Checks the rows.
            inline_limit: Bytes up to which rows may go inline.
            inline_requests: Rows up to which they may.
            max_file_bytes: Bytes a file may have.
            spool: False only checks and counts.
        """
        self.checker = checker
        self.count = 0
        self.size = 0
        """Bytes as a file."""
        self.inline = True
        """Whether the rows may go inline."""
        self.path: Path | None = None
        """The file, once rows do not fit in memory."""
        self._inline_limit = inline_limit
        self._inline_rows = inline_requests
        self._max_file_bytes = max_file_bytes
        self._spool = spool
        self._keys = KeyIndex()
        self._numbers = array("Q")  # of all rows while they may go inline
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._guard = ThreadGuard(self._release)

    def lines(self, lines: Iterable[tuple[int, bytes | None]]) -> None:
        """Take numbered lines of a file; None is a line that was too long."""
        with self._guard.hold() as wanted:
            if wanted:
                self._take(self.checker.lines(lines))

    def requests(self, requests: Iterable[NumberedRequest], made: EncodedBlock) -> None:
        """Take requests, and rows that were made of others between them."""
        with self._guard.hold() as wanted:
            if wanted:
                self._take(made.with_those_of(self.checker.requests(requests)))

    def rows(self) -> tuple[EncodedRequest, ...] | None:
        """Return the rows that may go inline; None if all are in the file instead."""
        with self._guard.hold():
            if not self.inline:
                self._write()
                return None
            lines = b"".join(self._held).splitlines(keepends=True)
            if self.path is not None:
                lines = self.path.read_bytes().splitlines(keepends=True) + lines
                remove(self.path)
                self.path = None
            return tuple(map(EncodedRequest.from_line, lines, self._numbers))

    def discard(self) -> None:
        """Remove the file at once; what still runs will keep nothing."""
        self._guard.discarded = True
        if self.path is not None:
            remove(self.path)

    def close(self, *, wait: bool = True) -> None:
        """Forget everything, once no hop runs any more. May be called more than once.

        Without `wait`, a hop that still runs does it at its end.
        """
        self._guard.close(wait=wait)

    def _release(self) -> None:
        self.discard()
        self._keys.close()

    def _take(self, block: EncodedBlock) -> None:
        place = "line" if self.checker.file else "row"
        for again in self._keys.add(block):
            self.checker.report(
                f"the key {again.key!r} was used on {place} {again.first} already",
                remedy="Every row needs a key of its own: it is what answers are matched by.",
                number=again.number,
                field="key",
            )
        self.count += len(block.keys)
        self._measure(block)
        if self.checker.problems:
            # Nothing will be sent; only the check goes on.
            self.inline = False
            self._held.clear()
        else:
            self._keep(block)

    def _measure(self, block: EncodedBlock) -> None:
        sizes = list(accumulate(map(len, block.lines), initial=self.size))
        self.size = sizes[-1]
        if self.size <= self._max_file_bytes:
            return
        number = block.numbers[bisect_right(sizes, self._max_file_bytes) - 1]
        self.checker.report(
            f"the input is larger than {self._max_file_bytes / 1e9:.3g} GB from here on",
            remedy=f"Split it into several jobs, the first up to row {number - 1}.",
            number=number,
        )
        self.checker.raise_if_any()

    def _keep(self, block: EncodedBlock) -> None:
        if self.inline:
            inline_size = self.size + self.count * INLINE_EXTRA
            self.inline = (
                inline_size <= self._inline_limit and self.count <= self._inline_rows
            )
            self._numbers.extend(block.numbers)
        if not self._spool:
            return
        lines = b"".join(block.lines)
        self._held.append(lines)
        self._held_bytes += len(lines)
        if not self.inline or self._held_bytes > _HELD_BYTES:
            self._write()

    def _write(self) -> None:
        held, self._held, self._held_bytes = self._held, [], 0
        if not held:
            return
        if self.path is None:
            self.path = make_file(None)
        with contextlib.suppress(FileNotFoundError):
            # It is gone if the task was cancelled while this thread ran.
            append(self.path, held)
