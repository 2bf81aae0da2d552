"""Where the results of a job are, and what it means that there are none."""

from gemini_batch.errors import (
    JobFailedError,
    ResultsUnavailableError,
)
from gemini_batch.types import (
    BatchJob,
    JobDestination,
)


def in_gcs(dest: JobDestination) -> bool:
    """True for results in Cloud Storage."""
    return dest.gcs_directory is not None or dest.gcs_uri is not None


def in_bigquery(dest: JobDestination) -> bool:
    """True for results in a table, of its own or of a dataset."""
    tables = (dest.bigquery_table, dest.bigquery_uri, dest.vertex_dataset)
    return any(table is not None for table in tables)


def location_of(job: BatchJob) -> str | None:
    """Return where the results of a job are, or were asked for; None for inline ones."""
    dest = job.dest or JobDestination()
    return (
        dest.file_name
        or dest.gcs_directory
        or dest.gcs_uri
        or dest.bigquery_table
        or dest.bigquery_uri
        or dest.vertex_dataset
    )


def is_own(job: BatchJob, location: str) -> bool:
    """True if what is at a place can only be of this job: its token is in the name.

    Reading another job's rows would be worse than reading none.
    """
    return job.intent_token is not None and job.intent_token in location


def nothing_in(location: str, job: BatchJob) -> ResultsUnavailableError | JobFailedError:
    """Return the error for a place that has no results."""
    if job.succeeded:
        return ResultsUnavailableError(reason="empty", job=job, location=location)
    return JobFailedError(job=job)


def lacks_output(job: BatchJob) -> bool:
    """True for a job that succeeded and whose output is not filled in yet."""
    return job.succeeded and (job.dest is None or not job.dest.located)
