"""Batch jobs of Vertex AI (wire-protocol section 3)."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn

from attrs import frozen

from gemini_batch._codec import Codec
from gemini_batch._wire import _vertex_names as names
from gemini_batch._wire import _vertex_places as places
from gemini_batch._wire._request import Pace, Request
from gemini_batch._wire._vertex_filters import Search, quoted, read_search
from gemini_batch._wire._vertex_jobs import (
    INTENT_LABEL,
    KIND_LABEL,
    OWN_LABELS,
    read_job,
    read_mark,
)
from gemini_batch._wire.developer import JobMark
from gemini_batch._wire.errors import read_error
from gemini_batch.errors import ApiError, InputError
from gemini_batch.types import (
    BatchJob,
    JobDestination,
    JobKind,
    JobSource,
    Page,
    Status,
    VertexAI,
    WebhookConfig,
)

MAX_INPUT_BYTES: Final = 1_000_000_000
"""Largest input file of a job:
https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/batch-prediction-gemini."""

MAX_ROWS: Final = {JobKind.GENERATE: 200_000, JobKind.EMBED: 1_000_000}
"""Most requests of a job, of either kind."""

_DEVELOPER = "It belongs to the Gemini Developer API."
_HTTP_STATUS: Final[Mapping[int, int]] = {
    # gRPC: HTTP, as google.rpc.Code maps them.
    1: 499,
    3: 400,
    4: 504,
    5: 404,
    6: 409,
    7: 403,
    8: 429,
    9: 400,
    10: 409,
    11: 400,
    12: 501,
    14: 503,
    16: 401,
}


@frozen(kw_only=True)
class Operation:
    """Work that goes on after its call was answered."""

    name: str | None
    """Its full name; None for work that was done with the call."""

    done: bool
    error: Status | None = None
    """Why it failed; only once it is done."""


class VertexBatches:
    """Builds the calls on batch jobs and reads their answers. Pure."""

    def __init__(self, codec: Codec, api: VertexAI) -> None:
        self._codec = codec
        self._parent = api.parent
        self._staging = api.staging
        self._root = f"/{api.version}"
        self._jobs = f"{self._root}/{self._parent}/batchPredictionJobs"

    # Names

    def job_name(self, name: str | BatchJob) -> str:
        """Return the full name of a job for its name, its bare id, or the job."""
        return names.job_name(name, self._parent)

    def model_name(self, model: str) -> str:
        """Return the full name of a model."""
        return names.model_name(model, self._parent)

    def same_model(self, one: str, other: str) -> bool:
        """True if two full names mean one model."""
        return names.same_model(one, other)

    # Requests

    def source(
        self,
        *,
        file_name: object = None,
        inlined_requests: object = None,
        gcs_uri: str | Iterable[str] | None = None,
        bigquery_uri: str | None = None,
        vertex_dataset: str | None = None,
    ) -> JobSource:
        """Return the one source that is given, checked.

        Raises:
            InputError: It is not one that Vertex AI has.
        """
        if file_name is not None:
            _refuse(
                "file_name", f"{_DEVELOPER} Give gcs_uri='gs://…', or let submit() stage."
            )
        if inlined_requests is not None:
            _refuse(
                "inlined_requests",
                f"{_DEVELOPER} submit() takes the same requests, and stages them.",
            )
        return places.read_source(
            gcs_uri=gcs_uri,
            bigquery_uri=bigquery_uri,
            vertex_dataset=vertex_dataset,
            parent=self._parent,
        )

    def staged_input(self, token: str) -> str:
        """Return where `submit` puts the rows of the job with this token.

        Raises:
            InputError: There is no staging prefix.
        """
        if self._staging is None:
            raise InputError.one(
                "there is no place to stage the requests at",
                remedy="Pass VertexAI(staging='gs://bucket/prefix'), or upload the rows "
                "yourself and use create(gcs_uri=…).",
                field="staging",
            )
        return places.input_uri(self._staging, token)

    def destination(
        self, dest: str | None, *, source: JobSource, token: str
    ) -> JobDestination:
        """Return where the results of the job with this token are to go.

        Raises:
            InputError: It is no such place, or none is given and none can be made.
        """
        return places.read_destination(
            dest, source=source, staging=self._staging, token=token
        )

    def create_options(
        self,
        *,
        kind: JobKind,
        display_name: str,
        token: str,
        labels: Mapping[str, str] | None = None,
        service_account: str | None = None,
        kms_key_name: str | None = None,
        priority: int | None = None,
        webhook: WebhookConfig | None = None,
    ) -> dict[str, Any]:
        """Return the members of a create beside model, source and destination.

        Raises:
            InputError: An option is wrong, or not one that Vertex AI has.
        """
        if priority is not None:
            _refuse("priority", _DEVELOPER)
        if webhook is not None:
            _refuse("webhook", _DEVELOPER)
        options: dict[str, Any] = {
            "displayName": display_name,
            "labels": {
                **names.check_labels(labels or {}, OWN_LABELS),
                INTENT_LABEL: token,
                # The service does not say what a job asks of its model.
                KIND_LABEL: str(kind),
            },
        }
        if service_account is not None:
            options["serviceAccount"] = service_account
        if kms_key_name is not None:
            options["encryptionSpec"] = {"kmsKeyName": kms_key_name}
        return options

    def create(
        self,
        model: str,
        source: JobSource,
        dest: JobDestination,
        options: Mapping[str, Any],
    ) -> Request:
        """Create a job. `model` is a full name."""
        body = {
            **options,
            "model": model,
            "inputConfig": places.input_config(source),
            "outputConfig": places.output_config(dest),
        }
        return Request(
            method="POST",
            path=self._jobs,
            body=self._codec.dumps(body),
            pace=Pace.CREATE,
            idempotent=False,
        )

    def get(self, name: str) -> Request:
        """Ask for one job."""
        return Request(method="GET", path=f"{self._root}/{name}", idempotent=True)

    def search(self, text: str) -> Search:
        """Return what to ask of the service for a caller's filter, and what to do here."""
        return read_search(text, self.model_name)

    def of_intent(self, token: str) -> str:
        """Return the filter that finds the jobs with this token."""
        return f"labels.{INTENT_LABEL}={quoted(token)}"

    def list(
        self,
        *,
        page_size: int,
        page_token: str | None,
        filter: str | None = None,  # noqa: A002
    ) -> Request:
        """Ask for one page. `filter` is in the service's grammar."""
        query = {"pageSize": str(page_size)}
        if page_token:
            query["pageToken"] = page_token
        if filter:
            query["filter"] = filter
        return Request(method="GET", path=self._jobs, query=query, idempotent=True)

    def cancel(self, name: str) -> Request:
        """Ask the service to stop a job."""
        return Request(
            method="POST", path=f"{self._root}/{name}:cancel", body=b"{}", idempotent=True
        )

    def delete(self, name: str) -> Request:
        """Remove a job that has ended. Goes on after the answer: see `read_operation`."""
        return Request(method="DELETE", path=f"{self._root}/{name}", idempotent=True)

    def operation(self, name: str) -> Request:
        """Ask how far an operation is."""
        return Request(method="GET", path=f"{self._root}/{name}", idempotent=True)

    def update_priority(self, name: str, kind: JobKind, priority: int) -> NoReturn:
        """Jobs here have no priority.

        Raises:
            InputError: Always.
        """
        del name, kind, priority
        _refuse("priority", _DEVELOPER)

    # Answers

    def read_job(self, body: bytes) -> BatchJob:
        """Read a job."""
        return read_job(self._codec, body)

    def read_page(self, body: bytes) -> Page[BatchJob]:
        """Read one page of a list."""
        jobs, token = self._page(body)
        return Page(items=tuple(self.read_job(job) for job in jobs), next_page_token=token)

    def read_marks(self, body: bytes) -> Page[JobMark]:
        """Read of one page what tells jobs apart, whatever else may be odd about them.

        Raises:
            DecodeError: The page is not whole: jobs may be missing from it.
        """
        jobs, token = self._page(body)
        marks = tuple(read_mark(self._codec, job) for job in jobs)
        return Page(items=marks, next_page_token=token)

    def _page(self, body: bytes) -> tuple[Iterable[bytes], str | None]:
        members = self._codec.members(body)
        token = self._codec.loads(members.get("nextPageToken", b'""'), str)
        return self._codec.items(members.get("batchPredictionJobs", b"[]")), token or None

    def read_operation(self, body: bytes) -> Operation:
        """Read how far an operation is; an answer without one is of work that is done."""
        members = self._codec.members(body)
        done = members.get("done") == b"true"
        error = members.get("error")
        name = members.get("name")
        if name is None:
            return Operation(name=None, done=True)
        return Operation(
            name=names.operation_name(self._codec.loads(name, str), self._parent),
            done=done,
            error=None if error is None else self._codec.loads(error, Status),
        )

    def operation_error(self, status: Status, request: Request) -> ApiError:
        """Return the error that an operation ended with, as if its call had been answered so.

        Args:
            status: What the operation says.
            request: The call that began it.
        """
        code = _HTTP_STATUS.get(status.code, 500)
        error = {
            "message": status.message,
            "status": status.reason,
            "details": list(status.details),
        }
        return read_error(
            self._codec,
            status=code,
            headers={},
            body=self._codec.dumps({"error": error}),
            method=request.method,
            path=request.path,
        )


def _refuse(field: str, remedy: str) -> NoReturn:
    raise InputError.one("Vertex AI does not have it", remedy=remedy, field=field)
