"""JSON of batch jobs on the Developer API, of which inline results are left undecoded.

An inline job brings its results along, often twice: in its metadata and as its response. Only
members that are read are decoded, and each result stays the text it is, found by the one scan
that decodes the rest. The documents that come of it are what the converter structures.
"""

from typing import Any, TypedDict, TypeVar

import msgspec

from gemini_batch._codec.codec import JSON_ERRORS, not_json
from gemini_batch.errors import DecodeError

T = TypeVar("T")


# The wire nests the name twice, for both kinds of job.
class _Rows(TypedDict, total=False):
    inlinedResponses: list[msgspec.Raw] | None


_Output = TypedDict(
    "_Output",
    {"@type": Any, "responsesFile": Any, "inlinedResponses": _Rows | None},
    total=False,
)
Batch = TypedDict(
    "Batch",
    {
        "@type": Any,
        "name": Any,
        "model": Any,
        "displayName": Any,
        "inputConfig": Any,
        "createTime": Any,
        "endTime": Any,
        "updateTime": Any,
        "batchStats": Any,
        "state": Any,
        "priority": Any,
        "webhookConfig": Any,
        "output": _Output | None,
    },
    total=False,
)
"""A GenerateContentBatch or EmbedContentBatch."""


class Operation(TypedDict, total=False):
    """A batch job as ``get`` and ``list`` answer with it."""

    name: Any
    metadata: Batch | None
    done: Any
    error: Any
    response: _Output | None


class _Page(TypedDict, total=False):
    operations: list[Operation] | None
    nextPageToken: Any


_operation = msgspec.json.Decoder(Operation)
_page = msgspec.json.Decoder(_Page)
_batch = msgspec.json.Decoder(Batch)


def decode_operation(body: bytes) -> dict[str, Any]:
    """Return the document of an operation.

    Raises:
        DecodeError: It is not JSON, or not an operation.
    """
    return _decode(_operation, body)


def decode_page(body: bytes) -> dict[str, Any]:
    """Return the document of one page of a list; raises as `decode_operation` does."""
    return _decode(_page, body)


def decode_batch(body: bytes) -> dict[str, Any]:
    """Return the document of a batch that comes alone; raises as `decode_operation` does."""
    return _decode(_batch, body)


def _decode(decoder: msgspec.json.Decoder[Any], body: bytes) -> dict[str, Any]:
    try:
        document: dict[str, Any] = decoder.decode(body)
    except msgspec.ValidationError as exc:
        raise DecodeError(message=f"this is no batch job: {exc}") from exc
    except JSON_ERRORS as exc:
        raise not_json(body, exc) from exc
    return document
