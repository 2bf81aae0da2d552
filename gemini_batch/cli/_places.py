"""What is given as a path: a file of this machine, or a place in Google Cloud."""

import shlex

from gemini_batch import InputError

_GCS = "gs://"
_BIGQUERY = "bq://"


def is_stored(path: str) -> bool:
    """True for a ``gs://`` or ``bq://`` URI."""
    return path.startswith((_GCS, _BIGQUERY))


def source_of(path: str) -> dict[str, str]:
    """Return the source that `create` takes for a URI."""
    return {"gcs_uri" if path.startswith(_GCS) else "bigquery_uri": path}


def check_local(path: str, what: str) -> None:
    """Refuse a URI where a file of this machine is due.

    Args:
        path: What was given.
        what: What the command does with it.

    Raises:
        InputError: It is one.
    """
    if not is_stored(path):
        return
    remedy = f"Copy it here first: gcloud storage cp {shlex.quote(path)} input.jsonl"
    if path.startswith(_BIGQUERY):
        remedy = "The service checks the rows of a table, when the job starts."
    raise InputError.one(
        f"this command {what} files of this machine only", remedy=remedy, file=path
    )
