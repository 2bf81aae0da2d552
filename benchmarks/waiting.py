"""Many running jobs waited for side by side, each by a task of its own: what a look costs.

Before the measured part every job is looked at once, so that all connections are open.
"""

import asyncio
import resource
import secrets
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import ExitStack, asynccontextmanager, nullcontext
from typing import Any

from benchmarks._clients import AIO, KEY, genai_client, our_api
from benchmarks._job import Beyond, Job, Run, Setting, Side, Target
from benchmarks._raw import RawClient

SMALL, LARGE = 1_000, 10_000
LOOKS = 2
"""Looks at each job in the measured part: it is running at all of them but the last."""

_CONNECTIONS = 16
_PAUSE = 0.001
"""Seconds between two looks at a job: as good as none, so that the looks follow each other."""

_SLICE = 100
"""Tasks begun between two chances for the rest of the program to run."""

_BOUNDED = f"{AIO}, 16 at a time"
BARE = "aiohttp: 16 workers, orjson.loads"
_EACH = "aiohttp: a task for each job, 16 at a time, orjson.loads"
_ASLEEP = "asyncio: a task for each job, asleep in place of a look"
_RAW = "raw sockets: 16 in step"


def _names(jobs: int, looks: int) -> list[str]:
    """Return names of jobs nobody has asked about that end at their last look."""
    token = secrets.token_hex(4)
    return [f"batches/w{looks}-{token}-{number:05}" for number in range(jobs)]


def _sockets(url: str) -> int:
    """Return how many connections were open at most since this was last asked."""
    with RawClient(url) as client:
        client.ask("GET", "/_sockets")
        return int(client.answer()[1])


async def _measured(
    setting: Setting, sweep: Callable[[Sequence[str]], Awaitable[int]]
) -> int:
    """Look at every job once, then measure `LOOKS` looks at each."""
    _sockets(setting.url)
    await sweep(_names(setting.size, 1))
    names = _names(setting.size, LOOKS)
    with setting.meter:
        looks = await sweep(names)
    setting.meter.sockets = _sockets(setting.url)
    return looks


async def _side_by_side(
    wait: Callable[[str], Coroutine[Any, Any, int]], names: Sequence[str]
) -> int:
    """Wait for every job in a task of its own, and return the number of looks."""
    async with asyncio.TaskGroup() as group:
        tasks = []
        for number, name in enumerate(names):
            tasks.append(group.create_task(wait(name)))
            if not number % _SLICE:
                await asyncio.sleep(0)
    return sum(task.result() for task in tasks)


# Ours


async def ours(setting: Setting) -> int:
    from gemini_batch import Client

    async with Client(our_api(setting.url)) as client:

        async def wait(name: str) -> int:
            async for progress in client.batches.wait(name, poll_interval=_PAUSE):
                last = progress
            return last.polls

        return await _measured(setting, lambda names: _side_by_side(wait, names))


# Theirs


def _theirs(most: int | None) -> Run:
    """Return a run that asks for the jobs, at most so many at a time."""

    async def run(setting: Setting) -> int:
        from google.genai.types import JobState

        _allow_sockets()
        client = genai_client(setting.url).aio
        gate = nullcontext() if most is None else asyncio.Semaphore(most)

        async def wait(name: str) -> int:
            looks = 1
            while True:
                async with gate:
                    job = await client.batches.get(name=name)
                if job.state is not JobState.JOB_STATE_RUNNING:
                    return looks
                looks += 1
                await asyncio.sleep(_PAUSE)

        looks = await _measured(setting, lambda names: _side_by_side(wait, names))
        await client.aclose()
        return looks

    return run


def _allow_sockets() -> None:
    """Let this process open as many connections as it may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


# Floors


@asynccontextmanager
async def _looking(setting: Setting) -> AsyncIterator[Callable[[str], Awaitable[bool]]]:
    """Give a function that looks at a job and tells whether it is still running."""
    import aiohttp
    import orjson

    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"x-goog-api-key": KEY},
    ) as session:

        async def look(name: str) -> bool:
            async with session.get(f"{setting.url}/v1beta/{name}") as response:
                job = orjson.loads(await response.read())
            return bool(job["metadata"]["state"] == "BATCH_STATE_RUNNING")

        yield look


async def bare(setting: Setting) -> int:
    async with _looking(setting) as look:

        async def work(waiting: deque[str]) -> int:
            looks = 0
            while waiting:
                name = waiting.popleft()
                looks += 1
                if await look(name):
                    waiting.append(name)
            return looks

        async def sweep(names: Sequence[str]) -> int:
            waiting = deque(names)
            return sum(await asyncio.gather(*(work(waiting) for _ in range(_CONNECTIONS))))

        return await _measured(setting, sweep)


async def each(setting: Setting) -> int:
    """Look from a task for each job: what such tasks cost, whoever makes them."""
    async with _looking(setting) as look:
        gate = asyncio.Semaphore(_CONNECTIONS)

        async def wait(name: str) -> int:
            looks = 0
            running = True
            while running:
                async with gate:
                    running = await look(name)
                looks += 1
                await asyncio.sleep(_PAUSE)
            return looks

        return await _measured(setting, lambda names: _side_by_side(wait, names))


async def asleep(setting: Setting) -> int:
    """Look at nothing: the least that so many tasks cost."""

    async def wait(name: str) -> int:
        del name
        for _ in range(LOOKS):
            await asyncio.sleep(_PAUSE)
        return LOOKS

    return await _measured(setting, lambda names: _side_by_side(wait, names))


async def raw_sockets(setting: Setting) -> int:
    with ExitStack() as stack:
        clients = [stack.enter_context(RawClient(setting.url)) for _ in range(_CONNECTIONS)]

        async def sweep(names: Sequence[str]) -> int:
            looks = 0
            waiting = deque(names)
            while waiting:
                asked = [(client, waiting.popleft()) for client in clients[: len(waiting)]]
                for client, name in asked:
                    client.ask("GET", f"/v1beta/{name}")
                looks += len(asked)
                waiting += [
                    name for client, name in asked if b"STATE_RUNNING" in client.answer()[1]
                ]
            return looks

        return await _measured(setting, sweep)


JOB = Job(
    name="waiting",
    title=f"wait for running jobs side by side, {LOOKS} looks at each",
    unit="jobs",
    sizes=(SMALL, LARGE),
    sides=(
        Side(name="gemini_batch", run=ours),
        Side(name=BARE, run=bare),
        Side(name=_EACH, run=each),
        Side(name=_ASLEEP, run=asleep),
        Side(name=_RAW, run=raw_sockets, loop=False),
        Side(name=AIO, run=_theirs(None), quick=SMALL, rounds=3),
        Side(name=_BOUNDED, run=_theirs(_CONNECTIONS), quick=SMALL, rounds=3),
    ),
    targets=(
        Target(
            against=AIO,
            measure="cpu",
            size=SMALL,
            at_least=7,
            beyond=Beyond(held=5.2, proof="waiting-in-cpu-time"),
        ),
        Target(against=AIO, measure="cpu", size=LARGE, at_least=7),
        Target(against=BARE, measure="cpu", size=SMALL, at_most=1.3),
        Target(against=BARE, measure="cpu", size=LARGE, at_most=1.3),
        Target(
            measure="stall_max",
            size=LARGE,
            at_most=12,
            beyond=Beyond(held=100, proof="waiting-and-stalls"),
        ),
        Target(measure="sockets", size=LARGE, at_most=16),
    ),
    server="benchmarks._servers.polled",
)
