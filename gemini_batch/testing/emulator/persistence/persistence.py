"""Ties a running emulator to what it keeps on disk."""

import contextlib
import datetime as dt
import os
from pathlib import Path
from typing import Final

from attrs import frozen

from gemini_batch.testing.emulator.core.clock import Clock, Turnable
from gemini_batch.testing.emulator.core.file_store import Store
from gemini_batch.testing.emulator.developer.jobs import Job
from gemini_batch.testing.emulator.developer.registry import Registry
from gemini_batch.testing.emulator.google_cloud_apis import GoogleCloudApis
from gemini_batch.testing.emulator.persistence.journal import Journal
from gemini_batch.testing.emulator.persistence.saved_state import (
    file_of,
    file_record,
    job_of,
    job_record,
    object_of,
    object_record,
    table_of,
    table_record,
    vertex_of,
    vertex_record,
)
from gemini_batch.testing.emulator.vertex.jobs import VertexJob

_JOB: Final = "job"
_FILE: Final = "file"
_CLOCK: Final = "clock"
_BUCKET: Final = "bucket"
_OBJECT: Final = "object"
_VERTEX: Final = "vertex"
_TABLE: Final = "table"
_DATASET: Final = "dataset"
_LONGEST_STEP: Final = 1e9


@frozen(kw_only=True)
class Persistence:
    """Jobs, finished uploads, result files and the time, as they outlive a process.

    Uploads under way, faults and scripts for jobs to come do not.
    """

    journal: Journal
    folder: Path
    registry: Registry
    store: Store
    google: GoogleCloudApis
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
            _cut_results(job)
            self.registry.restore(job)
        self._recall_google()
        jobs: list[Job | VertexJob] = [*self.registry.values(), *self.google.jobs.values()]
        known = [path for job in jobs for path in (job.input_path, job.result_path)]
        known += [stored.path for stored in self.google.buckets.values()]
        self.store.sweep(known)

    def _recall_google(self) -> None:
        google, journal = self.google, self.journal
        for record in journal.all(_BUCKET):
            google.buckets.add_bucket(record["name"])
        for record in journal.all(_OBJECT):
            google.buckets.restore(object_of(record, self.folder))
        for record in journal.all(_DATASET):
            google.tables.add_dataset(record["name"])
        for record in journal.all(_TABLE):
            google.tables[record["name"]] = table_of(record)
        for record in journal.all(_VERTEX):
            job = vertex_of(record, self.folder)
            _cut_results(job)
            google.jobs.restore(job)

    def follow(self) -> None:
        """Write down every change from now on."""
        journal = self.journal
        self.registry.on_change = lambda job: journal.put(_JOB, job.name, job_record(job))
        self.registry.on_remove = lambda job: journal.drop(_JOB, job.name)
        self.store.on_add = lambda file, sequence: journal.put(
            _FILE, file.name, file_record(file, sequence)
        )
        self.store.on_remove = lambda name: journal.drop(_FILE, name)
        self._follow_google()

    def _follow_google(self) -> None:
        google, journal = self.google, self.journal
        google.buckets.on_bucket = lambda name: journal.put(_BUCKET, name, {"name": name})
        google.buckets.on_put = lambda stored: journal.put(
            _OBJECT, stored.uri, object_record(stored)
        )
        google.buckets.on_remove = lambda stored: journal.drop(_OBJECT, stored.uri)
        google.jobs.on_change = lambda job: journal.put(_VERTEX, job.id, vertex_record(job))
        google.jobs.on_remove = lambda job: journal.drop(_VERTEX, job.id)
        google.tables.on_dataset = lambda name: journal.put(_DATASET, name, {"name": name})
        google.tables.on_change = self._note_table

    def _note_table(self, name: str) -> None:
        table = self.google.tables.get(name)
        if table is None:
            self.journal.drop(_TABLE, name)
        else:
            self.journal.put(_TABLE, name, table_record(name, table))

    def note_time(self) -> None:
        """Write down the time, so that a later emulator is not behind what clients saw."""
        self.journal.put(_CLOCK, _CLOCK, {"now": self.clock.now().isoformat()})


def _cut_results(job: Job | VertexJob) -> None:
    # Rows beyond were being written when the process ended; they come again.
    with contextlib.suppress(FileNotFoundError):
        os.truncate(job.result_path, job.result_bytes)
