"""The Files API beside uploads."""

import hashlib

import aiohttp
import pytest

from gemini_batch.testing import Emulator, Fault, Limits, ManualClock
from tests.emulator.service import Service, recorded

DAY = 86_400


async def _result_file(service: Service, clock: ManualClock) -> str:
    name = await service.create_from(["one", "two", "three"])
    clock.advance(60)
    return str((await service.get(name))["response"]["responsesFile"])


async def test_get_returns_the_bare_file(service: Service) -> None:
    file = await service.upload(b"abc")

    answer = await service.call("GET", f"/v1beta/{file['name']}")

    assert answer.json == file
    assert file.keys() == recorded("files/get-active.response.json").keys()


async def test_list_is_empty_without_files(service: Service) -> None:
    answer = await service.call("GET", "/v1beta/files")

    assert answer.json == recorded("files/list-empty.response.json")


async def test_list_goes_page_by_page_newest_first(service: Service) -> None:
    names = [(await service.upload(b"x"))["name"] for _ in range(23)]
    seen: list[str] = []
    sizes = []
    token = ""
    while True:
        query = {"pageToken": token} if token else {}
        page = (await service.call("GET", "/v1beta/files", params=query)).json
        sizes.append(len(page["files"]))
        seen += [file["name"] for file in page["files"]]
        token = page.get("nextPageToken", "")
        if not token:
            break

    assert sizes == [10, 10, 3]
    assert seen == names[::-1]


async def test_a_foreign_page_token_is_refused(service: Service) -> None:
    for token in ("nonsense", "Cg1iYXRjaGVzL2FiYzEyMw", "////"):
        answer = await service.call("GET", "/v1beta/files", params={"pageToken": token})
        assert answer.status == 400


async def test_a_deleted_file_is_gone(service: Service) -> None:
    name = (await service.upload(b"x"))["name"]

    answer = await service.call("DELETE", f"/v1beta/{name}")
    again = await service.call("DELETE", f"/v1beta/{name}")

    assert answer.json == recorded("files/delete.response.json")
    assert again.status == 403
    assert not service.emulator.files


async def test_an_unknown_file_looks_forbidden(service: Service) -> None:
    answer = await service.call("GET", "/v1beta/files/nobody")

    assert answer.status == 403
    assert answer.json["error"]["status"] == "PERMISSION_DENIED"
    assert answer.message == (
        "You do not have permission to access the File nobody or it may not exist."
    )


async def test_an_upload_expires_after_two_days(
    service: Service, clock: ManualClock
) -> None:
    name = (await service.upload(b"x"))["name"]
    clock.advance(2 * DAY - 1)
    assert (await service.call("GET", f"/v1beta/{name}")).status == 200

    clock.advance(1)

    assert (await service.call("GET", f"/v1beta/{name}")).status == 403
    assert (await service.call("GET", "/v1beta/files")).json == {}
    created = await service.create({"inputConfig": {"fileName": name}})
    assert created.status == 403


@pytest.mark.parametrize("prefix", ["/download/v1beta", "/v1beta", "/v1", "/download/v1"])
async def test_a_result_file_downloads_from_either_path(
    service: Service, clock: ManualClock, prefix: str
) -> None:
    name = await _result_file(service, clock)

    answer = await service.call("GET", f"{prefix}/{name}:download?alt=media")

    assert answer.status == 200
    assert len(answer.body.splitlines()) == 3
    stored = service.emulator.files[name]
    assert stored.sha256 == hashlib.sha256(answer.body).hexdigest()
    assert stored.size == len(answer.body)


async def test_a_result_file_is_there_before_anybody_looked_at_the_job(
    service: Service, clock: ManualClock
) -> None:
    name = await service.create_from(["one"])
    result = service.emulator.jobs[name].result_file
    assert (await service.download(result)).status == 403

    clock.advance(60)

    assert (await service.download(result)).status == 200


