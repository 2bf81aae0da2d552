"""Defects of the emulator that a review brought to light."""

import datetime as dt
import gzip
import json
import math
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest

from gemini_batch.testing import (
    Emulator,
    Fault,
    LogEntry,
    ManualClock,
    SpeedClock,
    load_faults,
)
from tests.emulator.service import KEY, Service, request_of

MANY = "9" * 5000
DEEP = "[" * 100_000


@pytest.mark.parametrize("by", ["http", "hand"])
async def test_time_that_was_turned_last_outlives_the_emulator(
    tmp_path: Path, by: str
) -> None:
    clock = ManualClock()
    async with (
        Emulator(data=tmp_path, clock=clock, control=True) as emulator,
        aiohttp.ClientSession() as session,
    ):
        service = Service(emulator, session)
        name = await service.create_inline("x")
        if by == "http":
            url = "/emulator/clock"
            await service.call("POST", url, json={"advance": 5e9 / 2})
        else:
            clock.advance(5e9 / 2)
    left = clock.now()

    later = ManualClock()
    async with Emulator(data=tmp_path, clock=later) as emulator:
        assert later.now() == left
        assert emulator.jobs[name].state == "BATCH_STATE_SUCCEEDED"


async def test_an_access_log_that_fails_harms_no_request() -> None:
    def broken(_: LogEntry) -> None:
        raise OSError("no room")

    async with Emulator(access_log=broken) as emulator, aiohttp.ClientSession() as session:
        service = Service(emulator, session)

        assert (await service.call("GET", "/v1beta/files")).status == 200


async def test_a_job_deleted_while_it_is_looked_at(clock: ManualClock) -> None:
    reached = anyio.Event()

    def slow(_: dict[str, Any], __: str) -> str:
        anyio.from_thread.run_sync(reached.set)
        anyio.from_thread.run(anyio.sleep, 0.2)
        return "x"

    async with Emulator(clock=clock, model=slow) as emulator:
        async with aiohttp.ClientSession() as session:
            service = Service(emulator, session)
            name = await service.create_from(["a", "b"])
            job = emulator.jobs[name]
            clock.advance(600)
            statuses: list[int] = []

            async def look() -> None:
                statuses.append((await service.call("GET", f"/v1beta/{name}")).status)

            async with anyio.create_task_group() as group:
                group.start_soon(look)
                group.start_soon(look)
                await reached.wait()
                deleted = await service.call("DELETE", f"/v1beta/{name}")

        assert deleted.status == 200
        assert statuses == [404, 404]
        assert not job.result_path.exists()


@pytest.mark.parametrize(
    "found",
    [
        None,
        5,
        b"x",
        {"error": None},
        {"error": "x"},
        {"error": {"code": True, "message": "x"}},
        {"error": {"code": 3}},
        {"candidates": math.nan},
        {"candidates": object()},
        {"usageMetadata": 5},
    ],
)
async def test_a_function_that_answers_nonsense(
    service: Service, clock: ManualClock, found: Any
) -> None:
    def mine(_: dict[str, Any], __: str) -> Any:
        return found

    service.emulator.answers(mine)
    name = await service.create_inline("x")
    clock.advance(600)

    job = await service.get(name)

    [row] = job["response"]["inlinedResponses"]["inlinedResponses"]
    assert row["error"]["code"] == 13
    assert "mine, returned" in row["error"]["message"]


async def test_a_dropped_download_sends_nothing(
    service: Service, clock: ManualClock
) -> None:
    name = await service.create_from(["a"])
    clock.advance(600)
    file = (await service.get(name))["response"]["responsesFile"]
    # aiohttp itself asks a second time when there was no answer.
    fault = Fault(path="*:download", drop="after", times=None)
    service.emulator.faults.append(fault)

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await service.download(file)
    service.emulator.faults.clear()
    assert (await service.download(file)).status == 200


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (f"bytes={MANY}-", 416),
        (f"bytes=0-{MANY}", 206),
        (f"bytes=-{MANY}", 206),
        ("bytes=-0", 416),
        ("bytes=-1", 206),
    ],
)
async def test_ranges_of_any_size(
    service: Service, clock: ManualClock, asked: str, status: int
) -> None:
    name = await service.create_from(["a"])
    clock.advance(600)
    file = (await service.get(name))["response"]["responsesFile"]

    assert (await service.download(file, Range=asked)).status == status


async def test_upload_numbers_that_are_none(service: Service) -> None:
    start = {
        **KEY,
        "X-Goog-Upload-Protocol": "resumable",
        "X-Goog-Upload-Command": "start",
        "X-Goog-Upload-Header-Content-Length": MANY,
    }
    refused = await service.call("POST", "/upload/v1beta/files", headers=start)
    url = (await service.start_upload()).headers["X-Goog-Upload-URL"]
    headers = {"X-Goog-Upload-Command": "upload", "X-Goog-Upload-Offset": MANY}
    chunk = await service.call("POST", url, headers=headers)

    assert (refused.status, chunk.status) == (400, 400)


@pytest.mark.parametrize(
    ("method", "what", "body", "status"),
    [
        ("GET", f"log?since={MANY}", None, 400),
        ("POST", "clock", DEEP, 400),
        ("POST", "faults", DEEP, 400),
        ("POST", "script", '{"job": "x", "looks": [' + "[" * 200 + "]" * 200 + "]}", 400),
    ],
)
async def test_control_takes_no_nonsense(
    method: str, what: str, body: str | None, status: int
) -> None:
    async with Emulator(control=True) as emulator, aiohttp.ClientSession() as session:
        service = Service(emulator, session)
        answer = await service.call(method, f"/emulator/{what}", headers={}, data=body)

    assert answer.status == status


