"""A file of results in the making: beside its target until it is whole."""

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from gemini_batch._io.local_files import part_of, remove
from gemini_batch._io.thread_guard import ThreadGuard
from gemini_batch._writers.format_base import (
    Format,
    Kept,
    Record,
    not_ours,
)
from gemini_batch._writers.resume_index import FailedKeys, KeptResults, mark_of
from gemini_batch.types import BatchResult, Tally

_log = logging.getLogger("gemini_batch._writers.write_results")


class ResultWriter:
    """Writes results beside their target, with the rows that were there before.

    All of it blocks: it runs in worker threads, in one at a time. A task that is cancelled
    natively leaves its thread running; what runs on will leave nothing.
    """

    def __init__(
        self, target: Path, form: Format, *, resume: bool, failed: FailedKeys | None
    ) -> None:
        """Create a writer; nothing is opened yet.

        Args:
            target: The file, where links lead.
            form: How it is written.
            resume: Whether to keep what is there.
            failed: Takes the keys of the rows that did not end well; None: nobody asks.
        """
        self.tally = Tally()
        self.kept = target.with_name(f"{target.name}.part")
        """Where a file that could not be finished is kept."""
        self._target = target
        self._form = form
        self._resume = resume
        self._failed = failed
        self._part = part_of(target)
        self._file: IO[bytes] | None = None
        self._rows: KeptResults | None = None
        self._old: Iterator[list[Kept]] = iter(())
        self._waiting: Iterator[list[tuple[str, Record]]] | None = None
        self._begun = self._torn = self._whole = False
        self._guard = ThreadGuard(self._release)

    def open(self) -> None:
        """Begin the file, and look for what is there."""
        with self._guard.hold() as wanted:
            if not wanted:
                return
            self._file = self._part.open("xb")
            self._form.open(self._file)
            # The one that was kept is the later, and has what the other has.
            there = [
                p for p in (self.kept, self._target) if p.exists() and p.stat().st_size
            ]
            if self._resume and there:
                self._rows = KeptResults()
                self._old = self._kept_rows(there)

    def load(self) -> bool:
        """Take over some rows that were there; False if there are no more."""
        with self._guard.hold() as wanted:
            rows = next(self._old, None) if wanted else None
            if rows is None or self._rows is None:
                return False
            self._write(self._rows.take(rows))
            return True

    def take(self, results: Sequence[BatchResult]) -> None:
        """Write results, but those whose keys are done."""
        with self._guard.hold() as wanted:
            if not wanted:
                return
            self._begun = True
            fresh = []
            records = self._form.records(results)
            done = self._rows.done(result.key for result in results) if self._rows else {}
            for result, record in zip(results, records, strict=True):
                mark = done.get(result.key)
                if mark is not None and mark != mark_of(record):
                    self.tally.leave_out(result, duplicate=True)
                    continue
                self.tally.add(result)
                if mark is None:
                    fresh.append((result, record))
            if self._rows:
                self._rows.replace(result.key for result, _ in fresh)
            self._write([record for _, record in fresh])
            self._note(result.key for result, _ in fresh if not result.ok)

    def carry_over(self) -> bool:
        """Write some of the rows that were there and not replaced; False if none are left."""
        with self._guard.hold() as wanted:
            if not wanted or self._rows is None:
                return False
            if self._waiting is None:
                self._waiting = self._rows.waiting()
            some = next(self._waiting, None)
            if some is None:
                return False
            self._write([row for _, row in some])
            self._note(key for key, _ in some)
            return True

    def finish(self) -> None:
        """Make the file sound; it is not in its place yet."""
        with self._guard.hold() as wanted:
            if wanted and self._file is not None:
                self._form.finish()
                self._file.close()
                self._whole = True
                self._tell()

    def replace(self) -> None:
        """Put the file into its place."""
        with self._guard.hold() as wanted:
            if wanted:
                os.replace(self._part, self._target)  # noqa: PTH105 - as it says
                remove(self.kept)
                self._guard.discarded = True

    def keep(self) -> bool:
        """Make sound what there is, and keep it for the next time; False if that is nothing.

        Nor is it kept after a write that failed, as on a full disk: a row may be torn.
        """
        with self._guard.hold() as wanted:
            # Before the first result, not all of what was there need have been taken over.
            of_use = self._resume and self._begun
            if not wanted or self._file is None or self._torn or not of_use:
                return False
            try:
                self._make_sound()
                os.replace(self._part, self.kept)  # noqa: PTH105 - as it says
            except (OSError, ValueError):
                return False
            return True

    def discard(self) -> None:
        """Remove what is not in its place; what still runs will keep nothing."""
        self._guard.discarded = True
        remove(self._part)

    def close(self, *, wait: bool = True) -> None:
        """Let go of everything, once no hop runs any more. May be called more than once.

        Without `wait`, a hop that still runs does it at its end.
        """
        self._guard.close(wait=wait)

    def _release(self) -> None:
        if self._file is not None and not self._file.closed:
            # It may be a disk that is full; and it is about to be removed.
            with contextlib.suppress(OSError, ValueError):
                self._form.finish()
            with contextlib.suppress(OSError):
                self._file.close()
        self.discard()
        if self._rows is not None:
            self._rows.close()

    def _write(self, records: Sequence[Record]) -> None:
        self._torn = True  # and stays so, if a part of them is written
        self._form.write(records)
        self._torn = False

    def _make_sound(self) -> None:
        if self._whole or self._file is None:
            return
        # What it takes the place of may have rows in waiting that nothing else has.
        if self._rows is not None:
            for some in self._waiting or self._rows.waiting():
                self._write([row for _, row in some])
        self._form.finish()
        self._file.close()

    def _kept_rows(self, paths: Sequence[Path]) -> Iterator[list[Kept]]:
        for path in paths:
            for rows in self._form.read(str(path)):
                if any(key is None for key, _, _ in rows):
                    raise not_ours(str(path), "there are rows without a key")
                yield rows

    def _tell(self) -> None:
        if self.tally.duplicates:
            _log.warning(
                "%d results were left out: %s has other answers for their keys, the first is "
                "%r; if they are of another job, write to another path, or with resume=False",
                self.tally.duplicates,
                self._target.name,
                self.tally.samples[0].key,
            )

    def _note(self, keys: Iterator[str | None]) -> None:
        if self._failed is not None:
            self._failed.add(key for key in keys if key is not None)
