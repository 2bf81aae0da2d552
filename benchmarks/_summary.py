"""The README's table, made of a record: what was measured last, and nothing else.

A row is left out if its job was not measured, a comparison if one of its sides was not.
"""

from pathlib import Path
from typing import Any, Final

from attrs import frozen

from benchmarks import _result_files as files
from benchmarks import build, embeddings, imports, inline_get, keep, ordered, waiting
from benchmarks._check import Cases, figures, ratio, spread
from benchmarks._clients import AIO
from benchmarks._job import Measure
from benchmarks._record import Record
from benchmarks._report import number
from benchmarks.inline_create import TYPES
from benchmarks.uploads import HASHED, RAW

BEGIN: Final = "<!-- python -m benchmarks --report --readme README.md -->"
END: Final = "<!-- end of the table -->"

_OURS: Final = "gemini_batch"


@frozen(kw_only=True)
class _Row:
    """A row of the table: one side of ours."""

    job: str
    words: str
    """What is done; ``{size}`` stands for how many."""

    side: str = _OURS
    size: int | None = None
    """None: the largest there is."""

    measure: Measure = "wall"
    theirs: tuple[tuple[str, str], ...] = ()
    """Sides of google-genai, and how to call them: ``{}`` stands for how many times faster."""

    floors: tuple[tuple[str, str], ...] = ()
    """Sides that do the least the machine can; ``{}`` stands for our share of their time."""

    memory: tuple[tuple[str, str, Measure], ...] = ()
    """Sides, what to say of them, and of which measure; ``{}`` stands for the figure."""


_PROCESS: Final = "process at {} MB"
_PLUS: Final = "+ {} MB"


def _results(job: str, kind: str, theirs: str) -> tuple[_Row, ...]:
    """Return the rows of a job that reads result files."""
    return (
        _Row(
            job=job,
            words=f"{{size}} {kind} results of a file: key and raw bytes of each",
            side=files.KEYS,
            theirs=(
                (files.THEIR_KEYS, "{} than dicts"),
                (theirs, "{} than models"),
            ),
            floors=((files.STREAM, "{} of discarding the bytes"),),
            memory=(
                (files.KEYS, _PROCESS, "process"),
                (files.THEIR_KEYS, "dicts at {} MB", "process"),
            ),
        ),
        _Row(
            job=job,
            words=f"{{size}} {kind} results: text of each",
            side=files.TEXTS,
            theirs=(
                (files.THEIR_DICTS, "{} than dicts"),
                (theirs, "{} than models"),
            ),
            memory=((files.TEXTS, _PROCESS, "process"),),
        ),
        _Row(
            job=job,
            words=f"{{size}} {kind} results: every answer structured",
            side=files.STRUCTURED,
            theirs=((theirs, "{} than models"),),
            floors=((files.DECODE, "{} of decoding to dicts"),),
            memory=(
                (files.STRUCTURED, _PROCESS, "process"),
                (theirs, "models at {} MB", "process"),
            ),
        ),
    )


