"""The rows of Vertex jobs, in and out."""

import json
from typing import Any

import pytest

from gemini_batch.testing import Emulator, Fault, ManualClock
from tests.emulator.cloud import (
    EMBEDDER,
    IN,
    Cloud,
    keyed,
    lines_of,
)
from tests.emulator.service import RECORDED, request_of, shape


@pytest.mark.parametrize("rows", [1, 7])
async def test_members_of_rows_come_back(
    cloud: Cloud, clock: ManualClock, rows: int
) -> None:
    sent = [
        {
            "key": f"k{n}",
            "custom_id": n,
            "meta": {"a_b": [None]},
            "request": request_of("x"),
        }
        for n in range(rows)
    ]
    name = await cloud.create_from(lines_of(sent))
    clock.advance(60)

    found = cloud.rows(await cloud.get(name))

    by_key = {row["key"]: row for row in found}
    sample = json.loads((RECORDED / "vertex/output-generate.jsonl").read_text())
    assert [
        {m: by_key[f"k{n}"][m] for m in ("key", "custom_id", "meta", "request")}
        for n in range(rows)
    ] == sent
    assert all(row["status"] == "" for row in found)
    assert {*sample} <= found[0].keys()
    assert found[0]["processed_time"] == "2026-09-01T10:00:06.123+00:00"
    assert found[0]["response"]["modelVersion"] == "gemini-2.5-flash@default"
    assert rows == 1 or [row["key"] for row in found] != [row["key"] for row in sent]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "cannot be read"),
        (b"\xff", "cannot be read"),
        (b"[]", "no JSON object"),
        (b'{"key":"a"}', "has no 'request'"),
        (b'{"key":"a","request":{"contents":[]}}', "contents is not specified"),
        (b'{"request":{"content":{}}}', 'Unknown name \\"content\\"'),
        (lines_of([{"request": request_of("x", store=True)}]), "store"),
        (
            lines_of([{"request": request_of("x", cachedContent="cachedContents/a")}]),
            "Explicit caching",
        ),
        (
            lines_of([{"request": request_of("x", generationConfig={"temperature": 9})}]),
            "invalid argument",
        ),
        (
            lines_of(
                [
                    {
                        "request": {
                            "contents": [{"parts": [{"fileData": {"fileUri": "files/x"}}]}]
                        }
                    }
                ]
            ),
            "Unsupported file URI",
        ),
        (
            lines_of([{"request": request_of("[emulator:error:1]")}]),
            "Client Closed Request",
        ),
        (lines_of([{"request": request_of("[emulator:error:14]")}]), "Service Unavailable"),
    ],
)
async def test_rows_that_fail(
    cloud: Cloud, clock: ManualClock, line: bytes, message: str
) -> None:
    name = await cloud.create_from(keyed(["fine"]) + line)
    clock.advance(60)

    job = await cloud.get(name)

    [failed] = [row for row in cloud.rows(job) if row["status"]]
    assert job["state"] == "JOB_STATE_SUCCEEDED"
    assert job["completionStats"] == {"successfulCount": "1", "failedCount": "1"}
    assert message in failed["status"]
    phrase, _, detail = failed["status"].partition(": ")
    assert json.loads(detail)["error"].keys() == {"code", "message", "status"}
    assert phrase
    assert failed.get("response", {}) == {}


async def test_what_only_vertex_takes_in_a_row(cloud: Cloud, clock: ManualClock) -> None:
    sample = (RECORDED / "vertex/input-generate.jsonl").read_bytes()
    labelled = lines_of(
        [{"request": request_of("x", labels={"key": "1"}, generationConfig={"seed": 1})}]
    )
    name = await cloud.create_from(
        sample + labelled + (RECORDED / "vertex/input-generate-keyed.jsonl").read_bytes()
    )
    clock.advance(60)

    job = await cloud.get(name)

    assert job["completionStats"] == {"successfulCount": "3"}
    assert any(row["request"].get("labels") == {"key": "1"} for row in cloud.rows(job))


async def test_blocked_prompts_are_no_failures(cloud: Cloud, clock: ManualClock) -> None:
    name = await cloud.create_from(keyed(["[emulator:block]"]))
    clock.advance(60)

    job = await cloud.get(name)
    [row] = cloud.rows(job)

    assert job["completionStats"] == {"successfulCount": "1"}
    assert row["response"]["promptFeedback"]["blockReason"] == "PROHIBITED_CONTENT"
    assert row["status"] == ""


