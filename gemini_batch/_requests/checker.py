"""Rows of a batch: requests checked, brought to one form, named and encoded. Pure.

Nearly all rows have the usual shape, and are made without a walk. The others are walked, which
takes whatever a row may be and tells what is wrong with it.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Final, TypeAlias

from gemini_batch._codec.class_hooks import PLAIN, is_as_shipped
from gemini_batch._codec.request_structs import Uncommon
from gemini_batch._requests.api_rules import DEVELOPER
from gemini_batch._requests.encoded import (
    INLINE_EXTRA,
    EncodedBlock,
    EncodedRequest,
    cut_line,
)
from gemini_batch._requests.fast_check import FastCheck, Made
from gemini_batch._requests.full_check import MAX_REQUEST_BYTES, FullCheck
from gemini_batch._requests.shared_parts import snapshot_of
from gemini_batch.types import EmbedRequest, GenerateRequest, JobKind

__all__ = [
    "INLINE_EXTRA",
    "MAX_REQUEST_BYTES",
    "EncodedBlock",
    "EncodedRequest",
    "NumberedRequest",
    "RequestChecker",
    "numbered",
    "snapshot_of",
]

NumberedRequest: TypeAlias = tuple[int, Any, bool]
"""A request as it was drawn: its number, the request, and whether it is a mapping that
`snapshot_of` takes."""

# AttributeError: a value of ours that was never given all its members.
_WALKED: Final = (Uncommon, AttributeError, RecursionError)
_GENERATE: Final = JobKind.GENERATE
_EMBED: Final = JobKind.EMBED


class RequestChecker(FullCheck):
    """Checks rows, one by one or in blocks, and collects what is wrong with them."""

    def line(self, line: bytes, number: int) -> EncodedRequest | None:
        """Check one line of JSON; None if it is blank or wrong.

        Args:
            line: The line, without its newline.
            number: Its number, from 1.
        """
        try:
            return _row(self._quick_line(line, number), number)
        except _WALKED:
            return self.full_check_line(line, number)

    def request(self, value: object, number: int) -> EncodedRequest | None:
        """Check one request; None if it is wrong.

        Args:
            value: A `GenerateRequest`, an `EmbedRequest`, a mapping, or a line of JSON.
            number: Its position, from 1.
        """
        try:
            return _row(self._quick_request(numbered(number, value)), number)
        except _WALKED:
            return self.full_check_request(value, number)

    def made(self, value: Any, number: int) -> Made | None:
        """Make the row of a request if that takes but a microsecond or two, as it mostly does.

        None if it takes longer, or if there is something wrong. Rows are not made like this
        until one that was checked has told the kind of all.
        """
        if value.__class__ is not GenerateRequest or self.kind is not _GENERATE:
            return None
        try:
            made = self._typed and self._typed.generate(value, number, soon=True)
        except _WALKED:
            return None
        return made if made and len(made[1]) <= self._max_request_bytes else None

    def lines(self, lines: Iterable[tuple[int, bytes | None]]) -> EncodedBlock:
        """Check numbered lines; None is one that was too long to be read."""
        block = EncodedBlock()
        for number, line in lines:
            try:
                key, written, _ = self._quick_line(line, number)
            except _WALKED:
                block.add(self.full_check_line(line, number))
            else:
                block.keys.append(key)
                block.numbers.append(number)
                block.lines.append(written)
        return block

    def requests(self, requests: Iterable[NumberedRequest]) -> EncodedBlock:
        """Check requests."""
        block = EncodedBlock()
        for request in requests:
            try:
                key, written, _ = self._quick_request(request)
            except _WALKED:
                block.add(self.full_check_request(request[1], request[0]))
            else:
                block.keys.append(key)
                block.numbers.append(request[0])
                block.lines.append(written)
        return block

    @cached_property
    def _quick(self) -> FastCheck:
        if self._api_rules is not DEVELOPER:
            # The usual shape is known of the rows of one API alone.
            raise Uncommon
        return FastCheck(
            self._codec, self._defaults, allow_metadata=self._envelopes.allow_metadata
        )

    @cached_property
    def _typed(self) -> FastCheck | None:
        """What writes typed requests; None if hooks of the caller's do."""
        quick = self._quick
        ours = is_as_shipped(self._codec.converter, (GenerateRequest, EmbedRequest))
        return quick if ours else None

    @cached_property
    def _plain(self) -> FastCheck | None:
        """What writes mappings; None if hooks of the caller's have a say."""
        quick = self._quick
        return quick if is_as_shipped(self._codec.converter, PLAIN) else None

    def _quick_line(self, line: bytes | None, number: int) -> Made:
        if line is None or self._unreadable or len(line) > self._max_request_bytes:
            raise Uncommon
        kind = self.kind or _GENERATE
        return self._taken(kind, self._quick.line(line, number, kind))

    def _quick_request(self, request: NumberedRequest) -> Made:
        number, value, plain = request
        cls = value.__class__
        if cls is GenerateRequest and self._typed is not None:
            return self._taken(_GENERATE, self._typed.generate(value, number))
        if cls is EmbedRequest and self._typed is not None:
            return self._taken(_EMBED, self._typed.embed(value, number))
        if cls is dict and plain and self._plain is not None:
            kind = self.kind or _GENERATE
            return self._taken(kind, self._plain.mapping(value, number, kind))
        if cls is str:
            return self._quick_line(value.encode("utf-8", "surrogatepass"), number)
        if cls is bytes:
            return self._quick_line(value, number)
        raise Uncommon

    def _taken(self, kind: JobKind, made: Made) -> Made:
        # The line holds more than the request: which of them is too large, the walk tells.
        if len(made[1]) > self._max_request_bytes:
            raise Uncommon
        if self.kind is not kind:
            if self.kind is not None or (kind is _EMBED and self._defaults.given):
                raise Uncommon
            self.kind = kind
        return made


def numbered(number: int, value: Any) -> NumberedRequest:
    """Return a request as it was drawn."""
    return number, value, value.__class__ is dict and snapshot_of(value) is not None


def _row(made: Made, number: int) -> EncodedRequest:
    key, line, metadata = made
    return EncodedRequest(
        key=key, request=cut_line(line)[1], metadata=metadata, number=number
    )
