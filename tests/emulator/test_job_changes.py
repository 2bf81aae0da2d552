"""Jobs cancelled, deleted and updated."""

import pytest

from gemini_batch.testing import ManualClock
from tests.emulator.service import Service, recorded, shape


async def test_cancelling_takes_a_moment(service: Service, clock: ManualClock) -> None:
    name = await service.create_from(["a", "b", "c", "d"], displayName="sample")
    answer = await service.call("POST", f"/v1beta/{name}:cancel")
    at_once = await service.get(name)
    clock.advance(1)
    job = await service.get(name)

    assert answer.json == recorded("gemini/cancel.response.json")
    assert at_once["metadata"]["state"] == "BATCH_STATE_PENDING"
    assert shape(job) == shape(recorded("gemini/get-cancelled.response.json"))
    assert job["error"] == {"code": 1, "message": "The operation was cancelled."}


async def test_a_finished_job_is_not_cancelled(
    service: Service, clock: ManualClock
) -> None:
    name = await service.create_inline("x")
    clock.advance(60)

    answer = await service.call("POST", f"/v1beta/{name}:cancel", json={})

    assert answer.status == 400
    assert answer.json["error"]["status"] == "FAILED_PRECONDITION"


async def test_a_cancel_that_comes_too_late_changes_nothing(
    service: Service, clock: ManualClock
) -> None:
    name = await service.create_inline("x")
    clock.advance(5.5)
    await service.call("POST", f"/v1beta/{name}:cancel")
    clock.advance(10)

    assert (await service.get(name))["metadata"]["state"] == "BATCH_STATE_SUCCEEDED"


async def test_a_deleted_job_is_not_found(service: Service) -> None:
    name = await service.create_inline("x")

    answer = await service.call("DELETE", f"/v1beta/{name}")
    later = [
        await service.call("GET", f"/v1beta/{name}"),
        await service.call("DELETE", f"/v1beta/{name}"),
        await service.call("POST", f"/v1beta/{name}:cancel"),
    ]

    assert answer.json == recorded("gemini/delete.response.json")
    assert [answer.json for answer in later] == [recorded("errors/404.json")] * 3
    assert not service.emulator.jobs


async def test_an_update_answers_with_the_bare_resource(
    service: Service, clock: ManualClock
) -> None:
    name = await service.create_from(["a", "b", "c", "d"], displayName="sample")
    clock.advance(1)
    path = f"/v1beta/{name}:updateGenerateContentBatch"
    body = recorded("gemini/update-priority.request.json")

    answer = await service.call("PATCH", path, params={"updateMask": "priority"}, json=body)

    sample = recorded("gemini/update-priority.response.json")
    assert shape(answer.json) == shape(sample)
    assert answer.json["priority"] == "10"
    assert answer.json["displayName"] == "sample"
    assert answer.json["updateTime"] > answer.json["createTime"]


@pytest.mark.parametrize(
    ("method", "mask", "body", "text"),
    [
        ("updateEmbedContentBatch", "priority", {"priority": "1"}, "is not a Embed"),
        ("updateGenerateContentBatch", "state", {}, "Invalid update mask"),
        ("updateGenerateContentBatch", "", {"priority": "1"}, "Invalid update mask"),
        ("updateGenerateContentBatch", "priority", {"prio": "1"}, "Unknown name"),
        ("updateGenerateContentBatch", "priority", {"priority": "x"}, "TYPE_INT64"),
    ],
)
async def test_a_wrong_update_is_refused(
    service: Service, method: str, mask: str, body: dict[str, str], text: str
) -> None:
    name = await service.create_inline("x")

    answer = await service.call(
        "PATCH", f"/v1beta/{name}:{method}", params={"updateMask": mask}, json=body
    )

    assert answer.status == 400
    assert text in answer.message
