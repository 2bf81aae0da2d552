"""JSON output: the SDK's values under the SDK's own names."""

import datetime as dt
import json
from typing import Any

from gemini_batch import (
    APIError,
    BadRequestError,
    BatchJob,
    CreateOutcomeUnknownError,
    CredentialsError,
    File,
    InputError,
    InputReport,
    JobFailedError,
    Progress,
    ResultsUnavailableError,
    RpcStatus,
    SecurityError,
    WaitTimeoutError,
)
from gemini_batch._writers.result_record import escaped
from gemini_batch.cli.remedies import explain

Json = dict[str, Any]


def dumps(value: Any) -> bytes:
    """Return a value as one line of JSON, newline included."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        return escaped(text).encode() + b"\n"
    except UnicodeEncodeError:  # a lone surrogate, which is legal in JSON alone
        return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _time(when: dt.datetime | None) -> str | None:
    return None if when is None else when.isoformat().replace("+00:00", "Z")


def status_json(status: RpcStatus | None) -> Json | None:
    """Return why something failed."""
    if status is None:
        return None
    known: Json = {"code": status.code, "reason": status.reason} if status.code else {}
    return {**known, "message": status.message}


def job_json(job: BatchJob) -> Json:
    """Return a job; inline results are counted, not listed."""
    stats, source, dest = job.completion_stats, job.source, job.dest
    results: Json | None = None
    if dest is not None and dest.inlined_responses is not None:
        results = {"inlined_count": len(dest.inlined_responses)}
    elif dest is not None:
        results = {
            "file_name": dest.file_name,
            "gcs_uri": dest.gcs_uri,
            "gcs_directory": dest.gcs_directory,
            "bigquery_uri": dest.bigquery_uri,
            "bigquery_table": dest.bigquery_table,
            "vertex_dataset": dest.vertex_dataset,
        }
    return {
        "name": job.name,
        "display_name": job.display_name,
        "state": str(job.state),
        "done": job.done,
        "succeeded": job.succeeded,
        "kind": str(job.kind),
        "model": job.model,
        "priority": job.priority,
        "percent": job.progress,
        "completion_stats": None
        if stats is None
        else {
            "total_count": stats.total_count,
            "success_count": stats.success_count,
            "failure_count": stats.failure_count,
            "pending_count": stats.pending_count,
        },
        "source": {
            "file_name": source.file_name,
            "gcs_uris": list(source.gcs_uris),
            "bigquery_uri": source.bigquery_uri,
            "vertex_dataset": source.vertex_dataset,
        },
        "dest": results,
        "labels": dict(job.labels),
        "error": status_json(job.error),
        "partial_failures": [status_json(status) for status in job.partial_failures],
        "create_time": _time(job.create_time),
        "start_time": _time(job.start_time),
        "update_time": _time(job.update_time),
        "end_time": _time(job.end_time),
        "expected_by": _time(job.expected_by),
        "intent_token": job.intent_token,
    }


def file_json(file: File) -> Json:
    """Return a file's description."""
    return {
        "name": file.name,
        "display_name": file.display_name,
        "mime_type": file.mime_type,
        "size_bytes": file.size_bytes,
        "state": str(file.state),
        "source": str(file.source),
        "sha256": file.sha256,
        "uri": file.uri,
        "create_time": _time(file.create_time),
        "expiration_time": _time(file.expiration_time),
        "error": status_json(file.error),
    }


def progress_json(progress: Progress) -> Json:
    """Return the progress of a job at one poll."""
    stats = progress.stats
    return {
        "event": "progress",
        "job": progress.job.name,
        "state": str(progress.state),
        "total": None if stats is None else stats.total_count,
        "done": None if stats is None else stats.done_count,
        "failed": None if stats is None else stats.failure_count,
        "percent": progress.percent,
        "rate": progress.rate,
        "eta": progress.eta,
        "elapsed": progress.elapsed,
        "next_poll_in": progress.next_poll_in,
        "stalled_for": progress.stalled_for,
    }


def report_json(report: InputReport) -> Json:
    """Return what an input file without problems contains."""
    return {
        "kind": str(report.kind),
        "count": report.count,
        "size": report.size,
        "inline": report.inline,
    }


def error_json(error: BaseException) -> Json:
    """Return an error with the facts a program would act on."""
    explained = explain(error)
    body: Json = {"type": type(error).__name__, "message": str(explained)}
    if isinstance(error, InputError):
        body["problems"] = [
            {
                "file": problem.file,
                "line": problem.line,
                "field": problem.field,
                "code": problem.code,
                "message": problem.message,
                "remedy": problem.remedy,
            }
            for problem in explained.problems
        ]
        body["omitted"] = error.omitted
    elif isinstance(error, CredentialsError | SecurityError):
        body |= {"code": error.code, "remedy": explained.remedy}
    elif isinstance(error, APIError):
        body |= {"status_code": error.status_code, "status": error.status}
        body["retry_after"] = error.retry_after
        if isinstance(error, BadRequestError) and error.line_errors:
            body["problems"] = [
                {"line": line, "message": message} for line, message in error.line_errors
            ]
    elif isinstance(error, WaitTimeoutError):
        body |= {"job": error.name, "elapsed": error.elapsed}
    elif isinstance(error, CreateOutcomeUnknownError):
        body["intent_token"] = error.intent_token
    elif isinstance(error, JobFailedError):
        body["job"] = error.job.name
    elif isinstance(error, ResultsUnavailableError):
        body |= {"job": error.job.name, "reason": error.reason, "location": error.location}
    return {"error": body}
