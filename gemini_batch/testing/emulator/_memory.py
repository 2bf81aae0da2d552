"""Ties a running emulator to what it keeps on disk."""

import contextlib
import datetime as dt
import os
from pathlib import Path
from typing import Final

from attrs import frozen

from gemini_batch.testing.emulator._clock import Clock, Turnable
from gemini_batch.testing.emulator._journal import Journal
from gemini_batch.testing.emulator._records import (
    file_of,
    file_record,
    job_of,
    job_record,
)
from gemini_batch.testing.emulator._registry import Registry
from gemini_batch.testing.emulator._store import Store

_JOB: Final = "job"
_FILE: Final = "file"
_CLOCK: Final = "clock"
_LONGEST_STEP: Final = 1e9


@frozen(kw_only=True)
class Memory:
    """Jobs, finished uploads, result files and the time, as they outlive a process.

    Uploads under way, faults and scripts for jobs to come do not.
    """

    journal: Journal
    folder: Path
    registry: Registry
    store: Store
    clock: Clock

    def recall(self) -> None:
        """Bring back what was known, and go on from the last moment that was answered."""
        for record in self.journal.all(_CLOCK):
            last = dt.datetime.fromisoformat(record["now"])
            behind = (last - self.clock.now()).total_seconds()
            while behind > 0 and isinstance(self.clock, Turnable):
                # It may have been turned often, and is not to be turned far at once.
                step = min(behind, _LONGEST_STEP)
                self.clock.advance(step)
                behind -= step
        for record in self.journal.all(_FILE):
            self.store.restore(*file_of(record, self.folder))
        for record in self.journal.all(_JOB):
            job = job_of(record, self.folder)
            # Rows beyond were being written when the process ended; they come again.
            with contextlib.suppress(FileNotFoundError):
                os.truncate(job.result_path, job.result_bytes)
            self.registry.restore(job)
        jobs = self.registry.values()
        self.store.sweep([path for j in jobs for path in (j.input_path, j.result_path)])

    def follow(self) -> None:
        """Write down every change from now on."""
        journal = self.journal
        self.registry.on_change = lambda job: journal.put(_JOB, job.name, job_record(job))
        self.registry.on_remove = lambda job: journal.drop(_JOB, job.name)
        self.store.on_add = lambda file, sequence: journal.put(
            _FILE, file.name, file_record(file, sequence)
        )
        self.store.on_remove = lambda name: journal.drop(_FILE, name)

    def note_time(self) -> None:
        """Write down the time, so that a later emulator is not behind what clients saw."""
        self.journal.put(_CLOCK, _CLOCK, {"now": self.clock.now().isoformat()})
