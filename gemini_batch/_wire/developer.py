"""Batch jobs of the Gemini Developer API (wire-protocol section 1)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from gemini_batch._codec import Codec
from gemini_batch._codec._frozen import frozen_maker
from gemini_batch._codec._operations import (
    Metadata,
    Operation,
    OperationDecoder,
    Output,
    Stats,
    Webhook,
    moment,
)
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
# What may change of a job while it runs; the mask must name what a look is to bring.
_CHANGING = (
    "name,done,error,metadata("
    "name,displayName,state,batchStats,priority,updateTime,endTime)"
)
_STATES = {f"{start}{state.name}": state for start in _STATE_PREFIXES for state in JobState}
_CANCELLED = 1  # gRPC
_MARKS = ("@type", "name", "displayName", "model", "state", "createTime")


_make_job = frozen_maker(BatchJob)
_make_stats = frozen_maker(CompletionStats)

# Stands for what is known of a job before its first answer.
_UNKNOWN = BatchJob(name="", state=JobState.UNSPECIFIED, kind=JobKind.GENERATE)


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
        self._operations = OperationDecoder()

    # Requests

    def create_from_file(
        self, kind: JobKind, model: str, file_name: str, options: Mapping[str, Any]
    ) -> Request:
        """Create a job whose rows are in a file. `model` and `file_name` are full names."""
        return self._create(
            kind, model, [self._codec.dumps({"fileName": file_name})], options
        )

    def create_inline(
        self, kind: JobKind, model: str, rows: Sequence[bytes], options: Mapping[str, Any]
    ) -> Request:
        """Create a job from rows, each an encoded ``{"request": …, "metadata": …}``."""
        source = [b","] * (2 * len(rows))
        source[1::2] = rows
        source[:1] = [b'{"requests":{"requests":[']
        return self._create(kind, model, [*source, b"]}}"], options)

    def _create(
        self, kind: JobKind, model: str, source: Sequence[bytes], options: Mapping[str, Any]
    ) -> Request:
        # Spliced in one go: the rows are encoded already and may be many.
        head = self._codec.dumps({"batch": dict(options)})[:-2]
        comma = b"," if options else b""
        return Request(
            method="POST",
            path=f"{self._root}/{model}:{_METHODS[kind]}",
            body=b"".join([head, comma, b'"inputConfig":', *source, b"}}"]),
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

    def look(self, name: str) -> Request:
        """Ask what may have changed of a job, and for none of its results."""
        return Request(
            method="GET",
            path=f"{self._root}/{name}",
            query={"fields": _CHANGING},
            # A service that ignores the mask sends everything.
            pace=Pace.STREAM,
            idempotent=True,
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
        return self._read(self._operations.one(body))

    def read_look(self, body: bytes, known: BatchJob) -> BatchJob:
        """Read the answer to `look`; what it leaves out is as it was in `known`."""
        return self._read(self._operations.one(body), known)

    def _read(self, operation: Operation, known: BatchJob = _UNKNOWN) -> BatchJob:
        metadata = operation.metadata or Metadata()
        kind = known.kind if metadata.type_url is None else _kind(metadata.type_url)
        # `response` first: some recorded answers have their output only there.
        dest = self._destination(operation.response, kind)
        dest = dest or self._destination(metadata.output, kind)
        job = self._job(
            metadata,
            kind=kind,
            name=operation.name,
            dest=dest,
            error=operation.error,
            known=known,
        )
        if not operation.done or job.done:
            return job
        # It has ended, whatever the state is called.
        has_output = dest is not None or operation.response is not None
        return evolve(job, state=_ending(job.error, has_output=has_output))

    def read_resource(self, body: bytes, kind: JobKind) -> BatchJob:
        """Read the plain resource that an update answers with."""
        batch = self._operations.resource(body)
        dest = self._destination(batch.output, kind)
        return self._job(batch, kind=kind, dest=dest)

    def read_page(self, body: bytes) -> Page[BatchJob]:
        """Read one page of a list."""
        page = self._operations.page(body)
        return Page(
            items=tuple([self._read(operation) for operation in page.operations or ()]),
            next_page_token=page.next_page_token or None,
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
        document = self._present(operation)
        batch = self._present(document.get("metadata", b"{}"))
        known = {
            member: self._codec.decode(batch[member])
            for member in _MARKS
            if member in batch
        }
        name = known.get("name") or self._codec.decode(document.get("name", b"null"))
        label = known.get("displayName")
        try:
            made = self._codec.structure(known.get("createTime"), dt.datetime)
        except DecodeError:
            made = None
        return JobMark(
            name=_text(name),
            intent_token=split_display_name(_text(label))[1],
            model=_text(known.get("model")),
            kind=_kind(_text(known.get("@type"))),
            state=_state(_text(known.get("state"))),
            create_time=made,
        )

    def _present(self, raw: bytes) -> Mapping[str, bytes]:
        """Return the members of an object; none of what is no object."""
        try:
            return self._codec.members(raw)
        except DecodeError:
            return {}

    def _job(
        self,
        metadata: Metadata,
        *,
        kind: JobKind,
        name: str | None = None,
        dest: JobDestination | None,
        error: Any = None,
        known: BatchJob = _UNKNOWN,
    ) -> BatchJob:
        name = metadata.name or name or known.name
        if not name:
            raise DecodeError(message="the answer names no job")
        label, token = split_display_name(metadata.display_name)
        config = metadata.input_config
        source = known.source if config is None else JobSource(file_name=config.file_name)
        return _make_job(
            name=name,
            state=_STATES.get(metadata.state or "") or _state(metadata.state or ""),
            kind=kind,
            model=metadata.model or known.model,
            display_name=label,
            intent_token=token,
            source=source,
            dest=dest,
            create_time=moment(metadata.create_time) or known.create_time,
            start_time=None,
            end_time=moment(metadata.end_time),
            update_time=moment(metadata.update_time),
            error=None if error is None else self._codec.structure(error, Status),
            partial_failures=(),
            completion_stats=_stats(metadata.batch_stats),
            priority=metadata.priority or 0,
            labels={},
            webhook=_webhook(metadata.webhook_config) or known.webhook,
        )

    def _destination(self, output: Output | None, kind: JobKind) -> JobDestination | None:
        if output is None:
            return None
        if output.responses_file is not None:
            return JobDestination(file_name=output.responses_file)
        if output.inlined_responses is None:
            return None
        # Most jobs bring no results along, and need nothing of what decodes them.
        from gemini_batch._codec._inline import Results  # noqa: PLC0415

        rows = output.inlined_responses.inlined_responses or []
        return JobDestination(inlined_responses=Results(rows, self._codec, kind))


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


def _ending(error: Status | None, *, has_output: bool) -> JobState:
    """Return how an operation ended that is done and does not say so by its state."""
    if error is not None:
        return JobState.CANCELLED if error.code == _CANCELLED else JobState.FAILED
    return JobState.SUCCEEDED if has_output else JobState.FAILED


def _stats(stats: Stats | None) -> CompletionStats | None:
    if stats is None:
        return None
    return _make_stats(
        total_count=_count(stats.request_count),
        success_count=_count(stats.successful_request_count),
        failure_count=_count(stats.failed_request_count),
        pending_count=_count(stats.pending_request_count),
    )


def _count(number: int | None) -> int:
    # Below zero it is one the service does not know.
    return number if number and number > 0 else 0


def _webhook(config: Webhook | None) -> WebhookConfig | None:
    if config is None:
        return None
    return WebhookConfig(uris=tuple(config.uris or ()), user_metadata=config.user_metadata)
