"""The demo: a few hundred requests from the file to the answers."""

import os
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from importlib import resources
from typing import Annotated, Final

from attrs import frozen
from cyclopts import Parameter
from cyclopts.validators import Number
from rich.syntax import Syntax

from gemini_batch import BatchJob, BatchResult, Client, DeveloperAPI
from gemini_batch.cli import _text
from gemini_batch.cli._bars import transfer
from gemini_batch.cli._connect import Connection
from gemini_batch.cli._exit import ExitCode
from gemini_batch.cli._json import job_json
from gemini_batch.cli._options import COMMON, Common
from gemini_batch.cli._screen import Screen
from gemini_batch.cli._table import Column, print_table
from gemini_batch.cli._tally import Tally
from gemini_batch.cli._watch import watch
from gemini_batch.testing import Emulator, Limits

GOOGLE: Final = "https://generativelanguage.googleapis.com"
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

# Slow enough that there is something to watch: 300 rows take some ten seconds.
_LIMITS = Limits(pending=1.5, rows_per_second=30.0, lag=0.4)
_POLL = 0.5
# One answer is shown for each of these beginnings of keys.
_SHOWN = ("en-", "de-", "fr-", "ja-", "ru-", "zh-", "image", "recipe-json")
_ANSWER = 220  # characters of an answer that are shown


@frozen(kw_only=True)
class _Place:
    """Where the demo runs."""

    connection: Connection
    told: str
    """What a person should know before it begins."""

    poll_interval: float | None


async def demo(
    *,
    model: str = "gemini-2.5-flash",
    rows: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    speed: Annotated[float, Parameter(show=False, validator=Number(gt=0))] = 1.0,
    common: Common = COMMON,
) -> ExitCode:
    """Run a real job of 300 varied requests, from the file to the answers.

    Without a key, or with --emulator, it runs offline in this process and costs nothing.
    With GEMINI_API_KEY or GOOGLE_API_KEY it runs on the live service, which is paid.

    Parameters
    ----------
    model
        Model to ask.
    rows
        Only the first so many requests.
    """
    screen = Screen(as_json=common.json)
    data = (resources.files("gemini_batch.cli") / "demo_input.jsonl").read_bytes()
    lines = data.splitlines(keepends=True)[:rows]
    async with _place(common, speed) as place:
        _begin(screen, place, lines)
        job = await _create(screen, place, b"".join(lines), model)
        ended = await watch(
            place.connection, screen, job, poll_interval=place.poll_interval, timeout=None
        )
        tally, answers = await _read(place.connection.client, ended)
    _tell(screen, tally, answers)
    return ExitCode.OK


@asynccontextmanager
async def _place(common: Common, speed: float) -> AsyncIterator[_Place]:
    key = os.environ.get("GOOGLE_API_KEY") or os.environ.get("GEMINI_API_KEY")
    if common.emulator or not key:
        emulator = Emulator(speed=speed, limits=_LIMITS)
        async with emulator, Client(emulator.api) as client:
            yield _Place(
                connection=Connection(client=client, embedded=True),
                told="Offline demo: an emulator inside this command. No key, no network, "
                "no cost; the answers are made up.",
                poll_interval=_POLL / speed,
            )
        return
    api = DeveloperAPI()
    told = f"Live demo on {api.base_url} with your key. This is paid."
    if api.base_url != GOOGLE:
        told = (
            f"Demo on {api.base_url}, as GOOGLE_GEMINI_BASE_URL says. Paid if that is live."
        )
    async with Client() as client:
        yield _Place(connection=Connection(client=client), told=told, poll_interval=None)


def _begin(screen: Screen, place: _Place, lines: list[bytes]) -> None:
    if screen.as_json:
        screen.document({"event": "begin", "live": not place.connection.embedded})
        return
    screen.remark((place.told, "bold"))
    amount = f"{_text.count(len(lines), 'request')}, {_text.size(sum(map(len, lines)))}"
    with resources.as_file(
        resources.files("gemini_batch.cli") / "demo_input.jsonl"
    ) as path:
        screen.remark(f"input     {amount}: ", (str(path), "dim"))


async def _create(screen: Screen, place: _Place, data: bytes, model: str) -> BatchJob:
    client = place.connection.client
    with transfer(screen, "uploading") as on_progress:
        file = await client.files.upload(
            data, display_name="gemini-batch demo", on_progress=on_progress
        )
    if not screen.as_json:
        screen.remark(f"uploaded  {_text.clean(file.name)}")
    job = await client.batches.create(
        model, file_name=file.name, display_name="gemini-batch demo"
    )
    if screen.as_json:
        screen.document({"event": "created", "job": job_json(job)})
    else:
        screen.remark(f"created   {_text.clean(job.name)}")
        screen.remark()
    return job


async def _read(client: Client, job: BatchJob) -> tuple[Tally, dict[str, str]]:
    """Read all results; return their sums and a few answers by key."""
    tally = Tally()
    chosen: dict[str, BatchResult] = {}
    async with aclosing(client.batches.results(job)) as results:
        async for result in results:
            tally.add(result)
            for start in _SHOWN:
                if result.ok and (result.key or "").startswith(start):
                    chosen.setdefault(start, result)
    shown = (chosen[start] for start in _SHOWN if start in chosen)
    return tally, {result.key or "": result.text or "" for result in shown}


def _tell(screen: Screen, tally: Tally, answers: dict[str, str]) -> None:
    if screen.as_json:
        report = {
            "event": "report",
            **tally.as_json(),
            "answers": answers,
            "python": PYTHON,
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
    screen.out.print(code.highlight(PYTHON), soft_wrap=True)
    screen.command(
        "With GEMINI_API_KEY and requests of your own:",
        "gemini-batch submit input.jsonl --model gemini-2.5-flash --wait",
    )
