"""Requests that travel inside the create call: checked and encoded in short thread hops."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final

from gemini_batch._io.threads import in_thread
from gemini_batch._requests.checker import EncodedRequest, RequestChecker
from gemini_batch.errors import InputError
from gemini_batch.types import EmbedRequest, GenerateRequest

INLINE_MAX: Final = 19_900_000
"""Bytes of rows in an inline create; the service takes less than 20 MB in all:
https://ai.google.dev/gemini-api/docs/batch-api."""

_HOP: Final = 256  # requests; a millisecond of work, if they are of the usual shape


async def inline_requests(checker: RequestChecker, requests: object) -> list[bytes]:
    """Check and encode inline requests.

    Raises:
        InputError: With every problem of every request.
    """
    drawn = iter(_iterable(requests))
    rows = _Rows(checker)
    while some := list(islice(drawn, _HOP)):
        # Not in the event loop's thread: a row may be large, or odd.
        await in_thread(rows.take, some)
    checker.raise_if_any()
    if not rows.size:
        raise InputError.one(
            "there is no request", remedy="Give at least one.", field="inlined_requests"
        )
    if rows.size > INLINE_MAX:
        raise InputError.one(
            f"together they have {rows.size} bytes; the service takes {INLINE_MAX} inline",
            remedy="submit() uploads what is too large for inline.",
            field="inlined_requests",
        )
    return rows.encoded


class _Rows:
    """Rows as they are encoded, and what is known of all so far."""

    def __init__(self, checker: RequestChecker) -> None:
        self._checker = checker
        self._firsts: dict[str, int] = {}
        self._number = 0
        self.encoded: list[bytes] = []
        self.size = 0

    def take(self, requests: list[Any]) -> None:
        for request in requests:
            self._number += 1
            row = self._checker.request(request, self._number)
            if row is None:
                continue
            self._check_key(row)
            encoded = row.inline_row()
            self.size += len(encoded) + 1
            if self.size <= INLINE_MAX:
                self.encoded.append(encoded)

    def _check_key(self, row: EncodedRequest) -> None:
        first = self._firsts.setdefault(row.key, row.number)
        if first != row.number:
            self._checker.report(
                f"the key {row.key!r} is that of request {first}",
                number=row.number,
                field="key",
                remedy="Keys tell answers apart: give each request its own.",
            )


def _iterable(requests: object) -> Iterable[Any]:
    single = isinstance(requests, str | bytes | Mapping | GenerateRequest | EmbedRequest)
    if single or not isinstance(requests, Iterable):
        raise InputError.one(
            f"expected requests, got {type(requests).__name__}",
            remedy="Put a single request into a list; submit() takes paths and async iterables.",
            field="inlined_requests",
        )
    return requests
