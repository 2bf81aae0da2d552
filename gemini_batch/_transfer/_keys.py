"""Finding keys that are there twice, in bounded memory."""

import sqlite3
from collections.abc import Sequence

from gemini_batch._wire.rows import Row

_CACHE_KIB = 32_768


class KeyIndex:
    """Remembers every key and the line it came from, on disk where they are many.

    Used by one thread at a time, though not always the same.
    """

    def __init__(self) -> None:
        # An empty name is a private database that spills to a file SQLite deletes by itself.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        # Nothing here outlives the process: no journal, no waiting for the disk.
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute(
            "CREATE TABLE keys (key TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID"
        )

    def add(self, rows: Sequence[Row]) -> list[tuple[Row, int]]:
        """Remember rows, whose numbers must differ from all before.

        Returns:
            The rows whose key was there before, each with the number of the first that has it.
        """
        self._db.execute("BEGIN")
        before = self._db.total_changes
        self._db.executemany(
            "INSERT OR IGNORE INTO keys VALUES (?, ?)",
            ((row.key, row.number) for row in rows),
        )
        inserted = self._db.total_changes - before
        self._db.execute("COMMIT")
        if inserted == len(rows):
            return []
        firsts = ((row, self._first(row.key)) for row in rows)
        return [(row, first) for row, first in firsts if first != row.number]

    def close(self) -> None:
        """Forget everything. May be called more than once."""
        self._db.close()

    def _first(self, key: str) -> int:
        found = self._db.execute("SELECT number FROM keys WHERE key = ?", (key,)).fetchone()
        return int(found[0])
