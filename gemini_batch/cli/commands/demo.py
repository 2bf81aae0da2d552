"""The demo: a few hundred requests, from the file to the answers."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from importlib import resources
from typing import Annotated, Final

from attrs import frozen
from cyclopts import Parameter
from cyclopts.validators import Number
from rich.syntax import Syntax

from gemini_batch import BatchJob, BatchResult, Client, DeveloperAPI, VertexAI
from gemini_batch.cli.connect import (
    EMULATOR_KEY,
    Connection,
    api_of,
    emulated,
)
from gemini_batch.cli.display import text as _text
from gemini_batch.cli.display.json import job_json
from gemini_batch.cli.display.progress_bars import transfer
from gemini_batch.cli.display.screen import Screen
from gemini_batch.cli.display.summary import Summary
from gemini_batch.cli.display.table import Column, print_table
from gemini_batch.cli.exit_codes import ExitCode
from gemini_batch.cli.options import COMMON, Common
from gemini_batch.cli.watch import watch
from gemini_batch.testing import Emulator, Limits
from gemini_batch.types._config import DEFAULT_BASE_URL, vertex_host

PYTHON: Final = """\
import asyncio
from gemini_batch import Client

async def main():
    async with Client() as client:
        file = await client.files.upload("input.jsonl")
        job = await client.batches.create("gemini-2.5-flash", file_name=file)
        async for progress in client.batches.wait(job):
            print(progress.state, progress.percent, progress.eta)
        async for result in client.batches.results(job):
            print(result.key, result.text if result.ok else result.error)

asyncio.run(main())
"""

PYTHON_ON_VERTEX: Final = """\
import asyncio
from gemini_batch import Client, VertexAI

async def main():
    api = VertexAI(project="my-project", staging="gs://my-bucket/batch")
    async with Client(api) as client:
        job = await client.batches.submit("gemini-2.5-flash", "input.jsonl")
        async for progress in client.batches.wait(job):
            print(progress.state, progress.percent, progress.eta)
        async for result in client.batches.results(job):
            print(result.key, result.text if result.ok else result.error)

