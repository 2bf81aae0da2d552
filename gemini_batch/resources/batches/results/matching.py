"""Who has got a row: rows held against what was asked for, in worker threads."""

from abc import ABC, abstractmethod
from collections.abc import Iterator  # noqa: TC003 - the house has no type-checking blocks
from typing import Final

from attrs import define, field

from gemini_batch._codec import MissingResults
from gemini_batch._input.key_index import KeyIndex
from gemini_batch._io.thread_guard import ThreadGuard
from gemini_batch._requests.checker import EncodedBlock
from gemini_batch.resources.batches.results.expected_keys import ExpectedKeys
from gemini_batch.resources.batches.results.external_sort import (
    PlacedResult,
    ResultSorter,
)
from gemini_batch.types import BatchResult

RESULTS_PER_CALL: Final = 512
"""Rows per thread hop: a millisecond or so of work."""

BYTES_PER_CALL: Final = 1 << 20
"""Bytes of rows from which on there is a hop, however few they are."""


@define
class Matched:
    """What becomes of some rows."""

    kept: list[BatchResult] = field(factory=list)
    """Results, for the caller now. In order, others are kept back."""

    duplicates: list[BatchResult] = field(factory=list)
    foreign: list[BatchResult] = field(factory=list)


class Matcher(ABC):
    """Holds rows against what was asked for. All of it blocks: it is used in worker threads.

    A task that is cancelled natively leaves its hop running: what is held then is let go of when
    the hop ends.
    """

    def __init__(self) -> None:
        self._guard = ThreadGuard(self._release)
        self._rows = 0

    def match(self, rows: list[BatchResult]) -> Matched:
        """Say which rows are results, in the order in which they came."""
        with self._guard.hold() as usable:
            if not usable:
                return Matched()
            self._rows += len(rows)
            return self._match(rows)

    def rest(self, missing: MissingResults) -> list[BatchResult]:
        """Return some of the results that remain once all rows came; none at the end.

        Args:
            missing: Makes the results of requests without a row.
        """
        with self._guard.hold() as usable:
            return self._rest(missing) if usable else []

    def close(self) -> None:
        """Let go of everything; where a hop still runs, at its end. May be called again."""
        self._guard.close(wait=False)

    @abstractmethod
    def _match(self, rows: list[BatchResult]) -> Matched: ...
    @abstractmethod
    def _rest(self, missing: MissingResults) -> list[BatchResult]: ...
    @abstractmethod
    def _release(self) -> None: ...


class CountMatcher(Matcher):
    """Knows how many requests there were, and none of their keys."""

    def __init__(self, count: int) -> None:
        """Create a ledger.

        Args:
            count: The number of requests.
        """
        super().__init__()
        self._due = count
        self._seen = KeyIndex()

    def _match(self, rows: list[BatchResult]) -> Matched:
        matched = Matched()
        keyed = EncodedBlock()
        for row in rows:
            if row.key is not None:
                keyed.keys.append(row.key)
                keyed.numbers.append(row.index)
        again = {duplicate.number for duplicate in self._seen.add(keyed)}
        for row in rows:
            if row.index in again:
                matched.duplicates.append(row)
            elif self._due:
                # One without a key is somebody's all the same.
                self._due -= 1
                matched.kept.append(row)
            else:
                matched.foreign.append(row)
        return matched

    def _rest(self, missing: MissingResults) -> list[BatchResult]:
        count = min(RESULTS_PER_CALL, self._due)
        first = self._rows
        self._rows += count
        self._due -= count
        return [missing.result(None, index) for index in range(first, first + count)]

    def _release(self) -> None:
        self._seen.close()


class KeyMatcher(Matcher):
    """Knows the keys of all requests. Results are returned as they come, missing ones last."""

    def __init__(self) -> None:
        super().__init__()
        self._keys = ExpectedKeys()
        self._seen = bytearray()  # by position
        self._next = 0

    def add(self, keys: list[str]) -> None:
        """Take the next keys that were asked for."""
        with self._guard.hold() as usable:
            if usable:
                self._keys.add(keys)

    def complete(self, file: str | None) -> None:
        """Know that these were all keys.

        Args:
            file: Where they are from, to be shown with what is wrong with them.

        Raises:
            InputError: Some are there twice.
        """
        with self._guard.hold() as usable:
            if usable:
                self._keys.complete(file)
                self._seen = bytearray(self._keys.count)

    def _match(self, rows: list[BatchResult]) -> Matched:
        matched = Matched()
        places = self._keys.positions([row.key for row in rows])
        for row, position in zip(rows, places, strict=True):
            if position is None:
                matched.foreign.append(row)
            elif self._seen[position]:
                matched.duplicates.append(row)
            else:
                self._seen[position] = 1
                self._keep(position, row, matched)
        return matched

    def _keep(self, position: int, row: BatchResult, matched: Matched) -> None:  # noqa: ARG002 - others ask for it
        matched.kept.append(row)

    def _rest(self, missing: MissingResults) -> list[BatchResult]:
        first = self._seen.find(0, self._next)
        if first < 0:
            return []
        keys = self._keys.following(first)
        self._next = first + len(keys)
        seen = self._seen[first : self._next]
        return [
            self._missing(missing, key)
            for key, came in zip(keys, seen, strict=True)
            if not came
        ]

    def _missing(self, missing: MissingResults, key: str) -> BatchResult:
        # Their indices go on where those of the rows end.
        index = self._rows
        self._rows += 1
        return missing.result(key, index)

    def _release(self) -> None:
        self._keys.close()


class OrderedMatcher(KeyMatcher):
    """Returns results in the order of the keys, missing ones in their places.

    As long as rows come in that order they pass; the others wait in files.
    """

    def __init__(self) -> None:
        super().__init__()
        self._waiting = ResultSorter()
        self._merged: Iterator[PlacedResult] | None = None
        self._like: BatchResult | None = None

    def _keep(self, position: int, row: BatchResult, matched: Matched) -> None:
        if position == self._next:
            self._next += 1
            matched.kept.append(row)
        else:
            self._like = row
            self._waiting.add(position, row.index, row.raw)

    def _rest(self, missing: MissingResults) -> list[BatchResult]:
        if self._merged is None:
            self._merged = self._waiting.merged()
        results: list[BatchResult] = []
        held = 0
        for key in self._keys.following(self._next):
            if held >= BYTES_PER_CALL:
                break
            if self._seen[self._next] and self._like is not None:
                # All that were seen from here on are waiting, this one first.
                _, index, row = next(self._merged)
                held += len(row)
                results.append(self._like.sibling(key, index, row))
            else:
                results.append(self._missing(missing, key))
            self._next += 1
        return results

    def _release(self) -> None:
        super()._release()
        self._merged = None
        self._waiting.close()
