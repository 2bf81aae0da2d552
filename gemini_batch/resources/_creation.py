"""From a call to `create` or `submit` to one job."""

import os
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from typing import Any

import anyio
from attrs import frozen

from gemini_batch._codec import Codec
from gemini_batch._transfer._local import in_thread
from gemini_batch._transfer.prepare import PreparedInput, prepare
from gemini_batch._transport import Transport
from gemini_batch._wire._request import Request
from gemini_batch._wire.developer import DeveloperBatches
from gemini_batch._wire.names import file_name as full_file_name
from gemini_batch._wire.names import model_name
from gemini_batch._wire.rows import RowChecker
from gemini_batch.errors import ApiError, GeminiBatchError, InputError
from gemini_batch.resources._inline_rows import inline_rows
from gemini_batch.resources._intent import Intent, is_ambiguous
from gemini_batch.resources.files import Files, OnProgress, check_text
from gemini_batch.types import (
    BatchJob,
    EmbedRequest,
    File,
    GenerateRequest,
    JobKind,
    WebhookConfig,
)

_PRIORITY = 2**63

BatchRequest = GenerateRequest | EmbedRequest | Mapping[str, Any] | str | bytes
"""What is taken as a request."""

Build = Callable[[Mapping[str, Any]], Request]


class Creation:
    """Makes jobs: checks what is asked, builds the call, and sends it once."""

    def __init__(
        self,
        transport: Transport,
        codec: Codec,
        wire: DeveloperBatches,
        files: Files,
    ) -> None:
        self._transport = transport
        self._codec = codec
        self._wire = wire
        self._files = files

    async def create(
        self,
        kind: JobKind,
        model: str,
        *,
        file_name: str | File | None,
        inlined_requests: Iterable[Any] | None,
        vertex_only: Mapping[str, object],
        generation_config: Any = None,
        system_instruction: Any = None,
        **options: Any,
    ) -> BatchJob:
        """Create a job of `kind` from a stored file or from inline requests."""
        model = model_name(model)
        chosen = _Options(**options)
        _check_source(file_name, inlined_requests, vertex_only)
        if file_name is not None:
            _check_no_defaults(
                generation_config=generation_config, system_instruction=system_instruction
            )
            stored = full_file_name(file_name)
            return await self._send(
                kind,
                model,
                chosen,
                lambda extra: self._wire.create_from_file(kind, model, stored, extra),
            )
        checker = RowChecker(
            self._codec,
            model=model,
            kind=kind,
            generation_config=generation_config,
            system_instruction=system_instruction,
            allow_metadata=True,
        )
        rows = await inline_rows(checker, inlined_requests)
        return await self._send(
            kind,
            model,
            chosen,
            lambda extra: self._wire.create_inline(kind, model, rows, extra),
        )

    async def submit(
        self,
        model: str,
        requests: str | os.PathLike[str] | Iterable[Any] | AsyncIterable[Any],
        *,
        vertex_only: Mapping[str, object],
        generation_config: Any,
        system_instruction: Any,
        on_progress: OnProgress | None,
        **options: Any,
    ) -> BatchJob:
        """Check all requests, upload them if they are many, and create a job."""
        model = model_name(model)
        chosen = _Options(**options)
        _check_vertex_only(vertex_only)
        async with prepare(
            requests,
            codec=self._codec,
            model=model,
            generation_config=generation_config,
            system_instruction=system_instruction,
        ) as prepared:
            intent = self._intent(prepared.kind, model, chosen)
            # Before the upload: a job that exists needs none.
            if (job := await intent.adopt()) is not None:
                return job
            if prepared.rows is not None:
                request = await in_thread(
                    self._inline_request, prepared, model, self._extra(intent, chosen)
                )
                return await intent.create(request)
            return await self._upload_and_create(
                prepared, model, intent, chosen, on_progress
            )

    def _inline_request(
        self, prepared: PreparedInput, model: str, extra: Mapping[str, Any]
    ) -> Request:
        rows = [row.inline_row() for row in prepared.rows or ()]
        return self._wire.create_inline(prepared.kind, model, rows, extra)

    async def _upload_and_create(
        self,
        prepared: PreparedInput,
        model: str,
        intent: Intent,
        chosen: "_Options",
        on_progress: OnProgress | None,
    ) -> BatchJob:
        assert prepared.path is not None  # noqa: S101 - it is either rows or a path
        file = await self._files.upload(
            prepared.path,
            display_name=chosen.display_name or "gemini-batch input",
            on_progress=on_progress,
        )
        request = self._wire.create_from_file(
            prepared.kind, model, file.name, self._extra(intent, chosen)
        )
        try:
            return await intent.create(request)
        except ApiError as exc:
            if not is_ambiguous(exc):
                # Nobody else knows the file; it would count against the project's storage.
                await self._drop(file)
            raise

    async def _drop(self, file: File) -> None:
        with anyio.move_on_after(10):
            try:
                await self._files.delete(file)
            except GeminiBatchError:
                return  # it expires by itself in 48 hours

    async def _send(
        self, kind: JobKind, model: str, chosen: "_Options", build: Build
    ) -> BatchJob:
        intent = self._intent(kind, model, chosen)
        if (job := await intent.adopt()) is not None:
            return job
        return await intent.create(build(self._extra(intent, chosen)))

    def _intent(self, kind: JobKind, model: str, chosen: "_Options") -> Intent:
        return Intent(
            self._transport,
            self._wire,
            kind=kind,
            model=model,
            display_name=chosen.display_name,
            idempotency_key=chosen.idempotency_key,
        )

    def _extra(self, intent: Intent, chosen: "_Options") -> dict[str, Any]:
        return self._wire.create_options(
            display_name=intent.display_name,
            priority=chosen.priority,
            webhook=chosen.webhook,
        )


@frozen(kw_only=True)
class _Options:
    """What a create takes beside its source, checked."""

    display_name: str | None = None
    priority: int | None = None
    webhook: WebhookConfig | None = None
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


def _check_source(
    file_name: object, inlined_requests: object, vertex_only: Mapping[str, object]
) -> None:
    _check_vertex_only(vertex_only)
    given = [
        name
        for name, value in (
            ("file_name", file_name),
            ("inlined_requests", inlined_requests),
        )
        if value is not None
    ]
    if len(given) != 1:
        raise InputError.one(
            "no source is given" if not given else f"{' and '.join(given)} are both given",
            remedy="Give exactly one of file_name and inlined_requests.",
        )


def _check_vertex_only(values: Mapping[str, object]) -> None:
    for name, value in values.items():
        if value is not None:
            raise InputError.one(
                "the Gemini Developer API does not have it",
                remedy="It belongs to Vertex AI.",
                field=name,
            )


def _check_no_defaults(**defaults: object) -> None:
    for name, value in defaults.items():
        if value is not None:
            raise InputError.one(
                "it cannot be applied to rows that are stored already",
                remedy="Put it into the rows, or let submit() do so: it takes the file's path.",
                field=name,
            )
