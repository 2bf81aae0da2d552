"""What the emulator keeps on disk, so that a restarted one still knows it.

Every change is written before it is answered. It then survives the end of the process,
`kill -9` included; not the end of the machine, for which it would have to wait for the disk.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

_VERSION: Final = 1
_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS records"
    " (kind TEXT, name TEXT, record TEXT, PRIMARY KEY (kind, name))"
)


class Journal:
    """JSON records by kind and name, in a file of one emulator at a time.

    Args:
        path: The file; made if it is not there.

    Raises:
        RuntimeError: Another emulator has it open, a newer one made it, or it is broken.
    """

    def __init__(self, path: Path) -> None:
        folder = path.parent
        try:
            self._database = sqlite3.connect(path, timeout=0, isolation_level=None)
            version = self._open()
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                raise RuntimeError(f"another emulator keeps its data in {folder}") from None
            raise RuntimeError(f"the data in {folder} cannot be read: {error}") from error
        if version > _VERSION:
            self.close()
            raise RuntimeError(f"the data in {folder} are a newer emulator's")

    def _open(self) -> int:
        """Take the file for this process alone, and return the version of what is in it."""
        database = self._database
        try:
            # Held until the process ends, however it ends.
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = OFF")
            database.execute("BEGIN EXCLUSIVE")
            [(version,)] = database.execute("PRAGMA user_version")
            if version <= _VERSION:
                database.execute(_TABLE)
                database.execute(f"PRAGMA user_version = {_VERSION}")
            database.execute("COMMIT")
        except BaseException:
            database.close()
            raise
        return int(version)

    def put(self, kind: str, name: str, record: Mapping[str, Any]) -> None:
        """Keep a record, in place of an earlier one of that name."""
        self._database.execute(
            "INSERT INTO records VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET record = excluded.record",
            (kind, name, json.dumps(record)),
        )

    def drop(self, kind: str, name: str) -> None:
        """Forget a record, if there is one."""
        self._database.execute(
            "DELETE FROM records WHERE kind = ? AND name = ?", (kind, name)
        )

    def all(self, kind: str) -> Iterator[dict[str, Any]]:
        """Yield the records of one kind, oldest first."""
        # An upsert leaves the row where it is, so this is the order of first writing.
        rows = self._database.execute(
            "SELECT record FROM records WHERE kind = ? ORDER BY rowid", (kind,)
        )
        for (text,) in rows:
            yield json.loads(text)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
