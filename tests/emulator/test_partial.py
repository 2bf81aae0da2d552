"""Partial answers: ``fields`` tells which members an answer has."""

from typing import Any

import pytest

from gemini_batch.testing import Fault, ManualClock
from tests.emulator.service import Service


async def ask(service: Service, name: str, fields: str) -> Any:
    answer = await service.call("GET", f"/v1beta/{name}", params={"fields": fields})
    assert answer.status == 200, answer.body
    return answer.json


async def ended(service: Service, clock: ManualClock) -> str:
    name = await service.create_inline("x", "y")
    clock.advance(3600)
    return name


async def test_only_what_is_asked_for_comes(service: Service, clock: ManualClock) -> None:
    name = await ended(service, clock)

    part = await ask(service, name, "name,done,metadata(state,batchStats/requestCount)")

    assert part == {
        "name": name,
        "done": True,
        "metadata": {
            "state": "BATCH_STATE_SUCCEEDED",
            "batchStats": {"requestCount": "2"},
        },
    }


async def test_what_is_not_there_is_left_out(service: Service) -> None:
    name = await service.create_inline("x")

    part = await ask(service, name, "done,error,response,metadata/endTime")

    assert part == {"metadata": {}}


async def test_a_member_that_is_named_comes_whole(
    service: Service, clock: ManualClock
) -> None:
    name = await ended(service, clock)
    whole = (await service.call("GET", f"/v1beta/{name}")).json

    assert await ask(service, name, "metadata") == {"metadata": whole["metadata"]}
    assert await ask(service, name, "*") == whole
    assert await ask(service, name, "metadata(state),metadata") == {
        "metadata": whole["metadata"]
    }


async def test_slashes_and_parentheses_add_up(service: Service, clock: ManualClock) -> None:
    name = await ended(service, clock)

    part = await ask(
        service,
        name,
        "response/inlinedResponses/inlinedResponses/metadata,"
        "response(inlinedResponses(inlinedResponses(error/code))),"
        "metadata(batchStats(requestCount)),metadata/batchStats/failedRequestCount",
    )

    rows = [{"metadata": {"key": "row-0"}}, {"metadata": {"key": "row-1"}}]
    assert part == {
        "response": {"inlinedResponses": {"inlinedResponses": rows}},
        "metadata": {"batchStats": {"requestCount": "2"}},
    }


async def test_lists_are_narrowed_element_by_element(service: Service) -> None:
    names = [await service.create_inline("x") for _ in range(3)]
    query = {"pageSize": "2", "fields": "operations(name,metadata/state)"}

    page = (await service.call("GET", "/v1beta/batches", params=query)).json

    assert page == {
        "operations": [
            {"name": name, "metadata": {"state": "BATCH_STATE_PENDING"}}
            for name in names[:0:-1]
        ]
    }


async def test_a_script_may_put_anything_in_place_of_a_message(service: Service) -> None:
    name = await service.create_inline("x")
    service.emulator.script(name, {"batchStats": "many"})

    part = await ask(service, name, "metadata/batchStats/requestCount")

    assert part == {"metadata": {"batchStats": "many"}}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("stat", "Cannot find matching fields for path 'stat'."),
        ("metadata/stat", "Cannot find matching fields for path 'metadata.stat'."),
        (
            "metadata(name/first)",
            "Cannot find matching fields for path 'metadata.name.first'.",
        ),
        ("metadata(@type)", "Invalid field selection metadata(@type)"),
        ("name,", "Invalid field selection name,"),
        ("name,,done", "Invalid field selection name,,done"),
        ("metadata(state", "Invalid field selection metadata(state"),
        ("metadata()", "Invalid field selection metadata()"),
        ("name)", "Invalid field selection name)"),
        ("metadata/", "Invalid field selection metadata/"),
        ("name done", "Invalid field selection name done"),
        ("metadata(*/name)", "Invalid field selection metadata(*/name)"),
        ("*(name)", "Invalid field selection *(name)"),
        ("name/*", "Cannot find matching fields for path 'name.*'."),
    ],
)
async def test_what_does_not_exist_is_refused(
    service: Service, fields: str, message: str
) -> None:
    name = await service.create_inline("x")

    answer = await service.call("GET", f"/v1beta/{name}", params={"fields": fields})

    assert (answer.status, answer.json["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert message in answer.message
    # It was no look at the job.
    assert service.emulator.jobs[name].looks == 0


async def test_an_empty_mask_asks_for_all(service: Service) -> None:
    name = await service.create_inline("x")

    assert (await ask(service, name, ""))["metadata"]["@type"]


async def test_a_fault_ignores_it(service: Service) -> None:
    name = await service.create_inline("x")
    service.emulator.faults.append(Fault(fields="ignore"))

    whole = await service.call("GET", f"/v1beta/{name}")
    ignored = await ask(service, name, "name")

    # A request that asks for all is none of the fault's business.
    assert ignored == whole.json
    assert service.emulator.faults == []
    assert await ask(service, name, "name") == {"name": name}


async def test_a_fault_refuses_it(service: Service) -> None:
    name = await service.create_inline("x")
    service.emulator.faults.append(Fault(fields="refuse", times=None))

    for path in (f"/v1beta/{name}", "/v1beta/batches"):
        answer = await service.call("GET", path, params={"fields": "name"})
        assert answer.status == 400
        assert 'Unknown name "fields"' in answer.message
    assert (await service.call("GET", f"/v1beta/{name}")).status == 200
