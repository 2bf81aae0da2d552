"""Tables in Markdown, made of a record."""

from pathlib import Path
from typing import Any, Final

from benchmarks._check import (
    SLACK,
    STALL_SLACK,
    Spread,
    Verdict,
    figures,
    ratio,
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

_LEGEND: Final = (
    "Medians of interleaved rounds in fresh processes, with the least and the largest in "
    "brackets. Memory is in MB of a million bytes: above what was held when the measured "
    "part began, then of the whole process. *Stall* is how late a task of the event loop "
    "woke that wanted to every millisecond: the longest, and p99. *Server* is the CPU "
    "time of the server as a share of the time that passed: near 100 % of a core it would "
    "be the server that is measured. *Ratio* is a side's time divided by that of the first "
    "side, medians by medians, with the spread of the rounds."
)
_SLACK_NOTE: Final = (
    f"A ratio of times passes within {SLACK:.0%} of what is aimed at, a stall within "
    f"{STALL_SLACK:g} ms: that is what the machine adds by itself. Memory has no slack."
)


def results(record: Record) -> str:
    """Return a table per job, each with where its figures come from."""
    parts = ["# Benchmarks", _LEGEND]
    for name, job in record["jobs"].items():
        origin = (
            f"{job['rounds']} rounds, {job['date']}, revision {job['git']}, Python "
            f"{job['python']}, {_machine(job['machine'])}; {_versions(job['versions'])}."
        )
        parts += [
            f"## {name}: {job['title']}",
            origin,
            f"![Cost against size]({name}.png)",
            _table(job),
        ]
    return "\n\n".join(parts) + "\n"


def _table(job: dict[str, Any]) -> str:
    rows = [
        f"| {job['unit']} | side | s | us each | CPU s | MB + | MB | stall ms | server | ratio |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    cases = job["cases"]
    for size in sorted({case["size"] for case in cases}):
        here = [case for case in cases if case["size"] == size]
        first = figures(cases, here[0]["side"], size, "wall")
        for case in here:
            one = {
                measure: spread(figures(cases, case["side"], size, measure))
                for measure in case["readings"][0]
            }
            wall = one["wall"]
            assert wall is not None
            rows.append(
                f"| {size:,} | {case['side']} | {_spread(wall)} | "
                f"{number(wall.middle / size * 1e6)} | {_middle(one['cpu'])} | "
                f"{_middle(one['peak'])} | {_middle(one['process'])} | "
                f"{_stall(one)} | "
                f"{_share(cases, case['side'], size)} | "
                f"{_spread(ratio(figures(cases, case['side'], size, 'wall'), first))} |"
            )
    return "\n".join(rows)


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
    return f"{sign} {number(limit or 0)}{_suffix(target)}"


def _reached(target: Target, got: Spread | None) -> str:
    if got is None:
        return ""
    return (
        f"{number(got.middle)}{_suffix(target)} ({number(got.low)} to {number(got.high)})"
    )


def _suffix(target: Target) -> str:
    return " times" if target.against is not None else f" {unit(target.measure)}"


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
