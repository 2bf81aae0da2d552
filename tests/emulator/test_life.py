"""How jobs and files end, and what is too much at a time."""

import json
from typing import Any

import aiohttp
import pytest

from gemini_batch.testing import Emulator, Limits, ManualClock, SpeedClock
from tests.emulator.service import Answer, Service, jsonl, recorded, request_of, shape

HOUR = 3600.0


def _emulator(clock: ManualClock, **limits: Any) -> Emulator:
    return Emulator(clock=clock, limits=Limits(**limits))


async def _stats(service: Service, name: str) -> dict[str, str]:
    stats = (await service.get(name))["metadata"]["batchStats"]
    assert isinstance(stats, dict)
    return stats


async def test_every_row_may_fail(service: Service, clock: ManualClock) -> None:
    sample = recorded("gemini/get-succeeded-all-rows-failed.response.json")
    name = await service.create_from(["[emulator:error:3]"] * 2, displayName="x")
    clock.advance(60)

    job = await service.get(name)

    assert job["metadata"]["state"] == sample["metadata"]["state"]
    assert job["metadata"]["batchStats"].keys() == sample["metadata"]["batchStats"].keys()
    assert job["metadata"]["batchStats"]["failedRequestCount"] == "2"
    assert "error" not in job
    rows = (await service.download(job["response"]["responsesFile"])).body.splitlines()
    assert [json.loads(row)["error"]["code"] for row in rows] == [3, 3]


@pytest.mark.parametrize("source", ["file", "inline"])
async def test_cancelled_without_output(clock: ManualClock, source: str) -> None:
    async with (
        _emulator(clock, rows_per_second=1, lag=0) as emulator,
        aiohttp.ClientSession() as session,
    ):
        service = Service(emulator, session)
        prompts = [f"p{n}" for n in range(10)]
        if source == "file":
            name = await service.create_from(prompts)
        else:
            name = await service.create_inline(*prompts)
        clock.advance(5)
        await service.call("POST", f"/v1beta/{name}:cancel")
        clock.advance(60)
        job = await service.get(name)

    assert job["metadata"]["state"] == "BATCH_STATE_CANCELLED"
    assert job["error"] == {"code": 1, "message": "The operation was cancelled."}
    assert "response" not in job
    assert "output" not in job["metadata"]


async def test_cancelled_with_the_output_of_what_was_done(clock: ManualClock) -> None:
    async with (
        _emulator(clock, rows_per_second=1, lag=0, partial_output=True) as emulator,
        aiohttp.ClientSession() as session,
    ):
        service = Service(emulator, session)
        prompts = [f"p{n}" for n in range(10)]
        from_file = await service.create_from(prompts)
        inline = await service.create_inline(*prompts)
        never = await service.create_from(prompts)
        await service.call("POST", f"/v1beta/{never}:cancel")
        clock.advance(5)
        for name in (from_file, inline):
            await service.call("POST", f"/v1beta/{name}:cancel")
        clock.advance(60)
        jobs = [await service.get(name) for name in (from_file, inline, never)]
        output = jobs[0]["metadata"]["output"]["responsesFile"]
        rows = (await service.download(output)).body.splitlines()
        listed = await service.call("GET", "/v1beta/batches?pageSize=9")

    assert [job["metadata"]["state"] for job in jobs] == ["BATCH_STATE_CANCELLED"] * 3
    # An operation has an error or a response, never both.
    assert all("response" not in job and job["error"]["code"] == 1 for job in jobs)
    assert [json.loads(row)["key"] for row in rows] == [f"row-{n}" for n in range(4)]
    stats = jobs[0]["metadata"]["batchStats"]
    assert (stats["successfulRequestCount"], stats["pendingRequestCount"]) == ("4", "6")
    inlined = jobs[1]["metadata"]["output"]["inlinedResponses"]["inlinedResponses"]
    assert [row["metadata"]["key"] for row in inlined] == [f"row-{n}" for n in range(4)]
    assert "output" not in jobs[2]["metadata"]
    shown = [job["metadata"].get("output") for job in listed.json["operations"]]
    assert shown == [None, None, {"responsesFile": output}]


async def test_a_job_that_is_too_slow_expires_without_results(clock: ManualClock) -> None:
    async with (
        _emulator(clock, rows_per_second=1e-5) as emulator,
        aiohttp.ClientSession() as session,
    ):
        service = Service(emulator, session)
        name = await service.create_from(["a", "b", "c"])
        clock.advance(47.9 * HOUR)
        running = await service.get(name)
        clock.advance(0.2 * HOUR)
        job = await service.get(name)
        file = await service.download(emulator.jobs[name].result_file)
        late = await service.call("POST", f"/v1beta/{name}:cancel")

    assert running["metadata"]["state"] == "BATCH_STATE_RUNNING"
    assert running["metadata"]["batchStats"]["successfulRequestCount"] == "1"
    assert shape(job) == shape(
        {
            **recorded("gemini/get-expired.response.json"),
            "metadata": {
                **recorded("gemini/get-expired.response.json")["metadata"],
                "batchStats": job["metadata"]["batchStats"],
            },
        }
    )
    assert job["metadata"]["state"] == "BATCH_STATE_EXPIRED"
    assert "response" not in job
    assert "output" not in job["metadata"]
    assert file.status == 403
    assert late.status == 400


