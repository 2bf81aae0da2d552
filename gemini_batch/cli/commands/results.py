"""The command that reads results."""

from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from pathlib import Path
from typing import Annotated, TypeGuard

from cyclopts import Parameter

from gemini_batch import BatchResult, Client, InputError, write_results
from gemini_batch._writers.result_formats import raw_line
from gemini_batch._writers.result_record import flat_line
from gemini_batch.cli.connect import connect
from gemini_batch.cli.display import text
from gemini_batch.cli.display.json import dumps
from gemini_batch.cli.display.progress_bars import reading, transfer
from gemini_batch.cli.display.screen import Screen
from gemini_batch.cli.display.summary import Summary
from gemini_batch.cli.exit_codes import ExitCode
from gemini_batch.cli.options import (
    COMMON,
    ON_VERTEX,
    Common,
    Output,
)
from gemini_batch.cli.output_file import check_target, open_output
from gemini_batch.cli.uris import is_object

_LINES = (".jsonl", ".ndjson")
_TABLES = (".csv", ".parquet")


async def results(
    job: str,
    /,
    *,
    output: Output = None,
    expected: str | None = None,
    ordered: Annotated[bool, Parameter(negative=())] = False,
    failures: str | None = None,
    resume: Annotated[bool, Parameter(negative=())] = False,
    raw: Annotated[bool, Parameter(negative=())] = False,
    key_column: Annotated[str | None, Parameter(group=ON_VERTEX)] = None,
    common: Common = COMMON,
) -> ExitCode:
    r"""Write a job's results, in constant memory; say how rows ended.

    As JSON lines, one is {"key", "outcome", "text" or "embedding", "error", "usage"}. Outcomes
    are ok, error, blocked, truncated, empty, invalid and missing. Exits 3 if a row is not OK.

    Parameters
    ----------
    job
        Its name, or its bare id.
    output
        File to write, whole or not at all; - or left out is stdout. A name that ends in .csv
        or .parquet makes a table, any other JSON lines. On Vertex AI also
        gs://bucket/answers.jsonl, which must not be there yet.
    expected
        The input file that was submitted: exactly one result is written for each of its
        requests. Rows that came twice, or that nobody asked for, are counted and left out.
    ordered
        With --expected: in the order of that file.
    failures
        With --expected and --output: file for the requests that did not end well, to be
        submitted again as it is.
    resume
        Keep what is OK in --output already, such as the results of an earlier job, and add
        to it.
    raw
        Write each row as the service sent it.
    key_column
        Column of a BigQuery table that holds the keys; key if left out.
    """
    screen = Screen(as_json=common.json)
    check_target(output, objects=True)
    _check_options(output, expected, ordered=ordered, failures=failures, resume=resume)
    tally = Summary()
    to_stdout = output in (None, "-")
    async with connect(common, screen) as connection:
        client = connection.client
        found = await client.batches.get(job)
        rows = client.batches.results(
            found,
            key_column=key_column,
            expected=expected,
            ordered=ordered,
            tally=tally.sums,
        )
        stats = found.completion_stats
        # Rows that fill a terminal show for themselves how far they are.
        quiet = Screen(as_json=True) if to_stdout and screen.out.is_terminal else screen
        with ExitStack() as display:
            # A count of 0 is one that the service does not know.
            total = (stats and stats.total_count) or None
            show = display.enter_context(reading(quiet, total))

            async def seen() -> AsyncGenerator[BatchResult, None]:
                async for row in rows:
                    tally.note(row)
                    show(tally.total)
                    yield row
                # An upload, which comes now, has a display of its own.
                display.close()

            async with aclosing(rows), aclosing(seen()) as passing:
                if _is_file(output):
                    await write_results(
                        passing,
                        output,
                        raw=raw,
                        resume=resume,
                        failures=failures,
                        requests=None if failures is None else expected,
                    )
                else:
                    await _write_lines(client, screen, passing, output, raw=raw)
    _tell(screen, tally, output)
    return ExitCode.OK if tally.all_ok else ExitCode.ROWS_NOT_OK


def _tell(screen: Screen, tally: Summary, output: str | None) -> None:
    """Say what the results add up to."""
    if not screen.as_json:
        tally.show(screen.err)
    elif output in (None, "-"):
        # stdout belongs to the rows.
        screen.err.print(dumps(tally.as_json()).decode().rstrip(), soft_wrap=True)
    else:
        screen.document({"output": output, **tally.as_json()})


def _check_options(
    output: str | None,
    expected: str | None,
    *,
    ordered: bool,
    failures: str | None,
    resume: bool,
) -> None:
    """Refuse options that go with others which are not given.

    Raises:
        InputError: One does.
    """
    needs_input = {"--ordered": ordered, "--failures": failures is not None}
    for name, given in needs_input.items():
        if given and expected is None:
            raise InputError.one(
                "it goes by the input that was submitted",
                remedy="Give that as --expected input.jsonl.",
                field=name,
            )
    needs_file = {"--failures": failures is not None, "--resume": resume}
    for name, given in needs_file.items():
        if given and not _is_file(output):
            raise InputError.one(
                "it goes with a file of results on this machine",
                remedy="Give one as --output answers.jsonl, .csv or .parquet.",
                field=name,
            )
    if output is not None and is_object(output) and output.endswith(_TABLES):
        raise InputError.one(
            "objects of Cloud Storage are written as JSON lines",
            remedy="Let the name end in .jsonl; or write the table here, and copy it.",
            file=output,
            field="--output",
        )


def _is_file(output: str | None) -> TypeGuard[str]:
    """True for an ordinary file whose name tells its form."""
    if output is None or is_object(output) or not output.endswith((*_LINES, *_TABLES)):
        return False
    path = Path(output)
    return path.is_file() or not path.exists()


async def _write_lines(
    client: Client,
    screen: Screen,
    rows: AsyncGenerator[BatchResult, None],
    output: str | None,
    *,
    raw: bool,
) -> None:
    """Write JSON lines to stdout, to any file, or to an object of Cloud Storage."""
    as_line = raw_line if raw else flat_line
    if raw and output in (None, "-") and screen.out.is_terminal:
        as_line = _visible_line
    if output is not None and is_object(output):
        lines = (as_line(row) async for row in rows)
        with transfer(screen, "uploading") as on_progress:
            await client.objects.upload(lines, output, on_progress=on_progress)
        return
    async with open_output(output) as sink:
        async for row in rows:
            await sink.add(as_line(row))


def _visible_line(result: BatchResult) -> bytes:
    """Return a raw row with nothing in it that steers a terminal."""
    row = raw_line(result).rstrip(b"\n")
    return text.clean(row.decode(errors="replace")).encode() + b"\n"