asyncio.run(main())
"""

# Slow enough that there is something to watch: 300 requests take some ten seconds.
_LIMITS = Limits(pending=1.5, rows_per_second=30.0, lag=0.4)
_POLL = 0.5
# One answer is shown for each of these beginnings of keys.
_SHOWN = ("en-", "de-", "fr-", "ja-", "ru-", "zh-", "image", "recipe-json")
_NAME = "gemini-batch demo"
_ANSWER = 220  # characters of an answer that are shown


@frozen(kw_only=True)
class _Place:
    """The service that the demo uses."""

    connection: Connection
    notice: str
    """Shown before it begins."""

    poll_interval: float | None
    vertex: bool


async def demo(
    *,
    model: str = "gemini-2.5-flash",
    requests: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    speed: Annotated[float, Parameter(show=False, validator=Number(gt=0))] = 1.0,
    common: Common = COMMON,
) -> ExitCode:
    """Run a real job of 300 varied requests, from the file to the answers.

    Without a key, or with --emulator, it runs offline in this process and costs nothing.
    With GEMINI_API_KEY or GOOGLE_API_KEY it runs on the live service, which is paid. On
    Vertex AI that takes a project and --staging; without them it is offline there, too.

    Parameters
    ----------
    model
        Model to ask.
    requests
        Number of requests to send, from the first; all if left out.
    """
    screen = Screen(as_json=common.json)
    data = (resources.files("gemini_batch.cli") / "demo_input.jsonl").read_bytes()
    lines = data.splitlines(keepends=True)[:requests]
    async with _place(common, speed) as place:
        _begin(screen, place, lines)
        begin = _stage if place.vertex else _create
        job = await begin(screen, place.connection.client, lines, model)
        _show_created(screen, job)
        ended = await watch(
            place.connection, screen, job, poll_interval=place.poll_interval, timeout=None
        )
        tally, answers = await _read(place.connection.client, ended)
    _report(screen, tally, answers, vertex=place.vertex)
    return ExitCode.OK


@asynccontextmanager
async def _place(common: Common, speed: float) -> AsyncIterator[_Place]:
    api = api_of(common)
    vertex = isinstance(api, VertexAI)
    if common.emulator or not _is_live(api):
        emulator = Emulator(api_key=EMULATOR_KEY, speed=speed, limits=_LIMITS)
        async with emulator, Client(emulated(api, emulator.url)) as client:
            yield _Place(
                connection=Connection(client=client, embedded=True),
                notice="Offline demo: an emulator inside this command. No key, no network, "
                "no cost; the answers are made up.",
                poll_interval=_POLL / speed,
                vertex=vertex,
            )
        return
    async with Client(api) as client:
        yield _Place(
            connection=Connection(client=client),
            notice=_notice(api),
            poll_interval=None,
            vertex=vertex,
        )


def _is_live(api: DeveloperAPI | VertexAI) -> bool:
    """True if `api` has all that a job needs."""
    if isinstance(api, VertexAI):
        return bool(api.project and api.staging)
    return bool(api.api_key)


def _notice(api: DeveloperAPI | VertexAI) -> str:
    if isinstance(api, VertexAI):
        usual, variable = vertex_host(api.location), "GOOGLE_VERTEX_BASE_URL"
        means = f"in {api.project}, by way of {api.staging}"
    else:
        usual, variable = DEFAULT_BASE_URL, "GOOGLE_GEMINI_BASE_URL"
        means = "with your key"
    if api.base_url != usual:
        return f"Demo on {api.base_url}, as {variable} says. Paid if that is live."
    return f"Live demo on {api.base_url} {means}. This is paid."


def _begin(screen: Screen, place: _Place, lines: list[bytes]) -> None:
    if screen.as_json:
        screen.document({"event": "begin", "live": not place.connection.embedded})
        return
    screen.remark((place.notice, "bold"))
    amount = f"{_text.count(len(lines), 'request')}, {_text.size(sum(map(len, lines)))}"
    with resources.as_file(
        resources.files("gemini_batch.cli") / "demo_input.jsonl"
    ) as path:
        screen.remark(f"input     {amount}: ", (str(path), "dim"))


async def _create(
    screen: Screen, client: Client, lines: list[bytes], model: str
) -> BatchJob:
    with transfer(screen, "uploading") as on_progress:
        file = await client.files.upload(
            b"".join(lines), display_name=_NAME, on_progress=on_progress
        )
    _show_uploaded(screen, file.name)
    return await client.batches.create(model, file_name=file, display_name=_NAME)


async def _stage(
    screen: Screen, client: Client, lines: list[bytes], model: str
) -> BatchJob:
    with transfer(screen, "uploading") as on_progress:
        job = await client.batches.submit(
            model, lines, display_name=_NAME, on_progress=on_progress
        )
    _show_uploaded(screen, *job.source.gcs_uris)
    return job


def _show_uploaded(screen: Screen, *places: str) -> None:
    if not screen.as_json:
        screen.remark(f"uploaded  {_text.clean(' '.join(places))}", whole=True)


def _show_created(screen: Screen, job: BatchJob) -> None:
    if screen.as_json:
        screen.document({"event": "created", "job": job_json(job)})
        return
    screen.remark(f"created   {_text.clean(job.name)}", whole=True)
    screen.remark()


async def _read(client: Client, job: BatchJob) -> tuple[Summary, dict[str, str]]:
    """Read all results; return their totals and a few answers by key."""
    tally = Summary()
    chosen: dict[str, BatchResult] = {}
    async with aclosing(client.batches.results(job, tally=tally.sums)) as results:
        async for result in results:
            tally.note(result)
            for start in _SHOWN:
                if result.ok and (result.key or "").startswith(start):
                    chosen.setdefault(start, result)
    shown = (chosen[start] for start in _SHOWN if start in chosen)
    return tally, {result.key or "": result.text or "" for result in shown}


def _report(
    screen: Screen, tally: Summary, answers: dict[str, str], *, vertex: bool
) -> None:
    python = PYTHON_ON_VERTEX if vertex else PYTHON
    if screen.as_json:
        report = {
            "event": "report",
            **tally.as_json(),
            "answers": answers,
            "python": python,
        }
        screen.document(report)
        return
    screen.line()
    tally.show(screen.out)
    screen.line()
    print_table(
        screen.out,
        [Column("Key", style="cyan"), Column("Answer")],
        [(key, _text.shorten(text, _ANSWER)) for key, text in answers.items()],
    )
    screen.line()
    screen.line(("The same in Python:", "bold"))
    screen.line()
    code = Syntax("", "python", theme="ansi_dark", background_color="default")
    screen.out.print(code.highlight(python), soft_wrap=True)
    introduction, more = "With GEMINI_API_KEY and requests of your own:", ""
    if vertex:
        introduction = "With a project, a bucket and requests of your own:"
        more = " --project my-project --staging gs://my-bucket/batch"
    command = f"gemini-batch submit input.jsonl --model gemini-2.5-flash --wait{more}"
    screen.command(introduction, command)
