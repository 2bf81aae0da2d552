"""Forms of files of results: how rows are written, and how they are found again."""

import csv
import io
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import IO, Any, Final

from gemini_batch._codec.request_structs import decode_plain, encode_plain
from gemini_batch._io.input_file import LineReader, shorten_path
from gemini_batch._writers.format_base import (
    Format,
    Kept,
    Record,
    not_ours,
)
from gemini_batch._writers.result_record import COLUMNS, flat_line, record
from gemini_batch.errors import InputError
from gemini_batch.types import BatchResult, Outcome


class _Text:
    """What forms of text have in common."""

    _head = b""
    _file: IO[bytes]

    def open(self, file: IO[bytes]) -> None:
        self._file = file
        file.write(self._head)

    def write(self, records: Sequence[Record]) -> None:
        self._file.write(b"".join(records))

    def finish(self) -> None:
        self._file.flush()


class FlatLines(_Text):
    """JSON lines, each a flat record."""

    def records(self, results: Sequence[BatchResult]) -> list[Record]:
        """Return a line for each."""
        return [flat_line(result) for result in results]

    def read(self, path: str) -> Iterator[list[Kept]]:
        """Yield the lines of a file."""
        for lines in _blocks(path):
            yield [self._kept(path, number, line) for number, line in lines]

    @staticmethod
    def _kept(path: str, number: int, line: bytes) -> Kept:
        row = _object(line)
        outcome = row.get("outcome")
        if not isinstance(outcome, str):
            raise not_ours(path, f"line {number} is no flat result")
        return row.get("key"), outcome == Outcome.OK, line + b"\n"


class RawLines(_Text):
    """JSON lines, each a row as the service sent it."""

    def records(self, results: Sequence[BatchResult]) -> list[Record]:
        """Return a line for each."""
        return [raw_line(result) for result in results]

    def read(self, path: str) -> Iterator[list[Kept]]:
        """Yield the lines of a file. A row with an error did not end well; others may be."""
        for lines in _blocks(path):
            yield [self._kept(path, number, line) for number, line in lines]

    @staticmethod
    def _kept(path: str, number: int, line: bytes) -> Kept:
        row = _object(line)
        if not row or "outcome" in row:
            raise not_ours(path, f"line {number} is no row as the service sends it")
        key, metadata = row.get("key"), row.get("metadata")
        if key is None and isinstance(metadata, dict):
            key = metadata.get("key")
        failed = row.get("error") is not None or row.get("status") not in (None, "")
        return None if key is None else str(key), not failed, line + b"\n"


# What every record of a table begins with: the key, quoted or not, and the outcome.
_START: Final = re.compile(rb'(?:"((?:[^"]|"")*)"|([^",\r\n]*)),([a-z_]+),')


class Csv(_Text):
    """Comma-separated values in UTF-8, with a header; a vector is JSON text."""

    _head = ",".join(COLUMNS).encode() + b"\n"

    def records(self, results: Sequence[BatchResult]) -> list[Record]:
        """Return a record for each."""
        return [self._record(result) for result in results]

    def read(self, path: str) -> Iterator[list[Kept]]:
        """Yield the records of a file."""
        # Not by the csv module, whose limit on the length of a field is the whole program's.
        begun: list[bytes] = []
        headed = quoted = False
        for lines in _blocks(path, blank=True):
            found: list[Kept] = []
            for _, line in lines:
                begun.append(line + b"\n")
                if line.count(b'"') % 2:
                    quoted = not quoted
                if quoted:
                    continue  # the line break is within a text
                whole, begun = b"".join(begun), []
                if headed:
                    found.append(self._kept(path, whole))
                elif whole == self._head:
                    headed = True
                else:
                    raise not_ours(path, "it has other columns")
            yield found
        if begun:
            raise not_ours(path, "its last record is cut off")

    @staticmethod
    def _record(result: BatchResult) -> bytes:
        key, outcome, answer, vector, *rest = record(result)
        numbers = None if vector is None else encode_plain(vector).decode()
        text = io.StringIO(newline="")
        # What is in the end of a line is quoted: a lone \r, too, has to be.
        csv.writer(text).writerow((key, outcome, answer, numbers, *rest))
        return text.getvalue().removesuffix("\r\n").encode() + b"\n"

    @staticmethod
    def _kept(path: str, line: bytes) -> Kept:
        start = _START.match(line)
        if start is None:
            raise not_ours(path, f"this is no record of a result: {line[:80]!r}")
        quoted, plain, outcome = start.groups()
        key = plain if quoted is None else quoted.replace(b'""', b'"')
        return key.decode() or None, outcome.decode() == Outcome.OK, line


def _blocks(path: str, *, blank: bool = False) -> Iterator[list[tuple[int, bytes]]]:
    reader = LineReader(path, max_line_bytes=sys.maxsize)
    while (lines := reader.block()) is not None:
        yield [(number, line or b"") for number, line in lines if line or blank]


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = decode_plain(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def raw_line(result: BatchResult) -> bytes:
    """Return the row of a result as a line."""
    raw = result.raw
    if not raw:
        # No row came: it is told as the service would.
        message = str(result.error)
        return encode_plain({"key": result.key, "error": {"message": message}}) + b"\n"
    # An inline row may be spread over lines; in JSON a line break is never content.
    return raw.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"


def format_of(path: str, *, raw: bool) -> Format:
    """Return the form of a file by the end of its name.

    Raises:
        InputError: It has none, rows as they came do not go with it, or pyarrow is missing.
    """
    end = os.path.splitext(path)[1].lower()  # noqa: PTH122 - a text
    if end in (".jsonl", ".ndjson"):
        return RawLines() if raw else FlatLines()
    if end not in (".csv", ".parquet"):
        raise InputError.one(
            f"the name does not say what to write: {end or 'it has no extension'}",
            remedy="Let it end in .jsonl, .csv or .parquet.",
            file=shorten_path(path),
            field="path",
        )
    if raw:
        raise InputError.one(
            f"rows as the service sent them are JSON, which does not go into {end}",
            remedy="Let the name end in .jsonl, or leave raw out.",
            file=shorten_path(path),
            field="raw",
        )
    if end == ".csv":
        return Csv()
    from gemini_batch._writers.parquet import Parquet  # noqa: PLC0415 - needs an extra

    return Parquet()
