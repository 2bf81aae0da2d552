"""Emulated time. A job's state is a pure function of it, so no task ever runs."""

import datetime as dt
import time
from typing import Protocol, runtime_checkable

# Real moments have odd fractions; a round start would hide parsing mistakes.
_MANUAL_START = dt.datetime(2026, 9, 1, 10, 0, 0, 123456, tzinfo=dt.UTC)

_CENTURY = 100 * 365 * 86400.0
# What comes later than now, such as the end of a file, must still be a date.
_LAST = dt.datetime(9000, 1, 1, tzinfo=dt.UTC)
_FASTEST = 1e9


class Clock(Protocol):
    """Where the emulator reads the time."""

    def now(self) -> dt.datetime:
        """Return the emulated moment, aware, in UTC."""


@runtime_checkable
class Turnable(Protocol):
    """A clock that can be turned forward. `SpeedClock` and `ManualClock` can."""

    def advance(self, seconds: float) -> None:
        """Let `seconds` of emulated time pass at once."""


class SpeedClock:
    """Real time, made faster.

    Starts at the real present and gains on it from then on.

    Args:
        speed: Emulated seconds per real second; 1 is real time.
    """

    def __init__(self, speed: float = 60.0) -> None:
        if not 0 < speed <= _FASTEST:
            raise ValueError(f"speed must be positive, {_FASTEST:g} at most: {speed!r}")
        self.speed = speed
        self._origin = dt.datetime.now(dt.UTC)
        self._started = time.monotonic()

    def now(self) -> dt.datetime:
        """Return the emulated moment, aware, in UTC."""
        elapsed = (time.monotonic() - self._started) * self.speed
        left = (_LAST - self._origin).total_seconds()
        return self._origin + dt.timedelta(seconds=min(elapsed, left))

    def advance(self, seconds: float) -> None:
        """Let `seconds` of emulated time pass at once."""
        self._origin += _forward(self.now(), seconds)


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
        self._now += _forward(self._now, seconds)


def _forward(now: dt.datetime, seconds: float) -> dt.timedelta:
    if not 0 <= seconds < _CENTURY:
        raise ValueError(f"time does not run backwards, nor so far: {seconds!r}")
    step = dt.timedelta(seconds=seconds)
    if step > _LAST - now:
        raise ValueError(f"time ends in the year {_LAST.year}: {seconds!r}")
    return step


def stamp(moment: dt.datetime, *, digits: int = 9, nanos: int = 0) -> str:
    """Write a moment as the service does: RFC 3339 in UTC.

    The second has `digits` decimals, of which `nanos` (0 to 999) are the last three.
    """
    fraction = f"{moment.microsecond:06d}{nanos:03d}"[:digits]
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}.{fraction}Z"


def seconds(value: float) -> dt.timedelta:
    """Return a span of time, however long; "for ever" is a century."""
    # datetime overflows long before a float does; a century is for ever.
    return dt.timedelta(seconds=min(value, 100 * 365 * 86400.0))
