"""Commands that begin a job: check, submit."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

from anyio import to_thread
from cyclopts import Parameter

from gemini_batch import BatchJob, InputError, check_input
from gemini_batch.cli import _text
from gemini_batch.cli._bars import transfer
from gemini_batch.cli._connect import Connection, connect
from gemini_batch.cli._exit import ExitCode
from gemini_batch.cli._json import job_json, report_json
from gemini_batch.cli._options import COMMON, Common
from gemini_batch.cli._screen import Screen
from gemini_batch.cli._watch import finish, watch


async def check(
    input_: Annotated[Path, Parameter(name="INPUT")],
    /,
    *,
    model: str | None = None,
    common: Common = COMMON,
) -> ExitCode:
    """Check a JSONL file as submit does; needs no key and no network.

    Parameters
    ----------
    input_
        The file: one request per line.
    model
        Model the job would be for; rows that name another are problems.
    """
    screen = Screen(as_json=common.json)
    report = await check_input(input_, model=model)
    if screen.as_json:
        screen.document(report_json(report))
        return ExitCode.OK
    way = "would travel in the call" if report.inline else "would be uploaded as a file"
    screen.line(
        ("sound", "bold green"),
        f"  {_text.count(report.count, 'row')} to {report.kind}, "
        f"{_text.size(report.size)}, {way}",
    )
    return ExitCode.OK


async def submit(
    input_: Annotated[Path, Parameter(name="INPUT")],
    /,
    *,
    model: Annotated[str, Parameter(name=["--model", "-m"])],
    display_name: str | None = None,
    priority: int | None = None,
    idempotency_key: str | None = None,
    system_instruction: str | None = None,
    generation_config: str | None = None,
    wait: Annotated[bool, Parameter(negative=())] = False,
    poll_interval: float | None = None,
    timeout: float | None = None,
    common: Common = COMMON,
) -> ExitCode:
    """Check a JSONL file, upload it if it is large, and create a job. This is paid.

    Parameters
    ----------
    input_
        The file: one request per line.
    model
        Such as gemini-2.5-flash. Whether the job generates or embeds is told by the rows.
    display_name
        Your own name for the job.
    priority
        Larger runs first; 0 if left out.
    idempotency_key
        Your name for this intention: given again, the job it made is returned instead of a
        second one.
    system_instruction
        For rows without their own.
    generation_config
        JSON, or @FILE with JSON, for what rows do not set themselves.
    wait
        Wait for the job to end. Ctrl-C leaves it running.
    poll_interval
        With --wait: seconds between two looks; 2 growing to 60 if left out.
    timeout
        With --wait: seconds to wait at most.
    """
    screen = Screen(as_json=common.json)
    config = await to_thread.run_sync(_read_config, generation_config)
    async with connect(common, screen) as connection:
        try:
            with transfer(screen, "uploading") as on_progress:
                job = await connection.client.batches.submit(
                    model,
                    input_,
                    display_name=display_name,
                    priority=priority,
                    idempotency_key=idempotency_key,
                    system_instruction=system_instruction,
                    generation_config=config,
                    on_progress=on_progress,
                )
        except asyncio.CancelledError:
            screen.remark(
                "Interrupted before the service confirmed a job. It may exist all the same: "
                "see gemini-batch list before you submit again."
            )
            raise
        if wait:
            return await _wait_for_new(connection, screen, job, poll_interval, timeout)
        _tell_created(connection, screen, job)
        return ExitCode.OK


def _read_config(text: str | None) -> dict[str, Any] | None:
    """Read the value of ``--generation-config``, in a thread because of ``@FILE``."""
    if text is None:
        return None
    file = text[1:] if text.startswith("@") else None
    try:
        value = json.loads(text if file is None else Path(file).read_text("utf-8"))
    except (OSError, ValueError) as exc:
        what = exc.strerror if isinstance(exc, OSError) else f"it is not JSON: {exc}"
        raise InputError.one(
            str(what),
            remedy="Give a JSON object, or @FILE with one.",
            file=file,
            field="--generation-config",
        ) from exc
    if not isinstance(value, dict):
        raise InputError.one(
            "it is JSON, but not an object",
            remedy='Such as {"temperature": 0.2}.',
            file=file,
            field="--generation-config",
        )
    return value


def _tell_created(connection: Connection, screen: Screen, job: BatchJob) -> None:
    if screen.as_json:
        screen.document(job_json(job))
        return
    screen.line(_text.clean(job.name))
    if not connection.embedded:
        command = f"gemini-batch wait {_text.clean(job.name)}{connection.flags}"
        screen.command("Wait for it with", command)


async def _wait_for_new(
    connection: Connection,
    screen: Screen,
    job: BatchJob,
    poll_interval: float | None,
    timeout: float | None,
) -> ExitCode:
    if screen.as_json:
        screen.document({"event": "created", "job": job_json(job)})
    else:
        screen.remark(f"created {_text.clean(job.name)}")
    ended = await watch(
        connection, screen, job, poll_interval=poll_interval, timeout=timeout
    )
    return finish(connection, screen, ended)
