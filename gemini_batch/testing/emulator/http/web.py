"""Small things every endpoint needs: bodies, queries, JSON answers."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs
from aiohttp import web
from multidict import CIMultiDict

from gemini_batch.testing.emulator.core.errors import (
    Refusal,
    Violation,
    invalid,
    violations,
)
from gemini_batch.testing.emulator.messages.validate import (
    DuplicateMemberError,
    check,
    decode,
    snake,
)
from gemini_batch.testing.faults import Fault

_STANDARD_QUERY: Final = frozenset(
    (
        "$.xgafv",
        "access_token",
        "alt",
        "callback",
        "fields",
        "key",
        "oauth_token",
        "prettyPrint",
        "quotaUser",
        "uploadType",
        "upload_protocol",
    )
)
# What the service sets on every answer; programs must cope with all of it.
_HEADERS: Final = {
    "Server": "scaffolding on HTTPServer2",
    "Vary": "Origin",
    "X-Content-Type-Options": "nosniff",
}


_INT32: Final = 2**31

LOGGED_BODY: Final = 1 << 20
"""Largest body, in bytes, that the log keeps."""


@attrs.define(kw_only=True)
class Call:
    """One request on its way through the emulator."""

    request: web.BaseRequest
    version: str = ""
    """Version segment of the path."""

    names: Mapping[str, str] = attrs.field(factory=dict)
    """Variable parts of the path."""

    fault: Fault | None = None
    received: int = 0
    """Bytes of the body that have been read."""

    body: bytes | None = None
    """The body, if it is small and JSON; for the log."""


def json_answer(
    value: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return an answer as the service writes JSON: UTF-8, indented."""
    body = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    return raw_answer(body.encode("utf-8", "replace"), status=status, headers=headers)


def raw_answer(
    body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return an answer whose body is given as bytes: JSON, unless `headers` say otherwise."""
    merged = CIMultiDict(_HEADERS, **{"Content-Type": "application/json; charset=UTF-8"})
    merged.update(headers or {})
    return web.Response(status=status, body=body, headers=merged)


def refusal_answer(refusal: Refusal) -> web.Response:
    """Return the answer that `refusal` stands for."""
    return raw_answer(refusal.body(), status=refusal.status, headers=refusal.headers)


async def read_body(call: Call, limit: int) -> bytes:
    """Read the whole body.

    Raises:
        Refusal: It is larger than `limit` bytes.
    """
    too_large = invalid(f"Request payload size exceeds the limit: {limit} bytes.")
    pieces: list[bytes] = []
    async for piece in call.request.content.iter_any():
        call.received += len(piece)
        if call.received <= limit:
            pieces.append(piece)
    if call.received > limit:
        raise too_large
    return b"".join(pieces)


async def read_unprocessed(call: Call) -> None:
    """Read the body of a request that a fault answers, for the log alone."""
    pieces: list[bytes] = []
    async for piece in call.request.content.iter_any():
        call.received += len(piece)
        if call.received <= LOGGED_BODY:
            pieces.append(piece)
    if call.request.content_type == "application/json" and call.received <= LOGGED_BODY:
        call.body = b"".join(pieces)


def checked_json(message: str, body: bytes) -> dict[str, Any]:
    """Decode a JSON body and check it against a message.

    Returns:
        The body with its members in camelCase. An empty one is an empty message.

    Raises:
        Refusal: It is not JSON, or does not fit.
    """
    try:
        value = decode(body.decode() or "{}")
    except json.JSONDecodeError as error:
        line = error.doc.splitlines()[error.lineno - 1 : error.lineno]
        shown = line[0][:200] if line else ""
        raise invalid(
            f"Invalid JSON payload received. {error.msg}.\n{shown}\n"
            f"{' ' * min(error.colno - 1, 200)}^"
        ) from None
    except DuplicateMemberError as error:
        raise invalid(
            f'Invalid JSON payload received. Unknown name "{error}": Proto field is not'
            " repeating, cannot set it twice."
        ) from None
    except UnicodeDecodeError:
        raise invalid("Invalid JSON payload received. Invalid UTF-8.") from None
    except ValueError as error:
        raise invalid(f"Invalid JSON payload received. {error}.") from None
    checked = check(message, value)
    if checked.violations:
        raise violations(checked.violations)
    return checked.value


def checked_query(call: Call, allowed: Iterable[str]) -> dict[str, str]:
    """Return the query parameters beside the standard ones, names in camelCase.

    Raises:
        Refusal: One is not known here.
    """
    spellings = {spelt: name for name in allowed for spelt in (name, snake(name))}
    found: list[Violation] = []
    values: dict[str, str] = {}
    for spelt, value in call.request.query.items():
        if spelt in spellings:
            values[spellings[spelt]] = value
        elif spelt not in _STANDARD_QUERY:
            found.append(
                Violation(
                    description=f'Invalid JSON payload received. Unknown name "{spelt}":'
                    f" Cannot bind query parameter. Field '{spelt}' could not be found in"
                    " request message."
                )
            )
    if found:
        raise violations(found)
    return values


def page_size(query: Mapping[str, str], *, default: int, most: int) -> int:
    """Return how many elements a page may hold.

    Raises:
        Refusal: The parameter is no number, or negative.
    """
    text = query.get("pageSize", "0")
    size = int(text) if re.fullmatch(r"-?[0-9]{1,10}", text) else _INT32
    if not -_INT32 <= size < _INT32:
        raise violations(
            [
                Violation(
                    description=f"Invalid value at 'page_size' (TYPE_INT32), \"{text}\"",
                    field="page_size",
                )
            ]
        )
    if size < 0:
        raise invalid("* page_size: page_size must not be negative.\n")
    return min(size or default, most)
