"""What the Gemini Developer API says of batch jobs (wire-protocol section 1)."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from attrs import evolve

from gemini_batch._codec import Codec
from gemini_batch._codec.developer_jobs import (
    Metadata,
    Operation,
    OperationDecoder,
    Output,
    Stats,
    Webhook,
    moment,
)
from gemini_batch._wire.dialect import JobSummary
from gemini_batch._wire.intent_token import split_display_name
from gemini_batch.errors import DecodeError
from gemini_batch.types import (
    BatchJob,
    CompletionStats,
    JobDestination,
    JobKind,
    JobSource,
    JobState,
    Page,
    RpcStatus,
    WebhookConfig,
)
from gemini_batch.types._fast_init import frozen_maker

_STATE_PREFIXES = ("BATCH_STATE_", "JOB_STATE_")
_STATES = {f"{start}{state.name}": state for start in _STATE_PREFIXES for state in JobState}
_CANCELLED = 1  # gRPC
_MARKS = ("@type", "name", "displayName", "model", "state", "createTime")


_make_job = frozen_maker(BatchJob)
_make_stats = frozen_maker(CompletionStats)

# Stands for what is known of a job before its first answer.
_UNKNOWN = BatchJob(name="", state=JobState.UNSPECIFIED, kind=JobKind.GENERATE)


class DeveloperAnswers:
    """Reads answers. Pure."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._operations = OperationDecoder()

    def read_job(self, body: bytes) -> BatchJob:
        """Read an Operation: the job is in its ``metadata``, its output in two places."""
        return self._read(self._operations.one(body))

    def read_poll(self, body: bytes, known: BatchJob) -> BatchJob:
        """Read the answer to `poll`; what it leaves out is as it was in `known`."""
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

    def read_summaries(self, body: bytes) -> Page[JobSummary]:
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

    def _mark(self, operation: bytes) -> JobSummary:
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
        return JobSummary(
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
            error=None if error is None else self._codec.structure(error, RpcStatus),
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
        from gemini_batch._codec.results.inline_results import Results  # noqa: PLC0415

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


def _ending(error: RpcStatus | None, *, has_output: bool) -> JobState:
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
