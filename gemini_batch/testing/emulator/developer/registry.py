"""All jobs the emulator holds, their scripts, and the work of answering their requests."""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from anyio.to_thread import run_sync

from gemini_batch.testing.emulator.core.clock import Clock
from gemini_batch.testing.emulator.core.errors import Refusal, quota_exceeded
from gemini_batch.testing.emulator.core.file_store import (
    Store,
    StoredFile,
    digest_of,
)
from gemini_batch.testing.emulator.core.limits import Limits
from gemini_batch.testing.emulator.developer.jobs import (
    Job,
    Look,
    Moment,
    moment_of,
)
from gemini_batch.testing.emulator.developer.results import answer_rows
from gemini_batch.testing.emulator.model.answer import Answer

_JOB_PATH: Final = re.compile("batches/[a-z0-9]+")


class Registry(Mapping[str, Job]):
    """Jobs by name, oldest first."""

    def __init__(self, store: Store, clock: Clock, limits: Limits, answer: Answer) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits
        self._answer = answer
        self._jobs: dict[str, Job] = {}
        self._scripts: list[tuple[str, tuple[Look, ...]]] = []
        self._next_sequence = 1
        self.on_change: Callable[[Job], None] = lambda _: None
        """Called with each job that is new or has changed, before that is answered."""

        self.on_remove: Callable[[Job], None] = lambda _: None
        """Called with each job that is deleted."""

    def __getitem__(self, name: str) -> Job:
        return self._jobs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._jobs))

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def answer(self) -> Answer:
        """What answers requests at this moment."""
        return self._answer

    def answer_with(self, answer: Answer) -> None:
        """Let `answer` answer the requests that have no answer yet."""
        self._answer = answer

    def script(self, name: str, looks: tuple[Look, ...]) -> None:
        """Fix the course of a job, or of later ones whose display name fits a pattern."""
        if not looks:
            raise ValueError("a script needs at least one look")
        if not name.startswith("batches/"):
            self._scripts.append((name, looks))
            return
        job = self._jobs[name]
        job.course, job.course_taken, job.scripted_end = looks, 0, None
        self.on_change(job)

    def add(self, job: Job) -> None:
        """Take a new job in; from now on it is listed."""
        for pattern, looks in reversed(self._scripts):
            if fnmatchcase(job.display_name, pattern):
                job.course = looks
                break
        job.sequence = self._next_sequence
        self.on_change(job)
        self.restore(job)

    def restore(self, job: Job) -> None:
        """Take in a job that was known before."""
        job.state_now = lambda: self.moment(job).state
        self._next_sequence = max(self._next_sequence, job.sequence + 1)
        self._jobs[job.name] = job

    def remove(self, job: Job) -> None:
        """Forget a job. Its result file stays, as at the service."""
        self.on_remove(job)
        del self._jobs[job.name]
        job.abandoned = True
        job.input_path.unlink(missing_ok=True)
        if job.result_file not in self._store:
            job.result_path.unlink(missing_ok=True)

    def close(self) -> None:
        """Stop what is being worked on."""
        for job in self._jobs.values():
            job.abandoned = True

    def moment(self, job: Job) -> Moment:
        """Return where a job is now."""
        return moment_of(job, self._clock.now(), self._limits)

    def state_named(self, path: str) -> str | None:
        """Return the state of the job that a request path names; None if it names none."""
        found = _JOB_PATH.search(path)
        job = None if found is None else self._jobs.get(found[0])
        return None if job is None else job.state

    def check_quotas(self, model: str, tokens: int) -> None:
        """Check that there is room for a job more, with so many tokens.

        Raises:
            Refusal: There is none.
        """
        bounds = self._limits
        told = bounds.quota_retry_delay if bounds.quota_answer == "retry_info" else None
        waiting = [job for job in self._jobs.values() if not self.moment(job).ended]
        if len(waiting) >= bounds.max_open_jobs:
            raise quota_exceeded("ConcurrentBatchJobsPerProject", retry_delay=told)
        allowed = bounds.tokens_allowed(model)
        enqueued = sum(job.tokens for job in waiting if job.model == model)
        if allowed is not None and enqueued + tokens > allowed:
            raise quota_exceeded("BatchEnqueuedTokensPerProjectPerModel", retry_delay=told)

    async def result_file(self, name: str) -> None:
        """Make a result file known if its job has ended and nobody has looked since."""
        job = self._jobs.get("batches/" + name.removeprefix("files/batch-"))
        if job is not None and job.file_name and name == job.result_file:
            await self.work(job, self.moment(job))

    async def work(self, job: Job, moment: Moment) -> None:
        """Answer the requests of `job` that are dealt with at `moment`.

        Runs in a thread, so that other requests go on meanwhile.

        Raises:
            Refusal: It was deleted meanwhile.
        """
        async with job.lock:
            self._check_known(job)
            try:
                await self._work(job, moment)
            except FileNotFoundError:
                self._check_known(job)
                raise
            self._check_known(job)

    def _check_known(self, job: Job) -> None:
        if self._jobs.get(job.name) is job:
            return
        # It may have been written to since it was removed.
        if job.result_file not in self._store:
            job.result_path.unlink(missing_ok=True)
        raise Refusal(404)

    async def _work(self, job: Job, moment: Moment) -> None:
        before = job.input_offset
        await run_sync(answer_rows, job, moment.answered, self._answer)
        if job.abandoned:
            return
        if job.input_offset != before:
            self.on_change(job)
        known = job.result_file in self._store
        if job.file_name and moment.has_output and not known:
            await self._publish(job, moment.end_time or self._clock.now())

    async def _publish(self, job: Job, ended: dt.datetime) -> None:
        digest = await run_sync(digest_of, job.result_path)
        if job.abandoned:
            return
        self._store.add(
            StoredFile(
                name=job.result_file,
                path=job.result_path,
                size=job.result_path.stat().st_size,
                sha256=digest,
                mime_type="application/json",
                source="GENERATED",
                create_time=ended,
                expire_time=ended + dt.timedelta(seconds=self._limits.result_retention),
            )
        )
