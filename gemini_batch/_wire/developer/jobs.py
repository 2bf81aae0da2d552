"""Batch jobs as the Gemini Developer API sends them (wire-protocol section 1)."""

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from attrs import evolve, frozen

from gemini_batch._codec import Codec, Converter
from gemini_batch._codec.class_hooks import (
    StructureHook,
    register_factories,
    unstructure_hook,
)
from gemini_batch._codec.developer_jobs import (
    decode_batch,
    decode_operation,
    decode_page,
)
from gemini_batch._codec.results.inline_results import Results
from gemini_batch._codec.scalar_hooks import structure_str
from gemini_batch._wire.dialect import JobSummary
from gemini_batch._wire.intent_token import split_display_name, wire_display_name
from gemini_batch.errors import DecodeError
from gemini_batch.types import (
    BatchJob,
    CompletionStats,
    JobDestination,
    JobKind,
    JobState,
    Page,
    RpcStatus,
)

_STATE_PREFIXES = ("BATCH_STATE_", "JOB_STATE_")
_STATES = {f"{start}{state.name}": state for start in _STATE_PREFIXES for state in JobState}
_TYPE = "type.googleapis.com/google.ai.generativelanguage.v1main."
_CANCELLED = 1  # gRPC
_MARKS = ("@type", "name", "displayName", "model", "state", "createTime")

# Members of ours that the wire calls otherwise.
_JOB = {
    "source": "inputConfig",
    "dest": "output",
    "completion_stats": "batchStats",
    "webhook": "webhookConfig",
}
_STATS = {
    "total_count": "requestCount",
    "success_count": "successfulRequestCount",
    "failure_count": "failedRequestCount",
    "pending_count": "pendingRequestCount",
}


@frozen(kw_only=True)
class _JobPage:
    operations: tuple[BatchJob, ...] = ()
    next_page_token: str = ""


