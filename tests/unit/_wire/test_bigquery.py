"""Tables of BigQuery: names, columns, rows."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch._codec import Codec
from gemini_batch._codec.results.vertex_decoder import VertexResultDecoder
from gemini_batch._wire.bigquery import BigQuery, BigQueryUri, ResultTable
from gemini_batch.errors import DecodeError, InputError
from gemini_batch.types import JobKind, Outcome
from tests.support.recorded import recorded, recorded_json

CODEC = Codec()
BIGQUERY = BigQuery(CODEC)
URI = BigQueryUri(project="my-project", dataset="my_dataset", table="results_20260901")
SCHEMA = recorded("bigquery/tables-get.response.json")


def table(*fields: dict[str, Any], rows: str | None = "2", **options: Any) -> ResultTable:
    """Read a table with these columns."""
    body = {"schema": {"fields": list(fields)}, "numRows": rows}
    return BIGQUERY.read_table(json.dumps(body).encode(), URI, **options)


def column(name: str, type_: str = "STRING", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_, **more}


def lines(found: ResultTable, *rows: list[Any]) -> list[Any]:
    """Read rows of cells, and decode the lines that come of them."""
    body = {"rows": [{"f": [{"v": cell} for cell in row]} for row in rows]}
    page = BIGQUERY.read_rows(json.dumps(body).encode(), found)
    return [json.loads(line) for line in page.items]


@pytest.mark.parametrize(
    "uri",
    [
        "bq://my-project",
        "bq://my-project.my_dataset",
        "bq://my-project.my_dataset.results",
        "bq://123.d.a table-1",
        "bq://example.com:my-project.d.t",
        "bq://p.données.tabelle_ß",
    ],
)
def test_a_place_is_read_and_written(uri: str) -> None:
    assert BigQueryUri.read(uri, "dest").uri == uri


@pytest.mark.parametrize(
    "uri",
    ["", "bq://", "p.d.t", "bq://p.d.t.u", "bq://p/d", "bq://p.d.t$1", "bq://p..t", None],
)
def test_what_is_no_place(uri: Any) -> None:
    with pytest.raises(InputError, match="no place in BigQuery") as exc:
        BigQueryUri.read(uri, "bigquery_uri")

    assert exc.value.problems[0].field == "bigquery_uri"


def test_a_table_has_all_three_parts() -> None:
    assert URI.as_table("x") is URI
    with pytest.raises(InputError, match="names no table"):
        BigQueryUri(project="p", dataset="d").as_table("x")


def test_the_recorded_table() -> None:
    request = BIGQUERY.get_table(URI)
    found = BIGQUERY.read_table(SCHEMA, URI)

    assert request.path == (
        "/bigquery/v2/projects/my-project/datasets/my_dataset/tables/results_20260901"
    )
    assert (request.service, request.idempotent) == ("bigquery", True)
    assert [c.name for c in found.selected] == ["key", "response", "status"]
    assert (found.key, found.row_count, found.fault) == ("key", 2, None)


def test_a_page_is_asked_for() -> None:
    found = BIGQUERY.read_table(SCHEMA, URI, with_requests=True)
    first = BIGQUERY.list_rows(found, page_token=None)
    second = BIGQUERY.list_rows(found, page_token="BBB", page_size=7)

    assert first.path.endswith("/tables/results_20260901/data")
    assert first.query == {
        "maxResults": "1000",
        "selectedFields": "key,request,response,status",
    }
    assert second.query["pageToken"] == "BBB"
    assert second.query["maxResults"] == "7"
    assert second.service == "bigquery"


def test_names_in_paths_are_quoted() -> None:
    uri = BigQueryUri(project="example.com:p", dataset="d", table="a b")

    assert BIGQUERY.get_table(uri).path.endswith("/example.com:p/datasets/d/tables/a%20b")


def test_the_recorded_rows() -> None:
    found = BIGQUERY.read_table(SCHEMA, URI)
    page = BIGQUERY.read_rows(recorded("bigquery/tabledata-list.response.json"), found)

    assert page.next_page_token == "BBB"
    decoder = VertexResultDecoder(CODEC, JobKind.GENERATE)
    first, second = (decoder.result(row, i) for i, row in enumerate(page.items))
    assert (first.key, first.outcome, first.text) == ("row-0001", Outcome.OK, "ok")
    assert (second.key, second.outcome) == ("row-0002", Outcome.ERROR)
    assert second.error is not None
    assert second.error.message == "Bad Request: ..."
    assert json.loads(first.raw).keys() == {"key", "status", "response"}


def test_rows_of_the_selected_columns_alone() -> None:
    found = BIGQUERY.read_table(SCHEMA, URI)
    body = recorded_json("bigquery/tabledata-list.response.json")
    (key, _, response, status, _) = (cell["v"] for cell in body["rows"][0]["f"])

    (row,) = lines(found, [key, response, status])

    assert row == {"key": key, "status": "", "response": json.loads(response)}


def test_rows_with_their_requests() -> None:
    found = BIGQUERY.read_table(SCHEMA, URI, with_requests=True)

    (row,) = lines(found, ["k", '{"contents": []}', "{}", None, "1.7E9"])

    assert row == {"key": "k", "request": {"contents": []}, "response": {}}


def test_another_column_holds_the_keys() -> None:
    found = table(
        column("response"), column("nr", "INTEGER"), column("key"), key_column="nr"
    )

    assert found.key == "nr"
    assert [c.name for c in found.selected] == ["response", "nr"]
    assert lines(found, ["{}", "7"], ["{}", None]) == [
        {"key": "7", "response": {}},
        {"response": {}},
    ]


def test_a_table_without_keys() -> None:
    found = table(column("response"))

    assert found.key is None
    assert lines(found, ["{}"]) == [{"response": {}}]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            [column("response"), column("id")],
            r"no column 'nr'. Its columns are: response, id",
        ),
        ([], "Its columns are: none"),
        ([column("nr", "JSON")], "holds no keys but JSON"),
        ([column("nr", mode="REPEATED")], "holds no keys but lists"),
    ],
)
def test_a_column_of_keys_that_is_none(fields: list[Any], said: str) -> None:
    with pytest.raises(InputError, match=said) as exc:
        table(*fields, key_column="nr")

    assert exc.value.problems[0].field == "key_column"


@pytest.mark.parametrize(
    ("fields", "rows", "fault"),
    [
        ([column("key"), column("request")], "2", "no_response_column"),
        ([], "0", "no_response_column"),
        ([column("key"), column("response")], "0", "empty"),
        ([column("key"), column("response")], None, "empty"),
    ],
)
def test_why_a_table_has_no_results(
    fields: list[Any], rows: str | None, fault: str
) -> None:
    assert table(*fields, rows=rows).fault == fault


def test_an_answer_without_a_schema() -> None:
    assert BIGQUERY.read_table(b"{}", URI).fault == "no_response_column"


@pytest.mark.parametrize(
    ("field", "complaint"),
    [
        ({}, r"required field missing @ \$.schema.fields\[0\].name"),
        ({"name": None}, r"required field missing @ \$.schema.fields\[0\].name"),
        ({"name": "a", "fields": [5]}, r"got int @ \$.schema.fields\[0\].fields\[0\]"),
    ],
)
def test_a_column_has_a_name(field: dict[str, Any], complaint: str) -> None:
    with pytest.raises(DecodeError, match=complaint):
        table(field)


def test_an_answer_without_rows() -> None:
    page = BIGQUERY.read_rows(b'{"totalRows": "0"}', table(column("response")))

    assert page.items == ()
    assert page.next_page_token is None


@pytest.mark.parametrize(
    "row", [{"f": [{"v": "a"}]}, {"f": [{"v": "a"}] * 3}, {}, {"f": 5}, "x"]
)
def test_a_row_of_another_table_is_refused(row: Any) -> None:
    found = table(column("key"), column("response"))

    with pytest.raises(DecodeError):
        BIGQUERY.read_rows(json.dumps({"rows": [row]}).encode(), found)


def test_a_cell_without_a_value_is_null() -> None:
    found = table(column("key"), column("response"))
    body: Any = {"rows": [{"f": [None, {}]}]}

    assert BIGQUERY.read_rows(json.dumps(body).encode(), found).items == (b"{}",)


@pytest.mark.parametrize(
    "text", ["", "{", '{},"key":"x"', "{}]", "null,1", "[1}", "plain text", '"']
)
def test_a_cell_cannot_end_its_row(text: str) -> None:
    found = table(column("key"), column("response", "JSON"))

    assert lines(found, ["k", text]) == [{"key": "k", "response": text}]


@given(st.text(), st.text())
def test_any_text_stays_in_its_cell(key: str, text: str) -> None:
    found = table(column("key"), column("response", "JSON"), column("status"))
    value = json.dumps({"text": text})

    assert lines(found, [key, value, text]) == [
        {"key": key, "status": text, "response": {"text": text}}
    ]


def test_older_embeddings_are_records() -> None:
    embeddings = column(
        "embeddings",
        "RECORD",
        fields=[
            column(
                "statistics",
                "STRUCT",
                fields=[column("token_count", "INTEGER"), column("truncated", "BOOLEAN")],
            ),
            column("values", "FLOAT", mode="REPEATED"),
        ],
    )
    found = table(
        column("content"),
        column("predictions", "RECORD", mode="REPEATED", fields=[embeddings]),
        column("status"),
        column("key"),
    )
    statistics = {"f": [{"v": "8"}, {"v": "false"}]}
    values = [{"v": "0.5"}, {"v": "NaN-ish"}, {"v": None}]
    cell = {"f": [{"v": {"f": [{"v": statistics}, {"v": values}]}}]}

    (row, empty) = lines(found, [[{"v": cell}], "", "k"], ["odd", "", "k"])

    assert row["predictions"] == [
        {
            "embeddings": {
                "statistics": {"token_count": 8, "truncated": False},
                "values": [0.5, "NaN-ish", None],
            }
        }
    ]
    # A list that is none, but text: it is what it is.
    assert empty["predictions"] == "odd"


def test_a_repeated_cell_that_is_no_list_is_empty() -> None:
    found = table(column("predictions", "FLOAT64", mode="REPEATED"))

    assert lines(found, [{"odd": 1}], [["odd", {"v": "2"}]]) == [
        {"predictions": []},
        {"predictions": [2.0]},
    ]
