"""Vertex jobs that read tables or write them."""

import json
from typing import Any

import pytest

from gemini_batch.testing import Emulator, ManualClock
from gemini_batch.testing.emulator import Column, Table
from tests.emulator.cloud import DATA, OUT, Cloud, body_of, lines_of
from tests.emulator.service import recorded, request_of, shape

ASKED = "bq://emulator-project.data.asked"
TOLD = "bq://emulator-project.data.told"
TABLE = f"{DATA}/tables/asked"


def from_table(target: str = TOLD, **members: Any) -> dict[str, Any]:
    return {
        "inputConfig": {
            "instancesFormat": "bigquery",
            "bigquerySource": {"inputUri": ASKED},
        },
        "outputConfig": {
            "predictionsFormat": "bigquery",
            "bigqueryDestination": {"outputUri": target},
        },
        **members,
    }


async def told(cloud: Cloud, table: str = "told", fields: str = "") -> list[Any]:
    """Return the cells of a table."""
    query = f"?selectedFields={fields}" if fields else ""
    answer = await cloud.call("GET", f"{DATA}/tables/{table}/data{query}")
    assert answer.status == 200, answer.body
    return [[cell["v"] for cell in row["f"]] for row in answer.json.get("rows", ())]


async def ended(cloud: Cloud, clock: ManualClock, **members: Any) -> dict[str, Any]:
    """Make a job, let it end and return it."""
    answer = await cloud.create(**members)
    assert answer.status == 200, answer.body
    clock.advance(60)
    return await cloud.get(answer.json["name"])


async def test_a_job_from_table_to_table(
    cloud: Cloud, emulator: Emulator, clock: ManualClock
) -> None:
    emulator.tables[ASKED] = [
        {"key": "a", "n": 1, "request": request_of("fine")},
        {"key": "b", "n": 2, "request": json.dumps(request_of("[emulator:error:3]"))},
        {"key": "c", "n": 3, "request": "no JSON"},
        {"key": "d", "n": 4, "request": None},
    ]

    job = await ended(cloud, clock, **from_table())
    table = (await cloud.call("GET", f"{DATA}/tables/told")).json
    rows = {row[0]: row[1:] for row in await told(cloud, fields="key,n,response,status")}
    sample = recorded("vertex/get-succeeded-bigquery.response.json")

    assert shape(job["outputInfo"]) == shape(sample["outputInfo"])
    assert job["outputInfo"] == {
        "bigqueryOutputDataset": "bq://emulator-project.data",
        "bigqueryOutputTable": "told",
    }
    assert job["completionStats"] == {"successfulCount": "1", "failedCount": "3"}
    types = {field["name"]: field["type"] for field in table["schema"]["fields"]}
    wanted = {
        field["name"]: field["type"]
        for field in recorded("bigquery/tables-get.response.json")["schema"]["fields"]
    }
    assert types == {**wanted, "n": "INTEGER"}
    assert {key: row[0] for key, row in rows.items()} == {
        "a": "1",
        "b": "2",
        "c": "3",
        "d": "4",
    }
    assert json.loads(rows["a"][1])["candidates"]
    assert rows["a"][2] == ""
    assert all(rows[key][2].startswith("Bad Request: ") for key in "bcd")


@pytest.mark.parametrize(
    ("target", "dataset"),
    [
        ("bq://emulator-project", "emulator-project.prediction_model_2026"),
        ("bq://emulator-project.data", "emulator-project.data"),
    ],
)
async def test_a_destination_may_be_less_than_a_table(
    cloud: Cloud, emulator: Emulator, clock: ManualClock, target: str, dataset: str
) -> None:
    emulator.tables[ASKED] = [{"key": "a", "request": request_of("x")}]

    info = (await ended(cloud, clock, **from_table(target)))["outputInfo"]

    assert info["bigqueryOutputDataset"].startswith(f"bq://{dataset}")
    assert info["bigqueryOutputTable"].startswith("predictions_2026")
    name = f"{info['bigqueryOutputDataset']}.{info['bigqueryOutputTable']}"
    assert len(emulator.tables[name].rows) == 1