class DeveloperAnswers:
    """Reads answers. Pure."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        register_hooks(codec)

    def read_job(self, body: bytes) -> BatchJob:
        """Read an Operation: the job is in its ``metadata``, its output in two places."""
        return self._codec.structure(decode_operation(body), BatchJob)

    def read_poll(self, body: bytes, known: BatchJob) -> BatchJob:
        """Read the answer to `poll`; what it leaves out is as it was in `known`."""
        operation = decode_operation(body)
        batch = operation["metadata"] = operation.get("metadata") or {}
        batch.setdefault("@type", _type(known.kind))
        batch.setdefault("name", operation.get("name") or known.name)
        batch.setdefault("model", known.model)
        if known.source.file_name is not None:
            batch.setdefault("inputConfig", self._codec.unstructure(known.source))
        if known.webhook is not None:
            batch.setdefault("webhookConfig", self._codec.unstructure(known.webhook))
        if known.create_time is not None and "createTime" not in batch:
            batch["createTime"] = known.create_time.isoformat()
        return self._codec.structure(operation, BatchJob)

    def read_resource(self, body: bytes, kind: JobKind) -> BatchJob:
        """Read the plain resource that an update answers with."""
        metadata = {"@type": _type(kind), **decode_batch(body)}
        return self._codec.structure({"metadata": metadata}, BatchJob)

    def read_page(self, body: bytes) -> Page[BatchJob]:
        """Read one page of a list."""
        page = self._codec.structure(decode_page(body), _JobPage)
        return Page(items=page.operations, next_page_token=page.next_page_token or None)

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
            state=_structure_state(_text(known.get("state"))),
            create_time=made,
        )

    def _present(self, raw: bytes) -> Mapping[str, bytes]:
        """Return the members of an object; none of what is no object."""
        try:
            return self._codec.members(raw)
        except DecodeError:
            return {}


def register_hooks(codec: Codec) -> None:
    """Register the hooks of values that this API words in its own way."""
    converter = codec.converter
    register_factories(converter, BatchJob, _structuring_job, _unstructuring_job)
    register_factories(converter, CompletionStats, _structuring_stats, _unstructuring_stats)
    converter.register_structure_hook(JobState, _structure_state)
    converter.register_unstructure_hook(JobState, lambda s: f"BATCH_STATE_{s.upper()}")

    def structure_destination(output: Mapping[str, Any], _: object) -> JobDestination:
        rows = output.get("inlinedResponses")
        if rows is None:
            return JobDestination(file_name=output.get("responsesFile"))
        results = Results(
            rows.get("inlinedResponses") or [], codec, _kind(output.get("@type", ""))
        )
        return JobDestination(inlined_responses=results)

    def unstructure_destination(dest: JobDestination) -> Mapping[str, Any]:
        if dest.inlined_responses is None:
            return {"responsesFile": dest.file_name}
        rows = [codec.decode(result.raw) for result in dest.inlined_responses]
        return {"inlinedResponses": {"inlinedResponses": rows}}

    converter.register_structure_hook(JobDestination, structure_destination)
    converter.register_unstructure_hook(JobDestination, unstructure_destination)


def _structuring_job(cls: type[BatchJob], converter: Converter) -> Any:
    structure = StructureHook(cls, converter, _JOB)

    def structure_job(operation: Mapping[str, Any], _: object) -> BatchJob:
        batch = operation.get("metadata") or {}
        name = batch.get("name") or operation.get("name")
        if not name:
            raise ValueError("the answer names no job")
        type_url = batch.get("@type") or ""
        label, token = split_display_name(batch.get("displayName"))
        # `response` first: some recorded answers have their output only there.
        output = _output(operation.get("response")) or _output(batch.get("output"))
        members = {
            **batch,
            "name": name,
            "state": batch.get("state") or "",
            "kind": _kind(type_url),
            "displayName": label,
            "intentToken": token,
            "output": output and {"@type": type_url, **output},
            "error": operation.get("error"),
        }
        job: BatchJob = structure(members, cls)
        if not operation.get("done") or job.done:
            return job
        # It has ended, whatever the state is called.
        has_output = operation.get("response") is not None or job.dest is not None
        return evolve(job, state=_ending(job.error, has_output=has_output))

    return structure_job


def _unstructuring_job(cls: type[BatchJob], converter: Converter) -> Any:
    unstructure = unstructure_hook(cls, converter, _JOB)

    def unstructure_job(job: BatchJob) -> Mapping[str, Any]:
        batch = unstructure(job)
        error = batch.pop("error", None)
        token = batch.pop("intentToken", None)
        batch["@type"] = _type(batch.pop("kind"))
        if token is not None:
            batch["displayName"] = wire_display_name(job.display_name, token)
        operation = {"name": job.name, "metadata": batch, "done": job.done}
        return operation if error is None else {**operation, "error": error}

    return unstructure_job


def _structuring_stats(cls: type[CompletionStats], converter: Converter) -> Any:
    structure = StructureHook(cls, converter, _STATS)

    def structure_stats(stats: Any, _: object) -> CompletionStats:
        made: CompletionStats = structure(stats, cls)
        success, failure = made.success_count, made.failure_count
        if min(made.total_count, success, failure, made.pending_count) >= 0:
            return made
        # Below zero it is one the service does not know.
        return cls(
            total_count=max(0, made.total_count),
            success_count=max(0, success),
            failure_count=max(0, failure),
            pending_count=max(0, made.pending_count),
        )

    return structure_stats


def _unstructuring_stats(cls: type[CompletionStats], converter: Converter) -> Any:
    return unstructure_hook(cls, converter, _STATS)


def _output(output: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return an output that says where results are; None for one that does not."""
    output = output or {}
    places = (output.get("responsesFile"), output.get("inlinedResponses"))
    return None if places == (None, None) else output


@lru_cache(maxsize=16)
def _kind(type_url: str) -> JobKind:
    # `@type` says `v1main` even on v1beta URLs: only what follows the last dot counts.
    suffix = type_url.rpartition(".")[2]
    return JobKind.EMBED if suffix.startswith("EmbedContent") else JobKind.GENERATE


def _type(kind: str) -> str:
    return _TYPE + (
        "EmbedContentBatch" if kind == JobKind.EMBED else "GenerateContentBatch"
    )


def _structure_state(wire: str, _: object = JobState) -> JobState:
    state = _STATES.get(structure_str(wire, str))
    if state is not None:
        return state
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
