"""The emulator as an object: start, stop, log, settings."""

import gc
import subprocess
import sys
import time

import aiohttp
import pytest

from gemini_batch.testing import Emulator, LogEntry, ManualClock, SpeedClock
from gemini_batch.types import DeveloperAPI
from tests.emulator.service import Service, request_of


async def test_it_tells_where_it_is(emulator: Emulator) -> None:
    assert emulator.url.startswith("http://127.0.0.1:")
    assert emulator.api == DeveloperAPI(
        api_key="emulator-key", base_url=emulator.url, version="v1beta"
    )
    assert repr(emulator) == f"<Emulator {emulator.url}>"


def test_before_the_start_there_is_no_address() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        _ = Emulator().api


async def test_it_cannot_be_started_twice() -> None:
    emulator = Emulator()
    async with emulator:
        pass

    with pytest.raises(RuntimeError, match="twice"):
        async with emulator:
            pass


async def test_closing_is_quick_with_connections_open_and_may_be_repeated() -> None:
    emulator = Emulator()
    async with emulator, aiohttp.ClientSession() as session:
        service = Service(emulator, session)
        await service.create_inline("x")
        # The pool still holds the connection, kept alive.
        started = time.monotonic()
        await emulator.aclose()
        await emulator.aclose()

        assert time.monotonic() - started < 1

    del service
    gc.collect()


async def test_every_request_is_logged_without_the_key(service: Service) -> None:
    config = {"requests": {"requests": [{"request": request_of("x")}]}}
    await service.create({"inputConfig": config})
    await service.call("GET", "/v1beta/batches?pageSize=3&key=emulator-key")
    await service.call("GET", "/nowhere")

    create, listing, nowhere = service.emulator.log
    assert create.method == "POST"
    assert create.path == "/v1beta/models/gemini-2.5-flash:batchGenerateContent"
    assert create.status == 200
    assert create.body is not None
    assert create.bytes_in == len(create.body) > 0
    assert create.headers["content-type"] == "application/json"
    assert listing.query == {"pageSize": "3"}
    assert nowhere.status == 404
    assert "emulator-key" not in repr(service.emulator.log)


async def test_uploads_are_counted_but_not_kept(service: Service) -> None:
    await service.upload(b"x" * 1000)

    entry = service.emulator.log[-1]
    assert entry.bytes_in == 1000
    assert entry.body is None


async def test_a_log_can_be_followed() -> None:
    seen: list[LogEntry] = []
    async with (
        Emulator(access_log=seen.append) as emulator,
        aiohttp.ClientSession() as session,
    ):
        await Service(emulator, session).call("GET", "/v1beta/files")

    assert [entry.status for entry in seen] == [200]


async def test_the_key_can_be_chosen() -> None:
    async with Emulator(api_key="mine") as emulator, aiohttp.ClientSession() as session:
        service = Service(emulator, session)
        assert emulator.api.api_key == "mine"
        own = await service.call("GET", "/v1beta/files", headers={"x-goog-api-key": "mine"})
        assert own.status == 200
        assert (await service.call("GET", "/v1beta/files")).status == 400


async def test_a_function_can_stand_in_for_the_model(clock: ManualClock) -> None:
    def answer(request: dict[str, object], model: str) -> dict[str, object]:
        assert "contents" in request
        return {"candidates": [{"finishReason": "STOP"}], "modelVersion": model}

    async with (
        Emulator(clock=clock, model=answer) as emulator,
        aiohttp.ClientSession() as session,
    ):
        service = Service(emulator, session)
        name = await service.create_inline("x")
        clock.advance(60)
        job = await service.get(name)

    [row] = job["response"]["inlinedResponses"]["inlinedResponses"]
    assert row["response"] == {
        "candidates": [{"finishReason": "STOP"}],
        "modelVersion": "gemini-2.5-flash",
    }


async def test_other_requests_go_on_while_a_long_job_is_answered(
    clock: ManualClock,
) -> None:
    import anyio

    slow: list[float] = []

    def answer(request: dict[str, object], model: str) -> dict[str, object]:
        time.sleep(0.3)
        return {"modelVersion": model}

    async with (
        Emulator(clock=clock, model=answer) as emulator,
        aiohttp.ClientSession() as session,
    ):
        service = Service(emulator, session)
        name = await service.create_inline("x")
        clock.advance(60)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(service.get, name)
            await anyio.sleep(0.05)
            started = time.monotonic()
            await service.call("GET", "/v1beta/files")
            slow.append(time.monotonic() - started)

    assert slow[0] < 0.2


async def test_accelerated_time_finishes_jobs() -> None:
    async with Emulator(speed=3600) as emulator, aiohttp.ClientSession() as session:
        service = Service(emulator, session)
        name = await service.create_inline("x")
        for _ in range(200):
            job = await service.get(name)
            if job.get("done"):
                break

    assert job["metadata"]["state"] == "BATCH_STATE_SUCCEEDED"


def test_clocks_refuse_what_time_cannot_do() -> None:
    with pytest.raises(ValueError, match="backwards"):
        ManualClock().advance(-1)
    with pytest.raises(ValueError, match="positive"):
        SpeedClock(0)


def test_it_shares_no_code_with_what_it_tests() -> None:
    """Not even by way of another module."""
    program = (
        "import sys, gemini_batch.testing.emulator as e;"
        "mine = [m for n, m in sys.modules.items() if n.startswith(e.__name__)];"
        "names = {v.__module__ for m in mine for v in vars(m).values()"
        " if hasattr(v, '__module__') and isinstance(v.__module__, str)};"
        "print(sorted(n for n in names if n.startswith('gemini_batch')"
        " and not n.startswith(('gemini_batch.testing', 'gemini_batch.types'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
