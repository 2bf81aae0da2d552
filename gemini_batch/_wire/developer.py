"""Batch jobs of the Gemini Developer API (wire-protocol section 1)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from gemini_batch._codec import Codec, RowDecoder
from gemini_batch._wire._request import Pace, Request
from gemini_batch._wire.intent import split_display_name
from gemini_batch.errors import DecodeError
from gemini_batch.types import (
    BatchJob,
    CompletionStats,
    JobDestination,
    JobKind,
    JobSource,
    JobState,
    Page,
    Status,
    WebhookConfig,
)

_METHODS = {
    JobKind.GENERATE: "batchGenerateContent",
    JobKind.EMBED: "asyncBatchEmbedContent",
}
_UPDATES = {
    JobKind.GENERATE: "updateGenerateContentBatch",
    JobKind.EMBED: "updateEmbedContentBatch",
}
_STATE_PREFIXES = ("BATCH_STATE_", "JOB_STATE_")
_CANCELLED = 1  # gRPC


@frozen(kw_only=True)
class _Stats:
    request_count: int = 0
    successful_request_count: int = 0
    failed_request_count: int = 0
    pending_request_count: int = 0


@frozen(kw_only=True)
class _InputConfig:
    file_name: str | None = None


@frozen(kw_only=True)
class _Webhook:
    uris: tuple[str, ...] = ()
    user_metadata: Mapping[str, Any] | None = None


@frozen(kw_only=True)
class _Batch:
    """GenerateContentBatch or EmbedContentBatch, its output left out."""

    name: str = ""
    model: str = ""
    display_name: str | None = None
    input_config: _InputConfig = _InputConfig()
    create_time: dt.datetime | None = None
    end_time: dt.datetime | None = None
    update_time: dt.datetime | None = None
    batch_stats: _Stats | None = None
    state: str = ""
    priority: int = 0
    webhook_config: _Webhook | None = None


@frozen(kw_only=True)
class JobMark:
    """What tells a job apart in a list."""

    name: str
    intent_token: str | None
    model: str
    kind: JobKind
    state: JobState
    create_time: dt.datetime | None


class DeveloperBatches:
    """Builds the calls on batch jobs and reads their answers. Pure."""

    def __init__(self, codec: Codec, version: str) -> None:
        self._codec = codec
        self._root = f"/{version}"

    # Requests

    def create_from_file(
        self, kind: JobKind, model: str, file_name: str, options: Mapping[str, Any]
    ) -> Request:
        """Create a job whose rows are in a file. `model` and `file_name` are full names."""
        return self._create(
            kind, model, self._codec.dumps({"fileName": file_name}), options
        )

    def create_inline(
        self, kind: JobKind, model: str, rows: Sequence[bytes], options: Mapping[str, Any]
    ) -> Request:
        """Create a job from rows, each an encoded ``{"request": …, "metadata": …}``."""
        source = b'{"requests":{"requests":[' + b",".join(rows) + b"]}}"
        return self._create(kind, model, source, options)

    def _create(
        self, kind: JobKind, model: str, source: bytes, options: Mapping[str, Any]
    ) -> Request:
        # Spliced, not rebuilt: the rows are encoded already and may be many.
        head = self._codec.dumps({"batch": dict(options)})[:-2]
        comma = b"," if options else b""
        return Request(
            method="POST",
            path=f"{self._root}/{model}:{_METHODS[kind]}",
            body=head + comma + b'"inputConfig":' + source + b"}}",
            pace=Pace.CREATE,
            idempotent=False,
        )

    def create_options(
        self, *, display_name: str, priority: int | None, webhook: WebhookConfig | None
    ) -> dict[str, Any]:
        """Return the members of a create beside model and source."""
        options: dict[str, Any] = {"displayName": display_name}
        if priority is not None:
            options["priority"] = str(priority)
        if webhook is not None:
            options["webhookConfig"] = self._codec.unstructure(webhook)
        return options

    def get(self, name: str) -> Request:
        """Ask for one job. An inline one brings its results along, which may be many."""
        return Request(
            method="GET", path=f"{self._root}/{name}", pace=Pace.STREAM, idempotent=True
        )

    def list(self, *, page_size: int, page_token: str | None) -> Request:
        """Ask for one page. Without ``pageSize`` the service has answered with nothing."""
        query = {"pageSize": str(page_size)}
        if page_token:
            query["pageToken"] = page_token
        return Request(
            method="GET", path=f"{self._root}/batches", query=query, idempotent=True
        )

    def cancel(self, name: str) -> Request:
        """Ask the service to stop a job."""
        return Request(
            method="POST", path=f"{self._root}/{name}:cancel", body=b"{}", idempotent=True
        )

    def delete(self, name: str) -> Request:
        """Remove a job's record."""
        return Request(method="DELETE", path=f"{self._root}/{name}", idempotent=True)

    def update_priority(self, name: str, kind: JobKind, priority: int) -> Request:
        """Give a job another priority."""
        return Request(
            method="PATCH",
            path=f"{self._root}/{name}:{_UPDATES[kind]}",
            query={"updateMask": "priority"},
            body=self._codec.dumps({"priority": str(priority)}),
            idempotent=True,
        )

    # Answers

    def read_job(self, body: bytes) -> BatchJob:
        """Read an Operation: the job is in its ``metadata``, its output in two places."""
        operation = self._codec.members(body)
        metadata = self._codec.members(operation.get("metadata", b"{}"))
        kind = _kind(self._codec.loads(metadata.get("@type", b'""'), str))
        # `response` first: some recorded answers have their output only there.
        dest = self._destination(operation.get("response"), kind) or self._destination(
            metadata.pop("output", None), kind
        )
        error = operation.get("error")
        job = self._job(
            metadata,
            kind=kind,
            name=self._codec.loads(operation.get("name", b'""'), str),
            dest=dest,
            error=None if error is None else self._codec.loads(error, Status),
        )
        if operation.get("done") != b"true" or job.done:
            return job
        # It has ended, whatever the state is called.
        return evolve(
            job,
            state=_ending(
                job.error, has_output=dest is not None or "response" in operation
            ),
        )

    def read_resource(self, body: bytes, kind: JobKind) -> BatchJob:
        """Read the plain resource that an update answers with."""
        members = self._codec.members(body)
        dest = self._destination(members.pop("output", None), kind)
        return self._job(members, kind=kind, name="", dest=dest, error=None)

    def read_page(self, body: bytes) -> Page[BatchJob]:
        """Read one page of a list."""
        members = self._codec.members(body)
        operations = self._codec.items(members.get("operations", b"[]"))
        token = self._codec.loads(members.get("nextPageToken", b'""'), str)
        return Page(
            items=tuple(self.read_job(operation) for operation in operations),
            next_page_token=token or None,
        )

    def read_marks(self, body: bytes) -> Page["JobMark"]:
        """Read of one page what tells jobs apart, whatever else may be odd about them.

        Raises:
            DecodeError: The page is not whole: jobs may be missing from it.
        """
        members = self._codec.members(body)
        if self._codec.items(members.get("unreachable", b"[]")):
            raise DecodeError(message="the service could not list all jobs")
        operations = self._codec.items(members.get("operations", b"[]"))
        token = self._codec.loads(members.get("nextPageToken", b'""'), str)
        return Page(
            items=tuple(self._mark(operation) for operation in operations),
            next_page_token=token or None,
        )

    def _mark(self, operation: bytes) -> "JobMark":
        document = _mapping(self._codec.decode(operation))
        batch = _mapping(document.get("metadata"))
        name = batch.get("name") or document.get("name")
        label = batch.get("displayName")
        try:
            made = self._codec.structure(batch.get("createTime"), dt.datetime)
        except DecodeError:
            made = None
        return JobMark(
            name=_text(name),
            intent_token=split_display_name(_text(label))[1],
            model=_text(batch.get("model")),
            kind=_kind(_text(batch.get("@type"))),
            state=_state(_text(batch.get("state"))),
            create_time=made,
        )

    def _job(
        self,
        members: Mapping[str, bytes],
        *,
        kind: JobKind,
        name: str,
        dest: JobDestination | None,
        error: Status | None,
    ) -> BatchJob:
        decoded = {member: self._codec.decode(raw) for member, raw in members.items()}
        batch = self._codec.structure(decoded, _Batch)
        label, token = split_display_name(batch.display_name)
        webhook = batch.webhook_config
        if not (batch.name or name):
            raise DecodeError(message="the answer names no job")
        return BatchJob(
            name=batch.name or name,
            state=_state(batch.state),
            kind=kind,
            model=batch.model,
            display_name=label,
            intent_token=token,
            source=JobSource(file_name=batch.input_config.file_name),
            dest=dest,
            create_time=batch.create_time,
            end_time=batch.end_time,
            update_time=batch.update_time,
            error=error,
            completion_stats=_stats(batch.batch_stats),
            priority=batch.priority,
            webhook=(
                None
                if webhook is None
                else WebhookConfig(uris=webhook.uris, user_metadata=webhook.user_metadata)
            ),
        )

    def _destination(self, raw: bytes | None, kind: JobKind) -> JobDestination | None:
        if raw is None:
            return None
        output = self._codec.members(raw)
        if "responsesFile" in output:
            return JobDestination(file_name=self._codec.loads(output["responsesFile"], str))
        if "inlinedResponses" not in output:
            return None
        # The wire nests the name twice, for both kinds.
        nested = self._codec.members(output["inlinedResponses"])
        rows = self._codec.items(nested.get("inlinedResponses", b"[]"))
        decoder = RowDecoder(self._codec, kind)
        results = tuple(decoder.result(row, index) for index, row in enumerate(rows))
        return JobDestination(inlined_responses=results)


def _kind(type_url: str) -> JobKind:
    # `@type` says `v1main` even on v1beta URLs: only what follows the last dot counts.
    suffix = type_url.rpartition(".")[2]
    return JobKind.EMBED if suffix.startswith("EmbedContent") else JobKind.GENERATE


def _state(wire: str) -> JobState:
    for prefix in _STATE_PREFIXES:
        wire = wire.removeprefix(prefix)
    return JobState(wire.lower() or JobState.UNSPECIFIED)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _ending(error: Status | None, *, has_output: bool) -> JobState:
    """Return how an operation ended that is done and does not say so by its state."""
    if error is not None:
        return JobState.CANCELLED if error.code == _CANCELLED else JobState.FAILED
    return JobState.SUCCEEDED if has_output else JobState.FAILED


def _stats(stats: _Stats | None) -> CompletionStats | None:
    if stats is None:
        return None
    # A count below zero is one the service does not know.
    return CompletionStats(
        total_count=max(0, stats.request_count),
        success_count=max(0, stats.successful_request_count),
        failure_count=max(0, stats.failed_request_count),
        pending_count=max(0, stats.pending_request_count),
    )
