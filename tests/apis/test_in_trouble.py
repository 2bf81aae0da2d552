"""Whatever fails on the way: nothing is lost, repeated, paid twice, left open or shown."""

import asyncio
import contextlib
import gc
import logging
import pickle
import random
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest
from attrs import evolve

from gemini_batch import (
    APIError,
    AuthenticationError,
    BatchJob,
    BatchResult,
    Client,
    GeminiBatchError,
    PermissionDeniedError,
    ServerError,
    TransportError,
)
from gemini_batch.testing import Fault
from tests.apis.sides import KEY, TOKEN, Side
from tests.support.leaks import stray_tasks
from tests.support.rows import MODEL, many, row
from tests.support.settings import QUICK

pytestmark = pytest.mark.slow

SEED = 20261123
MANY = {f"k{n}" for n in range(400)}


async def ended(side: Side, client: Client) -> BatchJob:
    """Return an ended job whose rows were stored."""
    source = await side.store(client, many(400, "x" * 100))
    job = await client.batches.create(MODEL, **source)
    side.clock.advance(3600)
    return await client.batches.get(job)


async def read(client: Client, job: BatchJob | str) -> list[BatchResult]:
    return [result async for result in client.batches.results(job)]


async def test_a_service_that_fails_now_and_then(side: Side) -> None:
    """The whole way of a job, with a failure in every third call that may be repeated."""
    for seed, status in enumerate((503, 429, 500, 502)):
        often = {"status": status, "times": None, "seed": seed, "probability": 0.1}
        side.fault({"method": "GET", "path": "*"}, **often)
        side.fault({"method": "PUT", "path": "*"}, **often)
    side.fault(side.CREATE, status=429, times=2)

    async with Client(side.settings, retry=evolve(QUICK, attempts=12)) as client:
        job = await client.batches.submit(MODEL, (row(f"k{n}") for n in range(400)))
        ended = await client.batches.poll(
            job, poll_interval=0.001, on_progress=lambda _: side.clock.advance(5)
        )
        results = await read(client, ended.name)
        listed = [one.name async for one in client.batches.list_all(page_size=1)]

    assert len(results) == 400
    assert {r.key for r in results if r.ok} == MANY
    assert listed == list(side.jobs) == [job.name]


@pytest.mark.parametrize("cut", [0, 1, 999, 60_000])
@pytest.mark.parametrize("skip", [0, 1, 2])
async def test_a_cut_download_goes_on_without_repeating_a_row(
    side: Side, client: Client, cut: int, skip: int
) -> None:
    job = await ended(side, client)
    side.fault(side.READ, truncate_after=cut, skip=skip, times=3)

    results = await read(client, job)

    assert len(results) == 400
    assert {r.key for r in results if r.ok} == MANY
    assert [r.index for r in results] == list(range(400))


async def test_downloads_cut_at_random(side: Side, client: Client) -> None:
    job = await ended(side, client)
    rng = random.Random(SEED)
    for _ in range(10):
        side.emulator.faults.clear()
        for _ in range(3):
            side.fault(side.READ, truncate_after=rng.randrange(120_000))

        results = await read(client, job)

        assert len(results) == 400
        assert {r.key for r in results if r.ok} == MANY


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_reads_that_are_refused_for_a_while(
    side: Side, client: Client, status: int
) -> None:
    job = await ended(side, client)
    side.fault(side.READ, status=status, times=2)
    side.fault(side.READ, truncate_after=500)
    side.fault(side.READ, status=status)

    assert {r.key for r in await read(client, job) if r.ok} == MANY


async def test_a_service_that_ignores_ranges(side: Side, client: Client) -> None:
    job = await ended(side, client)
    side.fault(side.READ, truncate_after=70_000, ignore_range=True)
    side.fault(side.READ, ignore_range=True, times=99)

    results = await read(client, job)

    assert len(results) == 400
    assert {r.key for r in results if r.ok} == MANY


async def test_a_break_again_and_again_is_an_error(side: Side, client: Client) -> None:
    job = await ended(side, client)
    side.fault(side.READ, truncate_after=0, times=None)

    with pytest.raises(TransportError):
        await read(client, job)
    assert stray_tasks() == []


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, AuthenticationError), (403, PermissionDeniedError), (503, ServerError)],
)
async def test_errors_are_of_one_kind(
    side: Side, client: Client, status: int, error: type[APIError]
) -> None:
    side.fault({"method": "*", "path": "*"}, status=status, times=None)

    calls: list[Callable[[], Awaitable[Any]]] = [
        lambda: client.batches.get("123"),
        lambda: client.batches.list(),
        lambda: client.batches.cancel("123"),
        lambda: client.batches.delete("123"),
        lambda: client.batches.poll("123", poll_interval=0.001),
        lambda: read(client, "123"),
    ]
    for call in calls:
        with pytest.raises(error) as caught:
            await call()
        assert caught.value.status_code == status


# Cancellation


async def no_tasks() -> None:
    """See that none is left. One that has been cancelled needs a few turns to end."""
    with anyio.fail_after(5):
        while stray_tasks():
            await anyio.sleep(0)


def open_connections(client: Client) -> int:
    assert client._owned is not None
    connector = client._owned.connector
    assert connector is not None
    return len(connector._acquired)


