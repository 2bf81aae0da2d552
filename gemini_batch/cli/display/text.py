"""Numbers, times and texts from elsewhere, formatted for people."""

import datetime as dt
import re

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_STEP = 1000
_LEGIBLE = 0.5  # smallest number that is shown of a speed
# Characters that control a terminal, break a line or cannot be encoded: C0, DEL, C1, line
# and paragraph separators, lone surrogates.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SPACES = re.compile(r"\s+")


def clean(text: str) -> str:
    """Return text from elsewhere on one line, without control characters."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", _SPACES.sub(" ", text)).strip()


def shorten(text: str, width: int) -> str:
    """Return text from elsewhere on one line of at most `width` characters."""
    line = clean(text[: 4 * width])
    cut = len(line) > width or len(text) > 4 * width
    return line[: width - 1].rstrip() + "…" if cut else line


def size(count: float) -> str:
    """Return a number of bytes, such as ``12.3 MB``."""
    if count < _STEP:
        return f"{count:.0f} B"
    count /= _STEP
    units = ["kB", "MB", "GB"]
    while count >= _STEP and len(units) > 1:
        count /= _STEP
        del units[0]
    return f"{count:.1f} {units[0]}"


def duration(seconds: float) -> str:
    """Return a time span in its two largest units, such as ``1 h 23 min``."""
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole, _MINUTE, "min", 1, "s")
    if whole < _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "min")
    return _two(whole, _DAY, "d", _HOUR, "h")


def _two(whole: int, large: int, large_name: str, small: int, small_name: str) -> str:
    rest = whole % large // small
    head = f"{whole // large} {large_name}"
    return f"{head} {rest} {small_name}" if rest else head


def rate(per_second: float, unit: str) -> str:
    """Return a speed, such as ``24.1 requests/s``; slow ones per minute or hour."""
    for factor, time in ((1, "s"), (_MINUTE, "min")):
        if per_second * factor >= _LEGIBLE:
            return f"{_figure(per_second * factor)} {unit}/{time}"
    return f"{_figure(per_second * _HOUR)} {unit}/h"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"  # noqa: PLR2004


def count(number: int, noun: str) -> str:
    """Return a number of things, such as ``1,204 requests``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def moment(when: dt.datetime | None) -> str:
    """Return a date and time in the local time zone."""
    return "" if when is None else f"{when.astimezone():%Y-%m-%d %H:%M:%S %z}"


def job_name(name: str) -> str:
    """Return a job's name as it fits on a line: on Vertex AI, where it is long, its ID."""
    return name.rpartition("/batchPredictionJobs/")[2]


def model(name: str) -> str:
    """Return a model's name without the collection it is in."""
    return name.rpartition("models/")[2]


def ago(when: dt.datetime | None) -> str:
    """Return how long ago a time was, in one unit; never negative, as clocks differ."""
    return "" if when is None else f"{_one_unit(dt.datetime.now(dt.UTC) - when)} ago"


def ahead(when: dt.datetime | None) -> str:
    """Return how long it is until a time, in one unit."""
    return "" if when is None else f"in {_one_unit(when - dt.datetime.now(dt.UTC))}"


def _one_unit(span: dt.timedelta) -> str:
    return " ".join(duration(span.total_seconds()).split()[:2])
