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
    """Wait for a job with its progress shown, and return the job when it has ended.

    Interrupted, it shows how to come back; the job keeps running.

    Args:
        connection: The client.
        screen: Where the progress is shown.
        job: Its name; or the job itself if it has just been created and its name shown.
        poll_interval: Seconds between two polls; None for a growing pause.
        timeout: Seconds to wait at most.
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
        _show_how_to_come_back(connection, screen, name)
        raise
    return progress.job


def _show_how_to_come_back(connection: Connection, screen: Screen, name: str) -> None:
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
        screen.command("Interrupted. The job keeps running; come back with", command)


def finish(connection: Connection, screen: Screen, job: BatchJob) -> ExitCode:
    """Show how a job ended, and what can be done next."""
    code = ExitCode.OK if job.succeeded else ExitCode.FAILED
    if screen.as_json:
        screen.document({"event": "ended", "job": job_json(job)})
        return code
    state = (text.clean(job.state), state_style(job.state))
    screen.line(text.clean(job.name), " ", state, *_why(job))
    # Jobs that were cancelled on Vertex AI have the results up to then.
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
    return [f", but {amount} requests failed"]
