"""Runs the cases: each in a process of its own, the sides by turns, beside one server."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from benchmarks._job import Job, Side

ROOT: Final = Path(__file__).parents[1]
_MEMORY: Final = Path("/dev/shm")
_NEEDED: Final = 4 << 30
_CLOSING_SECONDS: Final = 10
_CASE_SECONDS: Final = 1800

Figures = dict[str, Any]
"""What a case printed: `count`, and the fields of a `Reading`."""


@frozen(kw_only=True)
class Service:
    """The server of a job."""

    url: str = ""
    pid: int | None = None


@contextmanager
def data_folder() -> Iterator[Path]:
    """Make a folder for input, in memory where there is room, so that no disk is measured."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _NEEDED
    with tempfile.TemporaryDirectory(
        prefix="gemini-batch-benchmarks-", dir=_MEMORY if roomy else None
    ) as name:
        yield Path(name)


@frozen(kw_only=True)
class Checkouts:
    """Folders that cases run in, each with the benchmarks and one state of the package."""

    now: Path
    before: Path | None = None


@contextmanager
def checked_out(before: Path | None = None) -> Iterator[Checkouts]:
    """Copy this checkout and the package of the one before into folders of their own.

    What is measured does not change while it is edited, and both states are found, compiled
    and loaded in the same way.

    Args:
        before: Root of the checkout to compare with; None compares with none.
    """
    with tempfile.TemporaryDirectory(prefix="gemini-batch-checkouts-") as name:
        folder = Path(name)
        now = _copied(folder / "now", ROOT)
        then = None if before is None else _copied(folder / "before", before)
        yield Checkouts(now=now, before=then)


def _copied(folder: Path, root: Path) -> Path:
    """Make a checkout of the package below `root` and of these benchmarks."""
    if not (root / "gemini_batch" / "__init__.py").is_file():
        raise SystemExit(f"{root} is no checkout of gemini_batch")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "benchmarks", folder / "benchmarks", ignore=ignored)
    shutil.copytree(root / "gemini_batch", folder / "gemini_batch", ignore=ignored)
    # Before anything is measured: a first call may load modules.
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(folder)], check=True)
    return folder


@contextmanager
def serving(job: Job, data: Path) -> Iterator[Service]:
    """Run the job's server, if it has one."""
    if job.server is None:
        yield Service()
        return
    process = subprocess.Popen(
        [sys.executable, "-m", job.server, str(data)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError(f"{job.server} did not tell where it listens")
        yield Service(url=url, pid=process.pid)
    finally:
        process.stdin.close()
        try:
            process.wait(_CLOSING_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def run_case(
    job: Job,
    side: Side,
    size: int,
    *,
    data: Path,
    service: Service,
    root: Path = ROOT,
    more: Sequence[str] = (),
) -> Figures:
    """Run one case in a fresh process, and return what it cost.

    Args:
        job: The job.
        side: One of its sides.
        size: How much of it.
        data: Folder of the job's input.
        service: The job's server.
        root: The checkout whose package is run: Python looks for it there first.
        more: Further options of `benchmarks._case`.
    """
    words = [sys.executable, "-m", "benchmarks._case", job.name, side.name, str(size)]
    words += ["--data", str(data), "--url", service.url, *more]
    if service.pid is not None:
        words += ["--server-pid", str(service.pid)]
    done = subprocess.run(
        words,
        cwd=root,
        env=os.environ | {"TMPDIR": str(data)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        timeout=_CASE_SECONDS,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{job.name}, {side.name}, {size}: exit code {done.returncode}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    package = figures.pop("package")
    if package is not None and not Path(package).is_relative_to(root):
        raise SystemExit(f"{job.name}, {side.name}: ran {package}, which is not in {root}")
    return figures


def run_job(
    job: Job, checkouts: Checkouts, *, rounds: int, quick: bool, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Run all cases of a job, and return a record of each: side, size and readings.

    The sides take turns within a round, so that what disturbs the machine for a while
    disturbs them all. Ours run with the package before as well, directly after or before
    that of now, by turns.
    """
    cases: list[dict[str, Any]] = [
        {"side": side.name, "size": size, "readings": [], "before": []}
        for size in job.sizes
        for side in job.sides
        if side.most is None or size <= side.most
        if not quick or side.quick is None or size <= side.quick
    ]
    with data_folder() as data:
        if job.prepare is not None:
            say(f"{job.name}: makes its input")
            job.prepare(data, job.sizes)
        with serving(job, data) as service:
            for turn in range(rounds):
                for case in cases:
                    side = job.side(case["side"])
                    for readings, root in _runs(side, case["size"], turn, checkouts):
                        figures = run_case(
                            job, side, case["size"], data=data, service=service, root=root
                        )
                        case[readings].append(figures)
                        say(_line(job, turn, case, figures, readings))
    check_counts(job.name, cases)
    return cases


def _runs(side: Side, size: int, turn: int, checkouts: Checkouts) -> list[tuple[str, Path]]:
    """Return where a side is run in a round, and under which name its reading is kept."""
    if side.rounds is not None and turn >= side.rounds:
        return []
    runs = [("readings", checkouts.now)]
    large = side.before_most is not None and size > side.before_most
    if checkouts.before is not None and side.is_ours and not large:
        runs.append(("before", checkouts.before))
    return runs[::-1] if turn % 2 else runs


def check_counts(name: str, cases: list[dict[str, Any]]) -> None:
    """Refuse figures of sides that did not do the same work."""
    for size in sorted({case["size"] for case in cases}):
        counts = {
            case["side"]: sorted(
                {reading["count"] for reading in [*case["readings"], *case["before"]]}
            )
            for case in cases
            if case["size"] == size
        }
        if len({count for seen in counts.values() for count in seen}) > 1:
            raise SystemExit(f"{name}, {size}: the sides did not count the same: {counts}")


def _line(
    job: Job, turn: int, case: dict[str, Any], figures: Figures, readings: str
) -> str:
    stall = figures["stall_max"]
    side = case["side"] + (" (before)" if readings == "before" else "")
    return (
        f"{job.name} {turn + 1} | {case['size']:>7,} {job.unit} | {side:60} | "
        f"{figures['wall']:8.3f} s, CPU {figures['cpu']:8.3f} s, {figures['peak']:+8.1f} MB"
        + ("" if stall is None else f", stall {stall:.1f} ms")
    )