async def test_the_ids_of_result_files_are_too_long_for_the_files_api(
    service: Service, clock: ManualClock
) -> None:
    name = await _result_file(service, clock)
    assert len(name.removeprefix("files/")) == 42

    got = await service.call("GET", f"/v1beta/{name}")
    deleted = await service.call("DELETE", f"/v1beta/{name}")

    assert got.json == recorded("errors/400-file-id-too-long-get.json")
    assert deleted.json == recorded("errors/400-file-id-too-long-delete.json")


async def test_newer_services_describe_result_files(clock: ManualClock) -> None:
    limits = Limits(long_file_ids=True)
    async with (
        Emulator(clock=clock, limits=limits) as emulator,
        aiohttp.ClientSession() as session,
    ):
        service = Service(emulator, session)
        name = await _result_file(service, clock)

        answer = await service.call("GET", f"/v1beta/{name}")

    sample = recorded("files/get-generated-batch-output.response.json")
    assert answer.json.keys() == sample.keys()
    assert answer.json["source"] == "GENERATED"


async def test_result_files_are_not_listed(service: Service, clock: ManualClock) -> None:
    await _result_file(service, clock)

    page = (await service.call("GET", "/v1beta/files")).json

    assert [file["source"] for file in page["files"]] == ["UPLOADED"]


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=10-", 10, None),
        ("bytes=0-4", 0, 5),
        ("bytes=5-5", 5, 6),
        ("bytes=-7", -7, None),
    ],
)
async def test_a_range_is_honoured(
    service: Service, clock: ManualClock, asked: str, start: int, stop: int | None
) -> None:
    name = await _result_file(service, clock)
    whole = (await service.download(name)).body

    answer = await service.download(name, Range=asked)

    assert answer.status == 206
    assert answer.body == whole[start:stop]
    first = start % len(whole)
    last = first + len(answer.body) - 1
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"


async def test_a_range_past_the_end_is_refused(
    service: Service, clock: ManualClock
) -> None:
    name = await _result_file(service, clock)
    size = service.emulator.files[name].size

    answer = await service.download(name, Range=f"bytes={size}-")

    assert answer.status == 416
    assert answer.headers["Content-Range"] == f"bytes */{size}"


async def test_a_fault_makes_the_service_deaf_to_ranges(
    service: Service, clock: ManualClock
) -> None:
    name = await _result_file(service, clock)
    whole = (await service.download(name)).body
    service.emulator.faults.append(Fault(path="*:download", ignore_range=True))

    answer = await service.download(name, Range="bytes=10-")

    assert answer.status == 200
    assert answer.body == whole
    assert "Content-Length" not in answer.headers


@pytest.mark.parametrize("limit", [0, 1, 100])
async def test_a_download_can_break_off(
    service: Service, clock: ManualClock, limit: int
) -> None:
    name = await _result_file(service, clock)
    whole = (await service.download(name)).body
    service.emulator.faults.append(Fault(path="*:download", truncate_after=limit))

    received = bytearray()
    path = f"/download/v1beta/{name}:download?alt=media"
    with pytest.raises(aiohttp.ClientPayloadError):
        await service.receive(path, received)

    assert received == whole[:limit]


async def test_an_uploaded_file_cannot_be_downloaded(service: Service) -> None:
    name = (await service.upload(b"x"))["name"]

    answer = await service.download(name)

    assert answer.status == 400
    assert "only generated files" in answer.message


async def test_a_download_wants_alt_media(service: Service, clock: ManualClock) -> None:
    name = await _result_file(service, clock)

    answer = await service.call("GET", f"/v1beta/{name}:download")

    assert answer.status == 400


async def test_a_job_keeps_its_input_when_the_file_is_deleted(
    service: Service, clock: ManualClock
) -> None:
    name = await service.create_from(["one", "two"])
    source = service.emulator.jobs[name].file_name
    await service.call("DELETE", f"/v1beta/{source}")
    clock.advance(60)

    job = await service.get(name)

    assert job["metadata"]["state"] == "BATCH_STATE_SUCCEEDED"
    assert job["metadata"]["batchStats"] == {
        "requestCount": "2",
        "successfulRequestCount": "2",
    }
