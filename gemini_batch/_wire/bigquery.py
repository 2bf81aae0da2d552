"""Tables of BigQuery: where they are, and reading their rows (wire-protocol 4.2)."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Self
from urllib.parse import quote

from attrs import evolve, frozen

from gemini_batch._codec import Codec
from gemini_batch._wire.http import Request
from gemini_batch.errors import DecodeError, InputError
from gemini_batch.types import Page

KEY: Final = "key"
"""Column of the key, where the caller names none."""

PAGE_ROWS: Final = 1000
"""Rows asked for at a time. The service stops a page at about 10 MB in any case."""

_PROJECT = r"(?P<project>(?:[a-z0-9][a-z0-9.-]*:)?[a-z0-9][a-z0-9-]*)"
_DATASET = r"(?P<dataset>\w+)"
_TABLE = r"(?P<table>[\w -]+)"
_URI = re.compile(rf"bq://{_PROJECT}(?:\.{_DATASET}(?:\.{_TABLE})?)?")
_ANSWERS: Final = ("response", "predictions")
_STATUS: Final = "status"

REQUEST: Final = "request"
"""Column of the requests."""

RESERVED: Final = ("response", _STATUS)
"""Columns that jobs write, and no input may have."""

Fault = Literal["no_response_column", "empty"]
"""Why a table has no results: its columns are not those of results, or it has no rows yet."""


@frozen(kw_only=True)
class BigQueryUri:
    """``bq://project``, perhaps with dataset and table."""

    project: str
    dataset: str | None = None
    table: str | None = None

    @classmethod
    def read(cls, uri: object, field: str) -> Self:
        """Read a URI.

        Args:
            uri: ``bq://project.dataset.table``, its end left out or not.
            field: Where it was given.

        Raises:
            InputError: It is none.
        """
        match = _URI.fullmatch(uri) if isinstance(uri, str) else None
        if match is None:
            raise InputError.one(
                f"{uri!r} is no place in BigQuery"
                + (" or Cloud Storage" if field == "dest" else ""),
                remedy="Write it as 'bq://project.dataset.table'"
                + (" or 'gs://bucket/prefix'." if field == "dest" else "."),
                field=field,
            )
        return cls(**match.groupdict())

    def as_table(self, field: str) -> Self:
        """Return this, which must name a table.

        Raises:
            InputError: It names less.
        """
        if self.table is None:
            raise InputError.one(
                f"{self.uri!r} names no table",
                remedy="Write it as 'bq://project.dataset.table'.",
                field=field,
            )
        return self

    @property
    def uri(self) -> str:
        """The URI."""
        parts = (self.project, self.dataset, self.table)
        return "bq://" + ".".join(part for part in parts if part is not None)


@frozen(kw_only=True)
class Column:
    """One column of a table, or one member of a record in it."""

    name: str
    type: str = ""
    """Such as STRING, JSON, INTEGER or RECORD."""

    mode: str = ""
    fields: "tuple[Column, ...]" = ()
    """Members of a RECORD."""

    @property
    def repeated(self) -> bool:
        """True if it holds lists."""
        return self.mode == "REPEATED"


@frozen(kw_only=True)
class ResultTable:
    """A table of results, as far as it is to be read."""

    uri: BigQueryUri
    columns: tuple[Column, ...]
    """All of them, in the table's order."""

    selected: tuple[Column, ...]
    """Those to be read, in the same order."""

    key: str | None
    """Column of the key; None if there is none."""

    row_count: int
    fault: Fault | None
    """Why it has no results; None if it has."""


@frozen(kw_only=True)
class _Schema:
    fields: tuple[Column, ...] = ()


@frozen(kw_only=True)
class _Table:
    schema: _Schema = _Schema()
    num_rows: int = 0


