"""From the rows of a table to requests, in one thread hop after the other."""

import datetime as dt
import math
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from decimal import Decimal
from typing import Any, Final, Generic, TypeAlias, TypeVar

from attrs import field, frozen

from gemini_batch._codec.request_structs import decode_text, encode_plain
from gemini_batch._input.key_index import Duplicate, KeyIndex
from gemini_batch._io.threads import in_thread
from gemini_batch._requests.checker import EncodedBlock
from gemini_batch._requests.hints import json_type
from gemini_batch._requests.problems import Problems
from gemini_batch.tables._columns import Columns
from gemini_batch.tables._reopened_file import check_file
from gemini_batch.tables._table_formats import Records

T = TypeVar("T")

MAX_PROBLEMS: Final = 100
"""Problems after which nothing is read any more. They mostly are one and the same."""

Make: TypeAlias = Callable[[str | None, Sequence[str]], T | None]
"""Returns the request of a key and cells; None if there is nothing to ask about."""


@frozen(kw_only=True)
class Plan(Generic[T]):
    """What is made of the rows of a table."""

    columns: Columns
    key: str | None
    """The column of keys."""

    make: Make[T] = field(repr=False)
    main: str
    """The option that says what is asked about, for problems."""

    missing: str | None
    """What stands in for cells without a value; None reports them."""

    optional: frozenset[str] = frozenset()
    """Columns whose cells may be without a value, which are empty texts then."""


class TableReader(Generic[T]):
    """Makes requests of the rows of a table.

    All but `close` blocks: it runs in worker threads, in one at a time.
    """

    def __init__(
        self, plan: Plan[T], records: Records, problems: Problems, *, path: str
    ) -> None:
        """Create a reader. Nothing is looked at before it is asked for."""
        self._plan = plan
        self._records = records
        self._problems = problems
        self._path = path
        self._names = plan.columns.names
        self._key = None if plan.key is None else self._names.index(plan.key)
        self._keys: KeyIndex | None = None
        # A task that is cancelled natively leaves its hop running, and the last one closes.
        self._lock = threading.Lock()
        self._closed = False

    def block(self) -> list[T] | None:
        """Return the next requests, of which there may be none; None at the end.

        Once a row was wrong there are no more of them, but the others are checked.

        Raises:
            InputError: The end is reached, or there is too much wrong.
        """
        try:
            with self._lock:
                return self._next()
        finally:
            if self._closed:
                self.close()

    def close(self) -> None:
        """Forget all keys, at once or when the hop that runs ends. May be called again."""
        self._closed = True
        if self._lock.acquire(blocking=False):
            try:
                if self._keys is not None:
                    self._keys.close()
            finally:
                self._lock.release()

    def _next(self) -> list[T] | None:
        if self._closed:
            return None
        if self._keys is None:
            check_file(self._path)
            self._keys = KeyIndex()
        records = self._records.block()
        block, made = EncodedBlock(), []
        for line, cells in records or ():
            request = self._request(line, cells, block)
            if request is not None:
                made.append(request)
        self._report_duplicates(self._keys.add(block))
        found = len(self._problems.problems)
        if records is None or found >= MAX_PROBLEMS:
            self._problems.raise_if_any()
        if records is None:
            return None
        return [] if found else made

    def _report_duplicates(self, duplicates: list[Duplicate]) -> None:
        for again in duplicates:
            self._problems.report(
                f"the key {again.key!r} was used on line {again.first} already",
                remedy="Every row needs a key of its own: it is what answers are matched by.",
                number=again.number,
                field=self._plan.key or "",
            )

    def _request(self, line: int, cells: Sequence[Any], block: EncodedBlock) -> T | None:
        texts, key = self._texts(line, cells), None
        if texts is None:
            return None
        if self._key is not None:
            key = texts[self._key]
            if not key.strip():
                where = self._names[self._key]
                self._say("the key is empty", "Every row needs one.", line, where)
                return None
            block.keys.append(key)
            block.numbers.append(line)
        request = self._plan.make(key, texts)
        if request is None:
            where = self._plan.main
            self._say("nothing is left to ask", "Leave the row out.", line, where)
        return request

    def _texts(self, line: int, cells: Sequence[Any]) -> Sequence[str] | None:
        """Return the cells of a row as text; None if one is wrong."""
        if all(cell.__class__ is str for cell in cells):
            return cells
        texts = []
        for name, cell in zip(self._names, cells, strict=True):
            is_key = name == self._plan.key
            text = _key(cell) if is_key else self._text(name, cell)
            if text is None:
                self._say(*_why_no_text(cell, is_key=is_key), line, name)
                return None
            texts.append(text)
        return texts

    def _text(self, name: str, cell: Any) -> str | None:
        if not _is_missing(cell):
            return _as_text(cell)
        return "" if name in self._plan.optional else self._plan.missing

    def _say(self, message: str, remedy: str, line: int, where: str) -> None:
        self._problems.report(message, remedy=remedy, number=line, field=where)


def _is_missing(cell: Any) -> bool:
    # Tables made by pandas have nan where there is nothing.
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _key(cell: Any) -> str | None:
    if isinstance(cell, bool) or not isinstance(cell, str | int):
        return None
    return str(cell)


def _as_text(cell: Any) -> str | None:
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    if isinstance(cell, str | int | float | Decimal) and not isinstance(cell, bool):
        return str(cell)
    # Binary data would become base64, which nobody means to ask about.
    return None if isinstance(cell, bytes) else _as_json(cell)


def _as_json(cell: Any) -> str | None:
    try:
        text = encode_plain(cell)
    except (TypeError, ValueError):
        return None
    # What JSON has as a string, such as a UUID, needs no quotes.
    return decode_text(text) if text.startswith(b'"') else text.decode()


def _why_no_text(cell: Any, *, is_key: bool) -> tuple[str, str]:
    """Return what is wrong with a cell, and the remedy."""
    what = "missing" if _is_missing(cell) else json_type(cell)
    if is_key:
        return f"a key is a text or a whole number; here it is {what}", "Write one."
    if _is_missing(cell):
        return "there is no value", 'To have one filled in, give missing="…".'
    return f"the value is {what}, which is no text", "Write it as text."


async def requests_of(reader: TableReader[T]) -> AsyncGenerator[T, None]:
    """Yield the requests of a table."""
    try:
        while (block := await in_thread(reader.block)) is not None:
            for request in block:
                yield request
    finally:
        reader.close()
