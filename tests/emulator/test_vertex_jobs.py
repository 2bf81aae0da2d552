"""The life of a Vertex job in the emulator, from create to delete."""

from typing import Any

import pytest

from gemini_batch.testing import Emulator, Fault, Limits, ManualClock
from tests.emulator.cloud import (
    BUCKET,
    IN,
    JOBS,
    OUT,
    PARENT,
    Cloud,
    keyed,
)
from tests.emulator.service import recorded, shape


async def test_a_finished_job_looks_like_the_recorded_one(
    cloud: Cloud, clock: ManualClock
) -> None:
    name = await cloud.create_from(
        keyed(["a", "b", "[emulator:error:4]"]), labels={"a": "b"}
    )
    pending = await cloud.get(name)
    clock.advance(4)
    running = await cloud.get(name)
    clock.advance(60)
    job = await cloud.get(name)

    sample = shape(recorded("vertex/get-succeeded-gcs.response.json"))
    more = {"labels": {"a": "str"}, "modelVersionId": "str"}
    stats = {"successfulCount": "str", "failedCount": "str"}
    assert shape(job) == {**sample, **more, "completionStats": stats}
    assert pending["state"] == "JOB_STATE_PENDING"
    assert "startTime" not in pending
    sample = shape(recorded("vertex/get-running.response.json"))
    assert shape(running) == {**sample, **more}
    assert running["completionStats"] == {"successfulCount": "1", "incompleteCount": "-1"}
    assert job["completionStats"] == {"successfulCount": "2", "failedCount": "1"}
    assert job["startTime"] == "2026-09-01T10:00:02.123456Z"
    assert job["endTime"] == "2026-09-01T10:00:06.123456Z"
    folder = job["outputInfo"]["gcsOutputDirectory"]
    assert folder == f"{OUT}/prediction-model-2026-09-01T10:00:01.829566Z"


async def test_inputs_are_read_when_the_job_starts(
    cloud: Cloud, emulator: Emulator, clock: ManualClock
) -> None:
    name = (await cloud.create()).json["name"]
    clock.advance(1)
    emulator.objects.put(IN, keyed(["a"]))
    clock.advance(2)
    path = f"/storage/v1/b/{BUCKET}/o/in%2Frows.jsonl"
    assert (await cloud.call("DELETE", path)).status == 204
    clock.advance(60)

    assert (await cloud.get(name))["completionStats"] == {"successfulCount": "1"}


async def test_output_is_there_although_nobody_looked(
    cloud: Cloud, emulator: Emulator, clock: ManualClock
) -> None:
    await cloud.create_from(keyed(["a"]))
    clock.advance(60)

    listed = await cloud.call("GET", f"/storage/v1/b/{BUCKET}/o?prefix=out%2F")

    assert [item["name"].rpartition("/")[2] for item in listed.json["items"]] == [
        "predictions.jsonl"
    ]


@pytest.mark.parametrize("data", [None, b"", b"\n\n"])
async def test_without_rows_a_job_fails(
    cloud: Cloud, emulator: Emulator, clock: ManualClock, data: bytes | None
) -> None:
    if data is not None:
        emulator.objects.put(IN, data)
    name = (await cloud.create()).json["name"]
    clock.advance(60)

    job = await cloud.get(name)

    sample = shape(recorded("vertex/get-failed.response.json"))
    assert shape(job) == {**sample, "startTime": "str", "modelVersionId": "str"}
    assert job["error"]["code"] == 3


@pytest.mark.parametrize(
    "members",
    [
        {
            "outputConfig": {
                "predictionsFormat": "jsonl",
                "gcsDestination": {"outputUriPrefix": "gs://nobody/out"},
            }
        },
        {
            "inputConfig": {
                "instancesFormat": "jsonl",
                "gcsSource": {"uris": ["gs://nobody/x.jsonl"]},
            }
        },
    ],
)
async def test_a_bucket_that_is_not_there_fails_the_job(
    cloud: Cloud, clock: ManualClock, members: dict[str, Any]
) -> None:
    name = await cloud.create_from(keyed(["a"]), **members)
    clock.advance(60)

    job = await cloud.get(name)

    assert job["state"] == "JOB_STATE_FAILED"
    assert "nobody" in job["error"]["message"]


