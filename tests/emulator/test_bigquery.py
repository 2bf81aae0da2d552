"""BigQuery as the emulator has it: tables and their rows."""

import datetime as dt
from typing import Any

import pytest

from gemini_batch.testing import Emulator, Fault
from gemini_batch.testing.emulator import Column, Table
from tests.emulator.cloud import DATA, Cloud

ASKED = "bq://emulator-project.data.asked"
TOLD = "bq://emulator-project.data.told"
TABLE = f"{DATA}/tables/asked"


async def told(cloud: Cloud, table: str = "told", fields: str = "") -> list[Any]:
    """Return the cells of a table."""
    query = f"?selectedFields={fields}" if fields else ""
    answer = await cloud.call("GET", f"{DATA}/tables/{table}/data{query}")
    assert answer.status == 200, answer.body
    return [[cell["v"] for cell in row["f"]] for row in answer.json.get("rows", ())]


async def test_a_table_of_rows(cloud: Cloud, emulator: Emulator) -> None:
    moment = dt.datetime(2026, 7, 1, 12, 5, 4, 276000, tzinfo=dt.UTC)
    emulator.tables[ASKED] = [
        {
            "text": "ä",
            "whole": 2**60,
            "part": 0.5,
            "yes": True,
            "moment": moment,
            "json": {"a": [1, "ü"]},
        },
        {"text": None},
    ]

    table = (await cloud.call("GET", TABLE)).json
    [first, second] = await told(cloud, "asked")

    types = {field["name"]: field["type"] for field in table["schema"]["fields"]}
    assert types == {
        "text": "STRING",
        "whole": "INTEGER",
        "part": "FLOAT",
        "yes": "BOOLEAN",
        "moment": "TIMESTAMP",
        "json": "JSON",
    }
    assert table["numRows"] == "2"
    assert first == ["ä", str(2**60), "0.5", "true", "1.782907504276E9", '{"a":[1,"ü"]}']
    assert second == [None] * 6
    assert emulator.tables[ASKED].schema == types
    assert list(emulator.tables) == [ASKED.removeprefix("bq://")]


async def test_repeated_and_nested_columns(cloud: Cloud, emulator: Emulator) -> None:
    columns = (
        Column("tags", "STRING", "REPEATED"),
        Column(
            "place", "RECORD", fields=(Column("city", "STRING"), Column("n", "INTEGER"))
        ),
    )
    rows = [{"tags": ["a", "b"], "place": {"city": "Rome", "n": 3}}, {}]
    emulator.tables[ASKED] = Table(columns=columns, rows=rows)

    table = (await cloud.call("GET", TABLE)).json
    [first, second] = await told(cloud, "asked")

    assert table["schema"]["fields"][0] == {
        "name": "tags",
        "type": "STRING",
        "mode": "REPEATED",
    }
    assert [f["name"] for f in table["schema"]["fields"][1]["fields"]] == ["city", "n"]
    assert first == [[{"v": "a"}, {"v": "b"}], {"f": [{"v": "Rome"}, {"v": "3"}]}]
    assert second == [[], None]


@pytest.mark.parametrize("size", [1, 2, 3, 10])
async def test_pages(cloud: Cloud, emulator: Emulator, size: int) -> None:
    emulator.tables[ASKED] = [{"n": n} for n in range(5)]
    seen, token = list[str](), ""
    while True:
        path = f"{TABLE}/data?maxResults={size}&pageToken={token}"
        page = (await cloud.call("GET", path)).json
        assert page["totalRows"] == "5"
        assert len(page["rows"]) <= size
        seen += [row["f"][0]["v"] for row in page["rows"]]
        token = page.get("pageToken", "").replace("=", "%3D")
        if not token:
            break

    assert seen == ["0", "1", "2", "3", "4"]


async def test_a_page_may_be_empty_or_partial(cloud: Cloud, emulator: Emulator) -> None:
    emulator.tables[ASKED] = [{"n": n} for n in range(2)]
    emulator.faults.append(Fault(path="*/data", empty_page=True))
    empty = (await cloud.call("GET", f"{TABLE}/data")).json
    token = empty["pageToken"].replace("=", "%3D")
    path = f"{TABLE}/data?pageToken={token}&fields=rows/f/v"

    assert "rows" not in empty
    assert (await cloud.call("GET", path)).json == {
        "rows": [{"f": [{"v": "0"}]}, {"f": [{"v": "1"}]}]
    }
    assert (await cloud.call("GET", f"{TABLE}?fields=numRows")).json == {"numRows": "2"}
    columns = "schema/fields(name,fields/fields/mode)"
    assert (await cloud.call("GET", f"{TABLE}?fields={columns}")).json == {
        "schema": {"fields": [{"name": "n"}]}
    }
    assert (await cloud.call("GET", f"{TABLE}?fields=schema/name")).status == 400


