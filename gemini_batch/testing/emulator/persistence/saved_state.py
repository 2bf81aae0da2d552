"""Jobs, files, objects and tables as JSON records, and back."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from gemini_batch.testing.emulator.core.file_store import StoredFile
from gemini_batch.testing.emulator.developer.jobs import Job, Kind
from gemini_batch.testing.emulator.google_cloud.buckets import StoredObject
from gemini_batch.testing.emulator.google_cloud.tables import Table, column_of
from gemini_batch.testing.emulator.vertex.jobs import VertexJob

_JOB_TIMES: Final = ("create_time", "cancel_time", "update_time", "scripted_end")
_VERTEX_TIMES: Final = ("create_time", "cancel_time", "scripted_end")
_FILE_TIMES: Final = ("create_time", "expire_time")
_JOB_PATHS: Final = ("input_path", "result_path")
_MOMENT: Final = "@moment"
# What belongs to the running emulator.
_NOT_KEPT: Final = frozenset(("lock", "abandoned", "state_now"))


def job_record(job: Job) -> dict[str, Any]:
    """Return what there is to remember of a job."""
    return _record(job)


def file_record(file: StoredFile, sequence: int) -> dict[str, Any]:
    """Return what there is to remember of a file."""
    return {**_record(file), "sequence": sequence}


def vertex_record(job: VertexJob) -> dict[str, Any]:
    """Return what there is to remember of a Vertex job."""
    return _record(job)


def object_record(stored: StoredObject) -> dict[str, Any]:
    """Return what there is to remember of an object."""
    return _record(stored)


def table_record(name: str, table: Table) -> dict[str, Any]:
    """Return what there is to remember of a table."""
    return {
        "name": name,
        "columns": [column.schema() for column in table.columns],
        "rows": [
            {column: _kept(value) for column, value in row.items()} for row in table.rows
        ],
        "location": table.location,
        "create_time": table.create_time.isoformat(),
    }


def _kept(value: Any) -> Any:
    return {_MOMENT: value.isoformat()} if isinstance(value, dt.datetime) else value


def _record(thing: Job | StoredFile | StoredObject | VertexJob) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for attribute in attrs.fields(type(thing)):
        value = getattr(thing, attribute.name)
        if attribute.name in _NOT_KEPT:
            continue
        if isinstance(value, dt.datetime):
            value = value.isoformat()
        elif isinstance(value, Path):
            value = value.name
        record[attribute.name] = value
    return record


def job_of(record: Mapping[str, Any], folder: Path) -> Job:
    """Return the job of a record, whose files are in `folder`."""
    values = _values(record, folder, _JOB_TIMES, _JOB_PATHS)
    values["kind"] = Kind(values["kind"])
    values["course"] = tuple(values["course"])
    return Job(**values)


def file_of(record: Mapping[str, Any], folder: Path) -> tuple[StoredFile, int]:
    """Return the file of a record, whose bytes are in `folder`, and its sequence number."""
    values = _values(record, folder, _FILE_TIMES, ("path",))
    sequence = values.pop("sequence")
    return StoredFile(**values), sequence


def vertex_of(record: Mapping[str, Any], folder: Path) -> VertexJob:
    """Return the Vertex job of a record, whose files are in `folder`."""
    values = _values(record, folder, _VERTEX_TIMES, _JOB_PATHS)
    values["course"] = tuple(values["course"])
    return VertexJob(**values)


def object_of(record: Mapping[str, Any], folder: Path) -> StoredObject:
    """Return the object of a record, whose bytes are in `folder`."""
    return StoredObject(**_values(record, folder, ("create_time",), ("path",)))


def table_of(record: Mapping[str, Any]) -> Table:
    """Return the table of a record."""
    rows = [
        {column: _remembered(value) for column, value in row.items()}
        for row in record["rows"]
    ]
    return Table(
        columns=tuple(map(column_of, record["columns"])),
        rows=rows,
        location=record["location"],
        create_time=dt.datetime.fromisoformat(record["create_time"]),
    )


def _remembered(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {_MOMENT}:
        return dt.datetime.fromisoformat(value[_MOMENT])
    return value


def _values(
    record: Mapping[str, Any], folder: Path, times: tuple[str, ...], paths: tuple[str, ...]
) -> dict[str, Any]:
    values = dict(record)
    for name in times:
        if values[name] is not None:
            values[name] = dt.datetime.fromisoformat(values[name])
    for name in paths:
        values[name] = folder / values[name]
    return values
