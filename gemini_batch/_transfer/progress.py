"""How fast a transfer goes, told to whoever asked."""

from collections import deque
from collections.abc import Callable

import anyio

from gemini_batch._io.threads import call_maybe_async
from gemini_batch.types import TransferProgress

OnProgress = Callable[[TransferProgress], object]

WINDOW = 10.0
"""Seconds a rate looks back."""

_STEP = 0.5  # seconds between two marks


class Rate:
    """Bytes per second over the last `WINDOW` seconds. Pure: the caller brings the time."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()

    def at(self, now: float, done: int) -> float | None:
        """Return the rate, `done` bytes being through at `now`; None while it is unknown."""
        marks = self._marks
        if marks and done < marks[-1][1]:
            # The transfer went back: what was lost is no part of its speed.
            marks.clear()
        if not marks or now - marks[-1][0] >= _STEP:
            marks.append((now, done))
        # One that is as old as the window, or older, stays: there is always one to look back to.
        while len(marks) > 1 and now - marks[1][0] >= WINDOW:
            marks.popleft()
        since, before = marks[0]
        return (done - before) / (now - since) if now > since else None


class Reporter:
    """Tells a callback how a transfer goes, and how fast."""

    def __init__(self, on_progress: OnProgress | None) -> None:
        self._on_progress = on_progress
        self._rate = Rate()
        self._told = -1

    async def report(self, done: int, total: int | None) -> None:
        """Tell that `done` bytes of `total` are through, unless that has just been told."""
        if self._on_progress is None or done == self._told:
            return
        self._told = done
        rate = self._rate.at(anyio.current_time(), done)
        await call_maybe_async(
            self._on_progress, TransferProgress(done=done, total=total, rate=rate)
        )
