"""Decodes lines of result files, and inline results: keys at once, the rest on access."""

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar

import msgspec

from gemini_batch._codec.codec import JSON_ERRORS, Codec, misfit
from gemini_batch.errors import DecodeError
from gemini_batch.types import (
    BatchResult,
    EmbedContentResponse,
    GenerateContentResponse,
    JobKind,
    Outcome,
    RpcStatus,
)
from gemini_batch.types._results import Judgement, Response, classify

T = TypeVar("T")

# A key that needs no decoding, as the first member of a row or the last. In a sound row no
# text holds these quotes without a backslash; one that is not sound has no answer.
_FIRST = re.compile(rb'\{"key": ?"([^"\\\x00-\x1f\x80-\xff]*)"[,}]').match
_LAST = re.compile(rb', ?"key": ?"([^"\\\x00-\x1f\x80-\xff]*)"\}\n').search
_LAST_WITHIN = 100  # bytes from the end


class _Row(msgspec.Struct, gc=False):
    """A row without its answer, which is skipped."""

    key: Any = None
    error: Any = None
    status: Any = None
    metadata: Any = None


class _Whole(_Row, gc=False):
    """A row with its answer."""

    response: Any = None


class _TextPart(msgspec.Struct, gc=False):
    text: str | None = None
    thought: bool | None = None


class _TextContent(msgspec.Struct, gc=False):
    parts: list[_TextPart] | None = None


class _TextCandidate(msgspec.Struct, gc=False):
    content: _TextContent | None = None


class _TextResponse(msgspec.Struct, gc=False):
    candidates: list[_TextCandidate] | None = None


class _TextRow(_Row, gc=False):
    """A row of whose answer the text alone is decoded."""

    response: _TextResponse | None = None


_OTHER_KEY = "the row has two keys"


