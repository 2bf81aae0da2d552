"""What results are held against: the keys that were asked for, found again on disk."""

import hashlib
import marshal
import os
import sqlite3
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from gemini_batch._io.input_file import LineReader, shorten_path
from gemini_batch._io.threads import in_thread
from gemini_batch._requests.checker import RequestChecker
from gemini_batch._requests.full_check import MAX_REQUEST_BYTES
from gemini_batch.errors import InputError, InputProblem

if TYPE_CHECKING:
    from gemini_batch._codec import Codec
    from gemini_batch._requests.api_rules import ApiRules

Keys: TypeAlias = str | os.PathLike[str] | Iterable[str]
"""The path of the input that was submitted, or keys."""

Expected: TypeAlias = int | Keys
"""What was asked for: a number of requests, or their keys."""

_CACHE_KIB: Final = 16_384
_HOP: Final = 1_024  # keys: a millisecond or two of work
_TOLD: Final = 20  # keys there twice that are told of


def checked(expected: Expected | None, *, ordered: bool) -> Expected:
    """Return what `results` is told to expect, before anything is asked or read.

    Raises:
        InputError: It is nothing that results can be held against, or put in order by.
    """
    if expected is None or (ordered and isinstance(expected, int | set | frozenset)):
        raise _wrong(
            "there is no order to put the results in",
            "Give expected= the path of the input, or its keys in a list, in their order.",
        )
    if isinstance(expected, int) and not isinstance(expected, bool):
        if expected < 0:
            raise _wrong(f"a count is due, got {expected}", "Give the number of requests.")
        return expected
    # Bytes can be iterated over, too, but not for keys.
    odd = isinstance(expected, bool | bytes | bytearray | AsyncIterable)
    if odd or not isinstance(expected, str | os.PathLike | Iterable):
        raise _wrong(
            f"keys are due, got {type(expected).__name__}",
            "Give the path of the input, an iterable of keys, or the number of requests.",
        )
    return expected


class ExpectedKeys:
    """The keys that were asked for, each with its position, on disk where they are many.

    Some megabytes of memory hold any number of them. All of it blocks: it is used by one thread
    at a time. Whole blocks go through a single statement, for with each step of one the thread
    lets go of the interpreter, and has to wait for its turn again.
    """

    def __init__(self) -> None:
        # An empty name is a private database that spills to a file SQLite deletes by itself.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        # Nothing here outlives the process: no journal, no waiting for the disk.
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("CREATE TABLE marks (mark TEXT)")
        self._db.execute("CREATE TABLE blocks (start INTEGER PRIMARY KEY, keys BLOB)")
        self.count = 0
        """Keys so far."""

    def add(self, keys: list[str]) -> None:
        """Take the next keys."""
        start = self.count
        self.count += len(keys)
        self._db.execute("BEGIN")
        self._db.execute(
            "INSERT INTO marks (rowid, mark) SELECT ? + key, value FROM json_each(?)",
            (start, _marks(keys)),
        )
        if keys:
            self._db.execute(
                "INSERT INTO blocks VALUES (?, ?)", (start, marshal.dumps(keys))
            )
        self._db.execute("COMMIT")

    def complete(self, file: str | None) -> None:
        """Make the keys ready to be looked up; none may be added any more.

        Args:
            file: Where they are from, to be shown with what is wrong with them.

        Raises:
            InputError: Some are there twice.
        """
        try:
            # Sorted and written at one go: in memory and time far less than key by key.
            self._db.execute("CREATE UNIQUE INDEX by_mark ON marks (mark)")
        except sqlite3.IntegrityError:
            raise InputError(problems=tuple(self._twice(file))) from None

    def positions(self, keys: Sequence[str | None]) -> list[int | None]:
        """Return the positions of keys, from 0; None for one that was not asked for."""
        found: list[int | None] = [None] * len(keys)
        places = [place for place, key in enumerate(keys) if key is not None]
        row = self._db.execute(
            "SELECT group_concat(asked.key || ' ' || marks.rowid) "
            "FROM json_each(?) AS asked CROSS JOIN marks ON marks.mark = asked.value",
            (_marks([key for key in keys if key is not None]),),
        ).fetchone()
        for pair in row[0].split(",") if row[0] else ():
            asked, position = pair.split(" ")
            found[places[int(asked)]] = int(position)
        return found

    def following(self, position: int) -> list[str]:
        """Return the key of a position and some of those that follow; none at the end."""
        query = (
            "SELECT start, keys FROM blocks WHERE start <= ? ORDER BY start DESC LIMIT 1"
        )
        found = self._db.execute(query, (position,)).fetchone()
        if found is None:
            return []
        keys: list[str] = marshal.loads(found[1])  # noqa: S302 - nobody else has the file
        return keys[position - found[0] :]

    def close(self) -> None:
        """Forget everything. May be called more than once."""
        self._db.close()

    def _twice(self, file: str | None) -> Iterable[InputProblem]:
        query = (
            "SELECT MIN(rowid), MAX(rowid) FROM marks GROUP BY mark HAVING COUNT(*) > 1 "
            "ORDER BY MAX(rowid) LIMIT ?"
        )
        for first, again in self._db.execute(query, (_TOLD,)).fetchall():
            key = self.following(first)[0]
            yield InputProblem(
                message=f"the key {key!r} was there already, as number {first + 1}",
                remedy="Answers are matched by keys: each is expected once.",
                file=file,
                line=again + 1,
                field="expected",
            )


