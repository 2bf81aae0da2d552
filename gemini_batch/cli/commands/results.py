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
    r"""Write a job's results, in constant memory, and a summary of their outcomes.

    As JSON lines, one is {"key", "outcome", "text" or "embedding", "error", "usage"}. Outcomes
    are ok, error, blocked, truncated, empty, invalid and missing. Exits 3 if one is not ok.

    Parameters
    ----------
    job
        Its name, or its bare ID.
    output
        File to write, whole or not at all; - or left out is stdout. A name that ends in .csv
        or .parquet makes a table, any other JSON lines. On Vertex AI also
        gs://bucket/answers.jsonl, which must not exist yet.
    expected
        The input file that was submitted: exactly one result is written for each of its
        requests. Duplicates, and results with other keys, are counted and left out.
    ordered
        With --expected: write results in the order of that file.
    failures
        With --expected and --output: file for the requests that are not ok, ready to be
        submitted again.
    resume
        Keep the results in --output that are ok, such as those of an earlier job, and add
        to them.
    raw
        Write each result as the service sent it.
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
        stream = client.batches.results(
            found,
            key_column=key_column,
            expected=expected,
            ordered=ordered,
            tally=tally.sums,
        )
        stats = found.completion_stats
        # Results that fill a terminal need no other progress.
        quiet = Screen(as_json=True) if to_stdout and screen.out.is_terminal else screen
        with ExitStack() as display:
            # The service gives 0 where it does not know the count.
            total = (stats and stats.total_count) or None
            show = display.enter_context(reading(quiet, total))

            async def shown() -> AsyncGenerator[BatchResult, None]:
                async for result in stream:
                    tally.note(result)
                    show(tally.total)
                    yield result
                # An upload, which comes now, has a display of its own.
                display.close()

            async with aclosing(stream), aclosing(shown()) as passing:
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
    _show_summary(screen, tally, output)
    return ExitCode.OK if tally.all_ok else ExitCode.REQUESTS_NOT_OK


def _show_summary(screen: Screen, tally: Summary, output: str | None) -> None:
    """Show the totals of the results."""
    if not screen.as_json:
        tally.show(screen.err)
    elif output in (None, "-"):
        # stdout belongs to the results.
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
    """Refuse options that need others which are not given.

    Raises:
        InputError: One does.
    """
    needs_input = {"--ordered": ordered, "--failures": failures is not None}
    for name, given in needs_input.items():
        if given and expected is None:
            raise InputError.one(
                "it needs the input that was submitted",
                remedy="Give that as --expected input.jsonl.",
                field=name,
            )
    needs_file = {"--failures": failures is not None, "--resume": resume}
    for name, given in needs_file.items():
        if given and not _is_file(output):
            raise InputError.one(
                "it needs a local file of results",
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
    """True for a regular file whose extension says its format."""
    if output is None or is_object(output) or not output.endswith((*_LINES, *_TABLES)):
        return False
    path = Path(output)
    return path.is_file() or not path.exists()


async def _write_lines(
    client: Client,
    screen: Screen,
    results: AsyncGenerator[BatchResult, None],
    output: str | None,
    *,
    raw: bool,
) -> None:
    """Write JSON lines to stdout, to any file, or to an object of Cloud Storage."""
    as_line = raw_line if raw else flat_line
    if raw and output in (None, "-") and screen.out.is_terminal:
        as_line = _visible_line
    if output is not None and is_object(output):
        lines = (as_line(result) async for result in results)
        with transfer(screen, "uploading") as on_progress:
            await client.objects.upload(lines, output, on_progress=on_progress)
        return
    async with open_output(output) as sink:
        async for result in results:
            await sink.add(as_line(result))


def _visible_line(result: BatchResult) -> bytes:
    """Return a raw result without control characters."""
    line = raw_line(result).rstrip(b"\n")
    return text.clean(line.decode(errors="replace")).encode() + b"\n"
