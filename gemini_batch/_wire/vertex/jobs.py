"""What Vertex AI says of a batch job."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from gemini_batch._codec import Codec
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
    RpcStatus,
)

OWN_LABELS: Final = "gb_"
"""What the names of this client's own labels begin with; callers never see these."""

INTENT_LABEL: Final = f"{OWN_LABELS}intent"
KIND_LABEL: Final = f"{OWN_LABELS}kind"

_STATE_PREFIX = "JOB_STATE_"
_EMBEDDING = "embedding"


@frozen(kw_only=True)
class _Stats:
    successful_count: int = 0
    failed_count: int = 0
    incomplete_count: int = 0


@frozen(kw_only=True)
class _GcsSource:
    uris: tuple[str, ...] = ()


@frozen(kw_only=True)
class _BigQuerySource:
    input_uri: str | None = None


@frozen(kw_only=True)
class _DatasetSource:
    dataset_name: str | None = None


@frozen(kw_only=True)
class _InputConfig:
    instances_format: str = ""
    gcs_source: _GcsSource = _GcsSource()
    bigquery_source: _BigQuerySource = _BigQuerySource()
    vertex_multimodal_dataset_source: _DatasetSource = _DatasetSource()


@frozen(kw_only=True)
class _GcsDestination:
    output_uri_prefix: str | None = None


@frozen(kw_only=True)
class _BigQueryDestination:
    output_uri: str | None = None


@frozen(kw_only=True)
class _DatasetDestination:
    bigquery_destination: _BigQueryDestination = _BigQueryDestination()
    display_name: str | None = None


@frozen(kw_only=True)
class _OutputConfig:
    predictions_format: str = ""
    gcs_destination: _GcsDestination = _GcsDestination()
    bigquery_destination: _BigQueryDestination = _BigQueryDestination()
    vertex_multimodal_dataset_destination: _DatasetDestination = _DatasetDestination()


@frozen(kw_only=True)
class _OutputInfo:
    gcs_output_directory: str | None = None
    bigquery_output_dataset: str | None = None
    bigquery_output_table: str | None = None
    vertex_multimodal_dataset_name: str | None = None


@frozen(kw_only=True)
class _Job:
    """BatchPredictionJob."""

    name: str = ""
    model: str = ""
    display_name: str | None = None
    input_config: _InputConfig = _InputConfig()
    output_config: _OutputConfig = _OutputConfig()
    output_info: _OutputInfo = _OutputInfo()
    state: str = ""
    error: RpcStatus | None = None
    partial_failures: tuple[RpcStatus, ...] = ()
    completion_stats: _Stats | None = None
    create_time: dt.datetime | None = None
    start_time: dt.datetime | None = None
    end_time: dt.datetime | None = None
    update_time: dt.datetime | None = None
    labels: Mapping[str, str] = {}


def read_job(codec: Codec, body: bytes) -> BatchJob:
    """Read a job.

    Raises:
        DecodeError: It is none.
    """
    members = codec.members(body)
    decoded = {name: codec.decode(raw) for name, raw in members.items()}
    job = codec.structure(decoded, _Job)
    if not job.name:
        raise DecodeError(message="the answer names no job")
    label, token = split_display_name(job.display_name)
    return BatchJob(
        name=job.name,
        state=_state(job.state),
        kind=_kind(job.model, job.labels),
        model=job.model,
        display_name=label,
        intent_token=job.labels.get(INTENT_LABEL) or token,
        source=_source(job.input_config),
        dest=_destination(job.output_config, job.output_info),
        create_time=job.create_time,
        start_time=job.start_time,
        end_time=job.end_time,
        update_time=job.update_time,
        error=job.error,
        partial_failures=job.partial_failures,
        completion_stats=_stats(job.completion_stats),
        labels={k: v for k, v in job.labels.items() if not k.startswith(OWN_LABELS)},
    )


def read_mark(codec: Codec, raw: bytes) -> JobSummary:
    """Read what tells a job apart, whatever else may be odd about it."""
    job = _mapping(codec.decode(raw))
    labels = _mapping(job.get("labels"))
    model = _text(job.get("model"))
    try:
        made = codec.structure(job.get("createTime"), dt.datetime)
    except DecodeError:
        made = None
    named = split_display_name(_text(job.get("displayName")))[1]
    return JobSummary(
        name=_text(job.get("name")),
        intent_token=_text(labels.get(INTENT_LABEL)) or named,
        model=model,
        kind=_kind(model, labels),
        state=_state(_text(job.get("state"))),
        create_time=made,
    )


def _state(wire: str) -> JobState:
    return JobState(wire.removeprefix(_STATE_PREFIX).lower() or JobState.UNSPECIFIED)


def _kind(model: str, labels: Mapping[str, Any]) -> JobKind:
    said = labels.get(KIND_LABEL)
    if isinstance(said, str) and said in {JobKind.GENERATE, JobKind.EMBED}:
        return JobKind(said)
    # A job made otherwise: all of Google's embedding models say so in their names.
    embeds = _EMBEDDING in model.rpartition("/")[2]
    return JobKind.EMBED if embeds else JobKind.GENERATE


def _source(config: _InputConfig) -> JobSource:
    return JobSource(
        gcs_uris=config.gcs_source.uris,
        bigquery_uri=config.bigquery_source.input_uri,
        vertex_dataset=config.vertex_multimodal_dataset_source.dataset_name,
    )


def _destination(config: _OutputConfig, info: _OutputInfo) -> JobDestination | None:
    of_dataset = config.vertex_multimodal_dataset_destination.bigquery_destination
    table = None
    if info.bigquery_output_dataset and info.bigquery_output_table:
        table = f"{info.bigquery_output_dataset}.{info.bigquery_output_table}"
    dest = JobDestination(
        gcs_uri=config.gcs_destination.output_uri_prefix,
        gcs_directory=info.gcs_output_directory or None,
        bigquery_uri=config.bigquery_destination.output_uri or of_dataset.output_uri,
        bigquery_table=table,
        vertex_dataset=info.vertex_multimodal_dataset_name or None,
    )
    return None if dest == JobDestination() else dest


def _stats(stats: _Stats | None) -> CompletionStats | None:
    if stats is None:
        return None
    done, failed = max(0, stats.successful_count), max(0, stats.failed_count)
    # Below zero: the service does not know, and so nobody knows the total.
    pending = stats.incomplete_count
    return CompletionStats(
        total_count=0 if pending < 0 else done + failed + pending,
        success_count=done,
        failure_count=failed,
        pending_count=max(0, pending),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
