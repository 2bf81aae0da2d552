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
    more: Sequence[str] = (),
) -> Figures:
    """Run one case in a fresh process, and return what it cost."""
    words = [sys.executable, "-m", "benchmarks._case", job.name, side.name, str(size)]
    words += ["--data", str(data), "--url", service.url, *more]
    if service.pid is not None:
        words += ["--server-pid", str(service.pid)]
    done = subprocess.run(
        words,
        cwd=ROOT,
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
    return figures


def run_job(
    job: Job, *, rounds: int, quick: bool, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Run all cases of a job, and return a record of each: side, size and readings.

    The sides take turns within a round, so that what disturbs the machine for a while
    disturbs them all.
    """
    cases: list[dict[str, Any]] = [
        {"side": side.name, "size": size, "readings": []}
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
                    figures = run_case(job, side, case["size"], data=data, service=service)
                    case["readings"].append(figures)
                    say(_line(job, turn, case, figures))
    check_counts(job.name, cases)
    return cases


def check_counts(name: str, cases: list[dict[str, Any]]) -> None:
    """Refuse figures of sides that did not do the same work."""
    for size in sorted({case["size"] for case in cases}):
        counts = {
            case["side"]: sorted({reading["count"] for reading in case["readings"]})
            for case in cases
            if case["size"] == size
        }
        if len({count for seen in counts.values() for count in seen}) > 1:
            raise SystemExit(f"{name}, {size}: the sides did not count the same: {counts}")


def _line(job: Job, turn: int, case: dict[str, Any], figures: Figures) -> str:
    stall = figures["stall_max"]
    return (
        f"{job.name} {turn + 1} | {case['size']:>7,} {job.unit} | {case['side']:60} | "
        f"{figures['wall']:8.3f} s, CPU {figures['cpu']:8.3f} s, {figures['peak']:+8.1f} MB"
        + ("" if stall is None else f", stall {stall:.1f} ms")
    )