async def test_a_host_that_is_none_may_not_steer() -> None:
    async with Emulator(control=True) as emulator, aiohttp.ClientSession() as session:
        service = Service(emulator, session)
        answer = await service.call("GET", "/emulator/status", headers={"Host": "["})

    assert answer.status == 403


async def test_time_does_not_run_over() -> None:
    clock = ManualClock(dt.datetime(8999, 12, 31, tzinfo=dt.UTC))
    async with (
        Emulator(clock=clock, control=True) as emulator,
        aiohttp.ClientSession() as session,
    ):
        service = Service(emulator, session)
        answer = await service.call("POST", "/emulator/clock", json={"advance": 1e9})

    assert answer.status == 400
    with pytest.raises(ValueError, match="time ends"):
        clock.advance(1e9)


@pytest.mark.parametrize("speed", [0.0, -1.0, 1e10, math.inf, math.nan])
def test_speeds_have_bounds(speed: float) -> None:
    with pytest.raises(ValueError, match="speed must be"):
        SpeedClock(speed)


def test_faults_that_make_no_sense(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text(DEEP)

    with pytest.raises(ValueError, match="too deep"):
        load_faults(path)
    with pytest.raises(ValueError, match="single lines"):
        Fault(headers={"X": "a\r\nb"})


@pytest.mark.parametrize("member", ["batchStats", "output", "response", "metadata"])
@pytest.mark.parametrize("value", [5, {"inlinedResponses": 5}])
async def test_odd_scripts_and_odd_faults(
    service: Service, member: str, value: Any
) -> None:
    name = await service.create_inline("x")
    look = {"state": "BATCH_STATE_SUCCEEDED", member: value}
    service.emulator.script(name, look)
    fault = Fault(times=None, counts="stale", rows=("huge", "foreign"))
    service.emulator.faults.append(fault)

    await service.get(name)


async def test_reached_by_another_name(service: Service) -> None:
    port = service.emulator.url.rpartition(":")[2]
    file = await service.upload(b"x")

    async def uri(host: str) -> str:
        headers = {**KEY, "Host": host}
        answer = await service.call("GET", f"/v1beta/{file['name']}", headers=headers)
        return str(answer.json["uri"]).partition("/v1beta")[0]

    assert await uri(f"localhost:{port}") == f"http://localhost:{port}"
    assert await uri("evil.example") == service.emulator.url
    assert await uri("[") == service.emulator.url


async def test_listening_everywhere() -> None:
    async with (
        Emulator(host="0.0.0.0") as emulator,
        aiohttp.ClientSession() as session,
    ):
        file = await Service(emulator, session).upload(b"x")

        assert emulator.url.startswith("http://127.0.0.1:")
        assert file["uri"].startswith(emulator.url)


async def test_the_name_of_an_expired_file_is_free(
    service: Service, clock: ManualClock
) -> None:
    await service.upload(b"old", name="files/mine")
    clock.advance(30 * 86400)

    again = await service.upload(b"newer", name="files/mine")

    assert again["sizeBytes"] == "5"
    assert (await service.start_upload(name="files/mine")).status == 409


async def test_output_only_members_are_ignored(service: Service) -> None:
    rows = {"requests": {"requests": [{"request": request_of("x")}]}}
    told = {
        "name": "batches/mine",
        "state": "BATCH_STATE_FAILED",
        "output": {},
        "createTime": "2026-01-01T00:00:00Z",
        "endTime": "2026-01-01T00:00:00Z",
        "updateTime": "2026-01-01T00:00:00Z",
        "batchStats": {"requestCount": "7"},
    }
    made = await service.create({**told, "displayName": "x", "inputConfig": rows})
    name = made.json["name"]
    url = f"/v1beta/{name}:updateGenerateContentBatch?updateMask=priority"
    patched = await service.call("PATCH", url, json={**told, "priority": "3"})
    wrong = await service.create({"displayName": "x", "inputConfig": rows, "name": 5})

    assert name != "batches/mine"
    assert made.json["metadata"]["state"] == "BATCH_STATE_PENDING"
    assert (patched.json["priority"], patched.json["name"]) == ("3", name)
    assert patched.json["batchStats"]["requestCount"] == "1"
    assert wrong.status == 400


@pytest.mark.parametrize("size", ["1_0", " 1", "+1", "٣", "2147483648", "", MANY[:3000]])
async def test_page_sizes_are_whole_numbers(service: Service, size: str) -> None:
    answer = await service.call("GET", "/v1beta/files", params={"pageSize": size})

    assert answer.status == 400


def test_a_pause_is_rounded_up() -> None:
    assert Fault.quota(0.4).headers == {"Retry-After": "1"}


@pytest.mark.parametrize("cut", [False, True])
async def test_a_body_that_is_not_compressed_as_it_says(
    service: Service, cut: bool
) -> None:
    body = gzip.compress(json.dumps({"batch": {}}).encode())[:-9] if cut else b"{}"
    answer = await service.call(
        "POST",
        "/v1beta/models/gemini-2.5-flash:batchGenerateContent",
        headers={**KEY, "Content-Encoding": "gzip"},
        data=body,
    )

    assert answer.status == 400
