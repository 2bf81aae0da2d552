"""The life of a job, from create to results, against what was recorded."""

import json

import aiohttp
import pytest

from gemini_batch.testing import Emulator, Limits, ManualClock
from tests.emulator.service import RECORDED, Service, jsonl, recorded, shape

EMBED = {"model": "models/gemini-embedding-2", "method": "asyncBatchEmbedContent"}


async def test_a_created_inline_job_looks_like_the_recorded_one(service: Service) -> None:
    batch = recorded("gemini/create-inline.request.json")["batch"]
    sample = recorded("gemini/create-inline.response.json")

    answer = await service.create(batch)

    assert answer.status == 200
    assert shape(answer.json) == shape(sample)
    metadata = answer.json["metadata"]
    assert metadata["@type"] == sample["metadata"]["@type"]
    assert metadata["batchStats"] == {"requestCount": "2", "pendingRequestCount": "2"}
    assert metadata["state"] == "BATCH_STATE_PENDING"
    assert metadata["name"] == answer.json["name"]
    assert answer.headers["Content-Type"].lower() == "application/json; charset=utf-8"
    assert len(answer.json["name"]) == len("batches/") + 36
    assert (
        metadata["createTime"] == "2026-09-01T10:00:00.123456" + metadata["createTime"][26:]
    )
    assert len(metadata["createTime"]) == len(sample["metadata"]["createTime"])


async def test_a_finished_inline_job_looks_like_the_recorded_one(
    service: Service, clock: ManualClock
) -> None:
    batch = recorded("gemini/create-inline.request.json")["batch"]
    name = (await service.create(batch)).json["name"]
    clock.advance(60)

    job = await service.get(name)

    assert shape(job) == shape(recorded("gemini/get-succeeded-inline.response.json"))
    responses = job["response"]["inlinedResponses"]["inlinedResponses"]
    assert responses == job["metadata"]["output"]["inlinedResponses"]["inlinedResponses"]
    assert [row["metadata"] for row in responses] == [
        {"custom_id": "0"},
        {"custom_id": "1"},
    ]
    assert responses[0]["response"]["usageMetadata"]["serviceTier"] == "standard"


async def test_a_file_job_looks_like_the_recorded_one(
    service: Service, clock: ManualClock
) -> None:
    file = await service.upload(jsonl(["a", "b", "c", "d"]))
    batch = {"displayName": "nightly", "inputConfig": {"fileName": file["name"]}}
    created = (await service.create(batch)).json
    clock.advance(60)
    job = await service.get(created["name"])

    assert shape(created) == shape(recorded("gemini/create-file.response.json"))
    assert shape(job) == shape(recorded("gemini/get-succeeded-file.response.json"))
    result = job["name"].replace("batches/", "files/batch-")
    assert job["response"]["responsesFile"] == result
    assert job["metadata"]["output"] == {"responsesFile": result}
    assert job["metadata"]["inputConfig"] == {"fileName": file["name"]}


@pytest.mark.parametrize(
    "sample",
    ["create-inline", "create-inline-full-options", "create-file"],
)
async def test_recorded_creates_are_accepted(service: Service, sample: str) -> None:
    await service.upload(jsonl(["a"]), name="files/9ipl31k7go00")

    answer = await service.create(recorded(f"gemini/{sample}.request.json")["batch"])

    assert answer.status == 200, answer.body


@pytest.mark.parametrize("sample", ["embed-create-inline", "embed-create-file"])
async def test_recorded_embedding_creates_are_accepted(
    service: Service, sample: str
) -> None:
    rows = (RECORDED / "jsonl/embed-input.jsonl").read_bytes()
    await service.upload(rows, name="files/t5snrshrqff1")
    batch = recorded(f"gemini/{sample}.request.json")["batch"]

    answer = await service.create(batch, **EMBED)

    assert answer.status == 200, answer.body
    assert answer.json["metadata"]["@type"].endswith(".EmbedContentBatch")


@pytest.mark.parametrize("sample", ["generate-input.jsonl", "generate-input-options.jsonl"])
async def test_recorded_input_files_are_accepted(
    service: Service, clock: ManualClock, sample: str
) -> None:
    data = (RECORDED / "jsonl" / sample).read_bytes()
    file = await service.upload(data)
    answer = await service.create({"inputConfig": {"fileName": file["name"]}})
    assert answer.status == 200, answer.body
    clock.advance(60)

    job = await service.get(answer.json["name"])

    rows = [json.loads(line) for line in data.splitlines()]
    assert job["metadata"]["batchStats"]["successfulRequestCount"] == str(len(rows))
    lines = (await service.download(job["response"]["responsesFile"])).body.splitlines()
    results = [json.loads(line) for line in lines]
    assert [row["key"] for row in results] == [row["key"] for row in rows]
    assert all(row.keys() == {"key", "response"} for row in results)
    usage = results[0]["response"]["usageMetadata"]
    assert usage["serviceTier"] == "SERVICE_TIER_STANDARD"


async def test_inline_embeddings_look_like_the_recorded_ones(
    service: Service, clock: ManualClock
) -> None:
    batch = recorded("gemini/embed-create-inline.request.json")["batch"]
    name = (await service.create(batch, **EMBED)).json["name"]
    clock.advance(60)

    job = await service.get(name)

    sample = recorded("gemini/get-embed-succeeded-inline.response.json")
    assert job["response"]["@type"] == sample["response"]["@type"]
    assert shape(job["response"]) == shape(sample["response"])
    first = job["response"]["inlinedResponses"]["inlinedResponses"][0]
    assert len(first["response"]["embedding"]["values"]) == 768
    assert first["metadata"] == {"key": "sha256:aaa"}