@pytest.mark.parametrize(
    ("rows", "target", "message"),
    [
        (None, TOLD, "Not found: Table"),
        ([{"key": "a"}], TOLD, "Column 'request' is not found"),
        ([{"request": {}, "status": "x"}], TOLD, "Column 'status' is reserved"),
        ([{"request": {}}], ASKED, "already exists"),
        ([{"request": {}}], "bq://emulator-project.no.told", "Not found: Dataset"),
        (Table(columns=(Column("request", "JSON"),)), TOLD, "no rows"),
    ],
)
async def test_tables_a_job_cannot_do_with(
    cloud: Cloud,
    emulator: Emulator,
    clock: ManualClock,
    rows: Any,
    target: str,
    message: str,
) -> None:
    emulator.tables["emulator-project.data.other"] = []
    if rows is not None:
        emulator.tables[ASKED] = rows

    job = await ended(cloud, clock, **from_table(target))

    assert job["state"] == "JOB_STATE_FAILED"
    assert message in job["error"]["message"]
    assert "outputInfo" not in job


async def test_columns_that_do_not_reach_the_output(
    cloud: Cloud, emulator: Emulator, clock: ManualClock
) -> None:
    columns = (
        Column("request", "STRING"),
        Column("when", "DATETIME"),
        Column("tags", "STRING", "REPEATED"),
        Column("kept", "STRING"),
    )
    row = {"request": json.dumps(request_of("x")), "when": "x", "tags": [], "kept": "y"}
    emulator.tables[ASKED] = Table(columns=columns, rows=[row])

    await ended(cloud, clock, **from_table())

    assert emulator.tables[TOLD].schema == {
        "request": "STRING",
        "kept": "STRING",
        "response": "JSON",
        "status": "STRING",
        "processed_time": "TIMESTAMP",
    }


async def test_from_a_table_to_objects_and_back(
    cloud: Cloud, emulator: Emulator, clock: ManualClock
) -> None:
    emulator.tables[ASKED] = [{"key": "a", "request": request_of("x")}]
    there = await ended(cloud, clock, **from_table(outputConfig=body_of()["outputConfig"]))
    rows = cloud.rows(there)
    emulator.objects.put(
        "gs://emulator-bucket/in/rows.jsonl",
        lines_of([{"key": "b", "more": [1], "request": request_of("y")}]),
    )
    back = await ended(cloud, clock, **{**from_table(), "inputConfig": None, **_from_gcs()})

    assert there["outputInfo"]["gcsOutputDirectory"].startswith(OUT)
    assert [row["key"] for row in rows] == ["a"]
    assert back["state"] == "JOB_STATE_SUCCEEDED"
    assert await told(cloud, fields="key,more") == [["b", "[1]"]]


def _from_gcs() -> dict[str, Any]:
    return {"inputConfig": body_of()["inputConfig"]}


async def test_older_embeddings_in_tables(
    cloud: Cloud, emulator: Emulator, clock: ManualClock
) -> None:
    emulator.tables[ASKED] = [{"content": "hello"}, {"content": ""}]
    sample = recorded("vertex/create-embed-legacy.request.json")
    members = {**from_table(), "model": sample["model"]}

    await ended(cloud, clock, **members)
    rows = {
        row[0]: row[1:] for row in await told(cloud, fields="content,predictions,status")
    }

    assert json.loads(rows["hello"][0])[0]["embeddings"]["values"]
    assert rows["hello"][1] == ""
    assert rows[""][1].startswith("Bad Request")


async def test_a_job_from_dataset_to_dataset(
    cloud: Cloud, emulator: Emulator, clock: ManualClock
) -> None:
    emulator.tables[ASKED] = [{"key": "a", "request": request_of("x")}]
    dataset = "projects/emulator-project/locations/us-central1/datasets/123"
    emulator.datasets[dataset] = ASKED
    sample = recorded("vertex/create-dataset.request.json")
    text = json.dumps(sample).replace("my-project", "emulator-project")
    members = json.loads(
        text.replace("emulator-project.my_dataset", "emulator-project.data")
    )

    job = await ended(cloud, clock, **members)
    made = job["outputInfo"]["vertexMultimodalDatasetName"]
    gone = {"datasetName": dataset.replace("123", "4")}
    config = {
        "instancesFormat": "vertex-dataset",
        "vertexMultimodalDatasetSource": gone,
    }
    failed = await ended(cloud, clock, **{**members, "inputConfig": config})

    assert made.startswith("projects/123456789012/locations/us-central1/datasets/")
    assert [row["key"] for row in emulator.tables[emulator.datasets[made]].rows] == ["a"]
    assert failed["error"]["code"] == 5
