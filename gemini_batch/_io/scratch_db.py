"""Private SQLite files for what does not fit into memory."""

import sqlite3

_CACHE_KIB = 1_024


def new_database(columns: str) -> sqlite3.Connection:
    """Return a database of one table, ``entries``, that is gone when it is closed."""
    # An empty name is a private database that spills to a file SQLite deletes by itself.
    db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    # Nothing here outlives the process: no journal, no waiting for the disk.
    db.execute("PRAGMA journal_mode = OFF")
    db.execute("PRAGMA synchronous = OFF")
    db.execute(f"CREATE TABLE entries ({columns})")
    return db