async def take_keys(
    expected: Keys,
    add: Callable[[list[str]], None],
    *,
    codec: "Codec",
    api_rules: "Callable[[], ApiRules]",
) -> str | None:
    """Hand over the keys that were asked for, in their order.

    Args:
        expected: The path of an input file, or keys.
        add: Takes some of them; called in a worker thread.
        codec: Reads JSON.
        api_rules: Tells which API the rows of a file are for.

    Returns:
        The file, as it is shown in a problem; None if there is none.

    Raises:
        InputError: The file is none of requests, or a key is no text.
    """
    if isinstance(expected, str | os.PathLike):
        return await _take_file(os.fspath(expected), add, codec, api_rules())
    drawn = iter(expected)
    count = 0
    # Drawn here, for it may be the caller's own code that makes them.
    while keys := list(islice(drawn, _HOP)):
        for number, key in enumerate(keys, count + 1):
            if not isinstance(key, str):
                raise _not_a_key(key, number)
        count += len(keys)
        await in_thread(add, keys)
    return None


async def _take_file(
    path: str,
    add: Callable[[list[str]], None],
    codec: "Codec",
    api_rules: "ApiRules",
) -> str:
    reader = LineReader(path, max_line_bytes=MAX_REQUEST_BYTES)
    # As they were when it was submitted, rows without keys included.
    checker = RequestChecker(
        codec, file=shorten_path(path), model=None, api_rules=api_rules
    )

    def read_some() -> bool:
        lines = reader.block()
        if lines is not None:
            add(checker.lines(lines).keys)
        return lines is not None

    await in_thread(reader.check)
    while await in_thread(read_some):
        pass
    checker.raise_if_any()
    return shorten_path(path)


def _not_a_key(value: Any, number: int) -> InputError:
    kind = type(value).__name__
    hint = " of each request" if isinstance(value, Mapping) or hasattr(value, "key") else ""
    return InputError(
        problems=(
            InputProblem(
                message=f"a key is a text, got {kind}",
                remedy=f"Give the key{hint}, as it was sent.",
                line=number,
                field="expected",
            ),
        )
    )


def _wrong(message: str, remedy: str) -> InputError:
    return InputError.one(message, remedy=remedy, field="expected")


def _marks(keys: Iterable[str]) -> str:
    """Return what stands for keys, whatever they are and however long, as a list in JSON.

    Of 128 bits and cryptographic: no two keys share one.
    """
    marks = [
        hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        for key in keys
    ]
    return '["' + '","'.join(marks) + '"]' if marks else "[]"
