"""What is known of the keys of a file of results, on disk where they are many."""

import marshal
import threading
from collections.abc import Iterable, Iterator, Sequence

from gemini_batch._io.scratch_db import new_database
from gemini_batch._writers.format_base import Kept, Record

_SOME = 512


class KeptResults:
    """The keys that are done, and the rows in waiting: those that did not end well.

    A row in waiting goes when another one comes for its key, and is written at the end if none
    does. Used by one thread at a time, though not always the same.
    """

    def __init__(self) -> None:
        # Without a row, a key is done; its mark tells what is there from other rows.
        self._db = new_database("key TEXT PRIMARY KEY, mark INTEGER, row BLOB")

    def done(self, keys: Iterable[str | None]) -> dict[str | None, int]:
        """Return those of some keys that are done, and the marks of their rows."""
        find = self._db.cursor().execute
        query = "SELECT mark FROM entries WHERE key = ? AND row IS NULL"
        found = [(key, find(query, (key,)).fetchone()) for key in keys if key is not None]
        return {key: row[0] for key, row in found if row is not None}

    def take(self, rows: Sequence[Kept]) -> list[Record]:
        """Take rows of a file, all of which have a key; return those that are to be written."""
        ready = []
        self._db.execute("BEGIN")
        for key, ok, row in rows:
            if not ok:
                self._db.execute(
                    "INSERT OR IGNORE INTO entries VALUES (?, NULL, ?)",
                    (key, marshal.dumps(row)),
                )
            elif not self.done([key]):
                self._db.execute(
                    "INSERT OR REPLACE INTO entries VALUES (?, ?, NULL)",
                    (key, mark_of(row)),
                )
                ready.append(row)
        self._db.execute("COMMIT")
        return ready

    def replace(self, keys: Iterable[str | None]) -> None:
        """Forget the rows in waiting of keys for which another row came."""
        self._db.execute("BEGIN")
        self._db.executemany(
            "DELETE FROM entries WHERE key = ? AND row IS NOT NULL",
            [(key,) for key in keys if key is not None],
        )
        self._db.execute("COMMIT")

    def waiting(self) -> Iterator[list[tuple[str, Record]]]:
        """Yield keys and rows of those still in waiting, some at a time, as they came."""
        found = self._db.execute(
            "SELECT key, row FROM entries WHERE row IS NOT NULL ORDER BY rowid"
        )
        while some := found.fetchmany(_SOME):
            yield [(key, marshal.loads(row)) for key, row in some]  # noqa: S302 - nobody else has the file

    def close(self) -> None:
        """Forget everything. May be called more than once."""
        self._db.close()


def mark_of(row: Record) -> int:
    """Return a number that other rows have not, but for one in 2**64."""
    if isinstance(row, bytes):
        return hash(row)
    return hash(tuple(tuple(value) if isinstance(value, list) else value for value in row))


class FailedKeys:
    """Keys of requests that did not end well.

    A task that is cancelled natively leaves its thread running, which fails once this is
    closed, and not before it is done with what it is at: hence the lock.
    """

    def __init__(self) -> None:
        self._db = new_database("key TEXT PRIMARY KEY, found INTEGER")
        self._lock = threading.Lock()
        self.count = 0
        """How many there are."""

    def add(self, keys: Iterable[str]) -> None:
        """Remember some."""
        with self._lock:
            before = self._db.total_changes
            self._db.execute("BEGIN")
            self._db.executemany(
                "INSERT OR IGNORE INTO entries VALUES (?, 0)", [(key,) for key in keys]
            )
            self._db.execute("COMMIT")
            self.count += self._db.total_changes - before

    def found(self, key: str) -> bool:
        """Tell whether a key is one of them, and that its request was found."""
        with self._lock:
            query = "UPDATE entries SET found = 1 WHERE key = ?"
            return self._db.execute(query, (key,)).rowcount == 1

    def not_found(self, most: int) -> tuple[int, list[str]]:
        """Return of how many no request was found, and the first of them."""
        with self._lock:
            query = "SELECT key FROM entries WHERE found = 0"
            total = self._db.execute(f"SELECT COUNT(*) FROM ({query})").fetchone()  # noqa: S608 - our own
            rows = self._db.execute(f"{query} LIMIT ?", (most,))
            return total[0], [key for (key,) in rows]

    def close(self) -> None:
        """Forget everything. May be called more than once."""
        with self._lock:
            self._db.close()
