"""Results as a Parquet file."""

from collections.abc import Iterator, Sequence
from typing import IO, Any, Final

from gemini_batch._writers.format_base import Kept, Record, not_ours
from gemini_batch._writers.result_record import COLUMNS, record
from gemini_batch.errors import InputError
from gemini_batch.types import BatchResult, ErrorCode, Outcome

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as exc:
    raise InputError.one(
        f"Parquet files need pyarrow, which cannot be imported: {exc}",
        remedy="Install it: pip install 'gemini-batch[tables]'.",
        field="path",
        code=ErrorCode.MISSING_PACKAGE,
    ) from exc

_GROUP_BYTES: Final = 16_777_216  # in memory, until they are written as one row group
_READ_ROWS: Final = 256
_TYPES: Final = {
    "embedding": pa.list_(pa.float32()),
    "error_code": pa.int32(),
    "key": pa.string(),
}
_SCHEMA: Final = pa.schema(
    [
        (name, _TYPES.get(name, pa.int64() if name.endswith("_tokens") else pa.string()))
        for name in COLUMNS
    ]
)


class Parquet:
    """Row groups of some megabytes each, compressed."""

    def __init__(self) -> None:
        self._writer: Any = None
        self._group: list[Any] = []
        self._held = 0

    def open(self, file: IO[bytes]) -> None:
        """Begin to write to an empty file."""
        self._writer = pq.ParquetWriter(file, _SCHEMA)

    def records(self, results: Sequence[BatchResult]) -> list[Record]:
        """Return a tuple of values for each."""
        return [record(result) for result in results]

    def write(self, records: Sequence[Record]) -> None:
        """Take records, and write those there are once they make a row group."""
        if not records:
            return
        columns = zip(*records, strict=True)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, _SCHEMA, strict=True)]
        batch = pa.record_batch(arrays, schema=_SCHEMA)
        self._group.append(batch)
        self._held += batch.nbytes
        if self._held >= _GROUP_BYTES:
            self._write()

    def finish(self) -> None:
        """Write the last rows, and the index at the end."""
        self._write()
        self._writer.close()

    def read(self, path: str) -> Iterator[list[Kept]]:
        """Yield the rows of a file."""
        try:
            file = pq.ParquetFile(path)
        except (pa.ArrowException, OSError) as exc:
            raise not_ours(path, str(exc)) from exc
        with file:
            if not file.schema_arrow.equals(_SCHEMA):
                raise not_ours(path, "it has other columns")
            for batch in file.iter_batches(batch_size=_READ_ROWS):
                rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
                yield [(row[0], row[1] == Outcome.OK, row) for row in rows]

    def _write(self) -> None:
        group, self._group, self._held = self._group, [], 0
        if group:
            self._writer.write_table(pa.Table.from_batches(group, _SCHEMA))
