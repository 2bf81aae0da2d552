"""Tables of BigQuery, in memory."""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Final

from attrs import define, field, frozen

_SCHEME: Final = "bq://"
_TYPES: Final = (
    (bool, "BOOLEAN"),
    (int, "INTEGER"),
    (float, "FLOAT"),
    (str, "STRING"),
    (dt.datetime, "TIMESTAMP"),
    ((dict, list), "JSON"),
)
_PARTS: Final = 3


@frozen
class Column:
    """A column of a table."""

    name: str
    type: str
    mode: str = "NULLABLE"
    fields: tuple["Column", ...] = ()
    """Columns of a RECORD."""

    def schema(self) -> dict[str, Any]:
        """Return it as it stands in a schema."""
        value: dict[str, Any] = {"name": self.name, "type": self.type}
        if self.mode != "NULLABLE":
            value["mode"] = self.mode
        if self.fields:
            value["fields"] = [column.schema() for column in self.fields]
        return value

    def cell(self, value: Any) -> dict[str, Any]:
        """Return a value as it stands in an answer."""
        if self.mode == "REPEATED":
            return {"v": [{"v": self._single(item)} for item in value or ()]}
        return {"v": self._single(value)}

    def _single(self, value: Any) -> Any:
        if value is None:
            return None
        if self.type in {"RECORD", "STRUCT"}:
            return {"f": [column.cell(value.get(column.name)) for column in self.fields]}
        if isinstance(value, str):
            return value
        if isinstance(value, dt.datetime):
            # Seconds, written as a float is in Java.
            mantissa, _, exponent = f"{value.timestamp():.12E}".partition("E")
            return f"{mantissa.rstrip('0')}E{int(exponent)}"
        if self.type == "JSON" or isinstance(value, bool | dict | list):
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return str(value)


def column_of(schema: Mapping[str, Any]) -> Column:
    """Return the column that a member of a schema describes."""
    return Column(
        name=schema["name"],
        type=schema["type"],
        mode=schema.get("mode", "NULLABLE"),
        fields=tuple(column_of(inner) for inner in schema.get("fields", ())),
    )


@define(kw_only=True, eq=False)
class Table:
    """One table: its columns, and its rows by column name."""

    columns: tuple[Column, ...]
    rows: Sequence[Mapping[str, Any]] = field(factory=list, repr=False)
    location: str = "us-central1"
    create_time: dt.datetime = field(factory=lambda: dt.datetime.now(dt.UTC))

    @property
    def schema(self) -> dict[str, str]:
        """Type of each column by its name."""
        return {column.name: column.type for column in self.columns}

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]], **types: str) -> "Table":
        """Make a table of rows, whose columns have the types of their first values.

        Args:
            rows: Values by column name: texts, numbers, moments; mappings and lists are
                JSON.
            types: BigQuery types of columns whose values do not tell.
        """
        kept = [dict(row) for row in rows]
        for row in kept:
            for name, value in row.items():
                for kind, type_name in _TYPES:
                    if isinstance(value, kind):
                        types.setdefault(name, type_name)
                        break
        columns = (Column(name, type_name) for name, type_name in types.items())
        return cls(columns=tuple(columns), rows=kept)


def table_name(uri: str) -> str:
    """Return ``project.dataset.table`` of a URI, or of such a name.

    Raises:
        ValueError: It is something else.
    """
    name = uri.removeprefix(_SCHEME)
    parts = name.split(".")
    if len(parts) != _PARTS or not all(parts):
        raise ValueError(f"not a table: {uri!r}")
    return name


class Tables(MutableMapping[str, Table]):
    """All tables, by ``project.dataset.table`` or ``bq://project.dataset.table``.

    A list of mappings becomes a table whose columns have the types of the values::

        emulator.tables["bq://emulator-project.data.in"] = [{"key": "a", "request": {…}}]
    """

    def __init__(self) -> None:
        self._tables: dict[str, Table] = {}
        self._datasets = set[str]()
        self.at_home: Callable[[Callable[[], None]], None] = lambda call: call()
        """Makes a call where requests are answered; changes may come from elsewhere."""

        self.on_change: Callable[[str], None] = lambda _: None
        """Called with the name of each table that is new, has changed or is gone."""

        self.on_dataset: Callable[[str], None] = lambda _: None
        """Called with the name of each new dataset."""

    def __getitem__(self, uri: str) -> Table:
        return self._tables[uri.removeprefix(_SCHEME)]

    def __setitem__(self, uri: str, table: Table | Iterable[Mapping[str, Any]]) -> None:
        name = table_name(uri)
        made = table if isinstance(table, Table) else Table.of(table)

        def take_in() -> None:
            self.add_dataset(name.rpartition(".")[0])
            self._tables[name] = made
            self.on_change(name)

        self.at_home(take_in)

    def __delitem__(self, uri: str) -> None:
        name = uri.removeprefix(_SCHEME)

        def remove() -> None:
            del self._tables[name]
            self.on_change(name)

        self.at_home(remove)

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._tables))

    def __len__(self) -> int:
        return len(self._tables)

    def has_dataset(self, dataset: str) -> bool:
        """Tell whether there is a dataset, given as ``project.dataset``."""
        return dataset in self._datasets

    def add_dataset(self, dataset: str) -> None:
        """Make a dataset, unless it is there."""
        if dataset not in self._datasets:
            self._datasets.add(dataset)
            self.on_dataset(dataset)
