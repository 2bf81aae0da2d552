"""Finding keys that are there twice, in bounded memory."""

import marshal
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from gemini_batch._io.scratch_db import new_database
from gemini_batch._requests.checker import EncodedBlock

_NOTED_BYTES = 131_072  # in memory; from there on notes go to a file
_LENGTH_BYTES = 8


@frozen
class Duplicate:
    """A key that was used before."""

    key: str
    number: int
    """Number of the row that has it again."""

    first: int
    """Number of the first row that has it."""


class KeyIndex:
    """Remembers every key and the row it came from, on disk where they are many.

    As long as keys come in order, shorter ones first as numbers are, padded or not, none can
    be there twice: they are noted down, and that is all. From the first one out of order on,
    marks of 64 bits are compared, which take little room. Only once two are equal, as those of
    equal keys are, the keys themselves are looked up.

    Used by one thread at a time, though not always the same.
    """

    def __init__(self) -> None:
        self._last = ""
        self._notes = _Notes()
        self._marks: sqlite3.Connection | None = None
        self._keys: sqlite3.Connection | None = None

    def add(self, block: EncodedBlock) -> list[Duplicate]:
        """Remember the keys of rows, whose numbers must differ from all before."""
        if self._keys is None:
            self._notes.add(block)
            if self._are_new(block.keys):
                return []
            self._keys = new_database("key TEXT PRIMARY KEY, number INTEGER")
            for keys, numbers in self._notes:
                _insert_keys(self._keys, keys, numbers)
        elif _insert_keys(self._keys, block.keys, block.numbers):
            return []
        return list(self._duplicates(self._keys, block))

    def close(self) -> None:
        """Forget everything. May be called more than once."""
        self._notes.close()
        for db in (self._marks, self._keys):
            if db is not None:
                db.close()

    def _are_new(self, keys: Sequence[str]) -> bool:
        """Tell whether keys are surely new; else they may be."""
        if self._marks is not None:
            return _insert_marks(self._marks, keys)
        if self._in_order(keys):
            return True
        self._marks = new_database("mark INTEGER PRIMARY KEY")
        new = [_insert_marks(self._marks, noted) for noted, _ in self._notes]
        return all(new)

    def _in_order(self, keys: Sequence[str]) -> bool:
        last, size = self._last, len(self._last)
        for key in keys:
            length = len(key)
            if length < size or (length == size and key <= last):
                return False
            last, size = key, length
        self._last = last
        return True

    @staticmethod
    def _duplicates(db: sqlite3.Connection, block: EncodedBlock) -> Iterator[Duplicate]:
        for key, number in zip(block.keys, block.numbers, strict=True):
            found = db.execute("SELECT number FROM entries WHERE key = ?", (key,))
            first = int(found.fetchone()[0])
            if first != number:
                yield Duplicate(key, number, first)


class _Notes:
    """Keys and numbers in the order in which they came."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_NOTED_BYTES)  # noqa: SIM115 - closed by `close`

    def add(self, block: EncodedBlock) -> None:
        note = marshal.dumps((block.keys, block.numbers))
        self._file.write(len(note).to_bytes(_LENGTH_BYTES) + note)

    def __iter__(self) -> Iterator[tuple[list[str], list[int]]]:
        self._file.seek(0)
        while length := self._file.read(_LENGTH_BYTES):
            note = self._file.read(int.from_bytes(length))
            yield marshal.loads(note)  # noqa: S302 - nobody else has the file

    def close(self) -> None:
        self._file.close()


def _insert_marks(db: sqlite3.Connection, keys: Sequence[str]) -> bool:
    """Insert the marks of keys; return True if none of them was there."""
    return _insert(db, "?", [(hash(key),) for key in keys])


def _insert_keys(
    db: sqlite3.Connection, keys: Sequence[str], numbers: Sequence[int]
) -> bool:
    """Insert keys that are not there; return True if none of them was."""
    return _insert(db, "?, ?", list(zip(keys, numbers, strict=True)))


def _insert(db: sqlite3.Connection, values: str, rows: Sequence[tuple[Any, ...]]) -> bool:
    before = db.total_changes
    db.execute("BEGIN")
    db.executemany(f"INSERT OR IGNORE INTO entries VALUES ({values})", rows)  # noqa: S608 - placeholders
    db.execute("COMMIT")
    return db.total_changes - before == len(rows)
