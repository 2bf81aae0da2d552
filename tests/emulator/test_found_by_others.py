"""Defects of the emulator that other programs brought to light."""

import aiohttp

from gemini_batch.testing import Emulator, Fault
from tests.emulator.service import Service, request_of


async def test_a_fault_decides_what_type_its_answer_is_of(service: Service) -> None:
    """Both SDKs of Google were to be shown a page of HTML, and saw a crash of ours."""
    page = b"<html>Bad Gateway</html>"
    headers = {"content-type": "text/html"}
    service.emulator.faults.append(Fault(status=502, body=page, headers=headers))

    answer = await service.call("GET", "/v1beta/files")

    assert (answer.status, answer.body) == (502, page)
    assert answer.headers["Content-Type"] == "text/html"


async def test_create_shows_a_job_as_it_was_made_however_fast_the_clock() -> None:
    config = {"requests": {"requests": [{"request": request_of("x")}]}}
    async with Emulator(speed=1e9) as emulator, aiohttp.ClientSession() as session:
        answer = await Service(emulator, session).create({"inputConfig": config})

    assert answer.json["metadata"]["state"] == "BATCH_STATE_PENDING"
    assert "done" not in answer.json
