"""The program: its commands, and what happens to their errors."""

import asyncio
import contextlib
import inspect
import io
import signal
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from gemini_batch import CredentialsError, GeminiBatchError, __version__
from gemini_batch.cli.commands import jobs, submit
from gemini_batch.cli.commands.demo import demo
from gemini_batch.cli.commands.emulator import emulator
from gemini_batch.cli.commands.files import files
from gemini_batch.cli.commands.results import results
from gemini_batch.cli.display.screen import Screen, console_for
from gemini_batch.cli.display.text import clean
from gemini_batch.cli.exit_codes import ExitCode, code_of, explain
from gemini_batch.cli.output_file import open_closed, silence_broken

_HELP = """\
Gemini batch jobs: upload, create, wait, read every answer.

The API key is read from GOOGLE_API_KEY or GEMINI_API_KEY, never from an option. Vertex AI, with
--vertex, takes Application Default Credentials. Answers go to stdout, progress and remarks to
stderr."""
_PIPED_WIDTH = 100
_IN_WORDS_OF_THE_SDK = (
    ("DeveloperAPI(api_key=", "--vertex"),
    ("VertexAI(project=", "--project"),
    ("VertexAI(location=", "--location"),
    ("VertexAI(staging=", "--staging"),
    ("belongs to Vertex AI", "--vertex"),
    ("key_column: ", "--key-column"),
)


def _build() -> App:
    console = console_for(sys.stdout)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    app = App(
        name="gemini-batch",
        help=_HELP,
        help_format="markdown",
        help_epilogue=explain(),
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
        # The reader has had enough, as `head` has.
        silence_broken()
        return ExitCode.OK


async def _run(tokens: Sequence[str], as_json: bool) -> int:
    try:
        command, bound, _ = _build().parse_args(
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
        screen = Screen(as_json=as_json)
        screen.error(exc)
        options = _options_for(exc)
        if options and not as_json:
            screen.remark(f"       On the command line: {', '.join(options)}.")
        return code_of(exc)
    return ExitCode.OK if result is None else int(result)


def _options_for(error: BaseException) -> list[str]:
    """Return the options for what an error says in words of the SDK."""
    text = str(error)
    options = [option for words, option in _IN_WORDS_OF_THE_SDK if words in text]
    return [*options, "--emulator"] if isinstance(error, CredentialsError) else options


def _usage(error: CycloptsError, as_json: bool) -> None:
    screen = Screen(as_json=as_json)
    if as_json:
        screen.document({"error": {"type": "UsageError", "message": str(error)}})
        return
    screen.error(error)
    chain = " ".join(("gemini-batch", *(error.command_chain or ())))
    screen.remark(f"See {chain} --help")


def _tell_retry(details: RetryDetails) -> None:
    pause = f"{details.wait_for:.0f} s" if details.wait_for >= 1 else "a moment"
    # By way of sys.stderr, which a live display stands in for.
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
    # The program's own affair, unlike the library's: say why nothing happens for a while.
    set_on_retry_hooks([_tell_retry])
    try:
        return asyncio.run(_main())
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except asyncio.CancelledError:
        return ExitCode.TERMINATED
    finally:
        set_on_retry_hooks(None)