async def test_a_function_may_play_the_model(
    cloud: Cloud, emulator: Emulator, clock: ManualClock
) -> None:
    def player(request: dict[str, Any], model: str) -> str:
        return f"{model}: {request['contents'][0]['parts'][0]['text']}"

    emulator.answers(player)
    name = await cloud.create_from(keyed(["hello"]))
    clock.advance(60)

    [row] = cloud.rows(await cloud.get(name))

    part = row["response"]["candidates"][0]["content"]["parts"][0]
    assert part["text"] == "gemini-2.5-flash: hello"


@pytest.mark.parametrize("model", ["gemini-embedding-001", "gemini-embedding-2"])
async def test_embeddings_look_like_the_recorded_ones(
    cloud: Cloud, clock: ManualClock, model: str
) -> None:
    rows = (RECORDED / "vertex/input-embed-gemini.jsonl").read_bytes()
    bad = lines_of([{"key": "bad", "request": {"content": {"parts": []}}}])
    name = await cloud.create_from(
        rows + bad, model=EMBEDDER.replace("gemini-embedding-001", model)
    )
    clock.advance(60)

    job = await cloud.get(name)
    found = {row["key"]: row for row in cloud.rows(job)}

    sample = json.loads((RECORDED / "vertex/output-embed-gemini.jsonl").read_text())
    assert job["completionStats"]["failedCount"] == "1"
    assert found.pop("bad")["status"].startswith("Bad Request")
    assert {tuple(sorted(row)) for row in found.values()} == {tuple(sorted(sample))}
    for row in found.values():
        assert shape(row["response"]) == shape(sample["response"])


async def test_older_embeddings_look_like_the_recorded_ones(
    cloud: Cloud, clock: ManualClock
) -> None:
    rows = (RECORDED / "vertex/input-embed-legacy.jsonl").read_bytes()
    bad = lines_of([{"content": 3}, {"content": "[emulator:error:13]"}])
    name = await cloud.create_from(
        rows + bad, model="publishers/google/models/text-embedding-005"
    )
    clock.advance(60)

    job = await cloud.get(name)
    good = [row for row in cloud.rows(job) if not row["status"]]

    sample = json.loads((RECORDED / "vertex/output-embed-legacy.jsonl").read_text())
    assert job["completionStats"]["failedCount"] == "2"
    assert len(good) == len(rows.splitlines())
    assert all(shape(row) == shape(sample) for row in good)


async def test_requests_may_come_back_padded(
    cloud: Cloud, emulator: Emulator, clock: ManualClock
) -> None:
    emulator.faults.append(Fault(path="*/batchPredictionJobs", method="POST", padded=True))
    name = await cloud.create_from(keyed(["a"]))
    clock.advance(60)

    [row] = cloud.rows(await cloud.get(name))

    assert row["request"]["contents"][0]["parts"] == [{"text": "a", "file_data": None}]


async def test_more_objects_than_one(
    cloud: Cloud, emulator: Emulator, clock: ManualClock
) -> None:
    emulator.faults.append(
        Fault(path="*/batchPredictionJobs", method="POST", shards=2, incremental=True)
    )
    name = await cloud.create_from(keyed(["a", "b", "c", "[emulator:error:13]"]))
    clock.advance(60)

    job = await cloud.get(name)

    names = sorted(uri.rpartition("/")[2] for uri in emulator.objects if uri != IN)
    assert names == [
        "errors_0001.jsonl",
        "incremental_predictions.jsonl",
        "predictions_0001.jsonl",
        "predictions_0002.jsonl",
    ]
    keys = [
        [row["key"] for row in cloud.rows(job, file)]
        for file in names
        if not file.startswith("incremental")
    ]
    assert keys[0] == ["row-3"]
    assert sorted(keys[1] + keys[2]) == ["row-0", "row-1", "row-2"]
    assert len(cloud.rows(job, names[1])) == 2


async def test_odd_rows_are_in_the_output_itself(
    cloud: Cloud, emulator: Emulator, clock: ManualClock
) -> None:
    effects = Fault.odd_rows("duplicate", "missing", "foreign", "invalid").rows
    emulator.faults.append(
        Fault(path="*/batchPredictionJobs", method="POST", rows=effects, shards=1)
    )
    name = await cloud.create_from(keyed(map(str, range(9))))
    clock.advance(60)

    job = await cloud.get(name)
    data = cloud.output(job, "predictions_0001.jsonl")
    stored = emulator.objects[
        job["outputInfo"]["gcsOutputDirectory"] + "/predictions_0001.jsonl"
    ]

    good = [json.loads(line) for line in data.splitlines() if line.endswith(b"}")]
    assert len(data.splitlines()) == 10
    assert len(good) == 9
    assert "foreign-1" in {row["key"] for row in good}
    assert stored.size == len(data)
