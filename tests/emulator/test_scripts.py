"""Jobs whose course a test decides."""

import pytest

from gemini_batch.testing import ManualClock
from tests.emulator.service import Service, recorded


async def _states(service: Service, name: str, looks: int) -> list[str]:
    return [(await service.get(name))["metadata"]["state"] for _ in range(looks)]


async def test_each_look_takes_the_next_and_the_last_repeats(service: Service) -> None:
    name = await service.create_inline("x")
    service.emulator.script(name, "BATCH_STATE_PENDING", "BATCH_STATE_FROZEN")

    assert await _states(service, name, 4) == [
        "BATCH_STATE_PENDING",
        "BATCH_STATE_FROZEN",
        "BATCH_STATE_FROZEN",
        "BATCH_STATE_FROZEN",
    ]


async def test_an_unknown_state_is_not_done(service: Service) -> None:
    name = await service.create_inline("x")
    service.emulator.script(name, "BATCH_STATE_FROZEN")

    assert "done" not in await service.get(name)


async def test_a_pattern_fits_later_jobs(service: Service) -> None:
    before = await service.create_inline("x", displayName="nightly-1")
    service.emulator.script("nightly-*", "BATCH_STATE_FAILED")
    after = await service.create_inline("x", displayName="nightly-2")
    other = await service.create_inline("x", displayName="weekly")

    assert await _states(service, before, 1) == ["BATCH_STATE_PENDING"]
    assert await _states(service, after, 1) == ["BATCH_STATE_FAILED"]
    assert await _states(service, other, 1) == ["BATCH_STATE_PENDING"]


@pytest.mark.parametrize("ending", ["failed", "cancelled", "expired", "succeeded-file"])
async def test_endings_look_like_the_recorded_ones(service: Service, ending: str) -> None:
    name = await service.create_from(["a", "b", "c", "d"], displayName="sample")
    sample = recorded(f"gemini/get-{ending}.response.json")
    service.emulator.script(name, sample["metadata"]["state"])

    job = await service.get(name)

    assert job.keys() == sample.keys()
    assert job["metadata"].keys() == sample["metadata"].keys()
    assert job["metadata"]["batchStats"] == sample["metadata"]["batchStats"]
    assert job.get("error") == sample.get("error")


async def test_succeeded_without_output(service: Service) -> None:
    name = await service.create_from(["a", "b", "c", "d"], displayName="sample")
    empty = {"state": "BATCH_STATE_SUCCEEDED", "output": None}
    service.emulator.script(name, empty, "BATCH_STATE_SUCCEEDED")
    first = await service.get(name)
    second = await service.get(name)

    sample = recorded("gemini/get-succeeded-output-not-ready.response.json")
    assert first.keys() == sample.keys()
    assert first["metadata"].keys() == sample["metadata"].keys()
    assert (
        second["response"]["responsesFile"] == second["metadata"]["output"]["responsesFile"]
    )
    assert first["metadata"]["endTime"] == second["metadata"]["endTime"]
    assert (await service.download(second["response"]["responsesFile"])).status == 200


async def test_members_of_the_operation_can_be_scripted(service: Service) -> None:
    name = await service.create_inline("x")
    bare = {"state": "BATCH_STATE_CANCELLED", "error": None, "batchStats": None}
    odd = {"state": "BATCH_STATE_FAILED", "error": {"code": 9, "message": "No."}}
    service.emulator.script(name, bare, odd)
    first = await service.get(name)
    second = await service.get(name)

    assert first["done"] is True
    assert "error" not in first
    assert "batchStats" not in first["metadata"]
    assert second["error"] == {"code": 9, "message": "No."}


async def test_a_script_decides_whether_a_job_can_be_cancelled(
    service: Service, clock: ManualClock
) -> None:
    name = await service.create_inline("x")
    service.emulator.script(name, "BATCH_STATE_RUNNING")
    await service.get(name)
    clock.advance(3600)

    assert (await service.call("POST", f"/v1beta/{name}:cancel")).status == 200
    assert await _states(service, name, 1) == ["BATCH_STATE_RUNNING"]


async def test_a_script_wants_a_job_and_a_look(service: Service) -> None:
    with pytest.raises(KeyError):
        service.emulator.script("batches/nobody", "BATCH_STATE_RUNNING")
    with pytest.raises(ValueError, match="at least one look"):
        service.emulator.script("x")