async def test_a_page_is_bounded_in_bytes(cloud: Cloud, emulator: Emulator) -> None:
    emulator.tables[ASKED] = [{"text": "x" * (4 << 20)} for _ in range(4)]

    page = (await cloud.call("GET", f"{TABLE}/data?maxResults=4")).json

    assert len(page["rows"]) == 2
    assert page["pageToken"]


async def test_an_empty_table_and_columns_asked_for(
    cloud: Cloud, emulator: Emulator
) -> None:
    emulator.tables[ASKED] = Table(columns=(Column("a", "STRING"), Column("b", "JSON")))
    empty = (await cloud.call("GET", f"{TABLE}/data")).json
    emulator.tables[ASKED] = [{"a": "1", "b": "2", "c": "3"}]

    assert {**empty, "etag": ""} == {
        "kind": "bigquery#tableDataList",
        "etag": "",
        "totalRows": "0",
    }
    assert await told(cloud, "asked", "c,a") == [["1", "3"]]
    assert (await cloud.call("GET", f"{TABLE}/data?startIndex=1")).json.get("rows") is None
    for query in (
        "selectedFields=x",
        "pageToken=x",
        "pageToken=QlE",
        "maxResults=x",
        "x=1",
    ):
        answer = await cloud.call("GET", f"{TABLE}/data?{query}")
        assert (answer.status, answer.json["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (TABLE, "Not found: Table emulator-project:data.asked"),
        (f"{TABLE}/data", "Not found: Table emulator-project:data.asked"),
        (TABLE.replace("data/", "no/"), "Not found: Dataset emulator-project:no"),
    ],
)
async def test_what_is_not_there(
    cloud: Cloud, emulator: Emulator, path: str, message: str
) -> None:
    emulator.tables["emulator-project.data.other"] = []

    answer = await cloud.call("GET", path)

    assert answer.status == 404
    assert answer.json["error"] == {
        "code": 404,
        "message": message,
        "errors": [{"message": message, "domain": "global", "reason": "notFound"}],
        "status": "NOT_FOUND",
    }


def test_names_that_are_no_tables() -> None:
    with pytest.raises(ValueError, match="not a table"):
        Emulator().tables["bq://emulator-project.data"] = []


async def test_tables_made_over_the_wire(cloud: Cloud, emulator: Emulator) -> None:
    datasets = DATA.removesuffix("/data")
    reference = {"datasetReference": {"datasetId": "data"}}
    fields = [{"name": "key", "type": "STRING"}, {"name": "request", "type": "JSON"}]
    body = {"tableReference": {"tableId": "asked"}, "schema": {"fields": fields}}

    made = [await cloud.call("POST", datasets, json=reference) for _ in range(2)]
    table = await cloud.call("POST", f"{DATA}/tables", json=body)
    twice = await cloud.call("POST", f"{DATA}/tables", json=body)
    rows = {"rows": [{"insertId": "1", "json": {"key": "a", "request": '{"a":1}'}}]}
    inserted = await cloud.call("POST", f"{TABLE}/insertAll", json=rows)
    wrong = await cloud.call(
        "POST", f"{TABLE}/insertAll", json={"rows": [{"json": {"odd": 1}}]}
    )

    assert [answer.status for answer in made] == [200, 409]
    assert (await cloud.call("GET", DATA)).json["datasetReference"]["datasetId"] == "data"
    assert table.json["schema"]["fields"] == fields
    assert twice.status == 409
    assert "insertErrors" not in inserted.json
    assert wrong.json["insertErrors"][0]["errors"][0]["location"] == "odd"
    assert await told(cloud, "asked") == [["a", '{"a":1}']]
    assert (await cloud.call("DELETE", TABLE)).status == 204
    assert (await cloud.call("GET", TABLE)).status == 404
    assert not emulator.tables


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", {}),
        ("", {"odd": 1}),
        ("/data/tables", {}),
        ("/data/tables", {"tableReference": {"tableId": "y"}, "schema": {"fields": [{}]}}),
        ("/data/tables/x/insertAll", {"rows": [{"odd": 1}]}),
    ],
)
async def test_bodies_that_make_no_sense(
    cloud: Cloud, emulator: Emulator, path: str, body: Any
) -> None:
    emulator.tables["emulator-project.data.x"] = []

    answer = await cloud.call("POST", DATA.removesuffix("/data") + path, json=body)

    assert answer.status == 400
