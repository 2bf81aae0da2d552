"""One case: a job, one of its sides, a size, in a process of its own.

    python -m benchmarks._case build "gemini_batch: mappings" 10000

makes the data, starts the server and removes both; ``--data FOLDER`` keeps the data for the
next time, ``--profile FILE`` writes a cProfile of the case.
"""

import argparse
import asyncio
import cProfile
import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from attrs import asdict

from benchmarks._job import Job, Setting, find_job
from benchmarks._meter import Meter


async def _run(
    job: Job, side_name: str, size: int, *, url: str, data: Path, server_pid: int | None
) -> dict[str, object]:
    side = job.side(side_name)
    meter = Meter(loop=side.loop, server_pid=server_pid)
    count = await side.run(Setting(size=size, url=url, data=data, meter=meter))
    package = sys.modules.get("gemini_batch")
    where = None if package is None else package.__file__
    return {"count": count, "package": where, **asdict(meter.reading)}


def _here(job: Job, arguments: argparse.Namespace) -> None:
    """Run the case in this process, and print what it cost as JSON."""
    tempfile.tempdir = str(arguments.data)
    profile = cProfile.Profile()
    if arguments.profile:
        profile.enable()
    reading = asyncio.run(
        _run(
            job,
            arguments.side,
            arguments.size,
            url=arguments.url,
            data=arguments.data,
            server_pid=arguments.server_pid,
        )
    )
    if arguments.profile:
        profile.disable()
        profile.dump_stats(arguments.profile)
    print(json.dumps(reading))


def _by_hand(job: Job, arguments: argparse.Namespace) -> None:
    """Do for one case what the harness does for all of them."""
    # Imported here because a measured process has no use for it.
    from benchmarks._harness import data_folder, run_case, serving

    with ExitStack() as stack:
        data = arguments.data or stack.enter_context(data_folder())
        data.mkdir(parents=True, exist_ok=True)
        if job.prepare is not None:
            job.prepare(data, (arguments.size,))
        service = stack.enter_context(serving(job, data))
        more = ("--profile", arguments.profile) if arguments.profile else ()
        side = job.side(arguments.side)
        reading = run_case(job, side, arguments.size, data=data, service=service, more=more)
    for name, value in reading.items():
        print(f"{name:10} {'-' if value is None else f'{value:.4f}'}")


def main() -> None:
    """Run it and print what it cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks._case")
    parser.add_argument("job")
    parser.add_argument("side")
    parser.add_argument("size", type=int)
    parser.add_argument("--data", type=Path, help="folder of the input; kept")
    parser.add_argument("--profile", help="file for a cProfile of the case")
    parser.add_argument("--url", help="where the job's server listens: the harness tells")
    parser.add_argument("--server-pid", type=int, help="the server's process")
    arguments = parser.parse_args()
    job = find_job(arguments.job)
    if arguments.url is None:
        _by_hand(job, arguments)
    else:
        _here(job, arguments)


if __name__ == "__main__":
    main()
