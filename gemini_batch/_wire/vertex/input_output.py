"""Where a job on Vertex AI reads its requests and writes its results."""

from collections.abc import Iterable, Mapping
from typing import Any

from gemini_batch._wire.bigquery import BigQueryUri
from gemini_batch._wire.vertex.names import (
    check_dataset,
    check_gcs_prefix,
    check_gcs_uri,
)
from gemini_batch.errors import InputError
from gemini_batch.types import ErrorCode, JobDestination, JobSource

_WILDCARDS = frozenset("*?[{")
_JSONL = ".jsonl"


def read_source(
    *,
    gcs_uri: str | Iterable[str] | None,
    bigquery_uri: str | None,
    vertex_dataset: str | None,
    parent: str,
) -> JobSource:
    """Return the one source that is given, checked.

    Raises:
        InputError: None or more than one is given, or it is no such place.
    """
    given = {
        "gcs_uri": gcs_uri,
        "bigquery_uri": bigquery_uri,
        "vertex_dataset": vertex_dataset,
    }
    names = [name for name, value in given.items() if value is not None]
    if len(names) != 1:
        raise InputError.one(
            f"{' and '.join(names)} are all given" if names else "no source is given",
            remedy="Give exactly one of gcs_uri, bigquery_uri and vertex_dataset; submit() "
            "takes requests and local files.",
        )
    if gcs_uri is not None:
        uris = (gcs_uri,) if isinstance(gcs_uri, str) else tuple(gcs_uri)
        if not uris:
            raise InputError.one("it is empty", field="gcs_uri")
        return JobSource(gcs_uris=tuple(check_gcs_uri(uri, "gcs_uri") for uri in uris))
    if bigquery_uri is not None:
        table = BigQueryUri.read(bigquery_uri, "bigquery_uri")
        return JobSource(bigquery_uri=table.as_table("bigquery_uri").uri)
    return JobSource(vertex_dataset=check_dataset(vertex_dataset, parent))


def read_destination(
    dest: str | None, *, source: JobSource, staging: str | None, token: str
) -> JobDestination:
    """Return where the results are to go.

    Args:
        dest: ``gs://…`` or ``bq://…``; None for a place of the job's own.
        source: Where the requests are.
        staging: ``gs://bucket/prefix`` of the client.
        token: Makes a place the job's own.

    Raises:
        InputError: It is no such place, or none is given and none can be made.
    """
    if dest is None:
        return _own_destination(source, staging, token)
    # A caller without a type checker may pass anything: reading it says so.
    if str(dest).startswith("gs://"):
        return JobDestination(gcs_uri=check_gcs_prefix(dest, "dest"))
    return JobDestination(bigquery_uri=BigQueryUri.read(dest, "dest").uri)


def _own_destination(source: JobSource, staging: str | None, token: str) -> JobDestination:
    if source.bigquery_uri is not None:
        return JobDestination(bigquery_uri=f"{source.bigquery_uri}_dest_{token}")
    if staging is not None:
        return JobDestination(gcs_uri=output_prefix(staging, token))
    uri = source.gcs_uris[0] if len(source.gcs_uris) == 1 else ""
    if uri.endswith(_JSONL) and _WILDCARDS.isdisjoint(uri):
        # As Google's own SDK does, but apart from other jobs on the same rows.
        return JobDestination(gcs_uri=f"{uri.removesuffix(_JSONL)}/dest/{token}")
    raise InputError.one(
        "no destination is given, and none follows from the source",
        remedy="Give dest='gs://bucket/prefix', or VertexAI(staging='gs://bucket/prefix').",
        field="dest",
        code=ErrorCode.MISSING_DESTINATION,
    )


def input_uri(staging: str, token: str) -> str:
    """Return where `submit` puts the rows of a job."""
    return f"{staging}/{token}/input.jsonl"


def output_prefix(staging: str, token: str) -> str:
    """Return where the results of a job go that has a staging prefix; its own alone."""
    return f"{staging}/{token}/output"


def input_config(source: JobSource) -> dict[str, Any]:
    """Return ``inputConfig`` of a create."""
    if source.gcs_uris:
        return {"instancesFormat": "jsonl", "gcsSource": {"uris": list(source.gcs_uris)}}
    if source.bigquery_uri is not None:
        return {
            "instancesFormat": "bigquery",
            "bigquerySource": {"inputUri": source.bigquery_uri},
        }
    return {
        "instancesFormat": "vertex-dataset",
        "vertexMultimodalDatasetSource": {"datasetName": source.vertex_dataset},
    }


def output_config(dest: JobDestination) -> Mapping[str, Any]:
    """Return ``outputConfig`` of a create."""
    if dest.gcs_uri is not None:
        return {
            "predictionsFormat": "jsonl",
            "gcsDestination": {"outputUriPrefix": dest.gcs_uri},
        }
    return {
        "predictionsFormat": "bigquery",
        "bigqueryDestination": {"outputUri": dest.bigquery_uri},
    }