class ResultDecoder:
    """Makes a `BatchResult` of each raw row, of a file or inline; it is decoded on first access.

    A row that begins or ends with a plain key is not parsed before. Whether it is valid, and
    that key its key, is checked when its answer is read: no answer gets another's key.
    """

    def __init__(self, codec: Codec, kind: JobKind) -> None:
        self._codec = codec
        self._kind = kind
        self._response: type[Response] = (
            EmbedContentResponse if kind == JobKind.EMBED else GenerateContentResponse
        )
        self._row = msgspec.json.Decoder(_Row).decode
        self._whole = msgspec.json.Decoder(_Whole).decode
        self._text = msgspec.json.Decoder(_TextRow).decode

    def __reduce__(self) -> tuple[type["ResultDecoder"], tuple[Codec, JobKind]]:
        return (ResultDecoder, (self._codec, self._kind))

    def result(self, raw: bytes, index: int) -> BatchResult:
        """Return the result of a raw row. Never raises: misfits show when it is decoded."""
        return BatchResult(self._key(raw), index, raw, self)

    def line(self, line: bytes, index: int) -> BatchResult | None:
        """Return the result on a whole line of a file, with its newline; None if it is blank.

        Args:
            line: The line.
            index: Position of the result.
        """
        match = _FIRST(line) or _LAST(line, len(line) - _LAST_WITHIN)
        if match is not None:
            return BatchResult(match[1].decode(), index, line, self)
        return None if line.isspace() else self.result(line, index)

    def judge(self, raw: bytes, key: str | None) -> Judgement:
        """Decode a row whose key is `key`, and say how its request ended. Never raises."""
        try:
            row = self._whole(raw)
        except JSON_ERRORS as exc:
            return _invalid(f"the row cannot be read: {exc}")
        return self._judged(row, key)

    @cached_property
    def _structure(self) -> Callable[[Any, Any], Response]:
        # Looked up once: every row needs it.
        return self._codec.converter.get_structure_hook(self._response)

    def _judged(self, row: _Whole, key: str | None) -> Judgement:
        if row.key != key and _key_of(row) != key:
            return _invalid(_OTHER_KEY)
        error = response = None
        if row.error is not None or row.status is not None:
            error = self._error(row)
        # The error of a row counts, whatever else it has.
        if error is None and row.response is not None:
            try:
                response = self._structure(row.response, self._response)
            except Exception as exc:  # noqa: BLE001 - what hooks raise, callers' included
                return _invalid(str(misfit(exc, self._response)))
        outcome, why = classify(response, error)
        if error is None and why:
            error = RpcStatus(message=why)
        return outcome, error, response

    def read_text(self, raw: bytes, key: str | None) -> str | None:
        """Return the text of a row's answer, without thoughts. Nothing else is decoded.

        None if there is no text, or the row is not one.
        """
        try:
            row = self._text(raw)
        except JSON_ERRORS:
            return None
        response = row.response
        if response is None:
            return None
        if (row.error is not None or row.status is not None) and _error_of(row) is not None:
            return None
        if row.key != key and _key_of(row) != key:
            return None
        content = response.candidates[0].content if response.candidates else None
        parts = None if content is None else content.parts
        if parts is not None and len(parts) == 1:
            only = parts[0]
            return None if only.thought else only.text
        texts = [p.text for p in parts or () if p.text is not None and not p.thought]
        return "".join(texts) if texts else None

    def read_metadata(self, raw: bytes) -> Mapping[str, Any]:
        """Return the metadata of a row; empty if it has none."""
        try:
            metadata = self._row(raw).metadata
        except JSON_ERRORS:
            return {}
        return metadata if isinstance(metadata, dict) else {}

    def parse_answer(self, text: str, cls: type[T] | None) -> T:
        """Structure a JSON answer of the model into the caller's `cls`."""
        return self._codec.parse_answer(text, cls)

    def _key(self, raw: bytes) -> str | None:
        try:
            return _key_of(self._row(raw))
        except JSON_ERRORS:
            # No key is guessed from a broken row.
            return None

    def _error(self, row: _Row) -> RpcStatus | None:
        error = _error_of(row)
        if error is None:
            return None
        try:
            return self._codec.structure(error, RpcStatus)
        except DecodeError:
            # An error of unknown shape is still an error, and its text is all there is.
            return RpcStatus(message=self._codec.dumps(error).decode())


class MissingResults:
    """Makes the results of requests for which a job has no row."""

    def __init__(self, reason: RpcStatus) -> None:
        """Create it.

        Args:
            reason: Why there is none, as the job says it.
        """
        self._reason = reason

    def result(self, key: str | None, index: int) -> BatchResult:
        """Return the result of a request without a row."""
        return BatchResult(key, index, b"", self)

    def judge(self, raw: bytes, key: str | None) -> Judgement:  # noqa: ARG002 - as ResultDecoder
        """Return MISSING, and why."""
        return Outcome.MISSING, self._reason, None

    def read_text(self, raw: bytes, key: str | None) -> str | None:  # noqa: ARG002
        """Return None: there is no answer."""
        return None

    def read_metadata(self, raw: bytes) -> Mapping[str, Any]:  # noqa: ARG002
        """Return nothing: there is no row."""
        return {}

    def parse_answer(self, text: str, cls: type[T] | None) -> T:  # noqa: ARG002
        """Raise a DecodeError: there is no answer."""
        raise DecodeError(message=f"there is no answer: {self._reason}")


def _key_of(row: _Row) -> str | None:
    key = row.key
    if key.__class__ is str:
        return key
    if key is None and row.metadata.__class__ is dict:
        key = row.metadata.get("key")
    # Numbers are read as text; nothing else can be a key.
    plain = isinstance(key, str | int) and not isinstance(key, bool)
    return str(key) if plain else None


def _error_of(row: _Row) -> Any:
    # Two public clients guard for an object under "status" in place of "error".
    status = row.status if row.status.__class__ is dict else None
    return status if row.error is None else row.error


def _invalid(why: str) -> Judgement:
    return Outcome.INVALID, RpcStatus(message=why), None
