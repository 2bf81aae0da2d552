"""A picture per job: what a unit costs, and what the job takes in memory, against its size.

Lines where there are several sizes, bars where there is one.
"""

from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)

from benchmarks._check import figures, spread

_OURS: Final = ("#0b57d0", "#12805c", "#00a3bf", "#5e35b1", "#3b82f6", "#0f766e")
_THEIRS: Final = ("#c5221f", "#e8710a", "#b06000", "#d01884")
_FLOORS: Final = ("#5f6368", "#9aa0a6", "#3c4043", "#b0b4b9")
_MARKERS: Final = "osD^vP*X"
_COSTS: Final = {
    "wall": "microseconds each",
    "stall_max": "milliseconds the event loop stands still, at most",
}
_MEMORY: Final = "MB of memory, at most"
_PLAIN: Final = FuncFormatter(lambda value, _: f"{value:,.10g}")
_LEAST_MB: Final = 0.1
"""A logarithm knows no nothing: less is drawn as that."""


def plot(name: str, job: dict[str, Any], path: Path) -> None:
    """Draw a job's figures into a PNG file."""
    mpl.use("agg")
    figure = Figure(figsize=(12, 6.2), layout="constrained", dpi=110)
    several = len({case["size"] for case in job["cases"]}) > 1
    cost, memory = figure.subplots(1, 2, sharey=not several)
    styles = _styles([case["side"] for case in job["cases"]])
    draw = _lines if several else _bars
    headline = job.get("headline", "wall")
    draw(cost, job, styles, headline, _COSTS[headline])
    draw(memory, job, styles, "peak", _MEMORY)
    figure.suptitle(f"{name}: {job['title']} (lower is better)")
    if several:
        handles, labels = cost.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=9)
    figure.savefig(path)


def _styles(sides: list[str]) -> dict[str, dict[str, Any]]:
    """Return how each side is drawn: by kind, and different within a kind."""
    styles: dict[str, dict[str, Any]] = {}
    seen = {"ours": 0, "theirs": 0, "floor": 0}
    for side in dict.fromkeys(sides):
        kind = (
            "ours"
            if side.startswith("gemini_batch")
            else "theirs"
            if side.startswith("google-genai")
            else "floor"
        )
        colours = {"ours": _OURS, "theirs": _THEIRS, "floor": _FLOORS}[kind]
        number = seen[kind]
        seen[kind] += 1
        styles[side] = {
            "color": colours[number % len(colours)],
            "linestyle": {"ours": "-", "theirs": "--", "floor": ":"}[kind],
            "linewidth": 2.2 if kind == "ours" else 1.6,
            "marker": _MARKERS[number % len(_MARKERS)],
        }
    return styles


def _points(
    job: dict[str, Any], side: str, measure: str
) -> list[tuple[int, float, float, float]]:
    """Return size, median, least and largest of what is drawn of a side."""
    points = []
    for size in sorted({case["size"] for case in job["cases"]}):
        got = spread(figures(job["cases"], side, size, measure))
        if got is not None:
            share, least = (1e6 / size, 0.0) if measure == "wall" else (1.0, _LEAST_MB)
            middle, low, high = (
                max(least, value * share) for value in (got.middle, got.low, got.high)
            )
            points.append((size, middle, low, high))
    return points


def _lines(
    axes: Axes, job: dict[str, Any], styles: dict[str, Any], measure: str, label: str
) -> None:
    for side, style in styles.items():
        points = _points(job, side, measure)
        if points:
            xs, middles, lows, highs = zip(*points, strict=True)
            below = [middle - low for middle, low in zip(middles, lows, strict=True)]
            above = [high - middle for middle, high in zip(middles, highs, strict=True)]
            axes.errorbar(xs, middles, yerr=[below, above], label=side, capsize=3, **style)
    sizes = sorted({case["size"] for case in job["cases"]})
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    # Plain numbers at 1, 2 and 5 of every power of ten.
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=50))
    axes.yaxis.set_major_formatter(_PLAIN)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(job["unit"])
    axes.set_ylabel(label)
    axes.grid(visible=True, alpha=0.25)


def _bars(
    axes: Axes, job: dict[str, Any], styles: dict[str, Any], measure: str, label: str
) -> None:
    for side, style in styles.items():
        for _, middle, low, high in _points(job, side, measure):
            error = [[middle - low], [high - middle]]
            axes.barh(side, middle, xerr=error, color=style["color"], capsize=3)
    if not axes.yaxis_inverted():  # shared by both pictures
        axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(_PLAIN)
    axes.set_xlabel(label)
    axes.grid(visible=True, axis="x", alpha=0.25)
