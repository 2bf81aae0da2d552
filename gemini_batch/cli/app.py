"""The program: its commands, and how their errors are shown."""

import asyncio
import contextlib
import inspect
import io
import signal
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from gemini_batch import GeminiBatchError, __version__
from gemini_batch.cli.commands import jobs, submit
from gemini_batch.cli.commands.demo import demo
from gemini_batch.cli.commands.emulator import emulator
from gemini_batch.cli.commands.files import files
from gemini_batch.cli.commands.results import results
from gemini_batch.cli.display.screen import Screen, console_for
from gemini_batch.cli.display.text import clean
from gemini_batch.cli.exit_codes import ExitCode, code_of, help_text
from gemini_batch.cli.output_file import open_closed, silence_broken

_HELP = """\
Gemini batch jobs: upload, create, wait, read every result.

The API key is read from GOOGLE_API_KEY or GEMINI_API_KEY, never from an option. Vertex AI, with
--vertex, takes Application Default Credentials. Answers go to stdout, progress and remarks to
stderr."""
_PIPED_WIDTH = 100


def build() -> App:
    """Return the program with all of its commands."""
    console = console_for(sys.stdout)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    app = App(
        name="gemini-batch",
        help=_HELP,
        help_format="markdown",
        help_epilogue=help_text(),
        version=__version__,
        console=console,
    )
    app.command(demo)
    app.command(emulator)
    app.command(submit.check)
    app.command(submit.submit)
    app.command(jobs.wait)
    app.command(results)
    app.command(jobs.get)
    app.command(jobs.list_, name="list")
    app.command(jobs.cancel)
    app.command(jobs.delete)
    app.command(files)
    return app


async def run(tokens: Sequence[str]) -> int:
    """Run one command; return its exit code.

    Args:
        tokens: The arguments, without the program's name.
    """
    as_json = "--json" in tokens
    try:
        return await _run(tokens, as_json)
    except BrokenPipeError:
        # The reader has closed the pipe, as `head` does.
        silence_broken()
        return ExitCode.OK


async def _run(tokens: Sequence[str], as_json: bool) -> int:
    try:
        command, bound, _ = build().parse_args(
            tokens, print_error=False, exit_on_error=False
        )
    except CycloptsError as exc:
        _usage(exc, as_json)
        return ExitCode.USAGE
    try:
        result = command(*bound.args, **bound.kwargs)
        if inspect.isawaitable(result):
            result = await result
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except (GeminiBatchError, OSError) as exc:
        Screen(as_json=as_json).error(exc)
        return code_of(exc)
    return ExitCode.OK if result is None else int(result)


def _usage(error: CycloptsError, as_json: bool) -> None:
    screen = Screen(as_json=as_json)
    if as_json:
        screen.document({"error": {"type": "UsageError", "message": str(error)}})
        return
    screen.error(error)
    chain = " ".join(("gemini-batch", *(error.command_chain or ())))
    screen.remark(f"See {chain} --help")


def _show_retry(details: RetryDetails) -> None:
    pause = f"{details.wait_for:.0f} s" if details.wait_for >= 1 else "a moment"
    # To sys.stderr, which a live display replaces while it is drawn.
    print(clean(f"{details.caused_by}; trying again in {pause}"), file=sys.stderr)


async def _main() -> int:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine that runs is in a task
    with contextlib.suppress(NotImplementedError):  # Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await run(sys.argv[1:])


def main() -> int:
    """Run the program with the arguments of this process; return its exit code."""
    open_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A locale that lacks a letter is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    # Global, which is for a program to set and not for a library: show why a call takes long.
    set_on_retry_hooks([_show_retry])
    try:
        return asyncio.run(_main())
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except asyncio.CancelledError:
        return ExitCode.TERMINATED
    finally:
        set_on_retry_hooks(None)
