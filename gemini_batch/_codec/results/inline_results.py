"""The results of an inline job, as a sequence that decodes each one on first access."""

from collections.abc import Iterator, Sequence
from typing import Any, overload

import msgspec

from gemini_batch._codec.codec import Codec
from gemini_batch._codec.results.decoder import ResultDecoder
from gemini_batch.types import BatchResult, JobKind


class Results(Sequence[BatchResult]):
    """Results of an inline job: like a tuple, but each item is made on first access."""

    __slots__ = ("_codec", "_decoder", "_items")

    def __init__(self, rows: list[Any], codec: Codec, kind: JobKind) -> None:
        """Make it.

        Args:
            rows: Undecoded results, or plain values.
            codec: Reads and writes JSON.
            kind: What the job asks of its model.
        """
        # Results take the place of rows; after the last one, the body of the answer is freed.
        self._items = rows
        self._codec = codec
        self._decoder = ResultDecoder(codec, kind)

    def _at(self, index: int) -> BatchResult:
        item = self._items[index]
        if isinstance(item, BatchResult):
            return item
        raw = bytes(item) if item.__class__ is msgspec.Raw else self._codec.dumps(item)
        result = self._items[index] = self._decoder.result(raw, index)
        return result

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> BatchResult: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[BatchResult, ...]: ...
    def __getitem__(self, index: int | slice) -> BatchResult | tuple[BatchResult, ...]:
        places = range(len(self._items))[index]
        if isinstance(places, int):
            return self._at(places)
        return tuple([self._at(place) for place in places])

    def __iter__(self) -> Iterator[BatchResult]:
        return map(self._at, range(len(self._items)))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, tuple | Results):
            return len(self) == len(other) and tuple(self) == tuple(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"<{len(self)} results>"
