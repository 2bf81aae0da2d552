"""Commands for existing jobs: wait, get, list, cancel, delete."""

from contextlib import aclosing
from typing import Annotated

from cyclopts import Parameter

from gemini_batch import BatchJob
from gemini_batch.cli.connect import connect
from gemini_batch.cli.display import text
from gemini_batch.cli.display.json import job_json
from gemini_batch.cli.display.live import state_style
from gemini_batch.cli.display.screen import Screen
from gemini_batch.cli.display.table import Column, print_table
from gemini_batch.cli.exit_codes import ExitCode
from gemini_batch.cli.options import COMMON, Common, Limit
from gemini_batch.cli.watch import finish, watch
from gemini_batch.types import JobDestination

_COLUMNS = (
    Column("Job", whole=True),
    Column("State", whole=True),
    Column("Requests", right=True, whole=True),
    Column("Created", whole=True, drop=2),
    Column("Model", whole=True, drop=1),
    Column("Name", drop=3),
)


async def wait(
    job: str,
    /,
    *,
    poll_interval: float | None = None,
    timeout: float | None = None,
    common: Common = COMMON,
) -> ExitCode:
    """Wait for a job to end, with its progress shown. Ctrl-C leaves it running.

    Exits 0 if the job succeeded, even if single requests failed: see results.

    Parameters
    ----------
    job
        Its name, or its bare ID.
    poll_interval
        Seconds between two polls; 2 growing to 60 if left out.
    timeout
        Seconds to wait at most; there is no limit if left out.
    """
    screen = Screen(as_json=common.json)
    async with connect(common, screen) as connection:
        ended = await watch(
            connection, screen, job, poll_interval=poll_interval, timeout=timeout
        )
        return finish(connection, screen, ended)


async def get(job: str, /, *, common: Common = COMMON) -> ExitCode:
    """Show one job as it is now.

    Parameters
    ----------
    job
        Its name, or its bare ID.
    """
    screen = Screen(as_json=common.json)
    async with connect(common, screen) as connection:
        found = await connection.client.batches.get(job)
    if screen.as_json:
        screen.document(job_json(found))
        return ExitCode.OK
    screen.facts({**_identity(found), **_course(found)}, state=state_style(found.state))
    return ExitCode.OK


def _identity(job: BatchJob) -> dict[str, str]:
    return {
        "name": job.name,
        "display name": job.display_name or "",
        "state": str(job.state),
        "error": "" if job.error is None else str(job.error),
        "kind": str(job.kind),
        "model": job.model,
        "priority": str(job.priority) if job.priority else "",
        "labels": ", ".join(f"{name}={value}" for name, value in job.labels.items()),
    }


def _course(job: BatchJob) -> dict[str, str]:
    stats, source, requests = job.completion_stats, job.source, ""
    if stats is not None and stats.total_count:
        requests = (
            f"{stats.total_count:,}: {stats.success_count:,} answered, "
            f"{stats.failure_count:,} failed, {stats.pending_count:,} pending"
        )
    stored = source.file_name or source.bigquery_uri or source.vertex_dataset
    return {
        "requests": requests,
        "partial failures": "; ".join(map(str, job.partial_failures)),
        "input": stored or ", ".join(source.gcs_uris),
        "results": "" if job.dest is None else _where(job.dest),
        "created": text.moment(job.create_time),
        "started": text.moment(job.start_time),
        "ended": text.moment(job.end_time),
        "expected by": "" if job.done else text.moment(job.expected_by),
    }


def _where(dest: JobDestination) -> str:
    if dest.inlined_responses is not None:
        return f"{len(dest.inlined_responses):,} inline"
    written = dest.file_name or dest.gcs_directory or dest.bigquery_table
    asked = dest.gcs_uri or dest.bigquery_uri
    return written or dest.vertex_dataset or (f"requested at {asked}" if asked else "")


async def list_(
    *,
    filter_: Annotated[str | None, Parameter(name="--filter")] = None,
    limit: Limit = 50,
    common: Common = COMMON,
) -> ExitCode:
    """List jobs, newest first.

    Parameters
    ----------
    filter_
        Such as 'state="running" AND display_name:"nightly*"'.
    limit
        Number of jobs to show at most; 0 shows all.
    """
    screen = Screen(as_json=common.json)
    jobs: list[BatchJob] = []
    more = False
    async with (
        connect(common, screen) as connection,
        aclosing(connection.client.batches.list_all(filter=filter_)) as found,
    ):
        async for job in found:
            more = bool(limit) and len(jobs) == limit
            if more:
                break
            jobs.append(job)
    if screen.as_json:
        screen.document({"jobs": [job_json(job) for job in jobs], "more": more})
        return ExitCode.OK
    if not jobs:
        screen.remark("There are no jobs." if filter_ is None else "No job matches.")
        return ExitCode.OK
    print_table(screen.out, _COLUMNS, [_cells(job) for job in jobs])
    if more:
        screen.remark(f"There are more: --limit 0 shows all, --limit N more than {limit}.")
    return ExitCode.OK


def _cells(job: BatchJob) -> list[str]:
    stats = job.completion_stats
    requests = ""
    if stats is not None and stats.total_count:
        requests = f"{stats.done_count:,}/{stats.total_count:,}"
    return [
        text.job_name(job.name),
        str(job.state),
        requests,
        text.ago(job.create_time),
        text.model(job.model),
        job.display_name or "",
    ]


async def cancel(job: str, /, *, common: Common = COMMON) -> ExitCode:
    """Ask the service to cancel a job. It may still succeed: see wait.

    Parameters
    ----------
    job
        Its name, or its bare ID.
    """
    screen = Screen(as_json=common.json)
    async with connect(common, screen) as connection:
        await connection.client.batches.cancel(job)
    if screen.as_json:
        screen.document({"job": job, "cancel_requested": True})
    else:
        screen.line(f"requested to cancel {text.clean(job)}")
    return ExitCode.OK


async def delete(job: str, /, *, common: Common = COMMON) -> ExitCode:
    """Delete the record of a job. This does not stop the job: cancel it first.

    Parameters
    ----------
    job
        Its name, or its bare ID.
    """
    screen = Screen(as_json=common.json)
    async with connect(common, screen) as connection:
        await connection.client.batches.delete(job)
    if screen.as_json:
        screen.document({"job": job, "deleted": True})
    else:
        screen.line(f"deleted {text.clean(job)}")
    return ExitCode.OK
