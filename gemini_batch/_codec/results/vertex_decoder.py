"""Decodes results of Vertex AI: errors as text, keys in several places, older embeddings."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import msgspec

from gemini_batch._codec.codec import JSON_ERRORS, Codec
from gemini_batch._codec.member_names import wire_name
from gemini_batch._codec.results.decoder import ResultDecoder
from gemini_batch.errors import DecodeError
from gemini_batch.types import JobKind
from gemini_batch.types._results import Judgement
from gemini_batch.types._status import GRPC_CODES

KEY_LABEL: Final = "gb_key"
"""Label of a request that holds its key, where a row has none beside the request."""

_NUMBERS: Final = {name: number for number, name in GRPC_CODES.items()}
_BY_HTTP: Final[Mapping[int, int]] = {
    400: 3,
    401: 16,
    403: 7,
    404: 5,
    409: 10,
    429: 8,
    499: 1,
    500: 13,
    501: 12,
    503: 14,
    504: 4,
}
_TOP_GRPC: Final = 16
_NOT_ECHOED: Final = frozenset({"labels", "model"})


class _Names(msgspec.Struct, gc=False):
    """Members that may hold a row's key, beside its request."""

    key: Any = None
    custom_id: Any = None
    id: Any = None


class _Echo(msgspec.Struct, gc=False):
    """The request of a row as it is sent back, under its name today and its older one."""

    request: Any = None
    instance: Any = None


class VertexResultDecoder(ResultDecoder):
    """Makes results of rows from Vertex AI.

    A row is rewritten as the Developer API would have it where it differs: an error is text
    under ``status``, the key may be elsewhere, and older models answer with ``predictions``.
    """

    def __init__(
        self, codec: Codec, kind: JobKind, keys: Mapping[bytes, str] | None = None
    ) -> None:
        """Make a decoder.

        Args:
            codec: Reads and writes JSON.
            kind: What the rows asked for.
            keys: Keys by `request_digest`, for rows that have none: see `keys_by_request`.
        """
        super().__init__(codec, kind)
        self._keys = keys or {}
        self._names: Callable[[bytes], _Names] = msgspec.json.Decoder(_Names).decode
        self._echo: Callable[[bytes], _Echo] = msgspec.json.Decoder(_Echo).decode

    def __reduce__(self) -> Any:
        return (VertexResultDecoder, (self._codec, self._kind, self._keys))

    def judge(self, raw: bytes, key: str | None) -> Judgement:
        """Decode a row whose key is `key`, and say how its request ended. Never raises."""
        try:
            row = self._whole(raw)
        except JSON_ERRORS:
            return super().judge(self._plain(raw), key)
        if row.status or row.response is None or row.key != key:
            return super().judge(self._plain(raw), key)
        return self._judged(row, key)

    def read_text(self, raw: bytes, key: str | None) -> str | None:
        """Return the text of a row's answer, without thoughts. Nothing else is decoded."""
        text = super().read_text(raw, key)
        if text is None or self._row(raw).status:
            return super().read_text(self._plain(raw), key)
        return text

    def _key(self, raw: bytes) -> str | None:
        try:
            names = self._names(raw)
            for name in (names.key, names.custom_id, names.id):
                if isinstance(name, str | int) and not isinstance(name, bool):
                    return str(name)
            return self._key_of_request(self._echo(raw))
        except JSON_ERRORS:
            # No key is guessed from a broken row.
            return None

    def _key_of_request(self, echo: _Echo) -> str | None:
        request = echo.instance if echo.request is None else echo.request
        if not isinstance(request, dict):
            return None
        labels = request.get("labels")
        key = labels.get(KEY_LABEL) if isinstance(labels, dict) else None
        if isinstance(key, str):
            return key
        return self._keys.get(request_digest(request)) if self._keys else None

    def _plain(self, raw: bytes) -> bytes:
        """Return a row in the Developer API's form; one that cannot be read as it is."""
        try:
            members = self._codec.members(raw)
            status = self._codec.decode(members.get("status", b'""'))
            plain: dict[str, bytes] = {}
            if isinstance(status, str) and status:
                plain["error"] = self._codec.dumps(status_of(status))
            else:
                names = ("error", "status", "response")
                plain = {name: members[name] for name in names if name in members}
            if "response" not in plain and "predictions" in members:
                plain["response"] = self._prediction(members["predictions"])
        except DecodeError:
            return raw
        key = self._key(raw)
        if key is not None:
            plain["key"] = self._codec.dumps(key)
        return (
            b"{" + b",".join(b'"%b":%b' % (n.encode(), v) for n, v in plain.items()) + b"}"
        )

    def _prediction(self, raw: bytes) -> bytes:
        """Return what the older models say of one content as an EmbedContentResponse."""
        predictions = self._codec.items(raw)
        first = self._codec.members(predictions[0]) if predictions else {}
        embeddings = self._codec.members(first.get("embeddings", b"{}"))
        statistics = self._codec.decode(embeddings.get("statistics", b"{}"))
        count = statistics.get("token_count") if isinstance(statistics, dict) else None
        # It has been seen as 8 and as 8.0.
        tokens = int(count) if isinstance(count, int | float) else 0
        values = embeddings.get("values", b"[]")
        return b'{"tokenCount":"%d","embedding":{"values":%b}}' % (tokens, values)


def status_of(text: str) -> dict[str, Any]:
    """Return a Status, as plain values, for the text of a row that failed.

    The text has no fixed form. Where an error in JSON stands in it, its code and message are
    taken; an HTTP status becomes the gRPC code it stands for.
    """
    error = _embedded(text)
    message = error.get("message")
    return {
        "code": _code(error),
        "message": message if isinstance(message, str) and message else text,
    }


def _embedded(text: str) -> Mapping[str, Any]:
    start = text.find("{")
    if start < 0:
        return {}
    try:
        document, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return {}
    error = document.get("error", document)
    return error if isinstance(error, dict) else {}


def _code(error: Mapping[str, Any]) -> int:
    named = _NUMBERS.get(str(error.get("status")))
    if named is not None:
        return named
    code = error.get("code")
    if not isinstance(code, int) or isinstance(code, bool):
        return 0
    return code if 0 <= code <= _TOP_GRPC else _BY_HTTP.get(code, 0)


def request_digest(request: Any) -> bytes:
    """Return what is the same for a request and its echo.

    The echo may be padded with nulls, spelt otherwise and ordered otherwise, and may say
    ``user`` where no role was given.
    """
    plain = _canonical(request)
    if isinstance(plain, dict):
        plain = {name: value for name, value in plain.items() if name not in _NOT_ECHOED}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        user = "parts" in value and value.get("role") == "user"
        return {
            wire_name(name): _canonical(item)
            for name, item in value.items()
            if item is not None and not (user and name == "role")
        }
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def keys_by_request(requests: Iterable[tuple[str, Any]]) -> dict[bytes, str]:
    """Return keys by the digest of their requests.

    A request that several keys share names none of them: its rows cannot be told apart.

    Args:
        requests: Each with its key, as plain values.
    """
    keys: dict[bytes, str] = {}
    shared: set[bytes] = set()
    for key, request in requests:
        digest = request_digest(request)
        if keys.setdefault(digest, key) != key:
            shared.add(digest)
    return {digest: key for digest, key in keys.items() if digest not in shared}
