"""The command that reads results."""

from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from typing import Annotated

from cyclopts import Parameter

from gemini_batch import BatchResult, Client
from gemini_batch.cli import _text
from gemini_batch.cli._bars import reading, transfer
from gemini_batch.cli._connect import connect
from gemini_batch.cli._exit import ExitCode
from gemini_batch.cli._json import dumps, result_json
from gemini_batch.cli._options import COMMON, ON_VERTEX, Common, Output
from gemini_batch.cli._places import is_object
from gemini_batch.cli._screen import Screen
from gemini_batch.cli._sink import check_target, open_sink
from gemini_batch.cli._tally import Tally


async def results(
    job: str,
    /,
    *,
    output: Output = None,
    raw: Annotated[bool, Parameter(negative=())] = False,
    key_column: Annotated[str | None, Parameter(group=ON_VERTEX)] = None,
    common: Common = COMMON,
) -> ExitCode:
    r"""Write a job's results as JSON lines, in constant memory; say how rows ended.

    A line is {"key", "outcome", "text" or "embedding", "error", "usage"}. Outcomes are ok,
    error, blocked, truncated, empty, invalid and missing. Exits 3 if a row is not OK.

    Parameters
    ----------
    job
        Its name, or its bare id.
    output
        File to write, whole or not at all; - or left out is stdout. On Vertex AI also
        gs://bucket/answers.jsonl, which must not be there yet.
    raw
        Write each row as the service sent it.
    key_column
        Column of a BigQuery table that holds the keys; key if left out.
    """
    screen = Screen(as_json=common.json)
    check_target(output, objects=True)
    tally = Tally()
    to_stdout = output in (None, "-")
    as_line = _raw_line if raw else _line
    if raw and to_stdout and screen.out.is_terminal:
        as_line = _visible_line
    async with connect(common, screen) as connection:
        client = connection.client
        found = await client.batches.get(job)
        rows = client.batches.results(found, key_column=key_column)
        stats = found.completion_stats
        # Rows that fill a terminal show for themselves how far they are.
        quiet = Screen(as_json=True) if to_stdout and screen.out.is_terminal else screen
        with ExitStack() as display:
            # A count of 0 is one that the service does not know.
            total = (stats and stats.total_count) or None
            show = display.enter_context(reading(quiet, total))

            async def lines() -> AsyncGenerator[bytes, None]:
                async for row in rows:
                    tally.add(row)
                    show(tally.total)
                    yield as_line(row)
                # An upload, which comes now, has a display of its own.
                display.close()

            async with aclosing(rows), aclosing(lines()) as written:
                await _write(client, screen, written, output)
    if not screen.as_json:
        tally.show(screen.err)
    elif to_stdout:
        # stdout belongs to the rows.
        screen.err.print(dumps(tally.as_json()).decode().rstrip(), soft_wrap=True)
    else:
        screen.document({"output": output, **tally.as_json()})
    return ExitCode.OK if tally.all_ok else ExitCode.ROWS_NOT_OK


async def _write(
    client: Client, screen: Screen, lines: AsyncGenerator[bytes, None], output: str | None
) -> None:
    """Write lines to stdout, a file, or an object of Cloud Storage."""
    if output is not None and is_object(output):
        with transfer(screen, "uploading") as on_progress:
            await client.objects.upload(lines, output, on_progress=on_progress)
        return
    async with open_sink(output) as sink:
        async for line in lines:
            await sink.add(line)


def _line(result: BatchResult) -> bytes:
    return dumps(result_json(result))


def _raw_line(result: BatchResult) -> bytes:
    # An inline row may be spread over lines; in JSON a line break is never content.
    return result.raw.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"


def _visible_line(result: BatchResult) -> bytes:
    """Return a raw row with nothing in it that steers a terminal."""
    return _text.clean(result.raw.decode(errors="replace")).encode() + b"\n"