async def test_a_part_that_cannot_be_read(
    cloud: Cloud, emulator: Emulator, clock: ManualClock
) -> None:
    emulator.objects.put(f"gs://{BUCKET}/in/a-1", keyed(["a"]))
    emulator.objects.put(f"gs://{BUCKET}/in/a-2", keyed(["b"]).rstrip(b"\n"))
    uris = [
        f"gs://{BUCKET}/in/a-*",
        f"gs://{BUCKET}/in/part-2.jsonl",
        f"gs://{BUCKET}/in/a-1",
    ]
    config = {"instancesFormat": "jsonl", "gcsSource": {"uris": uris}}
    name = (await cloud.create(inputConfig=config)).json["name"]
    clock.advance(60)

    job = await cloud.get(name)

    sample = recorded("vertex/get-partially-succeeded.response.json")
    assert job["state"] == sample["state"]
    assert shape(job["partialFailures"]) == shape(sample["partialFailures"])
    assert job["completionStats"] == {"successfulCount": "3"}


async def test_a_cancelled_job_keeps_what_was_done(
    cloud: Cloud, clock: ManualClock
) -> None:
    name = await cloud.create_from(keyed(map(str, range(500))))
    clock.advance(7)
    answers = [await cloud.call("POST", f"/v1/{name}:cancel", json={}) for _ in range(2)]
    cancelling = await cloud.get(name)
    clock.advance(1)
    job = await cloud.get(name)
    late = await cloud.call("POST", f"/v1/{name}:cancel")

    sample = shape(recorded("vertex/get-cancelled.response.json"))
    assert [answer.json for answer in answers] == [{}, {}]
    assert cancelling["state"] == "JOB_STATE_CANCELLING"
    assert shape(job) == {**sample, "startTime": "str", "modelVersionId": "str"}
    assert job["error"] == {"code": 1, "message": "CANCELED"}
    assert job["completionStats"] == {"successfulCount": "300", "incompleteCount": "200"}
    assert len(cloud.rows(job)) == 300
    assert late.json["error"]["status"] == "FAILED_PRECONDITION"


async def test_a_job_cancelled_before_it_started(cloud: Cloud, clock: ManualClock) -> None:
    name = await cloud.create_from(keyed(["a"]))
    await cloud.call("POST", f"/v1/{name}:cancel")
    before = await cloud.get(name)
    clock.advance(60)
    job = await cloud.get(name)

    assert before["state"] == "JOB_STATE_CANCELLING"
    assert job["state"] == "JOB_STATE_CANCELLED"
    assert not {"startTime", "outputInfo", "completionStats"} & job.keys()


async def test_jobs_expire(clock: ManualClock) -> None:
    import aiohttp

    queued, slow = Limits(pending=float("inf")), Limits(rows_per_second=1e-4)
    ends = []
    for limits in (queued, slow):
        async with (
            Emulator(clock=ManualClock(), limits=limits) as emulator,
            aiohttp.ClientSession() as session,
        ):
            cloud = Cloud(emulator, session)
            name = await cloud.create_from(keyed(map(str, range(100))))
            emulator.clock.advance(72 * 3600 - 1)  # type: ignore[attr-defined]
            before = (await cloud.get(name))["state"]
            emulator.clock.advance(1)  # type: ignore[attr-defined]
            ends.append((before, await cloud.get(name)))

    assert [before for before, _ in ends] == ["JOB_STATE_PENDING", "JOB_STATE_EXPIRED"]
    assert [job["state"] for _, job in ends] == ["JOB_STATE_EXPIRED"] * 2
    assert "outputInfo" not in ends[0][1]
    # A day after its start.
    assert ends[1][1]["endTime"] == "2026-09-02T10:00:02.123456Z"
    assert ends[1][1]["completionStats"] == {
        "successfulCount": "8",
        "incompleteCount": "92",
    }
    assert "outputInfo" in ends[1][1]


async def test_a_job_is_deleted_by_an_operation(cloud: Cloud, clock: ManualClock) -> None:
    name = await cloud.create_from(keyed(["a"]))
    early = await cloud.call("DELETE", f"/v1/{name}")
    clock.advance(60)
    job = await cloud.get(name)
    answer = await cloud.call("DELETE", f"/v1/{name}")
    operation = await cloud.call("GET", f"/v1/{answer.json['name']}")

    assert early.json["error"]["status"] == "FAILED_PRECONDITION"
    assert shape(answer.json) == shape(recorded("vertex/delete.response.json"))
    assert operation.json == answer.json
    for method, path in (("GET", name), ("DELETE", name), ("POST", f"{name}:cancel")):
        gone = await cloud.call(method, f"/v1/{path}")
        assert (gone.status, gone.json["error"]["status"]) == (404, "NOT_FOUND")
    assert len(cloud.rows(job)) == 1
    assert (await cloud.call("GET", f"{PARENT}/operations/1")).status == 404


