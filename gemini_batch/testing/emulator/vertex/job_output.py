"""Writes the output of a Vertex job: objects, or a table. Blocks; runs in a thread."""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from gemini_batch.testing._load_faults import read_faults
from gemini_batch.testing.emulator.developer.odd_results import (
    arrange,
    write_odd_rows,
)
from gemini_batch.testing.emulator.google_cloud.buckets import (
    Sums,
    split_uri,
    sums_of,
)
from gemini_batch.testing.emulator.google_cloud.project import PROJECT_NUMBER
from gemini_batch.testing.emulator.google_cloud.tables import (
    Column,
    Table,
    column_of,
)
from gemini_batch.testing.emulator.vertex.jobs import VertexJob
from gemini_batch.testing.faults import Fault

_PROCESSED: Final = "processed_time"
_LAST: Final = ("request", "predictions", "response", "status", _PROCESSED)
# Columns that the output of an older model for embeddings always has.
_LEGACY: Final = ("status",)


@frozen(kw_only=True)
class OutputObject:
    """An object to be made."""

    bucket: str
    name: str
    path: Path
    sums: Sums


@frozen(kw_only=True)
class Output:
    """What a job leaves behind."""

    info: Mapping[str, str]
    """Its ``outputInfo``."""

    objects: tuple[OutputObject, ...] = ()
    tables: Mapping[str, Table]
    datasets: Mapping[str, str]
    """Tables of multimodal datasets, by name."""


def manner_of(job: VertexJob) -> Fault:
    """Return how the output of a job is to be."""
    return read_faults([dict(job.manner)])[0] if job.manner else Fault()


def write_output(job: VertexJob, new_path: Callable[[], Path]) -> Output:
    """Write what a job has answered to where its create said."""
    config = job.resource["outputConfig"]
    if "gcsDestination" in config:
        return _write_objects(job, config["gcsDestination"]["outputUriPrefix"], new_path)
    if "bigqueryDestination" in config:
        name = _table_for(job, config["bigqueryDestination"]["outputUri"])
        dataset, _, table = name.rpartition(".")
        info = {"bigqueryOutputDataset": f"bq://{dataset}", "bigqueryOutputTable": table}
        return Output(info=info, tables={name: _table(job)}, datasets={})
    destination = config["vertexMultimodalDatasetDestination"]
    name = _table_for(job, destination["bigqueryDestination"]["outputUri"])
    made = f"projects/{PROJECT_NUMBER}/locations/{job.location}/datasets/{job.id}"
    info = {"vertexMultimodalDatasetName": made}
    return Output(info=info, tables={name: _table(job)}, datasets={made: f"bq://{name}"})


def _write_objects(job: VertexJob, prefix: str, new_path: Callable[[], Path]) -> Output:
    folder = f"{prefix.rstrip('/')}/prediction-model-{job.output_stamp}"
    bucket, name = split_uri(folder)
    manner = manner_of(job)
    # Rows come in the order they were done in, which is not the input's.
    odd = {*manner.rows, "shuffled"}
    whole = new_path()
    shuffled = Fault(
        rows=sorted(odd),
        row_count=manner.row_count,
        row_bytes=manner.row_bytes,
        seed=manner.seed,
    )
    write_odd_rows(job.result_path, whole, shuffled)
    written = [("predictions.jsonl", whole)]
    if manner.shards:
        written = list(_sharded(whole, manner.shards, new_path))
        whole.unlink()
    if manner.incremental:
        part = new_path()
        lines = job.result_path.read_bytes().splitlines(keepends=True)
        part.write_bytes(b"".join(lines[: (len(lines) + 1) // 2]))
        written.insert(0, ("incremental_predictions.jsonl", part))
    objects = tuple(
        OutputObject(bucket=bucket, name=f"{name}/{file}", path=path, sums=sums_of(path))
        for file, path in written
    )
    info = {"gcsOutputDirectory": folder}
    return Output(info=info, objects=objects, tables={}, datasets={})


def _sharded(
    whole: Path, count: int, new_path: Callable[[], Path]
) -> Iterator[tuple[str, Path]]:
    """Deal rows out to several objects, failed ones to one of their own."""
    lines = whole.read_bytes().splitlines(keepends=True)
    good = [line for line in lines if not _has_failed(line)]
    shards = [(f"predictions_{n + 1:04}.jsonl", good[n::count]) for n in range(count)]
    bad = [line for line in lines if _has_failed(line)]
    if bad:
        shards.append(("errors_0001.jsonl", bad))
    for name, rows in shards:
        path = new_path()
        path.write_bytes(b"".join(rows))
        yield name, path


def _has_failed(line: bytes) -> bool:
    try:
        row = json.loads(line)
    except ValueError:
        return False  # a fault cut it
    return isinstance(row, dict) and bool(row.get("status"))


def _table_for(job: VertexJob, uri: str) -> str:
    """Return the full name of the table that a destination means."""
    parts = uri.removeprefix("bq://").split(".")
    moment = "".join(c if c.isalnum() else "_" for c in job.output_stamp)
    defaults = [f"prediction_model_{moment}", f"predictions_{moment}"]
    return ".".join(parts + defaults[len(parts) - 1 :])


def _table(job: VertexJob) -> Table:
    types = {"response": "JSON", "status": "STRING", _PROCESSED: "TIMESTAMP"}
    columns = {schema["name"]: column_of(schema) for schema in job.columns}
    rows = []
    with job.result_path.open("rb") as lines:
        for line in lines:
            row = json.loads(line)
            # A legacy embedding's input is columns of its own here.
            row |= row.pop("instance", {})
            for name, value in row.items():
                known = types.get(name) or ("STRING" if isinstance(value, str) else "JSON")
                columns.setdefault(name, Column(name, known))
            if _PROCESSED in row:
                row[_PROCESSED] = dt.datetime.fromisoformat(row[_PROCESSED])
            rows.append(row)
    for name in _LEGACY if job.model_id.startswith("text-") else types:
        columns.setdefault(name, Column(name, types[name]))
    # What was asked comes first, what was made of it last.
    ordered = sorted(columns.values(), key=lambda column: _place(column.name))
    return Table(columns=tuple(ordered), rows=_mixed(rows), location=job.location)


def _place(name: str) -> int:
    return _LAST.index(name) + 1 if name in _LAST else 0


def _mixed(rows: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
    """Return rows in another order, the same one every time."""
    return [rows[slot.index] for slot in arrange(len(rows), Fault(rows=("shuffled",)))]
