"""Emulated time. A job's state is a pure function of it, so no task ever runs."""

import datetime as dt
import time
from typing import Protocol

# Real moments have odd fractions; a round start would hide parsing mistakes.
_MANUAL_START = dt.datetime(2026, 9, 1, 10, 0, 0, 123456, tzinfo=dt.UTC)


class Clock(Protocol):
    """Where the emulator reads the time."""

    def now(self) -> dt.datetime:
        """Return the emulated moment, aware, in UTC."""


class SpeedClock:
    """Real time, made faster.

    Starts at the real present and gains on it from then on.

    Args:
        speed: Emulated seconds per real second.
    """

    def __init__(self, speed: float = 60.0) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be positive: {speed!r}")
        self.speed = speed
        self._origin = dt.datetime.now(dt.UTC)
        self._started = time.monotonic()

    def now(self) -> dt.datetime:
        """Return the emulated moment, aware, in UTC."""
        elapsed = (time.monotonic() - self._started) * self.speed
        return self._origin + dt.timedelta(seconds=elapsed)


class ManualClock:
    """Time that stands still until a test turns it.

    Args:
        start: First moment shown, aware; None is a fixed day in 2026.
    """

    def __init__(self, start: dt.datetime | None = None) -> None:
        self._now = (start or _MANUAL_START).astimezone(dt.UTC)

    def now(self) -> dt.datetime:
        """Return the emulated moment, aware, in UTC."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let `seconds` of emulated time pass at once."""
        if seconds < 0:
            raise ValueError(f"time does not run backwards: {seconds!r}")
        self._now += dt.timedelta(seconds=seconds)


def stamp(moment: dt.datetime, *, digits: int = 9, nanos: int = 0) -> str:
    """Write a moment as the service does: RFC 3339 in UTC.

    The second has `digits` decimals, of which `nanos` (0 to 999) are the last three.
    """
    fraction = f"{moment.microsecond:06d}{nanos:03d}"[:digits]
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}.{fraction}Z"
