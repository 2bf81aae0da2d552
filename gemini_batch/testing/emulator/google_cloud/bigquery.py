"""BigQuery, as far as the sources and results of batch jobs need it."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web
from attrs import frozen

from gemini_batch.testing.emulator.core.clock import Clock
from gemini_batch.testing.emulator.core.errors import Refusal, invalid
from gemini_batch.testing.emulator.google_cloud.project import (
    PROJECT,
    PROJECT_NUMBER,
)
from gemini_batch.testing.emulator.google_cloud.storage import whole_number
from gemini_batch.testing.emulator.google_cloud.tables import (
    Column,
    Table,
    Tables,
    column_of,
)
from gemini_batch.testing.emulator.http.field_masks import (
    TABLE,
    TABLE_ROWS,
    partial,
)
from gemini_batch.testing.emulator.http.web import (
    Call,
    checked_json,
    checked_query,
    json_answer,
    read_body,
)

_BODY_LIMIT: Final = 10 << 20
_MOST_ROWS: Final = 100_000
# A page holds no more than this many bytes, however many rows were asked for.
_PAGE_BYTES: Final = 10 << 20
_TOKEN: Final = b"BQ"


@frozen(kw_only=True)
class BigQuery:
    """Everything behind ``/bigquery/v2``."""

    tables: Tables
    clock: Clock

    def _dataset(self, call: Call) -> str:
        """Return the dataset of a path, as ``project.dataset``.

        Raises:
            Refusal: It does not exist, or its project is another.
        """
        project = call.names["project"]
        dataset = f"{_own(project)}.{call.names['dataset']}"
        if not self.tables.has_dataset(dataset):
            raise Refusal(404, f"Not found: Dataset {project}:{call.names['dataset']}")
        return dataset

    def _table(self, call: Call) -> Table:
        names = call.names
        found = self.tables.get(f"{self._dataset(call)}.{names['table']}")
        if found is None:
            shown = f"{names['project']}:{names['dataset']}.{names['table']}"
            raise Refusal(404, f"Not found: Table {shown}")
        return found

    async def get_table(self, call: Call) -> web.StreamResponse:
        """Answer ``tables.get``."""
        checked_query(call, ("selectedFields", "view"))
        answer = _resource(call.names, self._table(call))
        return json_answer(partial(call, answer, TABLE))

    async def get_dataset(self, call: Call) -> web.StreamResponse:
        """Answer ``datasets.get``."""
        checked_query(call, ("datasetView",))
        self._dataset(call)
        return json_answer(_dataset_resource(call.names["project"], call.names["dataset"]))

    async def insert_dataset(self, call: Call) -> web.StreamResponse:
        """Answer ``datasets.insert``."""
        checked_query(call, ())
        call.body = await read_body(call, _BODY_LIMIT)
        reference = checked_json("BigQueryDataset", call.body).get("datasetReference", {})
        project, dataset = call.names["project"], reference.get("datasetId", "")
        if not dataset:
            raise invalid("Required parameter is missing: datasetReference.datasetId")
        name = f"{_own(project)}.{dataset}"
        if self.tables.has_dataset(name):
            raise Refusal(409, f"Already Exists: Dataset {project}:{dataset}")
        self.tables.add_dataset(name)
        return json_answer(_dataset_resource(project, dataset))

    async def insert_table(self, call: Call) -> web.StreamResponse:
        """Answer ``tables.insert``: an empty table."""
        checked_query(call, ())
        call.body = await read_body(call, _BODY_LIMIT)
        body = checked_json("BigQueryTable", call.body)
        table_id = body.get("tableReference", {}).get("tableId", "")
        if not table_id:
            raise invalid("Required parameter is missing: tableReference.tableId")
        name = f"{self._dataset(call)}.{table_id}"
        if name in self.tables:
            raise Refusal(409, f"Already Exists: Table {name}")
        columns = [_column(schema) for schema in body.get("schema", {}).get("fields", ())]
        table = Table(columns=tuple(columns), create_time=self.clock.now())
        self.tables[name] = table
        return json_answer(_resource({**call.names, "table": table_id}, table))

    async def delete_table(self, call: Call) -> web.StreamResponse:
        """Answer ``tables.delete``."""
        checked_query(call, ())
        self._table(call)
        del self.tables[f"{self._dataset(call)}.{call.names['table']}"]
        return web.Response(status=204)

    async def insert_all(self, call: Call) -> web.StreamResponse:
        """Answer ``tabledata.insertAll``: all rows, or none and why."""
        checked_query(call, ())
        call.body = await read_body(call, _BODY_LIMIT)
        body = checked_json("InsertAllRequest", call.body)
        table = self._table(call)
        rows = [row.get("json", {}) for row in body.get("rows", ())]
        errors = [
            {"index": index, "errors": [_unknown(name)]}
            for index, row in enumerate(rows)
            for name in row
            if name not in table.schema
        ]
        answer: dict[str, Any] = {"kind": "bigquery#tableDataInsertAllResponse"}
        if errors:
            return json_answer({**answer, "insertErrors": errors})
        self.tables[f"{self._dataset(call)}.{call.names['table']}"] = Table(
            columns=table.columns,
            rows=[*table.rows, *rows],
            location=table.location,
            create_time=table.create_time,
        )
        return json_answer(answer)

    async def list_rows(self, call: Call) -> web.StreamResponse:
        """Answer ``tabledata.list``: a page of rows, in the order of the schema."""
        query = checked_query(
            call, ("maxResults", "pageToken", "startIndex", "selectedFields")
        )
        table = self._table(call)
        columns = _selected(table, query.get("selectedFields", ""))
        first = whole_number(query, "startIndex") or 0
        if query.get("pageToken"):
            first = _place_of(query["pageToken"])
        asked = whole_number(query, "maxResults")
        most = _MOST_ROWS if asked is None else min(asked, _MOST_ROWS)
        if call.fault is not None and call.fault.empty_page:
            most = 0
        rows: list[dict[str, Any]] = []
        size = 0
        for row in table.rows[first : first + most]:
            cells = {"f": [column.cell(row.get(column.name)) for column in columns]}
            size += len(json.dumps(cells))
            if rows and size > _PAGE_BYTES:
                break
            rows.append(cells)
        answer: dict[str, Any] = {
            "kind": "bigquery#tableDataList",
            "etag": f"{id(table):x}",
            "totalRows": str(len(table.rows)),
        }
        if call.fault is not None and call.fault.empty_page:
            answer["pageToken"] = _same_place(query.get("pageToken", ""), first)
        elif first + len(rows) < len(table.rows):
            answer["pageToken"] = _token_of(f"{first + len(rows)}")
        if rows:
            answer["rows"] = rows
        return json_answer(partial(call, answer, TABLE_ROWS))


def _own(project: str) -> str:
    """Return the id of a project that may be given by its number."""
    return PROJECT if project == PROJECT_NUMBER else project


def _resource(names: Mapping[str, str], table: Table) -> dict[str, Any]:
    moment = str(int(table.create_time.timestamp() * 1000))
    return {
        "kind": "bigquery#table",
        "id": f"{names['project']}:{names['dataset']}.{names['table']}",
        "tableReference": {
            "projectId": names["project"],
            "datasetId": names["dataset"],
            "tableId": names["table"],
        },
        "schema": {"fields": [column.schema() for column in table.columns]},
        "numRows": str(len(table.rows)),
        "type": "TABLE",
        "location": table.location,
        "creationTime": moment,
        "lastModifiedTime": moment,
    }


def _dataset_resource(project: str, dataset: str) -> dict[str, Any]:
    return {
        "kind": "bigquery#dataset",
        "id": f"{project}:{dataset}",
        "datasetReference": {"projectId": project, "datasetId": dataset},
        "location": "us-central1",
    }


def _column(schema: Mapping[str, Any]) -> Column:
    if not schema.get("name") or not schema.get("type"):
        raise invalid("Invalid field: a name and a type are required.")
    return column_of(schema)


def _unknown(name: str) -> dict[str, str]:
    return {
        "reason": "invalid",
        "location": name,
        "debugInfo": "",
        "message": f"no such field: {name}.",
    }


def _selected(table: Table, text: str) -> list[Column]:
    """Return the columns asked for, in the order of the schema; all of them for none.

    Raises:
        Refusal: One does not exist.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in table.schema:
            raise invalid(f"Selected field {name} does not exist in the table.")
    return [column for column in table.columns if not names or column.name in names]


def _token_of(place: str) -> str:
    return base64.b64encode(_TOKEN + place.encode()).decode()


def _same_place(token: str, place: int) -> str:
    """Return another token for a place: clients stop when one comes twice."""
    digits = base64.b64decode(token).removeprefix(_TOKEN).decode() or f"{place}"
    return _token_of(f"0{digits}")


def _place_of(token: str) -> int:
    try:
        raw = base64.b64decode(token, validate=True)
        if raw.startswith(_TOKEN):
            return int(raw.removeprefix(_TOKEN))
    except (binascii.Error, ValueError):
        pass
    raise invalid(f"Invalid page token: {token[:40]}")
