"""From a call to `create` or `submit` to one job."""

import os
from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import anyio
from attrs import frozen

from gemini_batch._codec import Codec, wire_name
from gemini_batch._input.check import check_count
from gemini_batch._input.prepare import INLINE_LIMIT, PreparedInput, prepare
from gemini_batch._io.input_file import check_here
from gemini_batch._io.threads import in_thread
from gemini_batch._requests.checker import RequestChecker
from gemini_batch._requests.rules import SCHEMAS
from gemini_batch._transport import Transport
from gemini_batch._wire.dialect import Dialect
from gemini_batch._wire.http import Request
from gemini_batch._wire.intent_token import (
    new_token,
    token_of_key,
    wire_display_name,
)
from gemini_batch.errors import APIError, InputError, TransportError
from gemini_batch.resources.batches.create_once import CreateOnce
from gemini_batch.resources.batches.inline_requests import inline_requests
from gemini_batch.resources.batches.staging import Staged, Stores
from gemini_batch.resources.files import OnProgress, check_text
from gemini_batch.types import (
    BatchJob,
    EmbedRequest,
    ErrorCode,
    GenerateRequest,
    JobDestination,
    JobKind,
    JobSource,
    WebhookConfig,
)

_PRIORITY = 2**63
_CLEANUP_SECONDS = 10.0

BatchRequest = GenerateRequest | EmbedRequest | Mapping[str, Any] | str | bytes
"""What is taken as a request."""


class JobCreator:
    """Makes jobs: checks what is asked, builds the call, and sends it once."""

    def __init__(
        self, transport: Transport, codec: Codec, wire: Dialect, stores: Stores
    ) -> None:
        self._transport = transport
        self._codec = codec
        self._wire = wire
        self._stores = stores

    async def create(
        self,
        kind: JobKind,
        model: str,
        *,
        sources: Mapping[str, Any],
        dest: str | None,
        generation_config: Any = None,
        system_instruction: Any = None,
        response_type: Any = None,
        as_json_schema: bool = False,
        **options: Any,
    ) -> BatchJob:
        """Create a job of `kind` from one of `sources`, by the names of their arguments."""
        order = self._order(model, options)
        self._wire.check_kind(kind, order.model)
        source = self._wire.source(**sources)
        place = self._wire.destination(dest, source=source, token=order.token)
        if sources["inlined_requests"] is None:
            _check_no_defaults(
                generation_config=generation_config,
                system_instruction=system_instruction,
                response_type=response_type,
            )
        rows = await self._rows(
            kind,
            order.model,
            sources["inlined_requests"],
            generation_config=typed_config(
                self._codec,
                generation_config,
                response_type,
                as_json_schema=as_json_schema,
            ),
            system_instruction=system_instruction,
        )
        intent = self._intent(kind, order)
        if (job := await intent.adopt()) is not None:
            return job
        return await intent.create(self._request(kind, order, source, place, rows))

    async def _rows(
        self, kind: JobKind, model: str, requests: Iterable[Any] | None, **defaults: Any
    ) -> list[bytes]:
        """Return inline requests, encoded; none if the source is stored."""
        if requests is None:
            return []
        checker = RequestChecker(
            self._codec,
            model=model,
            kind=kind,
            allow_metadata=True,
            api_rules=self._wire.input_rules(model).api_rules,
            **defaults,
        )
        return await inline_requests(checker, requests)

    async def submit(
        self,
        model: str,
        requests: str | os.PathLike[str] | Iterable[Any] | AsyncIterable[Any],
        *,
        dest: str | None,
        generation_config: Any,
        system_instruction: Any,
        response_type: Any,
        as_json_schema: bool,
        on_progress: OnProgress | None,
        **options: Any,
    ) -> BatchJob:
        """Check all requests, store them if they are many, and create a job."""
        check_here(requests)
        generation_config = typed_config(
            self._codec, generation_config, response_type, as_json_schema=as_json_schema
        )
        order = self._order(model, options)
        rules = self._wire.input_rules(order.model)
        staged = self._stores.staged(
            order.token,
            display_name=order.display_name,
            is_shared=order.idempotency_key is not None,
        )
        # The source is not there yet; where there is a place for it, there is one for results.
        place = self._wire.destination(dest, source=JobSource(), token=order.token)
        async with prepare(
            requests,
            codec=self._codec,
            model=order.model,
            kind=None if response_type is None else JobKind.GENERATE,
            generation_config=generation_config,
            system_instruction=system_instruction,
            inline_limit=INLINE_LIMIT if rules.inline else 0,
            max_file_bytes=rules.max_bytes,
            api_rules=rules.api_rules,
        ) as prepared:
            self._wire.check_kind(prepared.kind, order.model)
            check_count(prepared.kind, prepared.count, rules.max_requests)
            intent = self._intent(prepared.kind, order)
            # Before the upload: a job that exists needs none.
            if (job := await intent.adopt()) is not None:
                return job
            if prepared.rows is not None:
                request = await in_thread(self._inline_request, prepared, order, place)
                return await intent.create(request)
            source = await _put(staged, prepared, on_progress)
            request = self._request(prepared.kind, order, source, place)
            return await _create_from(staged, intent, request)

    def _inline_request(
        self, prepared: PreparedInput, order: "_Order", place: JobDestination
    ) -> Request:
        rows = [row.inline_row() for row in prepared.rows or ()]
        return self._request(prepared.kind, order, JobSource(), place, rows)

    def _order(self, model: str, options: Mapping[str, Any]) -> "_Order":
        order = _Order(model=self._wire.model_name(model), **options)
        self._wire.check_options(display_name=order.display_name, **order.extras)
        return order

    def _intent(self, kind: JobKind, order: "_Order") -> CreateOnce:
        return CreateOnce(
            self._transport,
            self._wire,
            kind=kind,
            model=order.model,
            token=order.token,
            has_key=order.idempotency_key is not None,
        )

    def _request(
        self,
        kind: JobKind,
        order: "_Order",
        source: JobSource,
        place: JobDestination,
        rows: Sequence[bytes] = (),
    ) -> Request:
        options = self._wire.create_options(
            kind=kind,
            display_name=wire_display_name(order.display_name, order.token),
            token=order.token,
            **order.extras,
        )
        return self._wire.create(order.model, source, place, options, kind=kind, rows=rows)


