"""Rows of results: found by a scan, decoded later."""

from typing import Any, TypeVar

import msgspec

from gemini_batch._codec._codec import JSON_ERRORS, Codec
from gemini_batch.errors import DecodeError
from gemini_batch.types import (
    BatchResult,
    EmbedContentResponse,
    GenerateContentResponse,
    JobKind,
    Outcome,
    Response,
    Status,
)

T = TypeVar("T")


class _Row(msgspec.Struct):
    """A result row, its members left undecoded. Their order is arbitrary on the wire."""

    key: Any = None
    response: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()
    status: msgspec.Raw = msgspec.Raw()
    metadata: Any = None


class RowDecoder:
    """Makes results of raw rows, of a file or inline, and decodes their answers later.

    A result keeps its row alone; the answer is found in it again when it is asked for, which
    costs a scan and saves a copy of every answer.
    """

    def __init__(self, codec: Codec, kind: JobKind) -> None:
        self._codec = codec
        self._kind = kind
        self._decoder = msgspec.json.Decoder(_Row)

    def __reduce__(self) -> tuple[type["RowDecoder"], tuple[Codec, JobKind]]:
        return (RowDecoder, (self._codec, self._kind))

    def result(self, raw: bytes, index: int) -> BatchResult:
        """Return the result that `raw` is; outcome INVALID if it cannot be read. Never raises."""
        try:
            row = self._decoder.decode(raw)
        except JSON_ERRORS as exc:
            # No key is guessed from a broken row: a wrong key would swap answers.
            fault = (Outcome.INVALID, Status(message=f"the row cannot be read: {exc}"))
            return BatchResult(key=None, index=index, raw=raw, fault=fault, reader=self)
        metadata = row.metadata if isinstance(row.metadata, dict) else {}
        return BatchResult(
            key=_key(row, metadata),
            index=index,
            raw=raw,
            metadata=metadata,
            fault=self._fault(row),
            reader=self,
        )

    def read_response(self, raw: bytes) -> Response | None:
        """Structure the answer of a row; None if it has none.

        Raises:
            DecodeError: It does not have the shape of an answer.
        """
        answer = _present(self._decoder.decode(raw).response)
        if answer is None:
            return None
        if self._kind == JobKind.EMBED:
            return self._codec.loads(answer, EmbedContentResponse)
        return self._codec.loads(answer, GenerateContentResponse)

    def parse_answer(self, text: str, cls: type[T]) -> T:
        """Structure a JSON answer of the model into the caller's `cls`."""
        return self._codec.parse_answer(text, cls)

    def _fault(self, row: _Row) -> tuple[Outcome, Status] | None:
        error, status = _present(row.error), _present(row.status)
        if error is None and status is not None and status.startswith(b"{"):
            # Two public clients guard for an object under "status" in place of "error".
            error = status
        return None if error is None else (Outcome.ERROR, self._status(error))

    def _status(self, raw: bytes) -> Status:
        try:
            return self._codec.loads(raw, Status)
        except DecodeError:
            # An error of unknown shape is still an error, and its text is all there is.
            return Status(message=raw.decode(errors="replace"))


def _present(raw: msgspec.Raw) -> bytes | None:
    """Return a member's text, copied out of its row; None if left out or null."""
    text = bytes(raw)
    return None if text in (b"", b"null") else text


def _key(row: _Row, metadata: dict[str, Any]) -> str | None:
    key = row.key if row.key is not None else metadata.get("key")
    # Numbers are read as text; anything else is no key of ours.
    plain = isinstance(key, str | int) and not isinstance(key, bool)
    return str(key) if plain else None
