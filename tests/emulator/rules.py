"""The rules of the service, in memory and without a wire: what the emulator must agree with.

Times are whole seconds since the beginning. Nothing of the emulator is used here but the
figures it was set up with.
"""

from typing import Literal

from attrs import define, field, frozen

PENDING_FOR = 10
LEAST_RUNNING = 20
SECONDS_PER_ROW = 4
CANCEL_TAKES = 5
JOB_LIFE = 48
FILE_LIFE = 100
RESULT_LIFE = 150
OPEN_JOBS = 3
TOKENS = 60

Row = Literal["good", "bad"]
TEXTS: dict[Row, str] = {"good": "fine", "bad": "[emulator:error:13] x"}


class RefusedError(Exception):
    """The service says no, with this HTTP status."""


@frozen
class Seen:
    """What a client sees of a job."""

    name: str
    state: str
    priority: int
    total: int
    good: int
    bad: int


@define(eq=False)
class Job:
    """A job by the rules."""

    name: str
    model: str
    rows: tuple[Row, ...]
    from_file: bool
    made: int
    priority: int = 0
    cancelled: int | None = None
    looked: int = 0
    """Rows that were answered when it was last got."""

    @property
    def tokens(self) -> int:
        return sum(-(-len(TEXTS[row]) // 4) for row in self.rows)

    @property
    def length(self) -> int:
        return max(LEAST_RUNNING, SECONDS_PER_ROW * len(self.rows))

    def end(self) -> tuple[int, str]:
        """When and how it ends, as things stand."""
        ends = [(self.made + PENDING_FOR + self.length, 1, "succeeded")]
        ends.append((self.made + JOB_LIFE, 2, "expired"))
        if self.cancelled is not None:
            ends.append((self.cancelled + CANCEL_TAKES, 3, "cancelled"))
        when, _, how = min(ends)
        return when, how

    def state(self, now: int) -> str:
        when, how = self.end()
        if now >= when:
            return how
        return "running" if now >= self.made + PENDING_FOR else "pending"

    def ended(self, now: int) -> bool:
        return now >= self.end()[0]

    def answered(self, now: int) -> int:
        run = min(now, self.end()[0]) - self.made - PENDING_FOR
        return min(len(self.rows), max(0, len(self.rows) * run // self.length))

    def seen(self, now: int) -> Seen:
        """What `list` shows: the state of now, the counts of the last look."""
        shown = min(self.answered(now), self.looked)
        # Failures are counted over what was looked at, and shown as far as that goes.
        bad = min(self.rows[: self.looked].count("bad"), shown)
        return Seen(
            self.name, self.state(now), self.priority, len(self.rows), shown - bad, bad
        )


@define
class Service:
    """All jobs and files by the rules, oldest first."""

    now: int = 0
    jobs: dict[str, Job] = field(factory=dict)
    files: dict[str, tuple[int, tuple[Row, ...]]] = field(factory=dict)
    """When each was made, and its rows."""

    def upload(self, name: str, rows: tuple[Row, ...]) -> None:
        self.files[name] = (self.now, rows)

    def file(self, name: str) -> tuple[Row, ...]:
        made, rows = self.files.get(name, (-FILE_LIFE, ()))
        if self.now >= made + FILE_LIFE:
            raise RefusedError(403)
        return rows

    def list_files(self) -> list[str]:
        return [
            name
            for name, (made, _) in reversed(self.files.items())
            if self.now < made + FILE_LIFE
        ]

    def delete_file(self, name: str) -> None:
        self.file(name)
        del self.files[name]

    def check_create(self, model: str, rows: tuple[Row, ...] | str) -> tuple[Row, ...]:
        """What a job of these rows, or of this file, would be made of."""
        waiting = [job for job in self.jobs.values() if not job.ended(self.now)]
        if len(waiting) >= OPEN_JOBS:
            raise RefusedError(429)
        found = self.file(rows) if isinstance(rows, str) else rows
        tokens = Job("", model, found, from_file=False, made=0).tokens
        enqueued = sum(job.tokens for job in waiting if job.model == model)
        if enqueued + tokens > TOKENS:
            raise RefusedError(429)
        return found

    def get(self, name: str) -> Seen:
        job = self._find(name)
        job.looked = max(job.looked, job.answered(self.now))
        return job.seen(self.now)

    def list_jobs(self) -> list[Seen]:
        return [job.seen(self.now) for job in reversed(self.jobs.values())]

    def cancel(self, name: str) -> None:
        job = self._find(name)
        if job.ended(self.now):
            raise RefusedError(400)
        if job.cancelled is None:
            job.cancelled = self.now

    def update(self, name: str, priority: int) -> Seen:
        job = self._find(name)
        if job.ended(self.now):
            raise RefusedError(400)
        job.priority = priority
        return job.seen(self.now)

    def delete(self, name: str) -> None:
        del self.jobs[self._find(name).name]

    def results(self, name: str) -> list[tuple[str, bool]] | str:
        """Keys and whether each is good; or why there are none."""
        self.get(name)
        job = self.jobs[name]
        when, how = job.end()
        if self.now < when:
            return "not_finished"
        if how != "succeeded":
            return how
        if job.from_file and self.now >= when + RESULT_LIFE:
            return "expired"
        return [(f"k{index}", row == "good") for index, row in enumerate(job.rows)]

    def _find(self, name: str) -> Job:
        if name not in self.jobs:
            raise RefusedError(404)
        return self.jobs[name]
