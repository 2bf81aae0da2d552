"""Finding keys that are there twice, in bounded memory."""

import marshal
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence

from attrs import frozen

from gemini_batch._wire.rows import Block

_CACHE_KIB = 2_048
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
    all are looked up.

    Used by one thread at a time, though not always the same.
    """

    def __init__(self) -> None:
        self._last = ""
        self._notes = _Notes()
        self._db: sqlite3.Connection | None = None

    def add(self, block: Block) -> list[Duplicate]:
        """Remember the keys of rows, whose numbers must differ from all before."""
        if self._db is None:
            if self._in_order(block.keys):
                self._notes.add(block)
                return []
            self._db = _new_database()
            for keys, numbers in self._notes:
                _insert(self._db, keys, numbers)
            self._notes.close()
        if _insert(self._db, block.keys, block.numbers) == len(block.keys):
            return []
        return list(self._duplicates(self._db, block))

    def close(self) -> None:
        """Forget everything. May be called more than once."""
        self._notes.close()
        if self._db is not None:
            self._db.close()

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
    def _duplicates(db: sqlite3.Connection, block: Block) -> Iterator[Duplicate]:
        for key, number in zip(block.keys, block.numbers, strict=True):
            found = db.execute("SELECT number FROM keys WHERE key = ?", (key,)).fetchone()
            first = int(found[0])
            if first != number:
                yield Duplicate(key, number, first)


class _Notes:
    """Keys and numbers in the order in which they came, to be read again at most once."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_NOTED_BYTES)  # noqa: SIM115 - closed by `close`

    def add(self, block: Block) -> None:
        note = marshal.dumps((block.keys, block.numbers))
        self._file.write(len(note).to_bytes(_LENGTH_BYTES) + note)

    def __iter__(self) -> Iterator[tuple[list[str], list[int]]]:
        self._file.seek(0)
        while length := self._file.read(_LENGTH_BYTES):
            note = self._file.read(int.from_bytes(length))
            yield marshal.loads(note)  # noqa: S302 - nobody else has the file

    def close(self) -> None:
        self._file.close()


def _new_database() -> sqlite3.Connection:
    # An empty name is a private database that spills to a file SQLite deletes by itself.
    db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    # Nothing here outlives the process: no journal, no waiting for the disk.
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    db.execute(
        "CREATE TABLE keys (key TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID"
    )
    return db


def _insert(db: sqlite3.Connection, keys: Sequence[str], numbers: Sequence[int]) -> int:
    """Insert what is not there yet, and return how many that were."""
    before = db.total_changes
    db.execute("BEGIN")
    db.executemany(
        "INSERT OR IGNORE INTO keys VALUES (?, ?)", zip(keys, numbers, strict=True)
    )
    db.execute("COMMIT")
    return db.total_changes - before