class BigQuery:
    """Builds the calls on tables and reads their answers. Pure."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def get_table(self, table: BigQueryUri) -> Request:
        """Ask for the columns of a table and how many rows it has."""
        return Request(
            service="bigquery",
            method="GET",
            path=_path(table),
            query={"fields": "schema,numRows"},
            idempotent=True,
        )

    def read_table(
        self,
        body: bytes,
        table: BigQueryUri,
        *,
        key_column: str | None = None,
        with_requests: bool = False,
    ) -> ResultTable:
        """Read what a table of results has.

        Args:
            body: The answer.
            table: The table.
            key_column: Column of the key; left out, ``key`` where there is one.
            with_requests: Whether rows are to be read with the requests that led to them.

        Raises:
            InputError: The column named is not there, or is no column of keys.
        """
        found = self._codec.loads(body, _Table)
        columns = found.schema.fields
        by_name = {column.name: column for column in columns}
        key = _key_column(by_name, key_column)
        answer = next((name for name in _ANSWERS if name in by_name), None)
        wanted = {key, answer, _STATUS} | ({REQUEST} if with_requests else set())
        fault: Fault | None = None
        if answer is None:
            fault = "no_response_column"
        elif not found.num_rows:
            fault = "empty"
        return ResultTable(
            uri=table,
            columns=columns,
            selected=tuple(column for column in columns if column.name in wanted),
            key=key,
            row_count=found.num_rows,
            fault=fault,
        )

    def list_rows(
        self, table: ResultTable, *, page_token: str | None, page_size: int = PAGE_ROWS
    ) -> Request:
        """Ask for one page of rows. Reading them costs no query."""
        query = {
            "maxResults": str(page_size),
            "selectedFields": ",".join(column.name for column in table.selected),
        }
        if page_token:
            query["pageToken"] = page_token
        return Request(
            service="bigquery",
            method="GET",
            path=_path(table.uri) + "/data",
            query=query,
            idempotent=True,
        )

    def read_rows(self, body: bytes, table: ResultTable) -> Page[bytes]:
        """Read one page of rows, each as a line of a result file has it.

        That is ``{"key", "status", "response"}``, with ``request`` where it was read, too.

        Raises:
            DecodeError: It is no page of rows of this table.
        """
        members = self._codec.members(body)
        rows = self._codec.decode(members.get("rows", b"[]"))
        token = self._codec.loads(members.get("pageToken", b'""'), str)
        return Page(
            items=tuple(self._line(row, table) for row in rows),
            next_page_token=token or None,
        )

    def _line(self, row: Any, table: ResultTable) -> bytes:
        cells = _cells(row)
        # Asked for some columns, a service may send all of them.
        columns = table.selected
        if len(cells) == len(table.columns):
            columns = table.columns
        if len(cells) != len(columns):
            raise DecodeError(message=f"a row has {len(cells)} cells, not {len(columns)}")
        values = {
            column.name: (column, cell) for column, cell in zip(columns, cells, strict=True)
        }
        parts = []
        if table.key in values:
            column, cell = values[table.key]
            if cell is not None:
                parts.append((KEY, _string(str(_value(cell, column)))))
        wanted = {column.name for column in table.selected} - {table.key}
        for name in (_STATUS, REQUEST, *_ANSWERS):
            if name in wanted and values[name][1] is not None:
                column, cell = values[name]
                parts.append((name, self._json(cell, column)))
        return b"{" + b",".join(_string(n) + b":" + value for n, value in parts) + b"}"

    def _json(self, cell: Any, column: Column) -> bytes:
        if column.name == _STATUS or not isinstance(cell, str):
            return self._codec.dumps(_value(cell, column))
        text = cell.encode()
        try:
            # A cell of JSON text is put where it belongs as it is, once it is known to be one
            # whole value: it must not be able to end the row early.
            whole = len(self._codec.items(b"[" + text + b"]")) == 1
        except DecodeError:
            whole = False
        return text if whole else _string(cell)


def _path(table: BigQueryUri) -> str:
    project, dataset, name = (
        quote(part or "", safe=":") for part in (table.project, table.dataset, table.table)
    )
    return f"/bigquery/v2/projects/{project}/datasets/{dataset}/tables/{name}"


def _key_column(columns: Mapping[str, Column], named: str | None) -> str | None:
    if named is None and KEY not in columns:
        return None
    name = KEY if named is None else named
    column = columns.get(name)
    if column is None:
        known = ", ".join(columns) or "none"
        raise InputError.one(
            f"the table has no column {name!r}",
            remedy=f"Its columns are: {known}.",
            field="key_column",
        )
    if column.repeated or column.type not in {"STRING", "INTEGER", "INT64"}:
        raise InputError.one(
            f"the column {name!r} holds no keys but "
            f"{'lists' if column.repeated else column.type}",
            remedy="Keys are of type STRING or INTEGER.",
            field="key_column",
        )
    return name


def _cells(row: Any) -> Sequence[Any]:
    cells = row.get("f") if isinstance(row, dict) else None
    if not isinstance(cells, list):
        raise DecodeError(message="a row has no cells")
    return [cell.get("v") if isinstance(cell, dict) else None for cell in cells]


_NUMBERS: Final[Mapping[str, type[int] | type[float]]] = {
    "INTEGER": int,
    "INT64": int,
    "FLOAT": float,
    "FLOAT64": float,
}


def _value(cell: Any, column: Column) -> Any:
    """Return what a cell says; records and lists of the legacy embedding models included."""
    if cell is None:
        return None
    if column.repeated:
        single = evolve(column, mode="")
        inner = cell if isinstance(cell, list) else []
        return [_value(item.get("v"), single) for item in inner if isinstance(item, dict)]
    if column.type in {"RECORD", "STRUCT"}:
        return {
            field.name: _value(inner, field)
            for field, inner in zip(column.fields, _cells(cell), strict=False)
        }
    if column.type in {"BOOLEAN", "BOOL"}:
        return cell == "true"
    number = _NUMBERS.get(column.type)
    try:
        return cell if number is None else number(cell)
    except (TypeError, ValueError):
        return cell


def _string(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()
