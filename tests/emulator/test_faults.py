"""What goes wrong on request."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anyio
import pytest

from gemini_batch.testing import Emulator, Fault
from tests.emulator.service import Service, recorded

CREATE = "*:batchGenerateContent"


@pytest.mark.parametrize(
    ("status", "sample"),
    [
        (401, "401"),
        (403, "403"),
        (404, "404"),
        (429, "429-help-only"),
        (500, "500"),
        (503, "503"),
        (504, "504"),
    ],
)
async def test_a_status_comes_with_the_recorded_body(
    service: Service, status: int, sample: str
) -> None:
    service.emulator.faults.append(Fault(status=status))

    answer = await service.call("GET", "/v1beta/files")

    assert answer.status == status
    assert answer.json == recorded(f"errors/{sample}.json")
    assert (await service.call("GET", "/v1beta/files")).status == 200


async def test_body_and_headers_can_be_chosen(service: Service) -> None:
    fault = Fault(status=429, body=b"<html>slow down</html>", headers={"Retry-After": "7"})
    service.emulator.faults.append(fault)

    answer = await service.call("GET", "/v1beta/files")

    assert answer.body == b"<html>slow down</html>"
    assert answer.headers["Retry-After"] == "7"


async def test_a_fault_hits_what_it_names(service: Service) -> None:
    service.emulator.faults.append(Fault(method="POST", path=CREATE, status=503))
    config: dict[str, Any] = {"requests": {"requests": []}}

    assert (await service.call("GET", "/v1beta/files")).status == 200
    assert (await service.create({"inputConfig": config})).status == 503
    assert service.emulator.faults == []


async def test_skip_and_times_are_counted(service: Service) -> None:
    service.emulator.faults.append(Fault(skip=2, times=2, status=503))

    seen = [(await service.call("GET", "/v1beta/files")).status for _ in range(6)]

    assert seen == [200, 200, 503, 503, 200, 200]


async def test_two_equal_faults_hit_twice(service: Service) -> None:
    fault = Fault(status=503)
    service.emulator.faults.extend([fault, fault])

    seen = [(await service.call("GET", "/v1beta/files")).status for _ in range(3)]

    assert seen == [503, 503, 200]


@pytest.mark.parametrize(("drop", "made"), [("before", 0), ("after", 1)])
async def test_a_create_can_be_lost_on_either_way(
    service: Service, drop: str, made: int
) -> None:
    fault = Fault(path=CREATE, drop=drop)  # type: ignore[arg-type]
    service.emulator.faults.append(fault)

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await service.create_inline("x")

    assert len(service.emulator.jobs) == made
    assert service.emulator.log[-1].status is None


async def test_a_command_is_matched_exactly(service: Service) -> None:
    url = (await service.start_upload(3)).headers["X-Goog-Upload-URL"]
    service.emulator.faults.append(Fault(command="query", status=503))

    assert (await service.send(url, "upload, finalize", 0, b"abc")).status == 200
    assert (await service.send(url, "query")).status == 503


async def test_an_answer_can_be_late(service: Service) -> None:
    service.emulator.faults.append(Fault(path=CREATE, delay=0.05))
    started = time.monotonic()

    await service.create_inline("x")

    assert time.monotonic() - started >= 0.05


async def test_a_client_that_gives_up_waiting_has_made_a_job(service: Service) -> None:
    service.emulator.faults.append(Fault(path=CREATE, delay=5))

    with pytest.raises(TimeoutError):
        await service.create(
            {"inputConfig": {"requests": {"requests": [{"request": _REQUEST}]}}},
            timeout=aiohttp.ClientTimeout(total=0.05),
        )

    assert len(service.emulator.jobs) == 1


_REQUEST = {"contents": [{"parts": [{"text": "x"}]}]}


async def test_nothing_is_logged_as_an_error(
    service: Service, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    for fault in (
        Fault(drop="before"),
        Fault(drop="after"),
        Fault(path="/up*", drop="after"),
    ):
        emulator.faults.append(fault)
    for _ in range(2):
        with pytest.raises(aiohttp.ClientError):
            await service.create_inline("x")
    with pytest.raises(aiohttp.ClientError):
        await service.start_upload(3)

    assert caplog.records == []


async def test_a_client_may_leave_in_the_middle_of_a_chunk(
    service: Service, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    url = (await service.start_upload()).headers["X-Goog-Upload-URL"]
    headers = {"X-Goog-Upload-Command": "upload, finalize", "X-Goog-Upload-Offset": "0"}
    arrived = anyio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"x" * 300_000
        while emulator.log[-1].path != "/upload/v1beta/files" or len(emulator.log) < 2:
            await anyio.sleep(0.001)
        arrived.set()
        await anyio.sleep_forever()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: service.call("POST", url, headers=headers, data=body()))
        await arrived.wait()
        await anyio.sleep(0.02)
        tasks.cancel_scope.cancel()
    query = await service.send(url, "query")

    assert query.headers["X-Goog-Upload-Size-Received"] == "262144"
    assert emulator.log[1].status is None
    assert caplog.records == []


async def test_a_chunk_that_lost_its_turn_writes_no_more(service: Service) -> None:
    url = (await service.start_upload()).headers["X-Goog-Upload-URL"]
    headers = {"X-Goog-Upload-Command": "upload, finalize", "X-Goog-Upload-Offset": "0"}
    asked = anyio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"x" * 10
        await asked.wait()
        yield b"x" * 10

    async def stale() -> None:
        with pytest.raises(aiohttp.ClientError):
            await service.call("POST", url, headers=headers, data=body())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stale)
        await anyio.sleep(0.02)
        query = await service.send(url, "query")
        asked.set()

    assert query.headers["X-Goog-Upload-Size-Received"] == "0"
    answer = await service.send(url, "upload, finalize", 0, b"new")
    assert service.emulator.files[answer.json["file"]["name"]].read() == b"new"


async def test_closing_stops_what_is_still_at_work() -> None:
    before = asyncio.all_tasks()
    async with Emulator() as emulator, aiohttp.ClientSession() as session:
        service = Service(emulator, session)
        emulator.faults.append(Fault(delay=60))
        with pytest.raises(TimeoutError):
            await service.call(
                "GET", "/v1beta/files", timeout=aiohttp.ClientTimeout(total=0.02)
            )
        started = time.monotonic()

    assert time.monotonic() - started < 1
    assert asyncio.all_tasks() == before
