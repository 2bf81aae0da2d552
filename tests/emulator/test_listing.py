"""Lists of jobs."""

import pytest

from gemini_batch.testing import ManualClock
from tests.emulator.service import Service, recorded


async def test_no_page_size_no_jobs(service: Service) -> None:
    await service.create_inline("x")

    answer = await service.call("GET", "/v1beta/batches")

    assert answer.json == recorded("gemini/list-empty.response.json")


async def test_pages_are_newest_first_and_complete(service: Service) -> None:
    names = [await service.create_inline("x") for _ in range(7)]
    seen, token = [], ""
    for _ in range(4):
        query = {"pageSize": "2", **({"pageToken": token} if token else {})}
        page = (await service.call("GET", "/v1beta/batches", params=query)).json
        seen += [job["name"] for job in page["operations"]]
        token = page.get("nextPageToken", "")

    assert not token
    assert seen == names[::-1]


async def test_a_job_made_meanwhile_shifts_no_page(service: Service) -> None:
    names = [await service.create_inline("x") for _ in range(4)]
    first = (await service.call("GET", "/v1beta/batches?pageSize=2")).json
    await service.create_inline("later")
    query = {"page_size": "2", "page_token": first["nextPageToken"]}

    second = (await service.call("GET", "/v1beta/batches", params=query)).json

    listed = [job["name"] for job in first["operations"] + second["operations"]]
    assert listed == names[::-1]


async def test_elements_hide_inlined_results_and_show_files(
    service: Service, clock: ManualClock
) -> None:
    inline = await service.create_inline("x")
    from_file = await service.create_from(["x"])
    clock.advance(60)
    page = (await service.call("GET", "/v1beta/batches?pageSize=100")).json
    file_job, inline_job = page["operations"]

    assert [file_job["name"], inline_job["name"]] == [from_file, inline]
    assert inline_job["done"] is True
    assert "output" not in inline_job["metadata"]
    assert "response" not in inline_job
    assert file_job["metadata"]["output"]["responsesFile"].startswith("files/batch-")
    # Nobody has looked at the jobs yet: as at the service, their counts are stale.
    assert file_job["metadata"]["batchStats"] == {
        "requestCount": "1",
        "pendingRequestCount": "1",
    }


async def test_listing_does_not_move_a_script_on(service: Service) -> None:
    name = await service.create_inline("x")
    service.emulator.script(name, "BATCH_STATE_RUNNING", "BATCH_STATE_FAILED")
    await service.get(name)

    page = (await service.call("GET", "/v1beta/batches?pageSize=1")).json

    assert page["operations"][0]["metadata"]["state"] == "BATCH_STATE_RUNNING"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("pageSize=-1", 400),
        ("pageSize=many", 400),
        ("pageSize=1&pageToken=x", 400),
        ("pageSize=1&filter=state%3DRUNNING", 400),
        ("pageSize=1&returnPartialSuccess=true", 501),
        ("pageSize=1&page=2", 400),
        ("pageSize=1000", 200),
    ],
)
async def test_odd_queries(service: Service, query: str, status: int) -> None:
    answer = await service.call("GET", f"/v1beta/batches?{query}")

    assert answer.status == status


async def test_a_token_of_another_list_is_refused(service: Service) -> None:
    for _ in range(11):
        await service.upload(b"x")
    token = (await service.call("GET", "/v1beta/files")).json["nextPageToken"]

    query = {"pageSize": "1", "pageToken": token}
    answer = await service.call("GET", "/v1beta/batches", params=query)

    assert answer.status == 400


async def test_at_most_a_hundred_come_at_once(service: Service, clock: ManualClock) -> None:
    for _ in range(101):
        await service.create_inline("x")
        clock.advance(60)

    page = (await service.call("GET", "/v1beta/batches?pageSize=1000")).json

    assert len(page["operations"]) == 100
    assert page["nextPageToken"]