@pytest.mark.parametrize("native", [False, True])
async def test_cancelling_while_results_are_read_leaves_nothing_open(
    side: Side, client: Client, native: bool
) -> None:
    job = await ended(side, client)
    # Enough in drops that each moment is one of a different kind.
    side.fault(side.READ, bytes_per_second=2_000_000, times=None)
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, c: problems.append(c))
    rng = random.Random(SEED)

    async def slowly() -> None:
        async for result in client.batches.results(job):
            if result.index % 100 == 0:
                await anyio.sleep(0.002)

    for _ in range(20):
        after = rng.uniform(0, 0.06)
        if native:
            task = asyncio.ensure_future(slowly())
            await asyncio.sleep(after)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        else:
            with anyio.move_on_after(after):
                await slowly()
        await no_tasks()
    gc.collect()
    await no_tasks()

    assert open_connections(client) == 0
    assert problems == []
    side.emulator.faults.clear()
    assert {r.key for r in await read(client, job)} == MANY


@pytest.mark.parametrize("steps", [1, 2, 350])
async def test_leaving_the_loop_leaves_nothing_open(
    side: Side, client: Client, steps: int
) -> None:
    job = await ended(side, client)
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, c: problems.append(c))

    async for result in client.batches.results(job):
        if result.index == steps:
            break
    gc.collect()
    await no_tasks()

    assert problems == []
    assert open_connections(client) == 0


async def test_closing_the_client_ends_the_reading(side: Side, client: Client) -> None:
    job = await ended(side, client)
    # It comes in drops: most of it is not here yet.
    side.fault(side.READ, bytes_per_second=200_000, times=None)
    results = client.batches.results(job)
    await anext(results)

    await client.aclose()

    with pytest.raises(TransportError, match="the client was closed"):
        [result async for result in results]
    await no_tasks()


async def test_a_borrowed_session_stays_open(side: Side) -> None:
    async with aiohttp.ClientSession() as session:
        async with Client(side.settings, session=session, retry=QUICK) as client:
            assert len(await read(client, await ended(side, client))) == 400

        assert not session.closed
        assert stray_tasks() == []


@pytest.mark.parametrize("native", [False, True])
async def test_cancelling_a_submit_leaves_nothing_open(
    side: Side,
    client: Client,
    native: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, c: problems.append(c))
    rng = random.Random(SEED)

    async def requests() -> AsyncIterator[dict[str, Any]]:
        for n in range(300):
            await anyio.sleep(0)
            yield row(f"k{n}", "x" * 1000)

    for _ in range(15):
        after = rng.uniform(0, 0.1)
        if native:
            task = asyncio.ensure_future(client.batches.submit(MODEL, requests()))
            await asyncio.sleep(after)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        else:
            with anyio.move_on_after(after):
                await client.batches.submit(MODEL, requests())
        await no_tasks()
    # Abandoned worker threads finish what they were at.
    await anyio.sleep(0.05)
    gc.collect()

    assert open_connections(client) == 0
    assert problems == []
    assert list(tmp_path.glob("*.part")) == []


# Secrets

TROUBLE = [
    Fault(status=400, times=99),
    Fault(status=401, times=99),
    Fault(status=403, times=99),
    Fault(status=404, times=99),
    Fault(status=429, times=99),
    Fault(status=500, body=b"<html>", times=99),
    Fault(status=307, headers={"Location": "http://127.0.0.1:1/"}, times=99),
    Fault(status=200, body=b"<html>", times=99),
    Fault(status=200, body=b"{}", times=99),
    Fault(drop="before", times=99),
    Fault(drop="after", times=99),
    Fault(drop_body_after=0, times=99),
    Fault(truncate_after=1, times=99),
    Fault(method="PUT", status=503, times=99),
    Fault(method="PUT", status=404, times=99),
    Fault(
        path="/upload/*",
        status=200,
        headers={"Location": "https://evil.example/?upload_id=abc"},
    ),
]


def texts_of(exc: BaseException) -> Iterator[str]:
    """Yield everything that an exception, and all that hangs on it, may show."""
    yield "".join(traceback.format_exception(exc))
    seen: set[int] = set()
    waiting: list[BaseException | None] = [exc]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
        yield from (repr(one), str(one), repr(one.args), repr(vars(one)))
        yield "".join(getattr(one, "__notes__", ()))
        if isinstance(one, GeminiBatchError):
            yield repr(pickle.dumps(one))


@pytest.mark.parametrize("fault", TROUBLE, ids=str)
@pytest.mark.parametrize("skip", [0, 2])
async def test_no_secret_shows(
    side: Side, fault: Fault, skip: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caught: list[BaseException] = []

    async def attempt(call: Awaitable[Any]) -> Any:
        try:
            return await call
        except Exception as exc:  # noqa: BLE001 - whatever comes is looked at
            caught.append(exc)
            return None

    async with Client(side.settings, retry=QUICK) as client:
        source = await side.store(client, many(3))
        side.emulator.faults.append(evolve(fault, skip=skip))
        batches = client.batches
        made = await attempt(batches.create(MODEL, **source, idempotency_key="x"))
        submitted = await attempt(batches.submit(MODEL, [row("a")], idempotency_key="y"))
        side.clock.advance(3600)
        await attempt(batches.list())
        for name in (made or "123", submitted or "456"):
            await attempt(batches.poll(name, poll_interval=0.001, timeout=0.2))
            await attempt(read(client, name))
            await attempt(batches.cancel(name))
            await attempt(batches.delete(name))
        shown = [repr(client), repr(vars(client)), repr(vars(batches)), repr(side.settings)]
        shown += [repr(made), repr(submitted)]

    assert caught
    shown += [text for exc in caught for text in texts_of(exc)]
    for record in caplog.records:
        shown += [record.getMessage(), repr(record.args), repr(vars(record))]
    for text in shown:
        assert KEY not in text
        assert TOKEN not in text
        assert "upload_id" not in text
