"""Error answers of the services, in all their shapes, as typed errors."""

import email.utils
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from gemini_batch._codec import Codec
from gemini_batch.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    DecodeError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
)

MAX_ERROR_BODY = 4 << 20
"""Bytes of an error answer that are read. A refused input may have a line for every row."""

_SHOWN = 500
_BY_STATUS_CODE: Mapping[int, type[APIError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitError,
}
_LINE = re.compile(r"^Error on line (\d+): (.*)$", re.MULTILINE)
_DURATION = re.compile(r"^(\d+(?:\.\d+)?)s$")
_TAG = re.compile(r"<[^>]*>")


def read_error(
    codec: Codec,
    *,
    status_code: int,
    headers: Mapping[str, str],
    body: bytes,
    method: str,
    path: str,
    now: Callable[[], float] = time.time,
) -> APIError:
    """Return the typed error for an answer with an error status.

    The body may be an object, a one-element list, HTML, plain text or empty.
    """
    error = _error_member(codec, body)
    details = tuple(d for d in _list(error.get("details")) if isinstance(d, dict))
    message = error.get("message")
    status = error.get("status")
    facts: dict[str, Any] = {
        "status_code": status_code,
        "status": status if isinstance(status, str) else "",
        "message": message if isinstance(message, str) else _plain(body),
        "details": details,
        "retry_after": _retry_after(headers, details, now),
        "method": method,
        "path": path,
    }
    cls = _BY_STATUS_CODE.get(status_code, ServerError if status_code >= 500 else APIError)  # noqa: PLR2004
    if cls is BadRequestError:
        # A bad key is answered with 400, not 401.
        if any(detail.get("reason") == "API_KEY_INVALID" for detail in details):
            return AuthenticationError(**facts)
        return BadRequestError(**facts, line_errors=line_errors(facts["message"]))
    return cls(**facts)


def line_errors(message: str) -> tuple[tuple[int, str], ...]:
    """Return the rows a create refused: line numbers from 1, and what was said of each."""
    return tuple((int(number), text) for number, text in _LINE.findall(message))


def _error_member(codec: Codec, body: bytes) -> Mapping[str, Any]:
    try:
        document = codec.decode(body)
    except DecodeError:
        return {}
    if isinstance(document, list) and document:
        document = document[0]
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _plain(body: bytes) -> str:
    text = body[: 8 * _SHOWN].decode(errors="replace")
    return " ".join(_TAG.sub(" ", text).split())[:_SHOWN] or "the answer has no body"


def _retry_after(
    headers: Mapping[str, str],
    details: tuple[Mapping[str, Any], ...],
    now: Callable[[], float],
) -> float | None:
    for detail in details:
        if str(detail.get("@type", "")).endswith("google.rpc.RetryInfo"):
            match = _DURATION.match(str(detail.get("retryDelay", "")))
            if match:
                return float(match[1])
    header = headers.get("retry-after", "").strip()
    if header.isdecimal():
        return float(header)
    moment = email.utils.parsedate_tz(header)
    return None if moment is None else max(0.0, email.utils.mktime_tz(moment) - now())
