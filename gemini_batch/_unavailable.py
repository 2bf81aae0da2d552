"""Why there are no results of a job to read, and what to do about it."""

from collections.abc import Mapping
from typing import Final, Literal

UnavailableReason = Literal[
    "not_finished",
    "not_ready",
    "not_located",
    "in_file",
    "in_gcs",
    "in_bigquery",
    "in_dataset",
    "expired",
    "empty",
    "no_table",
    "no_response_column",
]

UNAVAILABLE: Final[Mapping[UnavailableReason, tuple[str, str]]] = {
    "not_finished": ("is {state}", "Wait for it first."),
    "not_ready": (
        "succeeded, but its output is not there yet",
        "Try again in a minute.",
    ),
    "not_located": (
        (
            "ended {state}, and the service does not say where below {location} its results "
            "are; other jobs may have theirs there, too"
        ),
        "Look for them there, and give each job a destination of its own.",
    ),
    "in_file": ("has its results in {location}", "Read them with results()."),
    "in_gcs": ("has its results under {location}", "Read them with results()."),
    "in_bigquery": ("has its results in {location}", "Read them with results()."),
    "in_dataset": (
        "has its results in {location}, and the service does not say in which table",
        "Name a table with dest='bq://project.dataset.table'.",
    ),
    "expired": (
        (
            "had its results in {location}, which cannot be read any more: files are deleted "
            "after a while, and keys of other projects do not see them"
        ),
        "",
    ),
    "empty": (
        (
            "has no results in {location}: they may have been moved or deleted, or are not there "
            "yet"
        ),
        "Look there, or try again in a minute.",
    ),
    "no_table": (
        (
            "has its results in {location}, which does not exist: it may have been deleted, or "
            "expired by the rules of its dataset"
        ),
        "",
    ),
    "no_response_column": (
        (
            "has its results in {location}, which has no column 'response': another table has "
            "its place now, or it never held results"
        ),
        "",
    ),
}
"""What is the matter, after the name of the job; and what to do about it in Python."""
