"""Steering the emulator from outside."""

import io
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from gemini_batch.testing import Emulator, Fault, ManualClock
from tests.emulator.service import KEY, Answer, Service


@pytest.fixture
async def emulator(clock: ManualClock) -> AsyncIterator[Emulator]:
    async with Emulator(clock=clock, control=True) as emulator:
        yield emulator


async def _ask(service: Service, method: str, what: str, **options: Any) -> Answer:
    return await service.call(method, f"/emulator/{what}", headers={}, **options)


async def test_without_leave_there_is_nothing() -> None:
    async with Emulator() as emulator, aiohttp.ClientSession() as session:
        service = Service(emulator, session)

        assert (await _ask(service, "GET", "status")).status == 404
        assert len(emulator.log) == 1


async def test_the_status_tells_where_things_stand(service: Service) -> None:
    name = await service.create_inline("abcdefgh", displayName="mine")
    await service.upload(b"x")
    service.emulator.faults.append(Fault(status=503))

    status = await _ask(service, "GET", "status")

    assert status.json["now"].startswith("2026-09-01T10:00:00.123456")
    assert status.json["jobs"] == {
        name: {
            "state": "BATCH_STATE_PENDING",
            "display_name": "mine",
            "row_count": 1,
            "tokens": 2,
            "looks": 0,
        }
    }
    assert (status.json["files"], status.json["faults"]) == (1, 1)
    assert status.json["requests"] == len(service.emulator.log) == 3


async def test_faults_can_be_set_seen_and_cleared(service: Service) -> None:
    sent = [{"status": 503, "path": "*/files", "times": 2}]
    added = await _ask(service, "POST", "faults", json=sent)
    first = await service.call("GET", "/v1beta/files")
    seen = await _ask(service, "GET", "faults")
    cleared = await _ask(service, "DELETE", "faults")
    last = await service.call("GET", "/v1beta/files")

    assert added.json == seen.json == {"faults": sent}
    assert cleared.json == {}
    assert (first.status, last.status) == (503, 200)


async def test_the_clock_can_be_turned(service: Service) -> None:
    name = await service.create_inline("x")

    turned = await _ask(service, "POST", "clock", json={"advance": 60})

    assert turned.json["now"].startswith("2026-09-01T10:01:00")
    assert (await service.get(name))["done"] is True


async def test_a_clock_that_cannot_be_turned_says_so(clock: ManualClock) -> None:
    class Stopped:
        def now(self) -> Any:
            return clock.now()

    async with (
        Emulator(clock=Stopped(), control=True) as emulator,
        aiohttp.ClientSession() as session,
    ):
        service = Service(emulator, session)
        answer = await _ask(service, "POST", "clock", json={"advance": 60})

    assert answer.status == 400
    assert answer.json["error"]["status"] == "FAILED_PRECONDITION"


async def test_the_log_can_be_followed(service: Service) -> None:
    await service.create_inline("Grüße")
    first = (await _ask(service, "GET", "log")).json
    await service.call("GET", "/v1beta/files?pageSize=2")
    second = (await _ask(service, "GET", f"log?since={first['next']}")).json

    [create], [listing] = first["entries"], second["entries"]
    assert create["method"] == "POST"
    assert create["status"] == 200
    assert "displayName" in create["body"]
    assert create["bytes_in"] > 0
    assert listing["path"] == "/v1beta/files"
    assert listing["query"] == {"pageSize": "2"}
    assert listing["body"] is None
    assert second["next"] == 2
    assert "emulator-key" not in str([first, second])


async def test_a_course_can_be_scripted(service: Service) -> None:
    looks = ["BATCH_STATE_RUNNING", {"state": "BATCH_STATE_FAILED", "error": {"code": 9}}]
    sent = {"job": "night*", "looks": looks}
    assert (await _ask(service, "POST", "script", json=sent)).json == {}
    name = await service.create_inline("x", displayName="nightly")

    seen = [await service.get(name) for _ in range(2)]

    assert seen[0]["metadata"]["state"] == "BATCH_STATE_RUNNING"
    assert seen[1]["error"] == {"code": 9}


@pytest.mark.parametrize(
    ("method", "what", "body", "status", "text"),
    [
        ("GET", "nothing", None, 404, ""),
        ("PUT", "faults", None, 405, "Method not allowed."),
        ("POST", "faults", '[{"skip": -1}]', 400, "entry 1: 'skip' must be >= 0: -1"),
        ("POST", "faults", "{", 400, "The body is not JSON"),
        ("POST", "faults", '["' + "x" * (1 << 20) + '"]', 400, "The body exceeds"),
        ("POST", "clock", "{}", 400, "'advance' is missing"),
        ("POST", "clock", '{"advance": true}', 400, "'advance' is missing"),
        ("POST", "clock", '{"advance": -1}', 400, "'advance': time does not run backwards"),
        ("POST", "clock", '{"advance": 1e30}', 400, "'advance': time does not run"),
        ("POST", "script", '{"job": "x"}', 400, "'looks' is missing"),
        ("POST", "script", '{"job": "x", "looks": []}', 400, "'looks': a script needs"),
        ("POST", "script", '{"job": "x", "looks": [3]}', 400, "'looks' are states"),
        ("POST", "script", '{"job": "batches/x", "looks": ["A"]}', 404, "no job batches/x"),
        ("GET", "log?since=-1", None, 400, "'since' must be a number"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    service: Service, method: str, what: str, body: str | None, status: int, text: str
) -> None:
    data = None if body is None else io.BytesIO(body.encode())
    answer = await _ask(service, method, what, data=data)

    assert answer.status == status
    assert text in answer.message


async def test_no_fault_hits_it_and_no_log_has_it(service: Service) -> None:
    service.emulator.faults.append(Fault(status=503))

    assert (await _ask(service, "GET", "status")).status == 200
    assert service.emulator.log == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Host": "evil.example"},
        {"Host": "evil.example:80"},
        {"Host": "[2001:db8::1]:80"},
    ],
)
async def test_web_pages_may_not_steer(service: Service, headers: dict[str, str]) -> None:
    answer = await service.call("GET", "/emulator/status", headers=headers)

    assert answer.status == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]:80"])
async def test_this_machine_has_several_names(service: Service, host: str) -> None:
    answer = await service.call("GET", "/emulator/status", headers={**KEY, "Host": host})

    assert answer.status == 200
