"""All Vertex jobs the emulator holds, their scripts, and the work on their rows."""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from anyio.to_thread import run_sync

from gemini_batch.testing.emulator.core.clock import Clock
from gemini_batch.testing.emulator.core.file_store import Store
from gemini_batch.testing.emulator.core.limits import Limits
from gemini_batch.testing.emulator.developer.jobs import Look
from gemini_batch.testing.emulator.google_cloud.project import (
    PROJECT,
    PROJECT_NUMBER,
)
from gemini_batch.testing.emulator.model.answer import Answer
from gemini_batch.testing.emulator.vertex.inputs import CannotRunError, Inputs
from gemini_batch.testing.emulator.vertex.job_output import Output, write_output
from gemini_batch.testing.emulator.vertex.jobs import (
    VertexJob,
    VertexMoment,
    moment_of,
)
from gemini_batch.testing.emulator.vertex.results import answer_rows

_JOB_PATH: Final = re.compile("batchPredictionJobs/([0-9]+)")


class VertexJobs(Mapping[str, VertexJob]):
    """Jobs by full name, with the number of the project, oldest first.

    Args:
        inputs: Where they read from and write to.
        store: Where there is room on the disk.
        datasets: Tables of multimodal datasets, by name; a job's output may be one.
        clock: Where it reads the time.
        limits: Bounds and speeds.
        answer: Returns what answers requests at this moment.
    """

    def __init__(
        self,
        *,
        inputs: Inputs,
        store: Store,
        datasets: dict[str, str],
        clock: Clock,
        limits: Limits,
        answer: Callable[[], Answer],
    ) -> None:
        self._inputs = inputs
        self._store = store
        self._datasets = datasets
        self._clock = clock
        self._limits = limits
        self._answer = answer
        self._jobs: dict[str, VertexJob] = {}
        self._scripts: list[tuple[str, tuple[Look, ...]]] = []
        self._next_sequence = 1
        self.on_change: Callable[[VertexJob], None] = lambda _: None
        """Called with each job that is new or has changed, before that is answered."""

        self.on_remove: Callable[[VertexJob], None] = lambda _: None
        """Called with each job that is deleted."""

    def __getitem__(self, name: str) -> VertexJob:
        owned = name.replace(f"projects/{PROJECT}/", f"projects/{PROJECT_NUMBER}/", 1)
        return self._jobs[owned]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._jobs))

    def __len__(self) -> int:
        return len(self._jobs)

    def script(self, name: str, looks: tuple[Look, ...]) -> None:
        """Fix the course of a job, or of later ones whose display name fits a pattern."""
        if not looks:
            raise ValueError("a script needs at least one look")
        if not name.startswith("projects/"):
            self._scripts.append((name, looks))
            return
        job = self[name]
        job.course, job.course_taken, job.scripted_end = looks, 0, None
        self.on_change(job)

    def add(self, job: VertexJob) -> None:
        """Take a new job in; from now on it is listed."""
        for pattern, looks in reversed(self._scripts):
            if fnmatchcase(job.display_name, pattern):
                job.course = looks
                break
        job.sequence = self._next_sequence
        self.on_change(job)
        self.restore(job)

    def restore(self, job: VertexJob) -> None:
        """Take in a job that was known before."""
        self._next_sequence = max(self._next_sequence, job.sequence + 1)
        self._jobs[job.name] = job

    def remove(self, job: VertexJob) -> None:
        """Forget a job. Its output stays."""
        self.on_remove(job)
        del self._jobs[job.name]
        job.abandoned = True
        job.input_path.unlink(missing_ok=True)
        job.result_path.unlink(missing_ok=True)

    def close(self) -> None:
        """Stop what is being worked on."""
        for job in self._jobs.values():
            job.abandoned = True

    def moment(self, job: VertexJob) -> VertexMoment:
        """Return where a job is now."""
        return moment_of(job, self._clock.now(), self._limits)

    def state_named(self, path: str) -> str | None:
        """Return the state of the job that a request path names; None if it names none."""
        found = _JOB_PATH.search(path)
        for job in self._jobs.values() if found else ():
            if found is not None and job.id == found[1]:
                return self.moment(job).state
        return None

    async def settle(self) -> None:
        """Do what jobs have done by now, whether anybody looked or not.

        They read their inputs when they start, and their output is there when they end.
        """
        for job in tuple(self._jobs.values()):
            if job.settled:
                continue
            moment = self.moment(job)
            if moment.ended or (moment.needs_input and not job.loaded):
                await self.advance(job)

    async def advance(self, job: VertexJob) -> VertexMoment:
        """Do what a job has done by now, and return where it is."""
        async with job.lock:
            moment = self.moment(job)
            if job.abandoned:
                return moment
            if moment.needs_input and not job.loaded:
                await self._load(job)
                moment = self.moment(job)
            if moment.answered and job.load_error is None:
                await self._answer_rows(job, moment)
            if moment.ended and not job.settled and not job.abandoned:
                await self._finish(job, moment)
        return moment

    async def _load(self, job: VertexJob) -> None:
        try:
            self._inputs.check_destination(job)
            found = await run_sync(self._inputs.read, job)
        except CannotRunError as error:
            job.load_error = error.value()
        else:
            job.row_count = found.row_count
            job.columns = found.columns
            job.partial_failures = found.failures
        job.loaded = True
        self.on_change(job)

    async def _answer_rows(self, job: VertexJob, moment: VertexMoment) -> None:
        before = job.input_offset
        now = moment.end_time or self._clock.now()
        await run_sync(answer_rows, job, moment.answered, self._answer(), now)
        if job.input_offset != before and not job.abandoned:
            self.on_change(job)

    async def _finish(self, job: VertexJob, moment: VertexMoment) -> None:
        """Put the output where it belongs, if there is any."""
        if job.succeeded + job.failed:
            output = await run_sync(write_output, job, self._store.new_path)
            if job.abandoned:
                for made in output.objects:
                    made.path.unlink(missing_ok=True)
                return
            self._publish(output, moment.end_time)
            job.output_info = output.info
        job.settled = True
        self.on_change(job)

    def _publish(self, output: Output, ended: dt.datetime | None) -> None:
        for made in output.objects:
            self._inputs.buckets.add_bucket(made.bucket)
            self._inputs.buckets.add(
                made.bucket,
                made.name,
                path=made.path,
                sums=made.sums,
                content_type="application/octet-stream",
                created=ended,
            )
        for name, table in output.tables.items():
            table.create_time = ended or table.create_time
            self._inputs.tables[name] = table
        self._datasets.update(output.datasets)
