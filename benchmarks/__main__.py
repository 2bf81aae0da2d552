"""All benchmarks, or some: run, write down, compare with what we aim at.

With ``--before DIR`` our sides are run with the package of another checkout, too, by turns with
this one's. A target that a profile shows to be beyond reach is marked as such, and checked for
what is held.
"""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from benchmarks import _record, _report
from benchmarks._check import Verdict, judge
from benchmarks._harness import checked_out, run_job
from benchmarks._job import BEFORE, find_job

JOBS: Final = (
    "imports",
    "first_calls",
    "first_calls_tls",
    "build",
    "inline_create",
    "uploads",
    "uploads_far",
    "results_lean",
    "results",
    "structure",
    "keep",
    "ordered",
    "embeddings",
    "inline_get",
    "inline_twice",
    "waiting",
)
_FOLDER: Final = Path(__file__).parent / "results"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Run what is asked for; 1 if a target is missed and that was asked about."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("job", nargs="*", help=f"of {', '.join(JOBS)}; all if left out")
    parser.add_argument("--rounds", type=int, help="turns of every case; 5, quick 3")
    parser.add_argument(
        "--check", action="store_true", help="exit 1 if a target within reach is missed"
    )
    parser.add_argument("--quick", action="store_true", help="spare the longest cases")
    parser.add_argument(
        "--before", type=Path, metavar="DIR", help="root of a checkout to compare with"
    )
    parser.add_argument("--report", action="store_true", help="measure nothing anew")
    parser.add_argument("--readme", type=Path, help="file whose table is made anew")
    parser.add_argument("--out", type=Path, default=_FOLDER, help="folder of the results")
    arguments = parser.parse_args()
    rounds = arguments.rounds or (3 if arguments.quick else 5)
    names = arguments.job or [name for name in JOBS if find_spec(f"benchmarks.{name}")]
    record = _record.load(arguments.out)
    if not arguments.report:
        with checked_out(arguments.before) as checkouts:
            for name in names:
                job = find_job(name)
                cases = run_job(
                    job, checkouts, rounds=rounds, quick=arguments.quick, say=_say
                )
                measured = _record.job_record(
                    job, cases, rounds=rounds, before=arguments.before
                )
                # Saved after each job: hours of work must not hang on the last one.
                record = _record.merged(record, {name: measured})
                _record.save(arguments.out, record)
    _write(record, arguments.out)
    if arguments.readme is not None:
        # Imported here because it loads the jobs.
        from benchmarks import _summary

        _summary.put(arguments.readme, record)
    asked = _verdicts(record, names)
    print(_report.targets(asked))
    missed = [
        verdict
        for verdict in asked
        if not verdict.held
        and not _is_left_out(
            verdict, quick=arguments.quick, before=arguments.before is not None
        )
    ]
    return int(arguments.check and bool(missed))


def _is_left_out(verdict: Verdict, *, quick: bool, before: bool) -> bool:
    """Return True if the run that was asked for does not measure what a target is about."""
    if verdict.reached is not None:
        return False
    return quick or (verdict.target.against == BEFORE and not before)


def _verdicts(record: _record.Record, names: list[str]) -> list[Verdict]:
    return [
        verdict
        for name in names
        for verdict in judge(
            find_job(name), record["jobs"].get(name, {"cases": []})["cases"]
        )
    ]


def _write(record: _record.Record, folder: Path) -> None:
    """Write tables and pictures of all jobs of a record."""
    # Imported here because it is slow, and nothing that is measured may wait for it.
    from benchmarks._plot import plot

    known = {name: record["jobs"][name] for name in JOBS if name in record["jobs"]}
    _report.write(folder, {"jobs": known}, _verdicts(record, [*known]))
    for name, job in known.items():
        plot(name, job, folder / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
