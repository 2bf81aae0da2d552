"""Rows of tables, read block by block, in worker threads."""

import codecs
import csv
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from operator import itemgetter
from typing import Any, Final, Protocol, TypeAlias

from gemini_batch._codec.codec import JSON_ERRORS
from gemini_batch._codec.request_structs import decode_plain
from gemini_batch._io.input_file import BLOCK_BYTES, LineReader
from gemini_batch._requests.checker import MAX_REQUEST_BYTES
from gemini_batch._requests.hints import json_type, why_not_json
from gemini_batch._requests.problems import Problems
from gemini_batch.errors import InputError
from gemini_batch.tables._columns import Columns
from gemini_batch.tables._reopened_file import ReopenedFile
from gemini_batch.types import ErrorCode

Record: TypeAlias = tuple[int, Sequence[Any]]
"""Line of a row, from 1, and its cells in the order of the columns that were asked for."""

_ROWS: Final = 512  # per thread hop
_CHARACTERS: Final = BLOCK_BYTES // 2
_PARQUET_ROWS: Final = 256  # decoded at a time
_PARQUET_BYTES: Final = 65_536  # read at a time, per column


class Records(Protocol):
    """The rows of one file."""

    def block(self) -> list[Record] | None:
        """Return the next rows, of which there may be none; None at the end.

        Blocks: it runs in a worker thread.
        """


class CsvRecords:
    """Rows of a file of separated values, the first of which names the columns."""

    def __init__(
        self,
        path: str,
        columns: Columns,
        problems: Problems,
        *,
        delimiter: str,
        encoding: str,
    ) -> None:
        """Create a reader.

        Raises:
            LookupError: There is no such encoding.
            TypeError: The delimiter is not one character.
        """
        # With utf-8, the mark that Excel puts first would be part of the first name.
        is_utf8 = codecs.lookup(encoding).name == "utf-8"
        text = io.TextIOWrapper(
            io.BufferedReader(ReopenedFile(path), BLOCK_BYTES),
            encoding="utf-8-sig" if is_utf8 else encoding,
            newline="",
        )
        # Strict: a quote that is never closed would swallow row after row without a word.
        self._reader = csv.reader(text, delimiter=delimiter, strict=True)
        self._columns = columns
        self._problems = problems
        self._encoding = encoding
        self._width = 0
        self._taken: Callable[[Sequence[str]], Sequence[str]] | None = None

    def block(self) -> list[Record] | None:
        """Return the next rows; None at the end."""
        rows: list[Record] = []
        held = 0
        try:
            taken = self._taken or self._read_header()
            for _ in range(_ROWS):
                line = self._reader.line_num + 1
                cells = next(self._reader, None)
                if cells is None:
                    return rows or None
                if self._fits(cells, line):
                    own = taken(cells)
                    rows.append((line, own))
                    held += sum(map(len, own))
                if held >= _CHARACTERS:
                    break
        except csv.Error as exc:
            self._stop(str(exc), _why_not_csv(exc))
        except UnicodeDecodeError as exc:
            # Lines are decoded some at a time, once all before them were read.
            self._stop(
                f"the text is not {self._encoding}: {exc.reason}",
                'Give its encoding, such as encoding="cp1252" or encoding="utf-16".',
                further=1 + exc.object[: exc.start].count(b"\n"),
            )
        return rows

    def _read_header(self) -> Callable[[Sequence[str]], Sequence[str]]:
        # Blank lines are records without cells.
        header = next((cells for cells in self._reader if cells), [])
        if not header:
            self._stop("it has no header", "The first row names the columns.")
        self._columns.check_header(header, self._problems, line=self._reader.line_num)
        self._width = len(header)
        places = [header.index(name) for name in self._columns.names]
        self._taken = _taker(places)
        return self._taken

    def _fits(self, cells: list[str], line: int) -> bool:
        if len(cells) == self._width:
            return True
        if cells:  # a blank line has none
            self._problems.report(
                f"the row has {len(cells)} cells, the header {self._width}",
                remedy="Cells with delimiters or newlines in them stand in double quotes.",
                number=line,
            )
        return False

    def _stop(self, message: str, remedy: str, *, further: int = 0) -> None:
        """Raise what ends all reading, and what was found before.

        Args:
            message: What it is.
            remedy: What to do about it.
            further: Lines from the last that was read to where it is.
        """
        line = self._reader.line_num + further
        self._problems.report(message, remedy=remedy, number=line)
        self._problems.raise_if_any()


def _taker(places: list[int]) -> Callable[[Sequence[str]], Sequence[str]]:
    # Of a single place, `itemgetter` makes no tuple.
    return itemgetter(*places) if len(places) > 1 else lambda cells: (cells[places[0]],)


def _why_not_csv(exc: csv.Error) -> str:
    if "field limit" in str(exc):
        return (
            "The limit is Python's own and holds for the whole process: raise it with "
            "csv.field_size_limit(20_000_000)."
        )
    return "A quote inside of quotes is written twice, and every one is closed."


