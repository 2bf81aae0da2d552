"""The record of the last run of every job: figures, and where they come from."""

import datetime as dt
import json
import os
import platform
import subprocess
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final

from benchmarks._harness import ROOT
from benchmarks._job import Job
from benchmarks._meter import MB

Record = dict[str, Any]
"""``{"jobs": {name: {"title", "unit", "headline", "rounds", "date", "git", "before", "python",
"machine", "versions", "cases": [{"side", "size", "readings": [{"count", "wall", …}],
"before": […]}]}}}``. Each job says where its own figures come from, since a run of one leaves
those of the others. ``before`` is the revision of the package that ours is compared with, and
on a case the readings of that; None and empty without one."""

NAME: Final = "latest.json"


def job_record(
    job: Job, cases: list[dict[str, Any]], *, rounds: int, before: Path | None = None
) -> Record:
    """Return the record of a job that was just run here.

    Args:
        job: The job.
        cases: What `run_job` returned.
        rounds: How many rounds there were.
        before: Root of the checkout that was compared with.
    """
    return {
        "title": job.title,
        "unit": job.unit,
        "headline": job.headline,
        "rounds": rounds,
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "git": _git(ROOT),
        "before": None if before is None else _git(before),
        "python": platform.python_version(),
        "machine": _machine(),
        "versions": {
            found.metadata["Name"]: found.version
            for found in sorted(
                distributions(), key=lambda one: one.metadata["Name"].lower()
            )
        },
        "cases": cases,
    }


def merged(record: Record, jobs: Record) -> Record:
    """Return the record with those jobs put in place of what it had of them."""
    return {**record, "jobs": {**record.get("jobs", {}), **jobs}}


def load(folder: Path) -> Record:
    """Read the record of a folder; an empty one if there is none."""
    path = folder / NAME
    return json.loads(path.read_text()) if path.exists() else {"jobs": {}}


def save(folder: Path, record: Record) -> None:
    """Write the record, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{NAME}.part"
    part.write_text(json.dumps(record, indent=1) + "\n")
    part.rename(folder / NAME)


def _git(root: Path) -> str:
    """Return the revision of a checkout, and whether its package differs from it."""

    def say(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=root, capture_output=True, text=True, check=False
        ).stdout.strip()

    revision = say("rev-parse", "--short", "HEAD") or "unknown"
    changed = say("status", "--porcelain", "--", "gemini_batch")
    return f"{revision} and changes" if changed else revision


def _machine() -> dict[str, Any]:
    with Path("/proc/cpuinfo").open() as file:
        models = [line.partition(":")[2] for line in file if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": models[0].strip() if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_mb": round(memory / MB),
        "kernel": platform.release(),
    }
