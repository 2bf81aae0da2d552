"""Reads what a Vertex job is made of, when it starts."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any, Final

from attrs import field, frozen

from gemini_batch.testing.emulator.developer.results import encoded
from gemini_batch.testing.emulator.google_cloud.buckets import (
    Buckets,
    StoredObject,
    split_uri,
)
from gemini_batch.testing.emulator.google_cloud.project import (
    PROJECT,
    PROJECT_NUMBER,
)
from gemini_batch.testing.emulator.google_cloud.tables import Tables, table_name
from gemini_batch.testing.emulator.vertex.jobs import VertexJob

_MOST_FAILURES: Final = 20
# Columns of these types do not reach the output.
_NOT_PASSED: Final = frozenset(
    ("ARRAY", "STRUCT", "RECORD", "RANGE", "DATETIME", "GEOGRAPHY")
)
_RESERVED: Final = frozenset(("response", "status"))
_INVALID: Final = 3
_NOT_FOUND: Final = 5


@frozen
class CannotRunError(Exception):
    """A job fails when it starts."""

    code: int
    message: str

    def value(self) -> dict[str, Any]:
        """Return it as the job's ``error``."""
        return {"code": self.code, "message": self.message}


@frozen(kw_only=True)
class Input:
    """What a job has to do."""

    row_count: int
    columns: tuple[Mapping[str, Any], ...] = ()
    """Schema of the table they are from."""

    failures: list[dict[str, Any]] = field(factory=list)
    """Parts of the input that could not be read."""


def own_dataset(name: str) -> str:
    """Return the name of a dataset with the number of the project, as answers have it."""
    return name.replace(f"projects/{PROJECT}/", f"projects/{PROJECT_NUMBER}/", 1)


@frozen(kw_only=True)
class Inputs:
    """Where jobs read from and write to."""

    buckets: Buckets
    tables: Tables
    datasets: Mapping[str, str]
    """Tables of the multimodal datasets, by the names of these."""

    def check_destination(self, job: VertexJob) -> None:
        """Check that there is room for the output of a job.

        Raises:
            CannotRunError: It has nowhere to write to.
        """
        config = job.resource["outputConfig"]
        if "gcsDestination" in config:
            bucket, _ = split_uri(config["gcsDestination"]["outputUriPrefix"])
            if not self.buckets.has_bucket(bucket):
                raise CannotRunError(_NOT_FOUND, f"Bucket {bucket} does not exist.")
            return
        destination = config.get("vertexMultimodalDatasetDestination", config)
        uri = destination["bigqueryDestination"]["outputUri"].removeprefix("bq://")
        if uri in self.tables:
            raise CannotRunError(_INVALID, f"Table {uri} already exists.")
        parts = uri.split(".")
        if len(parts) > 1 and not self.tables.has_dataset(".".join(parts[:2])):
            raise CannotRunError(_NOT_FOUND, f"Not found: Dataset {'.'.join(parts[:2])}")

    def read(self, job: VertexJob) -> Input:
        """Copy the rows of a job to where it reads them. Blocks; run it in a thread.

        Raises:
            CannotRunError: There is nothing to read.
        """
        config = job.resource["inputConfig"]
        if "gcsSource" in config:
            return self._read_objects(job, config["gcsSource"]["uris"])
        if "bigquerySource" in config:
            return self._read_table(job, config["bigquerySource"]["inputUri"])
        dataset = config["vertexMultimodalDatasetSource"]["datasetName"]
        known = {own_dataset(name): uri for name, uri in self.datasets.items()}
        if own_dataset(dataset) not in known:
            raise CannotRunError(_NOT_FOUND, f"Dataset {dataset} is not found.")
        return self._read_table(job, known[own_dataset(dataset)])

    def _read_objects(self, job: VertexJob, uris: Iterable[str]) -> Input:
        failures: list[dict[str, Any]] = []
        count = 0
        with job.input_path.open("wb") as target:
            for uri in uris:
                found = _objects(self.buckets, uri)
                if not found:
                    failures.append(_failure(uri))
                for stored in found:
                    count += _copy_rows(stored.path, target)
        if not count:
            missing = "; ".join(failure["message"] for failure in failures)
            raise CannotRunError(_INVALID, missing or "The input has no rows.")
        return Input(row_count=count, failures=failures[:_MOST_FAILURES])

    def _read_table(self, job: VertexJob, uri: str) -> Input:
        name = table_name(uri)
        table = self.tables.get(name)
        if table is None:
            raise CannotRunError(
                _NOT_FOUND, f"Failed to import data. Not found: Table {name}"
            )
        legacy = job.model_id.startswith("text-")
        needed = "content" if legacy else "request"
        if needed not in table.schema:
            raise CannotRunError(
                _INVALID, f"Failed to import data. Column '{needed}' is not found."
            )
        for taken in sorted(_RESERVED & table.schema.keys()):
            raise CannotRunError(
                _INVALID, f"Failed to import data. Column '{taken}' is reserved."
            )
        passed = [c for c in table.columns if c.type not in _NOT_PASSED or c.name == needed]
        passed = [column for column in passed if column.mode != "REPEATED"]
        with job.input_path.open("wb") as target:
            for row in table.rows:
                line = {c.name: row.get(c.name) for c in passed}
                target.write(encoded({**line, needed: _json(row.get(needed), legacy)}))
                target.write(b"\n")
        if not table.rows:
            raise CannotRunError(_INVALID, "The input has no rows.")
        return Input(
            row_count=len(table.rows), columns=tuple(column.schema() for column in passed)
        )


def _json(value: Any, legacy: bool) -> Any:  # noqa: FBT001 - one of the two kinds
    """Return a request that may be kept as a text."""
    if legacy or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _copy_rows(source: Path, target: IO[bytes]) -> int:
    """Copy the lines that are not empty, and return how many there are."""
    count = 0
    with source.open("rb") as lines:
        for line in lines:
            if line.strip():
                target.write(line.rstrip(b"\r\n") + b"\n")
                count += 1
    return count


def _objects(buckets: Buckets, uri: str) -> list[StoredObject]:
    """Return the objects that a URI means; ``*`` stands for any part of a name."""
    bucket, name = split_uri(uri)
    if not buckets.has_bucket(bucket):
        return []
    pattern = re.compile(".*".join(map(re.escape, name.split("*"))), re.DOTALL)
    return [o for o in buckets.sorted(bucket) if pattern.fullmatch(o.name)]


def _failure(uri: str) -> dict[str, Any]:
    return {
        "code": _INVALID,
        "message": f"Failed to read {uri}",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "FILE_UNREADABLE",
                "domain": "aiplatform.googleapis.com",
            }
        ],
    }
