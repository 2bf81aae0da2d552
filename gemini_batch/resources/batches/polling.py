"""Waiting for a job: when to look, and what the looks tell."""

import asyncio
import logging
import math
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import lru_cache

import anyio

from gemini_batch.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    DecodeError,
    InputError,
    NotFoundError,
    PermissionDeniedError,
    TransportError,
    WaitTimeoutError,
)
from gemini_batch.resources.batches.results.locations import lacks_output
from gemini_batch.types import BatchJob, CompletionStats, JobState, PollSchedule, Progress

log = logging.getLogger("gemini_batch.batches")

_FAILED_LOOKS = 5
_OUTPUT_PAUSE = 2.0
_FINAL = (AuthenticationError, BadRequestError, NotFoundError, PermissionDeniedError)

Look = Callable[[str, BatchJob | None], Awaitable[BatchJob]]
"""Looks at the job of that name; what the look before saw helps."""


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
    return _fixed(poll_interval)


# Waits by the thousand have the same interval, and can share what says so.
_fixed = lru_cache(maxsize=16)(PollSchedule.fixed)


def check_timeout(timeout: float | None) -> None:
    """Refuse a time to wait that is none."""
    if timeout is not None and not timeout > 0:
        raise InputError.one(
            f"{timeout!r} is not a number of seconds above 0",
            remedy="Leave it out to wait without limit.",
            field="timeout",
        )


class Tracker:
    """What a series of looks tells: rate, time left, time without change. Pure."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._first: tuple[float, int] | None = None
        self._state: JobState | None = None
        self._stats: CompletionStats | None = None
        self._changed = started

    def progress(self, job: BatchJob, *, now: float, polls: int, pause: float) -> Progress:
        """Return the snapshot for a look at `now`, on the loop's clock."""
        if job.state != self._state or job.completion_stats != self._stats:
            self._state, self._stats, self._changed = job.state, job.completion_stats, now
        rate = self._rate(job.completion_stats, now)
        done = job.done
        return Progress(
            job=job,
            elapsed=now - self._started,
            polls=polls,
            next_poll_in=0.0 if done else pause,
            rate=rate,
            eta=0.0 if done else _eta(job.completion_stats, rate),
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


async def _before(
    deadline: float, poll: Look, name: str, known: BatchJob | None
) -> BatchJob | None:
    """Look; return None if that is not done by `deadline`, on the monotonic clock."""
    with anyio.move_on_after(deadline - time.monotonic()):
        return await poll(name, known)
    return None


async def wait_for(
    name: str, poll: Look, *, schedule: PollSchedule, timeout: float | None
) -> AsyncGenerator[Progress, None]:
    """Yield a snapshot per look until the job ends; the last one is terminal."""
    started = time.monotonic()
    deadline = math.inf if timeout is None else started + timeout
    tracker = Tracker(started)
    last: BatchJob | None = None
    lacking_since: float | None = None
    polls = failures = 0
    pauses = schedule.pauses()
    while True:
        polls += 1
        pause = next(pauses) * (1.0 + schedule.jitter * random.uniform(-1.0, 1.0))  # noqa: S311
        job: BatchJob | None = None
        # No scope, task group or response is open at the `yield` below: a generator that is
        # abandoned there has nothing to clean up.
        try:
            # Not in one more coroutine: where thousands wait, each has its own.
            job = await (
                poll(name, last) if timeout is None else _before(deadline, poll, name, last)
            )
            failures = 0
        except (APIError, TransportError, DecodeError) as exc:
            failures += 1
            if failures >= _FAILED_LOOKS or isinstance(exc, _FINAL):
                raise
            log.debug("look %d failed: %s", polls, exc)
        now = time.monotonic()
        if job is not None and lacks_output(job):
            lacking_since = now if lacking_since is None else lacking_since
            if now - lacking_since < schedule.output_grace:
                # The end is visible before the output is: look again shortly.
                last, job = job, None
                pause = min(pause, _OUTPUT_PAUSE)
        if job is not None:
            last = job
            yield tracker.progress(job, now=now, polls=polls, pause=pause)
            if job.done:
                return
            now = time.monotonic()
        late = now + pause >= deadline
        # Not anyio's: it is two coroutines more for each of the thousands that may wait.
        await asyncio.sleep(max(0.0, deadline - now) if late else pause)
        if late:
            elapsed = time.monotonic() - started
            raise WaitTimeoutError(name=name, last=last, elapsed=elapsed)