async def test_an_operation_may_take_its_time(clock: ManualClock) -> None:
    import aiohttp

    async with (
        Emulator(clock=clock, limits=Limits(delete_delay=5)) as emulator,
        aiohttp.ClientSession() as session,
    ):
        cloud = Cloud(emulator, session)
        name = await cloud.create_from(keyed(["a"]))
        clock.advance(60)
        begun = await cloud.call("DELETE", f"/v1/{name}")
        clock.advance(5)
        done = await cloud.call("GET", f"/v1/{begun.json['name']}")

    assert not {"done", "response"} & begun.json.keys()
    assert done.json["done"] is True


async def test_a_scripted_course(
    cloud: Cloud, emulator: Emulator, clock: ManualClock
) -> None:
    emulator.objects.put(IN, keyed(["a", "b", "c"]))
    expired = {"state": "JOB_STATE_EXPIRED", "completionStats": None, "endTime": "x"}
    emulator.script("night*", "JOB_STATE_QUEUED", "JOB_STATE_PAUSED", expired)
    name = (await cloud.create(displayName="nightly")).json["name"]
    clock.advance(60)

    jobs = [await cloud.get(name) for _ in range(4)]

    states = [job["state"].removeprefix("JOB_STATE_") for job in jobs]
    assert states == ["QUEUED", "PAUSED", "EXPIRED", "EXPIRED"]
    assert "completionStats" not in jobs[2]
    assert jobs[2]["endTime"] == "x"
    assert len(cloud.rows(jobs[2])) == 2
    assert emulator.vertex_jobs[name].looks == 4


async def test_a_script_for_a_job_there_is(cloud: Cloud, emulator: Emulator) -> None:
    name = await cloud.create_from(keyed(["a"]))
    failed = {"state": "JOB_STATE_FAILED", "error": {"code": 9, "message": "No."}}
    emulator.script(name.replace("123456789012", "emulator-project"), failed)

    job = await cloud.get(name)

    assert job["error"]["message"] == "No."
    assert (await cloud.listed(filter="state=JOB_STATE_FAILED")) == ["test"]
    with pytest.raises(ValueError, match="at least one look"):
        emulator.script(name)
    with pytest.raises(KeyError):
        emulator.script("projects/x", "JOB_STATE_FAILED")


async def test_faults_change_what_is_shown(
    cloud: Cloud, emulator: Emulator, clock: ManualClock
) -> None:
    name = await cloud.create_from(keyed(["a"]))
    clock.advance(60)
    emulator.faults += [
        Fault.output_late(2),
        Fault(path="*/batchPredictionJobs/*", counts="missing"),
        Fault(path="*/batchPredictionJobs/*", counts="stale"),
        Fault(path="*/batchPredictionJobs/*", state="JOB_STATE_ODD"),
    ]
    jobs = [await cloud.get(name) for _ in range(6)]

    assert ["outputInfo" in job for job in jobs] == [False, False, True, True, False, True]
    assert "completionStats" not in jobs[2]
    assert jobs[3]["completionStats"] == {"incompleteCount": "-1"}
    assert jobs[4]["state"] == "JOB_STATE_ODD"
    assert "endTime" not in jobs[4]
    emulator.faults.append(Fault(path="*/batchPredictionJobs", empty_page=True))
    page = (await cloud.call("GET", JOBS)).json
    token = page.pop("nextPageToken").replace("=", "%3D")
    assert page == {}
    assert (await cloud.call("GET", f"{JOBS}?pageToken={token}")).json[
        "batchPredictionJobs"
    ] == [await cloud.get(name)]


async def test_a_fault_may_wait_for_a_state(
    cloud: Cloud, emulator: Emulator, clock: ManualClock
) -> None:
    name = await cloud.create_from(keyed(["a"]))
    emulator.faults.append(Fault(when="JOB_STATE_RUNNING", status=503))
    codes = []
    for seconds in (0, 3, 0):
        clock.advance(seconds)
        codes.append((await cloud.call("GET", f"/v1/{name}")).status)

    assert codes == [200, 503, 200]
