"""What is given as a path: a file of this machine, or a place in Google Cloud."""

import shlex

from gemini_batch import InputError

_GCS = "gs://"
_BIGQUERY = "bq://"


def is_stored(path: str) -> bool:
    """True for a ``gs://`` or ``bq://`` URI."""
    return path.startswith((_GCS, _BIGQUERY))


def is_object(path: str) -> bool:
    """True for a ``gs://`` URI."""
    return path.startswith(_GCS)


def source_of(path: str) -> dict[str, str]:
    """Return the source that `create` takes for a URI."""
    return {"gcs_uri" if is_object(path) else "bigquery_uri": path}


def check_local(path: str) -> None:
    """Refuse to upload what is in Google Cloud.

    Raises:
        InputError: It is there.
    """
    if not is_stored(path):
        return
    remedy = "On Vertex AI, submit takes it where it is."
    if is_object(path):
        remedy += f" Or copy it here: gcloud storage cp {shlex.quote(path)} input.jsonl"
    raise InputError.one(
        "this command uploads files of this machine only", remedy=remedy, file=path
    )