ROWS: Final = (
    _Row(
        job="imports",
        words="import",
        side=imports.IMPORT,
        theirs=((imports.THEIRS, "{}"),),
        floors=((imports.ATTRS, "{} of `import attrs`"),),
        memory=((imports.IMPORT, _PROCESS, "process"),),
    ),
    _Row(
        job="imports",
        words="start, and have a client ready",
        side=imports.READY,
        theirs=(
            (imports.ASYNC, "{} than its asynchronous client"),
            (imports.SYNC, "{} than its blocking one"),
        ),
        memory=((imports.READY, _PROCESS, "process"),),
    ),
    _Row(
        job="build",
        words="check and write {size} typed requests, 1 kB each",
        side=build.SHARED,
        size=build.MIDDLE,
        theirs=((build.THEIRS, "{} than its typed path"),),
        floors=((build.ORJSON, "{} of `orjson.dumps`, unchecked"),),
        memory=((build.SHARED, _PLUS, "peak"),),
    ),
    _Row(
        job="build",
        words="check and write {size} mappings, 1 kB each",
        side=build.MAPPINGS,
        floors=((build.ORJSON, "{} of `orjson.dumps`, unchecked"),),
        memory=((build.MAPPINGS, _PLUS, "peak"),),
    ),
    _Row(
        job="inline_create",
        words="create an inline job of {size} requests",
        theirs=((TYPES, "{}"),),
    ),
    _Row(
        job="uploads",
        words="upload {size} MiB over TLS, with a digest",
        theirs=((AIO, "{}, without a digest"),),
        floors=(
            (RAW, "{} of a raw socket"),
            (HASHED, "{} of one that hashes"),
        ),
        memory=((_OURS, _PLUS, "peak"),),
    ),
    _Row(
        job="uploads_far",
        words="the same, each answer 40 ms late",
        theirs=((AIO, "{}"),),
        memory=((_OURS, _PLUS, "peak"),),
    ),
    *_results("results_lean", "lean", files.THEIR_MODELS),
    *_results("results", "wide", files.THEIRS),
    _Row(
        job="ordered",
        words="{size} wide results in the order of their requests",
        side=ordered.SHUFFLED,
        size=ordered.SMALL,
        theirs=((ordered.THEIRS, "{} than dicts"),),
        memory=(
            (ordered.SHUFFLED, _PROCESS, "process"),
            (ordered.THEIRS, "dicts at {} MB", "process"),
        ),
    ),
    _Row(
        job="keep",
        words="{size} wide results kept",
        side=keep.OURS,
        theirs=((keep.THEIRS, "{} than models"),),
        memory=(
            (keep.OURS, _PLUS, "peak"),
            (keep.THEIRS, "models + {} MB", "peak"),
        ),
    ),
    _Row(
        job="embeddings",
        words=f"{embeddings.ROWS:,} vectors of {{size}} dimensions kept",
        side=embeddings.OURS,
        theirs=((embeddings.THEIR_FILE, "{}"),),
        memory=(
            (embeddings.OURS, _PLUS, "kept"),
            (embeddings.THEIR_FILE, "google-genai's + {} MB", "kept"),
        ),
    ),
    _Row(
        job="inline_get",
        words="get an inline job of {size} results, 2 kB each",
        side=inline_get.GET,
        theirs=((inline_get.THEIRS, "{}"),),
        floors=((inline_get.READ, "{} of reading the body"),),
        memory=((inline_get.GET, _PLUS, "peak"),),
    ),
    _Row(
        job="waiting",
        words="wait for {size} jobs side by side: CPU time of a poll",
        measure="cpu",
        theirs=((AIO, "{}"),),
        floors=((waiting.BARE, "{} of bare aiohttp with 16 workers"),),
        memory=((_OURS, "{} connections", "sockets"),),
    ),
)


def table(record: Record) -> str:
    """Return the table in Markdown."""
    lines = [
        "| Job | Times faster than google-genai | Time against the least there is | Memory |",
        "|---|---|---|---|",
    ]
    for row in ROWS:
        cases: Cases = record["jobs"].get(row.job, {"cases": []})["cases"]
        sizes = [case["size"] for case in cases if case["side"] == row.side]
        if sizes:
            lines.append(_line(row, cases, row.size or max(sizes)))
    return "\n".join(lines)


def _line(row: _Row, cases: Cases, size: int) -> str:
    ours = figures(cases, row.side, size, row.measure)

    def compared(sides: tuple[tuple[str, str], ...], *, times: bool) -> str:
        told = []
        for side, words in sides:
            # Sides that take minutes are run at smaller sizes alone.
            theirs = figures(cases, side, size, row.measure)
            got = ratio(theirs, ours) if times else ratio(ours, theirs)
            if got is not None:
                told.append(words.format(number(got.middle)))
        return "; ".join(told)

    held = []
    for side, words, measure in row.memory:
        got = spread(figures(cases, side, size, measure))
        if got is not None:
            held.append(words.format(f"{got.middle:,.0f}"))
    cells = (
        row.words.format(size=f"{size:,}"),
        compared(row.theirs, times=True),
        compared(row.floors, times=False),
        "; ".join(held),
    )
    return f"| {' | '.join(cells)} |"


def versions(record: Record) -> str:
    """Return which google-genai was measured, and on what."""
    found: list[dict[str, Any]] = list(record["jobs"].values())
    theirs = sorted({job["versions"].get("google-genai", "") for job in found})
    cores = sorted({job["machine"]["cores"] for job in found})
    rounds = sorted({job["rounds"] for job in found})
    return (
        f"google-genai {' and '.join(theirs)}; medians of "
        f"{' and '.join(map(str, rounds))} rounds on {' and '.join(map(str, cores))} cores."
    )


def block(record: Record) -> str:
    """Return the table between its marks, as the README has it."""
    return f"{BEGIN}\n{versions(record)}\n\n{table(record)}\n{END}"


def put(path: Path, record: Record) -> None:
    """Put the table in place of the one a README has."""
    text = path.read_text()
    before, begun, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise SystemExit(f"{path} has no place for the table: {BEGIN} … {END}")
    path.write_text(before + block(record) + after)
