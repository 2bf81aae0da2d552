"""Waiting for a job on the command line."""

import asyncio
from contextlib import aclosing

from gemini_batch import BatchJob, JobState
from gemini_batch.cli.connect import Connection
from gemini_batch.cli.display import text
from gemini_batch.cli.display.json import job_json
from gemini_batch.cli.display.live import job_progress, state_style
from gemini_batch.cli.display.screen import Screen
from gemini_batch.cli.exit_codes import ExitCode


async def watch(
    connection: Connection,
    screen: Screen,
    job: BatchJob | str,
    *,
    poll_interval: float | None,
    timeout: float | None,
) -> BatchJob:
    """Wait for a job, showing how it goes, and return it ended.

    A job that is given whole has just been created, and its name told. Interrupted, it says how to come back; the job goes on.
    """
    snapshots = connection.client.batches.wait(
        job, poll_interval=poll_interval, timeout=timeout
    )
    name = job if isinstance(job, str) else job.name
    try:
        async with aclosing(snapshots):
            with job_progress(screen, named=isinstance(job, str)) as show:
                async for progress in snapshots:
                    show(progress)
    except asyncio.CancelledError:
        _say_how_to_come_back(connection, screen, name)
        raise
    return progress.job


def _say_how_to_come_back(connection: Connection, screen: Screen, name: str) -> None:
    command = f"gemini-batch wait {text.clean(name)}{connection.flags}"
    if screen.as_json:
        screen.document(
            {
                "event": "interrupted",
                "job": name,
                "running": not connection.embedded,
                "come_back": None if connection.embedded else command,
            }
        )
    elif connection.embedded:
        screen.remark("Interrupted. The job ends with the emulator inside this command.")
    else:
        screen.command("Interrupted. The job goes on; come back with", command)


def finish(connection: Connection, screen: Screen, job: BatchJob) -> ExitCode:
    """Tell how a job ended, and what can be done next."""
    code = ExitCode.OK if job.succeeded else ExitCode.FAILED
    if screen.as_json:
        screen.document({"event": "ended", "job": job_json(job)})
        return code
    state = (text.clean(job.state), state_style(job.state))
    screen.line(text.clean(job.name), " ", state, *_why(job))
    # Jobs that were stopped on Vertex AI have what was done until then.
    readable = job.succeeded or (job.dest is not None and job.dest.located)
    if readable and not connection.embedded:
        command = f"gemini-batch results {job.name}{connection.flags} -o results.jsonl"
        screen.command("Read the results with", command)
    return code


def _why(job: BatchJob) -> list[str]:
    stats = job.completion_stats
    if job.error is not None:
        return [f": {text.clean(str(job.error))}"]
    if stats is None or not stats.failure_count:
        return []
    some = stats.failure_count < stats.total_count or job.state != JobState.SUCCEEDED
    amount = f"{stats.failure_count:,} of {stats.total_count:,}" if some else "all"
    return [f", but {amount} rows failed"]
