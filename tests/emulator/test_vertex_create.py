"""What Vertex AI accepts as a new job in the emulator, and what not."""

import copy
import json
from typing import Any

import pytest

from gemini_batch.testing import Emulator, Fault
from tests.emulator.cloud import (
    JOBS,
    Cloud,
    body_of,
)
from tests.emulator.mutations import in_snake_case, mutations
from tests.emulator.service import recorded, shape

TUNED = "projects/emulator-project/locations/us-central1/models/42"


def ours(sample: Any) -> Any:
    """Return a recorded body for the emulator's project."""
    return json.loads(json.dumps(sample).replace("my-project", "emulator-project"))


async def test_a_created_job_looks_like_the_recorded_one(cloud: Cloud) -> None:
    answer = await cloud.call("POST", JOBS, json=recorded("vertex/create-gcs.request.json"))
    sample = recorded("vertex/create.response.json")

    assert answer.status == 200
    assert shape(answer.json) == {**shape(sample), "labels": {"team": "str"}}
    assert answer.json["state"] == "JOB_STATE_PENDING"
    head, _, number = answer.json["name"].rpartition("/")
    assert head == sample["name"].rpartition("/")[0]
    assert number.isdecimal()
    assert answer.json["createTime"] == "2026-09-01T10:00:00.123456Z"


@pytest.mark.parametrize(
    "sample",
    ["create-gcs", "create-gcs-cmek-sa", "create-bigquery", "create-dataset"],
)
async def test_recorded_creates_are_accepted_and_echoed(cloud: Cloud, sample: str) -> None:
    body = ours(recorded(f"vertex/{sample}.request.json"))
    answers = [
        await cloud.call("POST", JOBS, json=sent) for sent in (body, in_snake_case(body))
    ]

    for answer in answers:
        assert answer.status == 200, answer.body
        echoed = {name: answer.json.get(name) for name in body}
        config = echoed.get("inputConfig", {}).get("vertexMultimodalDatasetSource")
        assert config is None or "datasets/123" in config["datasetName"]
        assert echoed == body


@pytest.mark.parametrize(
    "sample", ["create-gcs-cmek-sa", "create-bigquery", "create-dataset"]
)
async def test_whatever_is_made_wrong_about_them_is_refused(
    cloud: Cloud, emulator: Emulator, sample: str
) -> None:
    body = ours(recorded(f"vertex/{sample}.request.json"))
    wrong = [m for m in mutations(body, seed=3) if m.kind != "rule"]
    assert len(wrong) > 30

    for mutation in wrong:
        answer = await cloud.call("POST", JOBS, json=mutation.body)
        assert answer.status == 400, mutation
    assert not emulator.vertex_jobs


def _without(path: str) -> dict[str, Any]:
    body = copy.deepcopy(body_of())
    *parents, last = path.split(".")
    target: Any = body
    for name in parents:
        target = target[name]
    del target[last]
    return body


def _with(path: str, value: Any) -> dict[str, Any]:
    body = copy.deepcopy(body_of())
    *parents, last = path.split(".")
    target: Any = body
    for name in parents:
        target = target[name]
    target[last] = value
    return body


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (_without("displayName"), "display_name"),
        (_with("displayName", "x" * 129), "display_name"),
        (_with("model", "gemini-2.5-flash"), "Invalid resource name"),
        (_with("model", "models/gemini-2.5-flash"), "Invalid resource name"),
        (_with("model", TUNED.replace("us-", "eu-")), "not in the project and location"),
        (_with("model", TUNED.replace("emulator-", "other-")), "not in the project"),
        (_without("inputConfig"), "input_config is required"),
        (_without("outputConfig"), "output_config is required"),
        (_with("inputConfig.instancesFormat", "csv"), "Unsupported instancesFormat"),
        (_with("inputConfig.instancesFormat", "bigquery"), "needs bigquerySource"),
        (_with("outputConfig.predictionsFormat", "bigquery"), "needs bigqueryDestination"),
        (_with("inputConfig.gcsSource.uris", []), "must be gs:// URIs"),
        (_with("inputConfig.gcsSource.uris", ["gs://b"]), "must be gs:// URIs"),
        (_with("inputConfig.bigquerySource", {"inputUri": "bq://a.b.c"}), "oneof"),
        (_with("outputConfig.gcsDestination.outputUriPrefix", "s3://x"), "gs:// URI"),
        (_with("labels", {"Team": "x"}), "Invalid label"),
        (_with("labels", {"1": "x"}), "Invalid label"),
        (_with("labels", {"a": "x" * 65}), "Invalid label"),
        (_with("labels", {"a": "x y"}), "Invalid label"),
        (_with("labels", {f"k{n}": "" for n in range(65)}), "more than 64 labels"),
        (_with("priority", "1"), 'Unknown name "priority"'),
        (_with("webhookConfig", {}), 'Unknown name "webhookConfig"'),
        (_with("dedicatedResources", {"machineSpec": {}}), "not supported for this model"),
    ],
)
async def test_creates_that_break_a_rule(
    cloud: Cloud, body: dict[str, Any], message: str
) -> None:
    answer = await cloud.call("POST", JOBS, json=body)

    assert answer.status == 400, answer.body
    assert message in answer.message


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ({"inputUri": "bq://a.b"}, {"outputUri": "bq://a"}, "bq://p.d.t"),
        ({"inputUri": "bq://a.b.c"}, {"outputUri": "bq://a.b.c.d"}, "bq://p, bq://p.d"),
    ],
)
async def test_tables_that_are_none(
    cloud: Cloud, source: Any, target: Any, message: str
) -> None:
    answer = await cloud.create(
        inputConfig={"instancesFormat": "bigquery", "bigquerySource": source},
        outputConfig={"predictionsFormat": "bigquery", "bigqueryDestination": target},
    )

    assert answer.status == 400
    assert message in answer.message


async def test_a_dataset_of_another_location(cloud: Cloud) -> None:
    name = "projects/emulator-project/locations/europe-west1/datasets/1"
    answer = await cloud.create(
        inputConfig={
            "instancesFormat": "vertex-dataset",
            "vertexMultimodalDatasetSource": {"datasetName": name},
        }
    )

    assert answer.status == 400


async def test_models(cloud: Cloud) -> None:
    unknown = await cloud.create(model="publishers/google/models/llama")
    tuned = await cloud.create(model=TUNED)
    worldwide = await cloud.create(
        model=TUNED.replace("us-central1", "global"), location="global"
    )

    assert (unknown.status, tuned.status, worldwide.status) == (404, 200, 400)
    assert "was not found" in unknown.message


async def test_another_project_is_denied(cloud: Cloud) -> None:
    path = JOBS.replace("emulator-project", "my-project")

    answers = [
        await cloud.call("POST", path, json=body_of()),
        await cloud.call("GET", path),
    ]

    assert answers[0].status == answers[1].status == 403
    assert answers[0].json == recorded("vertex/error-403.json")


async def test_a_create_whose_answer_is_lost(cloud: Cloud, emulator: Emulator) -> None:
    import aiohttp

    emulator.faults.append(Fault(path="*/batchPredictionJobs", drop="after"))
    with pytest.raises(aiohttp.ClientError):
        await cloud.create(labels={"intent": "01jabc"})

    assert await cloud.listed(filter='labels.intent="01jabc"') == ["test"]