async def test_a_job_outlives_its_input_file(clock: ManualClock) -> None:
    async with (
        _emulator(clock, pending=10 * HOUR) as emulator,
        aiohttp.ClientSession() as session,
    ):
        service = Service(emulator, session)
        file = await service.upload(jsonl(["a"]))
        clock.advance(47 * HOUR)
        created = await service.create({"inputConfig": {"fileName": file["name"]}})
        clock.advance(2 * HOUR)
        gone = await service.call("GET", f"/v1beta/{file['name']}")
        clock.advance(10 * HOUR)
        job = await service.get(created.json["name"])
        rows = (await service.download(job["response"]["responsesFile"])).body.splitlines()

    assert gone.status == 403
    assert len(rows) == 1


async def test_counts_move_with_the_rows(clock: ManualClock) -> None:
    async with (
        _emulator(clock, rows_per_second=1, lag=3, pending=0) as emulator,
        aiohttp.ClientSession() as session,
    ):
        service = Service(emulator, session)
        name = await service.create_inline(*["a", "[emulator:error:13]"] * 5)
        seen = []
        for _ in range(11):
            stats = await _stats(service, name)
            seen.append(
                tuple(
                    int(stats.get(f"{kind}RequestCount", "0"))
                    for kind in ("successful", "failed", "pending")
                )
            )
            clock.advance(1)

    assert [sum(counts) for counts in seen] == [10] * 11
    assert seen == [
        *[(0, 0, 10)] * 3,
        *[(2, 1, 7)] * 3,
        *[(3, 3, 4)] * 3,
        (5, 4, 1),
        (5, 5, 0),
    ]


# Quotas


async def _create(service: Service, *prompts: str, **options: Any) -> Answer:
    rows = [{"request": request_of(prompt)} for prompt in prompts]
    return await service.create(
        {"inputConfig": {"requests": {"requests": rows}}}, **options
    )


@pytest.mark.parametrize("ending", ["success", "cancel", "delete"])
async def test_tokens_are_given_back_at_the_end(clock: ManualClock, ending: str) -> None:
    # Four characters are a token.
    async with (
        _emulator(clock, enqueued_tokens=10) as emulator,
        aiohttp.ClientSession() as session,
    ):
        service = Service(emulator, session)
        first = await _create(service, "x" * 16, "x" * 8)
        name = first.json["name"]
        refused = await _create(service, "x" * 20)
        small = await _create(service, "x" * 16)
        other = await _create(service, "x" * 40, model="models/gemini-2.5-pro")
        if ending == "success":
            clock.advance(60)
        elif ending == "cancel":
            await service.call("POST", f"/v1beta/{name}:cancel")
            early = await _create(service, "x" * 20)
            assert early.status == 429
            clock.advance(1)
        else:
            await service.call("DELETE", f"/v1beta/{name}")
        again = await _create(service, "x" * 20)

    assert [answer.status for answer in (first, refused, small, other, again)] == [
        200,
        429,
        200,
        200,
        200,
    ]
    assert refused.json == recorded("errors/429-help-only.json")


async def test_tokens_of_files_and_embeddings_count(clock: ManualClock) -> None:
    limits = {"gemini-2.5-flash": 3, "gemini-embedding-001": 2}
    async with (
        _emulator(clock, enqueued_tokens=limits) as emulator,
        aiohttp.ClientSession() as session,
    ):
        service = Service(emulator, session)
        file = await service.upload(jsonl(["x" * 8, "x" * 8]))
        batch = {"inputConfig": {"fileName": file["name"]}}
        refused = await service.create(batch)
        elsewhere = await service.create(batch, model="models/gemini-2.5-pro")
        embed = {
            "model": "models/gemini-embedding-001",
            "method": "asyncBatchEmbedContent",
        }
        rows = [{"request": {"content": {"parts": [{"text": "x" * 8}]}}}]
        config = {"inputConfig": {"requests": {"requests": rows}}}
        embeddings = [await service.create(config, **embed) for _ in range(2)]

    assert refused.status == 429
    assert elsewhere.status == 200
    assert emulator.jobs[elsewhere.json["name"]].tokens == 4
    assert [answer.status for answer in embeddings] == [200, 429]


@pytest.mark.parametrize("bound", [{"max_open_jobs": 0}, {"enqueued_tokens": 0}])
async def test_a_quota_may_answer_in_the_other_recorded_form(
    clock: ManualClock, bound: dict[str, int]
) -> None:
    async with (
        _emulator(clock, quota_answer="retry_info", **bound) as emulator,
        aiohttp.ClientSession() as session,
    ):
        answer = await _create(Service(emulator, session), "x")

    sample = recorded("errors/429-quota-failure-retry-info.json")
    assert answer.status == 429
    assert shape(answer.json) == shape(sample)
    assert answer.message == sample["error"]["message"]
    told = [detail["@type"] for detail in answer.json["error"]["details"]]
    assert told == [detail["@type"] for detail in sample["error"]["details"]]
    assert answer.json["error"]["details"][1] == sample["error"]["details"][1]


async def test_a_refused_job_leaves_nothing_behind(
    service: Service, emulator: Emulator
) -> None:
    before = set(emulator._store.new_path().parent.iterdir())

    await service.create({"inputConfig": {"requests": {"requests": [{}]}}})
    file = await service.upload(b"{}\n")
    await service.create({"inputConfig": {"fileName": file["name"]}})

    after = set(emulator._store.new_path().parent.iterdir())
    assert len(after - before) == 1


# Clocks


def test_real_time_is_not_made_faster() -> None:
    clock = SpeedClock(1)
    first = clock.now()

    assert (clock.now() - first).total_seconds() < 1
    clock.advance(3600)
    assert 3600 <= (clock.now() - first).total_seconds() < 3601
