"""Partial answers: the standard parameter ``fields`` tells which members an answer has.

``fields=name,metadata(state,batchStats/requestCount)``: names by commas, what is inside by a
slash or in parentheses, ``*`` for all. Whether the Developer API does this for batches is not
documented. What it does for other messages, as Cloud Storage and BigQuery do, is done here, by
the letter: a name that does not exist is refused, and ``@type``, which is the name of no member,
comes with whole messages only. Rows of results come whole as well: what is in them is another
matter.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from gemini_batch.testing.emulator.core.errors import (
    Refusal,
    Violation,
    violations,
)
from gemini_batch.testing.emulator.http.web import Call

Shape = Mapping[str, "Shape"]
"""Members of a message, by what is inside of them."""

Mask = Mapping[str, "Mask | None"]
"""Members that are asked for, by what of them; None is all of it."""

_TOKEN: Final = re.compile(r"[A-Za-z]\w*|[*,/()]", re.ASCII)
_ANY: Final[Shape] = {}


def _members(names: str, **inside: Shape) -> Shape:
    return {**dict.fromkeys(names.split(), _ANY), **inside}


_STATUS: Final = _members("code message details")
_ROW: Final = _members("response metadata", error=_STATUS)
_OUTPUT: Final = _members(
    "responsesFile", inlinedResponses=_members("", inlinedResponses=_ROW)
)
_BATCH: Final = _members(
    "name model displayName createTime endTime updateTime state priority",
    inputConfig=_members("fileName requests"),
    batchStats=_members(
        "requestCount successfulRequestCount failedRequestCount pendingRequestCount"
    ),
    output=_OUTPUT,
    webhookConfig=_members("uris userMetadata"),
)
OPERATION: Final = _members("name done", metadata=_BATCH, error=_STATUS, response=_OUTPUT)
PAGE: Final = _members("nextPageToken unreachable", operations=OPERATION)

OBJECT: Final = _members(
    "kind id selfLink mediaLink name bucket generation metageneration contentType"
    " contentEncoding contentDisposition contentLanguage cacheControl storageClass size md5Hash"
    " crc32c etag timeCreated updated timeStorageClassUpdated customTime metadata temporaryHold"
    " eventBasedHold componentCount"
)
"""An object of Cloud Storage."""

OBJECTS: Final = _members("kind nextPageToken prefixes", items=OBJECT)

# Columns of columns, as deep as they may be.
_COLUMN: Final[dict[str, Shape]] = dict(_members("name type mode description"))
_COLUMN["fields"] = _COLUMN
TABLE: Final = _members(
    "kind etag id selfLink numBytes numRows type location creationTime lastModifiedTime"
    " expirationTime description friendlyName labels",
    tableReference=_members("projectId datasetId tableId"),
    schema=_members("", fields=_COLUMN),
)
"""A table of BigQuery."""

TABLE_ROWS: Final = _members(
    "kind etag totalRows pageToken", rows=_members("", f=_members("v"))
)


def asked_of(call: Call, shape: Shape) -> Mask | None:
    """Return which members of a `shape` a request asks for; None if it asks for all.

    Raises:
        Refusal: It asks for what does not exist, or not in these terms; or a fault refuses
            the parameter as such.
    """
    text = call.request.query.get("fields", "")
    effect = None if call.fault is None else call.fault.fields
    if not text or effect == "ignore":
        return None
    if effect == "refuse":
        raise _refused(
            'Invalid JSON payload received. Unknown name "fields": Cannot bind query'
            " parameter. Field 'fields' could not be found in request message."
        )
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != text:
        raise _refused(f"Invalid field selection {text}")
    reader = _Reader(text, tokens[::-1])
    mask = reader.mask(shape, ())
    if reader.left:
        raise _refused(f"Invalid field selection {text}")
    return mask


def partial(call: Call, value: dict[str, Any], shape: Shape) -> Any:
    """Return what a request asks for of an answer.

    Raises:
        Refusal: As `asked_of` does.
    """
    return part_of(value, asked_of(call, shape))


def part_of(value: Any, mask: Mask | None) -> Any:
    """Return of a message, or of each of a list of them, what `mask` asks for."""
    if mask is None:
        return value
    if isinstance(value, list):
        return [part_of(item, mask) for item in value]
    if not isinstance(value, dict):
        return value  # a script may have put anything there
    return {
        name: part_of(inner, mask[name]) for name, inner in value.items() if name in mask
    }


class _Reader:
    def __init__(self, text: str, left: list[str]) -> None:
        self._text = text
        self.left = left
        """Tokens that follow, the next one last."""

    def mask(self, shape: Shape, path: tuple[str, ...]) -> Mask:
        """Read names by commas."""
        found: dict[str, Mask | None] = {}
        while True:
            self._selection(shape, path, found)
            if not self._next_is(","):
                return found

    def _selection(
        self, shape: Shape, path: tuple[str, ...], found: dict[str, Mask | None]
    ) -> None:
        name = self.left.pop() if self.left else ""
        if name in {"", ",", "/", "(", ")"}:
            raise _refused(f"Invalid field selection {self._text}")
        path = (*path, name)
        if name == "*" and shape:
            found.update(dict.fromkeys(shape))
            return
        if name not in shape:
            raise _refused(
                "Error expanding 'fields' parameter. Cannot find matching fields for path"
                f" '{'.'.join(path)}'."
            )
        part: Mask | None = None
        if self._next_is("/"):
            inner: dict[str, Mask | None] = {}
            self._selection(shape[name], path, inner)
            part = inner
        elif self._next_is("("):
            part = self.mask(shape[name], path)
            if not self._next_is(")"):
                raise _refused(f"Invalid field selection {self._text}")
        found[name] = _joined(found[name], part) if name in found else part

    def _next_is(self, token: str) -> bool:
        if self.left and self.left[-1] == token:
            self.left.pop()
            return True
        return False


def _joined(one: Mask | None, other: Mask | None) -> Mask | None:
    """Return the mask that asks for what either of two asks for."""
    if one is None or other is None:
        return None
    joined = dict(one)
    for name, part in other.items():
        joined[name] = _joined(joined[name], part) if name in joined else part
    return joined


def _refused(description: str) -> Refusal:
    return violations([Violation(description=description)])
