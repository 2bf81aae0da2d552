"""Tables in Markdown, made of a record."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from benchmarks._check import (
    SLACK,
    STALL_SLACK,
    Spread,
    Verdict,
    figures,
    ratio,
    ratio_to_before,
    spread,
    unit,
)
from benchmarks._job import Target
from benchmarks._record import Record

_MEASURES: Final = {
    "wall": "time",
    "cpu": "CPU time",
    "peak": "memory above the base",
    "kept": "memory kept",
    "process": "memory of the process",
    "stall_max": "longest stall",
    "stall_p99": "stall, p99",
    "sockets": "sockets",
}

_BEFORE_COLUMNS: Final = (
    "before: s",
    "before: CPU s",
    "before: MB +",
    "before: MB",
    "before: stall ms",
    "now / before",
)

_LEGEND: Final = (
    "Medians of interleaved rounds in fresh processes, with the least and the largest in "
    "brackets. Memory is in MB of a million bytes: above what was held when the measured "
    "part began, then of the whole process. *Stall* is how late a task of the event loop "
    "woke that wanted to every millisecond: the longest, and p99. *Server* is the CPU "
    "time of the server as a share of the time that passed: near 100 % of a core it would "
    "be the server that is measured. *Ratio* is a side's time divided by that of the first "
    "side, medians by medians, with the spread of the rounds. *Before* is the same side with "
    "the package as it was at another revision, run directly before or after that of now; "
    "*now / before* is the median of the ratios of single rounds, with their spread."
)
_SLACK_NOTE: Final = (
    f"A ratio of times passes within {SLACK:.0%} of what is aimed at, a stall within "
    f"{STALL_SLACK:g} ms: that is what the machine adds by itself. Memory has no slack, nor "
    "has what is compared with the package before or is a difference."
)


def results(record: Record) -> str:
    """Return a table per job, each with where its figures come from."""
    parts = ["# Benchmarks", _LEGEND]
    for name, job in record["jobs"].items():
        origin = (
            f"{job['rounds']} rounds, {job['date']}, {_revisions(job)}, Python "
            f"{job['python']}, {_machine(job['machine'])}; {_versions(job['versions'])}."
        )
        parts += [
            f"## {name}: {job['title']}",
            origin,
            f"![Cost against size]({name}.png)",
            _table(job),
        ]
    return "\n\n".join(parts) + "\n"


def _revisions(job: dict[str, Any]) -> str:
    before = job.get("before")
    told = f"revision {job['git']}"
    return told if before is None else f"{told}, before: revision {before}"


def _table(job: dict[str, Any]) -> str:
    names = ["side", "s", "us each", "CPU s", "MB +", "MB", "stall ms", "server", "ratio"]
    cases = job["cases"]
    compared = any(case.get("before") for case in cases)
    columns = [job["unit"], *names, *(_BEFORE_COLUMNS if compared else ())]
    rows = [_row(columns), _row(["---"] * len(columns)).replace(" ", "")]
    for size in sorted({case["size"] for case in cases}):
        here = [case for case in cases if case["size"] == size]
        first = figures(cases, here[0]["side"], size, "wall")
        for case in here:
            side = case["side"]
            now = _spreads(cases, side, size)
            wall = now["wall"]
            assert wall is not None
            cells = [
                f"{size:,}",
                side,
                _spread(wall),
                number(wall.middle / size * 1e6),
                _middle(now["cpu"]),
                _middle(now["peak"]),
                _middle(now["process"]),
                _stall(now),
                _share(cases, side, size),
                _spread(ratio(figures(cases, side, size, "wall"), first)),
            ]
            rows.append(_row([*cells, *(_before(cases, side, size) if compared else ())]))
    return "\n".join(rows)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _spreads(
    cases: list[dict[str, Any]], side: str, size: int, *, before: bool = False
) -> dict[str, Spread | None]:
    return {
        measure: spread(figures(cases, side, size, measure, before=before))
        for measure in _MEASURES
    }


def _before(cases: list[dict[str, Any]], side: str, size: int) -> list[str]:
    """Return what the same took with the package before, and how much of that it takes now."""
    was = _spreads(cases, side, size, before=True)
    walls = (figures(cases, side, size, "wall", before=before) for before in (False, True))
    return [
        _spread(was["wall"]),
        _middle(was["cpu"]),
        _middle(was["peak"]),
        _middle(was["process"]),
        _stall(was),
        _spread(ratio_to_before(*walls)),
    ]


def _stall(one: dict[str, Spread | None]) -> str:
    longest, usual = one["stall_max"], one["stall_p99"]
    if longest is None or usual is None:
        return ""
    return f"{number(longest.middle)}, {number(usual.middle)}"


def _share(cases: list[dict[str, Any]], side: str, size: int) -> str:
    share = ratio(figures(cases, side, size, "server"), figures(cases, side, size, "wall"))
    return "" if share is None else f"{share.middle:.0%}"


def targets(verdicts: list[Verdict]) -> str:
    """Return a table of what we aim at and what was reached."""
    rows = [
        "| job | ours | against | measure | at | aimed | reached (rounds) | in CPU time | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for verdict in verdicts:
        target = verdict.target
        rows.append(
            f"| {verdict.job} | {target.side} | {target.against or ''} | "
            f"{_MEASURES[target.measure]} | {target.size:,} | {aim(target)} | "
            f"{_reached(target, verdict.reached)} | {_middle(verdict.cpu)} | "
            f"{_word(verdict)} |"
        )
    return "\n".join([*rows, "", _SLACK_NOTE]) + "\n"


def _word(verdict: Verdict) -> str:
    if verdict.reached is None:
        return "not measured"
    if verdict.passed:
        return "reached"
    beyond = verdict.target.beyond
    if beyond is None:
        return "**short**"
    word = "held at" if verdict.held else "**lost**, was"
    link = f"[beyond reach](beyond-reach.md#{beyond.proof})"
    return f"{link}, {word} {number(beyond.held)}"


def aim(target: Target) -> str:
    """Return what a target asks for, in words."""
    sign, limit = "≥", target.at_least
    if limit is None:
        sign, limit = "≤", target.at_most
    more = " more" if target.by == "difference" else ""
    return f"{sign} {number(limit or 0)}{_suffix(target)}{more}"


def _reached(target: Target, got: Spread | None) -> str:
    if got is None:
        return ""
    return (
        f"{number(got.middle)}{_suffix(target)} ({number(got.low)} to {number(got.high)})"
    )


def _suffix(target: Target) -> str:
    if target.against is None or target.by == "difference":
        return f" {unit(target.measure)}"
    return " times"


def _machine(machine: dict[str, Any]) -> str:
    return (
        f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_mb'] / 1000:.0f} GB, "
        f"Linux {machine['kernel']}"
    )


def _versions(versions: dict[str, str]) -> str:
    told = ("google-genai", "pydantic", "aiohttp", "attrs", "cattrs", "msgspec", "orjson")
    return ", ".join(f"{name} {versions[name]}" for name in told if name in versions)


def _middle(got: Spread | None) -> str:
    return "" if got is None else number(got.middle)


def _spread(got: Spread | None) -> str:
    if got is None:
        return ""
    return f"{number(got.middle)} ({number(got.low)} to {number(got.high)})"


def number(value: float) -> str:
    """Return a number in three digits that mean something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"


def write(folder: Path, record: Record, verdicts: list[Verdict]) -> None:
    """Write the tables beside the record."""
    (folder / "latest.md").write_text(results(record))
    (folder / "latest-targets.md").write_text(targets(verdicts))
