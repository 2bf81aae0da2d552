"""Waiting for a job: when to look, and what the looks tell."""

import logging
import math
import random
from collections.abc import AsyncGenerator, Awaitable, Callable

import anyio

from gemini_batch.errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    DecodeError,
    InputError,
    NotFoundError,
    PermissionDeniedError,
    TransportError,
    WaitTimeoutError,
)
from gemini_batch.types import BatchJob, CompletionStats, JobState, PollSchedule, Progress

log = logging.getLogger("gemini_batch.batches")

_FAILED_LOOKS = 5
_OUTPUT_PAUSE = 2.0
_FINAL = (AuthenticationError, BadRequestError, NotFoundError, PermissionDeniedError)

Look = Callable[[], Awaitable[BatchJob]]


def schedule_of(poll_interval: float | PollSchedule | None) -> PollSchedule:
    """Return the schedule a caller means: their own, a fixed interval, or the default."""
    if isinstance(poll_interval, PollSchedule):
        return poll_interval
    if poll_interval is None:
        return PollSchedule()
    if not 0 < poll_interval < math.inf:
        raise InputError.one(
            f"{poll_interval!r} is not a number of seconds above 0", field="poll_interval"
        )
    return PollSchedule.fixed(poll_interval)


def check_timeout(timeout: float | None) -> None:
    """Refuse a time to wait that is none."""
    if timeout is not None and not timeout > 0:
        raise InputError.one(
            f"{timeout!r} is not a number of seconds above 0",
            remedy="Leave it out to wait without limit; get() looks once.",
            field="timeout",
        )


class Tracker:
    """What a series of looks tells: rate, time left, time without change. Pure."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._first: tuple[float, int] | None = None
        self._seen: tuple[JobState, CompletionStats | None] | None = None
        self._changed = started

    def progress(self, job: BatchJob, *, now: float, polls: int, pause: float) -> Progress:
        """Return the snapshot for a look at `now`, on the loop's clock."""
        current = (job.state, job.completion_stats)
        if current != self._seen:
            self._seen, self._changed = current, now
        rate = self._rate(job.completion_stats, now)
        return Progress(
            job=job,
            elapsed=now - self._started,
            polls=polls,
            next_poll_in=0.0 if job.done else pause,
            rate=rate,
            eta=0.0 if job.done else _eta(job.completion_stats, rate),
            stalled_for=now - self._changed,
        )

    def _rate(self, stats: CompletionStats | None, now: float) -> float | None:
        if stats is None or not stats.total_count:
            return None
        if self._first is None or self._first[1] == stats.done_count:
            # Time before the first row ended is time in the queue, and tells no rate.
            self._first = (now, stats.done_count)
        since, before = self._first
        moved = stats.done_count - before
        return moved / (now - since) if moved > 0 and now > since else None


def _eta(stats: CompletionStats | None, rate: float | None) -> float | None:
    if stats is None or not rate:
        return None
    return max(0, stats.total_count - stats.done_count) / rate


class Looks:
    """Looks at one job; failures are forgiven until there are five in a row."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._failures = 0
        self.polls = 0

    async def once(self) -> BatchJob | None:
        """Return the job as it is now; None if this look failed."""
        self.polls += 1
        try:
            job = await self._look()
        except _FINAL:
            raise
        except (ApiError, TransportError, DecodeError) as exc:
            self._failures += 1
            if self._failures >= _FAILED_LOOKS:
                raise
            log.debug("look %d failed: %s", self.polls, exc)
            return None
        self._failures = 0
        return job


def lacks_output(job: BatchJob) -> bool:
    """True for a job that succeeded and whose output is not filled in yet."""
    return job.succeeded and job.dest is None


async def wait_for(
    name: str, look: Look, *, schedule: PollSchedule, timeout: float | None
) -> AsyncGenerator[Progress, None]:
    """Yield a snapshot per look until the job ends; the last one is terminal."""
    started = anyio.current_time()
    deadline = math.inf if timeout is None else started + timeout
    tracker = Tracker(started)
    looks = Looks(look)
    last: BatchJob | None = None
    lacking_since: float | None = None
    for base in schedule.pauses():
        pause = base * (1.0 + schedule.jitter * random.uniform(-1.0, 1.0))  # noqa: S311
        # No scope, task group or response is open at the `yield` below: a generator that is
        # abandoned there has nothing to clean up.
        job: BatchJob | None = None
        with anyio.move_on_after(deadline - anyio.current_time()) as scope:
            job = await looks.once()
        now = anyio.current_time()
        if scope.cancelled_caught:
            raise WaitTimeoutError(name=name, last=last, elapsed=now - started)
        if job is not None and lacks_output(job):
            lacking_since = now if lacking_since is None else lacking_since
            if now - lacking_since < schedule.output_grace:
                # The end is visible before the output is: look again shortly.
                last, job = job, None
                pause = min(pause, _OUTPUT_PAUSE)
        if job is not None:
            last = job
            yield tracker.progress(job, now=now, polls=looks.polls, pause=pause)
            if job.done:
                return
            now = anyio.current_time()
        if now + pause >= deadline:
            await anyio.sleep_until(max(now, deadline))
            elapsed = anyio.current_time() - started
            raise WaitTimeoutError(name=name, last=last, elapsed=elapsed)
        await anyio.sleep(pause)
