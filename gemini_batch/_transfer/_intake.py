"""What happens to a batch of rows in one thread hop: check, look for duplicates, keep."""

import contextlib
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path  # noqa: TC003 - the house has no type-checking blocks

from gemini_batch._transfer._keys import KeyIndex
from gemini_batch._transfer._local import append, make_file, remove
from gemini_batch._wire.rows import Row, RowChecker


class Intake:
    """Takes rows in and keeps them, in memory while they are few, else in a file.

    All of it blocks: it runs in worker threads, in one at a time.
    """

    def __init__(
        self,
        checker: RowChecker,
        *,
        inline_limit: int,
        inline_rows: int,
        max_file_bytes: int,
        spool: bool,
    ) -> None:
        """Create an intake.

        Args:
            checker: Checks the rows.
            inline_limit: Bytes up to which rows are kept in memory.
            inline_rows: Rows up to which they are.
            max_file_bytes: Bytes a file may have.
            spool: False only checks and counts.
        """
        self.checker = checker
        self.count = 0
        self.size = 0
        """Bytes as a file."""
        self.rows: list[Row] | None = []
        """The rows while they may go inline; None from then on."""
        self.path: Path | None = None
        """The file, once rows do not fit in memory."""
        self._inline_size = 0
        self._inline_limit = inline_limit
        self._inline_rows = inline_rows
        self._max_file_bytes = max_file_bytes
        self._spool = spool
        self._keys = KeyIndex()
        # A task that is cancelled natively leaves its hop running: `close` waits for it.
        self._lock = threading.Lock()
        self._closed = False

    def lines(self, lines: Iterable[tuple[int, bytes | None]]) -> None:
        """Take numbered lines of a file; None is a line that was too long."""
        with self._lock:
            rows = []
            for number, line in lines:
                if line is None:
                    self.checker.too_large(number)
                    continue
                row = self.checker.line(line, number)
                if row is not None:
                    rows.append(row)
            self._take(rows)

    def requests(self, requests: Iterable[tuple[int, object]]) -> None:
        """Take numbered requests."""
        with self._lock:
            checked = (self.checker.request(value, number) for number, value in requests)
            self._take([row for row in checked if row is not None])

    def discard(self) -> None:
        """Remove the file at once; what still runs will keep nothing."""
        self._closed = True
        if self.path is not None:
            remove(self.path)

    def close(self) -> None:
        """Forget everything, once no hop runs any more."""
        with self._lock:
            self.discard()
            self._keys.close()

    def _take(self, rows: Sequence[Row]) -> None:
        if self._closed:
            return
        place = "line" if self.checker.file else "row"
        for row, first in self._keys.add(rows):
            self.checker.report(
                f"the key {row.key!r} was used on {place} {first} already",
                remedy="Every row needs a key of its own: it is what answers are matched by.",
                number=row.number,
                field="key",
            )
        lines = [row.file_line() for row in rows]
        self.count += len(lines)
        self._measure(rows, lines)
        if self.checker.problems:
            # Nothing will be sent; only the check goes on.
            self.rows = None
        else:
            self._keep(rows, lines)

    def _measure(self, rows: Sequence[Row], lines: Sequence[bytes]) -> None:
        for row, line in zip(rows, lines, strict=True):
            self.size += len(line)
            if self.size > self._max_file_bytes:
                self.checker.report(
                    f"the input is larger than {self._max_file_bytes / 1e9:.3g} GB from here on",
                    remedy=f"Split it into several jobs, the first up to row {row.number - 1}.",
                    number=row.number,
                )
                self.checker.raise_if_any()

    def _keep(self, rows: Sequence[Row], lines: list[bytes]) -> None:
        if self.rows is not None:
            self.rows.extend(rows)
            self._inline_size += sum(len(row.inline_row()) + 1 for row in rows)
            if (
                self._inline_size <= self._inline_limit
                and len(self.rows) <= self._inline_rows
            ):
                return
            lines = [row.file_line() for row in self.rows]
            self.rows = None
        if self._spool:
            if self.path is None:
                self.path = make_file(None)
            with contextlib.suppress(FileNotFoundError):
                # It is gone if the task was cancelled while this thread ran.
                append(self.path, lines)
