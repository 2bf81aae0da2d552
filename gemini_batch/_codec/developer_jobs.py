"""Batch jobs as they come: operations whose outputs are found by a scan and left undecoded.

An inline job brings its results along, often twice: in its metadata and as its response. What
a struct does not name is skipped, and what it calls raw is not copied, so that such an answer
is gone through once and nothing is built of it but a list of places.
"""

import datetime as dt
from typing import Any, TypeVar

import msgspec

from gemini_batch._codec.codec import JSON_ERRORS, not_json
from gemini_batch.errors import DecodeError

T = TypeVar("T")


class Rows(msgspec.Struct, rename="camel"):
    """Rows of inline results, each where it lies."""

    inlined_responses: list[msgspec.Raw] | None = None


class Output(msgspec.Struct, rename="camel"):
    """Where a job's results are, or the results themselves."""

    responses_file: str | None = None
    inlined_responses: Rows | None = None
    """The wire nests the name twice, for both kinds of job."""


class Stats(msgspec.Struct, rename="camel"):
    """Counts, in any of the spellings of an int64."""

    request_count: int | None = None
    successful_request_count: int | None = None
    failed_request_count: int | None = None
    pending_request_count: int | None = None


class InputConfig(msgspec.Struct, rename="camel"):
    """Where a job's requests are. Inline ones are not echoed."""

    file_name: str | None = None


class Webhook(msgspec.Struct, rename="camel"):
    """Whom the service tells of a job's end."""

    uris: list[str] | None = None
    user_metadata: dict[str, Any] | None = None


class Metadata(msgspec.Struct, rename="camel"):
    """A GenerateContentBatch or EmbedContentBatch. null is as if left out."""

    type_url: str | None = msgspec.field(name="@type", default=None)
    name: str | None = None
    model: str | None = None
    display_name: str | None = None
    input_config: InputConfig | None = None
    create_time: str | None = None
    end_time: str | None = None
    update_time: str | None = None
    batch_stats: Stats | None = None
    state: str | None = None
    priority: int | None = None
    webhook_config: Webhook | None = None
    output: Output | None = None


class Operation(msgspec.Struct, rename="camel"):
    """A batch job as ``get`` and ``list`` answer with it."""

    name: str | None = None
    metadata: Metadata | None = None
    done: bool | None = None
    error: Any = None
    response: Output | None = None


class Operations(msgspec.Struct, rename="camel"):
    """One page of a list."""

    operations: list[Operation] | None = None
    next_page_token: str | None = None


class OperationDecoder:
    """Decodes operations."""

    def __init__(self) -> None:
        # Not strict: proto3 JSON sends 64-bit integers as texts.
        self._one = msgspec.json.Decoder(Operation, strict=False)
        self._page = msgspec.json.Decoder(Operations, strict=False)
        self._batch = msgspec.json.Decoder(Metadata, strict=False)

    def one(self, body: bytes) -> Operation:
        """Decode an operation.

        Raises:
            DecodeError: It is not JSON, or not an operation.
        """
        return _decode(self._one, body)

    def page(self, body: bytes) -> Operations:
        """Decode one page of a list; raises as `one` does."""
        return _decode(self._page, body)

    def resource(self, body: bytes) -> Metadata:
        """Decode a batch resource that comes alone; raises as `one` does."""
        return _decode(self._batch, body)


def moment(timestamp: str | None) -> dt.datetime | None:
    """Return a moment of the wire in UTC. Nine fractional digits are cut to microseconds.

    Raises:
        DecodeError: It is none, or without a zone.
    """
    if timestamp is None:
        return None
    try:
        made = dt.datetime.fromisoformat(timestamp)
    except ValueError as exc:
        raise DecodeError(message=f"this is no batch job: {exc}") from exc
    if made.tzinfo is None:
        raise DecodeError(message=f"this is no batch job: {timestamp!r} is without a zone")
    return made if made.tzinfo is dt.UTC else made.astimezone(dt.UTC)


def _decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as exc:
        raise DecodeError(message=f"this is no batch job: {exc}") from exc
    except JSON_ERRORS as exc:
        raise not_json(body, exc) from exc
