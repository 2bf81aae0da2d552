"""Commands that start a job: check, submit."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

from anyio import to_thread
from cyclopts import Parameter

from gemini_batch import BatchJob, InputError, InputReport, JobKind, check_input
from gemini_batch.cli.connect import Connection, api_of, connect
from gemini_batch.cli.cost_limit import check_limit
from gemini_batch.cli.display import text as _text
from gemini_batch.cli.display.json import job_json, report_json
from gemini_batch.cli.display.progress_bars import transfer
from gemini_batch.cli.display.screen import Screen
from gemini_batch.cli.exit_codes import ExitCode
from gemini_batch.cli.options import COMMON, ON_VERTEX, Common
from gemini_batch.cli.uris import is_stored, source_of
from gemini_batch.cli.watch import finish, watch


async def check(
    input_: Annotated[str, Parameter(name="INPUT")],
    /,
    *,
    model: str | None = None,
    key_column: Annotated[str | None, Parameter(group=ON_VERTEX)] = None,
    common: Common = COMMON,
) -> ExitCode:
    """Check a JSONL file as submit does; needs no key and no network.

    With --vertex, by the rules of Vertex AI; then requests at gs:// and bq:// can be checked,
    too, which needs credentials.

    Parameters
    ----------
    input_
        The file: one request per line. On Vertex AI also gs://bucket/rows.jsonl, without
        wildcards, or bq://project.dataset.table.
    model
        Model of the job; requests that name another are problems.
    key_column
        Column of a BigQuery table that holds the keys; key if left out.
    """
    screen = Screen(as_json=common.json)
    if is_stored(input_):
        report = await _check_stored(input_, model, key_column, common, screen)
    else:
        report = await check_input(input_, model=model, api=api_of(common))
    if screen.as_json:
        screen.document(report_json(report))
        return ExitCode.OK
    way = "sent inline" if report.inline else "uploaded as a file"
    if is_stored(input_):
        way = "read where they are stored"
    kind = "generation" if report.kind == JobKind.GENERATE else "embedding"
    amount = _text.count(report.count, f"{kind} request")
    screen.line(("ok", "bold green"), f": {amount}, {_text.size(report.size)}, {way}")
    return ExitCode.OK


async def _check_stored(
    uri: str, model: str | None, key_column: str | None, common: Common, screen: Screen
) -> InputReport:
    async with connect(common, screen) as connection:
        with transfer(screen, "reading") as on_progress:
            return await connection.client.batches.check(
                uri, model=model, key_column=key_column, on_progress=on_progress
            )


async def submit(
    input_: Annotated[str, Parameter(name="INPUT")],
    /,
    *,
    model: Annotated[str, Parameter(name=["--model", "-m"])],
    display_name: str | None = None,
    priority: int | None = None,
    idempotency_key: str | None = None,
    system_instruction: str | None = None,
    generation_config: str | None = None,
    dest: Annotated[str | None, Parameter(group=ON_VERTEX)] = None,
    embed: Annotated[bool, Parameter(negative=(), group=ON_VERTEX)] = False,
    label: Annotated[
        tuple[str, ...], Parameter(group=ON_VERTEX, negative=(), show_default=False)
    ] = (),
    service_account: Annotated[str | None, Parameter(group=ON_VERTEX)] = None,
    kms_key: Annotated[str | None, Parameter(group=ON_VERTEX)] = None,
    max_cost: float | None = None,
    price: Annotated[tuple[str, ...], Parameter(negative=(), show_default=False)] = (),
    answer_tokens: int | None = None,
    wait: Annotated[bool, Parameter(negative=())] = False,
    poll_interval: float | None = None,
    timeout: float | None = None,
    common: Common = COMMON,
) -> ExitCode:
    """Check a JSONL file, upload it if it is large, and create a job. This is paid.

    On Vertex AI every file is uploaded, to --staging. Requests that are stored already, at
    gs:// or bq://, are not checked first: check does that.

    Parameters
    ----------
    input_
        The file: one request per line. On Vertex AI also gs://bucket/rows.jsonl, which may
        hold wildcards, or bq://project.dataset.table.
    model
        Such as gemini-2.5-flash. The requests decide whether the job generates or embeds.
    display_name
        Your own name for the job.
    priority
        Larger runs first; 0 if left out.
    idempotency_key
        Your name for this job: given again, the job that was created with it is returned
        instead of a second one.
    system_instruction
        For requests without their own.
    generation_config
        JSON, or @FILE with JSON, for what requests do not set themselves.
    dest
        gs://bucket/prefix or bq://project.dataset.table for the results; if left out, a
        folder below --staging, or beside the input.
    embed
        Embed the input at gs:// or bq://, instead of generating.
    label
        NAME=VALUE for the job; may be given again.
    service_account
        Service account that reads the input and writes the results.
    kms_key
        Full name of the key that encrypts the data of the job.
    max_cost
        Send nothing if the estimated cost is above this, or is unknown.
    price
        KIND=AMOUNT, with --max-cost: price of a million tokens in batch jobs; KIND is prompt,
        cached, answer or thoughts. May be given again.
    answer_tokens
        With --max-cost: expected tokens of one answer, thinking included.
    wait
        Wait for the job to end. Ctrl-C leaves it running.
    poll_interval
        With --wait: seconds between two polls; 2 growing to 60 if left out.
    timeout
        With --wait: seconds to wait at most.
    """
    screen = Screen(as_json=common.json)
    defaults: dict[str, Any] = {
        "system_instruction": system_instruction,
        "generation_config": await to_thread.run_sync(_read_config, generation_config),
    }
    if embed:
        _check_embed(input_, defaults)
    await check_limit(
        input_,
        max_cost,
        price=price,
        answer_tokens=answer_tokens,
        defaults=defaults,
        model=model,
        api=api_of(common),
        screen=screen,
    )
    options: dict[str, Any] = {
        "dest": dest,
        "display_name": display_name,
        "priority": priority,
        "idempotency_key": idempotency_key,
        "labels": _read_labels(label),
        "service_account": service_account,
        "kms_key_name": kms_key,
    }
    async with connect(common, screen) as connection:
        batches = connection.client.batches
        try:
            if is_stored(input_):
                options |= source_of(input_)
                job = await (
                    batches.create_embeddings(model, **options)
                    if embed
                    else batches.create(model, **options, **defaults)
                )
            else:
                with transfer(screen, "uploading") as on_progress:
                    job = await batches.submit(
                        model, input_, **options, **defaults, on_progress=on_progress
                    )
        except asyncio.CancelledError:
            screen.remark(
                "Interrupted before the service confirmed a job. The job may exist: see "
                f"gemini-batch list{connection.flags} before you submit again."
            )
            raise
        if wait:
            return await _wait_for_new(connection, screen, job, poll_interval, timeout)
        _show_created(connection, screen, job)
        return ExitCode.OK


def _check_embed(input_: str, defaults: dict[str, Any]) -> None:
    """Refuse ``--embed`` for a file, and options that requests to embed do not have."""
    if not is_stored(input_):
        raise InputError.one(
            "it is for input at gs:// or bq:// only",
            remedy="Leave it out: the requests of a file decide whether they embed.",
            field="--embed",
        )
    for name, value in defaults.items():
        if value is not None:
            raise InputError.one(
                "embedding requests do not have it",
                remedy="Leave it out.",
                field=f"--{name.replace('_', '-')}",
            )


def _read_labels(labels: tuple[str, ...]) -> dict[str, str] | None:
    """Read the values of ``--label``."""
    for label in labels:
        if "=" not in label:
            raise InputError.one(
                f"{label!r} has no '='",
                remedy="Write it as --label team=search.",
                field="--label",
            )
    pairs = (label.partition("=") for label in labels)
    return {name: value for name, _, value in pairs} or None


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
            remedy='Give one such as {"temperature": 0.2}.',
            file=file,
            field="--generation-config",
        )
    return value


def _show_created(connection: Connection, screen: Screen, job: BatchJob) -> None:
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
        screen.remark(f"created {_text.clean(job.name)}", whole=True)
    ended = await watch(
        connection, screen, job, poll_interval=poll_interval, timeout=timeout
    )
    return finish(connection, screen, ended)