async def test_embedding_files_look_like_the_recorded_ones(
    service: Service, clock: ManualClock
) -> None:
    file = await service.upload((RECORDED / "jsonl/embed-input.jsonl").read_bytes())
    batch = {"inputConfig": {"fileName": file["name"]}}
    old = await service.create(
        batch, model="models/gemini-embedding-001", method="asyncBatchEmbedContent"
    )
    new = await service.create(batch, **EMBED)
    clock.advance(60)
    jobs = [await service.get(answer.json["name"]) for answer in (old, new)]
    files = [await service.download(job["response"]["responsesFile"]) for job in jobs]

    assert jobs[0]["response"]["@type"].endswith(".EmbedContentBatchOutput")
    for answer, sample in zip(files, ("2025", "2026"), strict=True):
        line = (RECORDED / f"jsonl/embed-output-{sample}.jsonl").read_text().splitlines()[0]
        row = json.loads(answer.body.splitlines()[0])
        recorded_row = json.loads(line)
        assert row.keys() == recorded_row.keys()
        assert row["response"].keys() == recorded_row["response"].keys()
        assert len(row["response"]["embedding"]["values"]) == 3


async def test_counters_lag_behind(service: Service, clock: ManualClock) -> None:
    name = await service.create_from(f"prompt {index}" for index in range(1000))
    seen = []
    for _ in range(24):
        job = await service.get(name)
        seen.append(int(job["metadata"]["batchStats"].get("successfulRequestCount", "0")))
        clock.advance(1)

    # 2 s pending, then 50 requests a second, shown every 5 s.
    assert seen[:7] == [0] * 7
    assert seen[7:12] == [250] * 5
    assert seen[12:17] == [500] * 5
    assert seen[-1] == 1000
    assert job["metadata"]["state"] == "BATCH_STATE_SUCCEEDED"


async def test_errors_are_counted_and_stand_in_their_rows(
    service: Service, clock: ManualClock
) -> None:
    prompts = ["fine", "bad [emulator:error:13]", "late [emulator:error:4]", "fine"]
    name = await service.create_from(prompts)
    clock.advance(60)

    job = await service.get(name)

    assert job["metadata"]["batchStats"] == {
        "requestCount": "4",
        "successfulRequestCount": "2",
        "failedRequestCount": "2",
    }
    lines = (await service.download(job["response"]["responsesFile"])).body.splitlines()
    errors = [json.loads(line).get("error", {}).get("code") for line in lines]
    assert errors == [None, 13, 4, None]


async def test_a_request_the_model_cannot_do_fails_as_a_row(
    service: Service, clock: ManualClock
) -> None:
    request = {
        "contents": [{"parts": [{"text": "x"}]}],
        "generationConfig": {"temperature": 9},
    }
    config = {"requests": {"requests": [{"request": request}]}}
    name = (await service.create({"inputConfig": config})).json["name"]
    clock.advance(60)

    job = await service.get(name)

    assert job["response"]["inlinedResponses"]["inlinedResponses"] == [
        {"error": {"code": 3, "message": "Request contains an invalid argument."}}
    ]
    assert job["metadata"]["state"] == "BATCH_STATE_SUCCEEDED"


async def test_priority_and_webhook_are_echoed(service: Service) -> None:
    hook = {"uris": ["https://hooks.example.com/g"], "userMetadata": {"a_b": [1, None]}}
    name = await service.create_inline("x", priority="-3", webhookConfig=hook)

    metadata = (await service.get(name))["metadata"]

    assert metadata["priority"] == "-3"
    assert metadata["webhookConfig"] == hook


async def test_metadata_of_a_row_comes_back_untouched(
    service: Service, clock: ManualClock
) -> None:
    metadata = {"snake_case": {"deep_er": [1, None, True]}, "key": "k"}
    row = {"request": {"contents": [{"parts": [{"text": "x"}]}]}, "metadata": metadata}
    config = {"requests": {"requests": [row]}}
    name = (await service.create({"input_config": config})).json["name"]
    clock.advance(60)

    job = await service.get(name)

    assert (
        job["response"]["inlinedResponses"]["inlinedResponses"][0]["metadata"] == metadata
    )


async def test_a_job_that_cannot_end_expires(clock: ManualClock) -> None:
    limits = Limits(pending=float("inf"))
    async with (
        Emulator(clock=clock, limits=limits) as emulator,
        aiohttp.ClientSession() as session,
    ):
        service = Service(emulator, session)
        name = await service.create_from(["a", "b", "c", "d"], displayName="sample")
        clock.advance(48 * 3600 - 1)
        before = await service.get(name)
        clock.advance(1)
        job = await service.get(name)

    assert before["metadata"]["state"] == "BATCH_STATE_PENDING"
    assert shape(job) == shape(recorded("gemini/get-expired.response.json"))
    assert job["metadata"]["state"] == "BATCH_STATE_EXPIRED"


async def test_a_job_can_be_inspected(service: Service, clock: ManualClock) -> None:
    name = await service.create_inline("a", "b")
    job = service.emulator.jobs[name]

    await service.get(name)
    clock.advance(3)

    assert job.state == "BATCH_STATE_RUNNING"
    assert (job.row_count, job.looks, job.display_name) == (2, 1, "test")
    assert "model='models/gemini-2.5-flash'" in repr(job)