class JsonRecords:
    """Rows of a file with one JSON object per line."""

    def __init__(
        self, path: str, columns: Columns, problems: Problems, *, may_lack: bool
    ) -> None:
        """Create a reader.

        Args:
            path: The file.
            columns: The members that are taken.
            problems: Takes what is wrong.
            may_lack: Whether objects may lack members, which are None then.
        """
        self._lines = LineReader(path, max_line_bytes=MAX_REQUEST_BYTES)
        self._columns = columns
        self._problems = problems
        self._may_lack = may_lack
        self._unseen = dict(columns.uses)
        self._last: dict[str, Any] = {}

    def block(self) -> list[Record] | None:
        """Return the next rows; None at the end."""
        lines = self._lines.block()
        if lines is None:
            if self._last:
                # What no row has is no column, whatever some rows may lack.
                Columns(self._unseen).check(self._last, self._problems)
            return None
        rows: list[Record] = []
        for number, line in lines:
            value = self._read(line, number)
            if value is not None:
                rows.append((number, [value.get(name) for name in self._columns.names]))
        return rows

    def _read(self, line: bytes | None, number: int) -> dict[str, Any] | None:
        if line is None:
            self._problems.report(
                f"the line is larger than {MAX_REQUEST_BYTES / 1e6:g} MB", number=number
            )
            return None
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if not line.strip():
            return None
        try:
            value = decode_plain(line)
        except JSON_ERRORS as exc:
            message, remedy = why_not_json(line, exc)
            self._problems.report(message, remedy=remedy, number=number)
            return None
        if not isinstance(value, dict):
            self._problems.report(
                f"a row is an object, not {json_type(value)}",
                remedy='Write {"column": "text"}.',
                number=number,
            )
            return None
        if not self._may_lack:
            return (
                value if self._columns.check(value, self._problems, line=number) else None
            )
        for name in self._unseen.keys() & value.keys():
            del self._unseen[name]
        self._last = value
        return value


class ParquetRecords:
    """Rows of a Parquet file."""

    def __init__(self, path: str, columns: Columns, problems: Problems) -> None:
        """Create a reader; pyarrow is looked for when it reads."""
        self._path = path
        self._columns = columns
        self._problems = problems
        self._numbers = count(1)
        self._batches: Iterator[Any] | None = None

    def block(self) -> list[Record] | None:
        """Return the next rows; None at the end."""
        try:
            import pyarrow as pa  # noqa: PLC0415 - an extra, and slow to load
            from pyarrow import parquet  # noqa: PLC0415
        except ImportError as exc:
            raise InputError.one(
                "reading Parquet needs pyarrow, which is not installed",
                remedy="Install it: pip install 'gemini-batch[tables]'.",
                code=ErrorCode.MISSING_PACKAGE,
            ) from exc
        try:
            if self._batches is None:
                self._batches = self._open(parquet)
            batch = next(self._batches, None)
            if batch is None:
                return None
            cells = [batch.column(name).to_pylist() for name in self._columns.names]
        except InputError:
            raise
        except (pa.ArrowException, OSError, ValueError) as exc:
            raise InputError.one(
                f"it cannot be read as Parquet: {exc}", file=self._problems.file
            ) from exc
        return [(next(self._numbers), row) for row in zip(*cells, strict=True)]

    def _open(self, parquet: Any) -> Iterator[Any]:
        # Buffered streams: read ahead, a whole column of a row group would be in memory.
        file = parquet.ParquetFile(
            ReopenedFile(self._path), buffer_size=_PARQUET_BYTES, pre_buffer=False
        )
        self._columns.check_header(file.schema_arrow.names, self._problems)
        batches: Iterator[Any] = file.iter_batches(
            batch_size=_PARQUET_ROWS, columns=[*self._columns.names], use_threads=False
        )
        return batches


FORMATS: Final[Mapping[str, str]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
"""Formats by how names end."""


def records_of(
    path: str,
    columns: Columns,
    problems: Problems,
    *,
    file_format: str | None,
    delimiter: str | None,
    encoding: str,
    may_lack: bool,
) -> Records:
    """Return a reader of a file, which is not looked at yet.

    Raises:
        InputError: An option is wrong.
    """
    suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122 - takes any path
    known = file_format or FORMATS.get(suffix)
    if known not in FORMATS.values():
        raise InputError.one(
            f"there is no format {known!r}"
            if known
            else "its name does not tell its format",
            remedy='Give file_format="csv", "jsonl" or "parquet".',
            file=problems.file,
        )
    if known != "csv" and delimiter is not None:
        raise InputError.one(
            f"a {known} file has no delimiter", remedy="Leave it out.", field="delimiter"
        )
    if known == "jsonl":
        return JsonRecords(path, columns, problems, may_lack=may_lack)
    if known == "parquet":
        return ParquetRecords(path, columns, problems)
    if delimiter is None:
        delimiter = "\t" if suffix == ".tsv" else ","
    try:
        return CsvRecords(path, columns, problems, delimiter=delimiter, encoding=encoding)
    except LookupError as exc:
        raise InputError.one(
            f"{exc}", remedy='Give one such as "utf-8" or "cp1252".', field="encoding"
        ) from exc
    except (TypeError, ValueError) as exc:
        raise InputError.one(f"{exc}", field="delimiter") from exc
