"""Batch jobs as Vertex AI sends them."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve, frozen

from gemini_batch._codec import Codec, Converter
from gemini_batch._codec.class_hooks import (
    StructureHook,
    register_factories,
    unstructure_hook,
)
from gemini_batch._wire.dialect import JobSummary
from gemini_batch._wire.intent_token import split_display_name, wire_display_name
from gemini_batch._wire.vertex.input_output import input_config, output_config
from gemini_batch.errors import DecodeError
from gemini_batch.types import (
    BatchJob,
    CompletionStats,
    JobDestination,
    JobKind,
    JobSource,
    JobState,
)

OWN_LABELS: Final = "gb_"
"""What the names of this client's own labels begin with; callers never see these."""

INTENT_LABEL: Final = f"{OWN_LABELS}intent"
KIND_LABEL: Final = f"{OWN_LABELS}kind"

_STATE_PREFIX = "JOB_STATE_"
_EMBEDDING = "embedding"
_SOURCE: Final = {"source": "inputConfig"}  # a member of ours that the wire calls otherwise


@frozen(kw_only=True)
class JobPage:
    """One page of a list."""

    batch_prediction_jobs: tuple[BatchJob, ...] = ()
    next_page_token: str = ""


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
class _Output:
    """Members of a job that say where its results are."""

    output_config: _OutputConfig = _OutputConfig()
    output_info: _OutputInfo = _OutputInfo()


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
        state=_structure_state(_text(job.get("state"))),
        create_time=made,
    )


def register_hooks(converter: Converter) -> None:
    """Register the hooks of values that this API words in its own way."""
    structure = converter.structure
    register_factories(converter, BatchJob, _structuring_job, _unstructuring_job)
    converter.register_structure_hook(JobState, _structure_state)
    converter.register_unstructure_hook(JobState, lambda s: _STATE_PREFIX + s.upper())
    converter.register_structure_hook(
        JobSource, lambda config, _: _source(structure(config, _InputConfig))
    )
    converter.register_unstructure_hook(JobSource, input_config)
    converter.register_structure_hook(
        JobDestination, lambda output, _: _destination(structure(output, _Output))
    )
    converter.register_unstructure_hook(JobDestination, _unstructure_destination)
    converter.register_structure_hook(
        CompletionStats, lambda stats, _: _stats(structure(stats, _Stats))
    )
    converter.register_unstructure_hook(CompletionStats, _unstructure_stats)


def _structuring_job(cls: type[BatchJob], converter: Converter) -> Any:
    structure = StructureHook(cls, converter, _SOURCE)

    def structure_job(document: Mapping[str, Any], _: object) -> BatchJob:
        if not document.get("name"):
            raise ValueError("the answer names no job")
        labels = document.get("labels") or {}
        label, token = split_display_name(document.get("displayName"))
        output = ("outputConfig", "outputInfo")
        members = {
            **document,
            "state": document.get("state") or "",
            "kind": _kind(document.get("model") or "", labels),
            "displayName": label,
            "intentToken": labels.get(INTENT_LABEL) or token,
            "dest": {name: document[name] for name in output if name in document},
            "labels": {k: v for k, v in labels.items() if not k.startswith(OWN_LABELS)},
        }
        job: BatchJob = structure(members, cls)
        return evolve(job, dest=None) if job.dest == JobDestination() else job

    return structure_job


def _unstructuring_job(cls: type[BatchJob], converter: Converter) -> Any:
    unstructure = unstructure_hook(cls, converter, _SOURCE)

    def unstructure_job(job: BatchJob) -> Mapping[str, Any]:
        document: dict[str, Any] = unstructure(job)
        labels = {KIND_LABEL: document.pop("kind"), **job.labels}
        token = document.pop("intentToken", None)
        if token is not None:
            labels[INTENT_LABEL] = token
            document["displayName"] = wire_display_name(job.display_name, token)
        return {**document, **document.pop("dest", {}), "labels": labels}

    return unstructure_job


def _structure_state(wire: str, _: object = JobState) -> JobState:
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


def _destination(output: _Output) -> JobDestination:
    config, info = output.output_config, output.output_info
    of_dataset = config.vertex_multimodal_dataset_destination.bigquery_destination
    table = None
    if info.bigquery_output_dataset and info.bigquery_output_table:
        table = f"{info.bigquery_output_dataset}.{info.bigquery_output_table}"
    return JobDestination(
        gcs_uri=config.gcs_destination.output_uri_prefix,
        gcs_directory=info.gcs_output_directory or None,
        bigquery_uri=config.bigquery_destination.output_uri or of_dataset.output_uri,
        bigquery_table=table,
        vertex_dataset=info.vertex_multimodal_dataset_name or None,
    )


def _unstructure_destination(dest: JobDestination) -> Mapping[str, Any]:
    dataset, _, table = (dest.bigquery_table or "").rpartition(".")
    info = {
        "gcsOutputDirectory": dest.gcs_directory,
        "bigqueryOutputDataset": dataset or None,
        "bigqueryOutputTable": table or None,
        "vertexMultimodalDatasetName": dest.vertex_dataset,
    }
    told = {name: value for name, value in info.items() if value is not None}
    return {"outputConfig": output_config(dest), "outputInfo": told}


def _stats(stats: _Stats) -> CompletionStats:
    done, failed = max(0, stats.successful_count), max(0, stats.failed_count)
    # Below zero: the service does not know, and so nobody knows the total.
    pending = stats.incomplete_count
    return CompletionStats(
        total_count=0 if pending < 0 else done + failed + pending,
        success_count=done,
        failure_count=failed,
        pending_count=max(0, pending),
    )


def _unstructure_stats(stats: CompletionStats) -> Mapping[str, int]:
    return {
        "successfulCount": stats.success_count,
        "failedCount": stats.failure_count,
        "incompleteCount": stats.pending_count if stats.total_count else -1,
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