@frozen(kw_only=True)
class _Order:
    """What a job is to be beside its source, checked as far as both APIs agree."""

    model: str
    """Full name."""

    display_name: str | None = None
    priority: int | None = None
    webhook: WebhookConfig | None = None
    labels: Mapping[str, str] | None = None
    service_account: str | None = None
    kms_key_name: str | None = None
    idempotency_key: str | None = None

    def __attrs_post_init__(self) -> None:
        check_text("display_name", self.display_name)
        check_text("idempotency_key", self.idempotency_key)
        if self.idempotency_key == "":
            raise InputError.one(
                "it is empty",
                remedy="Name the intention, such as 'summaries-2026-10-01'.",
                field="idempotency_key",
            )
        if self.priority is not None and not -_PRIORITY <= self.priority < _PRIORITY:
            raise InputError.one("it is not a 64-bit integer", field="priority")

    @cached_property
    def token(self) -> str:
        """What finds the job again."""
        key = self.idempotency_key
        return new_token() if key is None else token_of_key(key)

    @property
    def extras(self) -> dict[str, Any]:
        """What not every API has."""
        return {
            "priority": self.priority,
            "webhook": self.webhook,
            "labels": self.labels,
            "service_account": self.service_account,
            "kms_key_name": self.kms_key_name,
        }


async def _put(
    staged: Staged, prepared: PreparedInput, on_progress: OnProgress | None
) -> JobSource:
    assert prepared.path is not None  # noqa: S101 - it is either rows or a path
    return await staged.put(prepared.path, on_progress=on_progress)


async def _create_from(staged: Staged, intent: CreateOnce, request: Request) -> BatchJob:
    try:
        return await intent.create(request)
    except (APIError, TransportError):
        # No job was created, or it would be another error.
        with anyio.move_on_after(_CLEANUP_SECONDS):
            await staged.remove()
        raise


def _check_no_defaults(**defaults: object) -> None:
    for name, value in defaults.items():
        if value is not None:
            raise InputError.one(
                "it cannot be applied to requests that are stored",
                remedy="Put it into the requests, or let submit() do so: it takes the file's "
                "path.",
                field=name,
                code=ErrorCode.STORED_INPUT,
            )


_MIME: Final = "responseMimeType"


_JSON: Final = "application/json"


def typed_config(
    codec: Codec, config: Any, response_type: Any, *, as_json_schema: bool
) -> Any:
    """Return the config that asks for answers of `response_type`; `config` itself for None.

    Args:
        codec: Makes the schema.
        config: What the caller gave.
        response_type: The type.
        as_json_schema: Whether the schema is sent as JSON Schema.

    Raises:
        InputError: The type has no schema, or the config contradicts it.
    """
    if response_type is None:
        if as_json_schema:
            raise InputError.one(
                "there is no response_type whose schema it could be",
                remedy="Give a response_type, or leave it out.",
                field="as_json_schema",
            )
        return config
    given = {} if config is None else codec.unstructure(config)
    if not isinstance(given, Mapping):
        return config  # whose own check says what is wrong with it
    name = SCHEMAS[1] if as_json_schema else SCHEMAS[0]
    make = codec.response_json_schema if as_json_schema else codec.response_schema
    own = {wire_name(str(n)): value for n, value in given.items() if value is not None}
    for member in SCHEMAS:
        if member in own:
            raise InputError.one(
                f"generation_config has a {member} of its own",
                remedy="Leave one of the two out.",
                field="response_type",
            )
    if own.get(_MIME, _JSON) != _JSON:
        raise InputError.one(
            f"its answers are JSON, but {_MIME} in generation_config is {own[_MIME]}",
            remedy=f"Leave {_MIME} out.",
            field="response_type",
        )
    mime_type = {} if _MIME in own else {_MIME: _JSON}
    return {**given, **mime_type, name: make(response_type)}
