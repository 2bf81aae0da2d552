"""Figures of a record, and whether they reach what we aim at."""

import statistics
from typing import Any, Final

from attrs import evolve, frozen

from benchmarks._job import BEFORE, Job, Measure, Target

SLACK: Final = 0.12
"""Share by which a ratio of times may fall short. Medians of five rounds of the same program
differ by that much between two runs on a busy machine of two cores."""

STALL_SLACK: Final = 3.0
"""Milliseconds by which a stall may exceed its target: that long a loop that has nothing to do
waits now and then for a core of this machine."""

_TIMES: Final = ("wall", "cpu")
_STALLS: Final = ("stall_max", "stall_p99")
_UNITS: Final = {
    "wall": "s",
    "cpu": "CPU s",
    "stall_max": "ms",
    "stall_p99": "ms",
    "sockets": "",
}

_LEAST: Final = 1e-9
"""Divides in place of a figure of a cheap program that rounding made nothing at all."""

Cases = list[dict[str, Any]]


@frozen(kw_only=True)
class Spread:
    """A figure with what it was at least and at most."""

    middle: float
    low: float
    high: float


@frozen(kw_only=True)
class Verdict:
    """A target, and how close we came."""

    job: str
    target: Target
    reached: Spread | None
    """None if it was not measured."""

    passed: bool
    """Whether it is reached."""

    held: bool
    """Whether a check may pass: it is reached, or is beyond reach and what is held is."""

    cpu: Spread | None = None
    """The same of CPU time where time is aimed at: it tells less of what else the machine
    did, and leaves out what was waited for."""


def figures(
    cases: Cases, side: str, size: int, measure: str, *, before: bool = False
) -> list[float]:
    """Return a figure of each round; empty if it was not measured.

    Args:
        cases: The cases of a job.
        side: Name of the side.
        size: Size of the case.
        measure: Which figure.
        before: Return those of the package as it was before.
    """
    for case in cases:
        if case["side"] == side and case["size"] == size:
            readings = case.get("before", []) if before else case["readings"]
            seen = [reading.get(measure) for reading in readings]
            return [value for value in seen if value is not None]
    return []


def spread(values: list[float]) -> Spread | None:
    """Return the median of values, with their least and largest."""
    if not values:
        return None
    return Spread(middle=statistics.median(values), low=min(values), high=max(values))


def ratio(over: list[float], under: list[float]) -> Spread | None:
    """Return the ratio of medians, with the spread of the ratios of single rounds."""
    rounds = _by_rounds(over, under)
    if not rounds:
        return None
    return Spread(
        middle=statistics.median(over) / max(statistics.median(under), _LEAST),
        low=min(rounds),
        high=max(rounds),
    )


def ratio_to_before(now: list[float], before: list[float]) -> Spread | None:
    """Return the median of the ratios of single rounds, with their spread.

    Both run one directly after the other in each round, so what slows the machine down for
    minutes is in both and leaves their ratio alone.
    """
    return spread(_by_rounds(now, before))


def _by_rounds(over: list[float], under: list[float]) -> list[float]:
    return [a / max(b, _LEAST) for a, b in zip(over, under, strict=False)]


def difference(ours: list[float], theirs: list[float]) -> Spread | None:
    """Return the difference of medians, with the spread of those of single rounds."""
    if not ours or not theirs:
        return None
    rounds = [a - b for a, b in zip(ours, theirs, strict=False)]
    return Spread(
        middle=statistics.median(ours) - statistics.median(theirs),
        low=min(rounds),
        high=max(rounds),
    )


def reached(target: Target, cases: Cases) -> Spread | None:
    """Return what a target asks about."""
    ours = figures(cases, target.side, target.size, target.measure)
    if target.against is None:
        return spread(ours)
    if target.against == BEFORE:
        before = figures(cases, target.side, target.size, target.measure, before=True)
        return ratio_to_before(ours, before)
    theirs = figures(cases, target.against, target.size, target.measure)
    if target.by == "difference":
        return difference(ours, theirs)
    return ratio(theirs, ours) if target.at_least is not None else ratio(ours, theirs)


def judge(job: Job, cases: Cases) -> list[Verdict]:
    """Return a verdict on each target of a job; what was not measured does not pass."""
    verdicts = []
    for target in job.targets:
        got = reached(target, cases)
        passed = got is not None and _passes(target, got.middle)
        verdicts.append(
            Verdict(
                job=job.name,
                target=target,
                reached=got,
                passed=passed,
                held=passed or (got is not None and _is_held(target, got.middle)),
                cpu=reached(evolve(target, measure="cpu"), cases)
                if target.measure == "wall"
                else None,
            )
        )
    return verdicts


def _is_held(target: Target, value: float) -> bool:
    if target.beyond is None:
        return False
    held = target.beyond.held
    return _passes(
        evolve(target, at_least=held)
        if target.at_least is not None
        else evolve(target, at_most=held),
        value,
    )


def _passes(target: Target, value: float) -> bool:
    # A comparison with the package before allows for the machine in what it aims at.
    compared = target.against == BEFORE or target.by == "difference"
    noisy = target.measure in _TIMES and not compared
    if target.at_least is not None:
        return value >= target.at_least * (1 - SLACK if noisy else 1)
    assert target.at_most is not None
    if target.measure in _STALLS and target.against is None:
        return value <= target.at_most + STALL_SLACK
    return value <= target.at_most * (1 + SLACK if noisy else 1)


def unit(measure: Measure) -> str:
    """Return the unit a measure is told in."""
    return _UNITS.get(measure, "MB")
