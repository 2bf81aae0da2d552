"""Batch jobs of Vertex AI (wire-protocol section 3)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn

from gemini_batch._codec import Codec
from gemini_batch._wire.dialect import InputRules, JobSummary, Search
from gemini_batch._wire.http import Pace, Request
from gemini_batch._wire.intent_token import new_token, wire_display_name
from gemini_batch._wire.vertex import input_output as places
from gemini_batch._wire.vertex import names
from gemini_batch._wire.vertex.filters import quoted, read_search
from gemini_batch._wire.vertex.jobs import (
    INTENT_LABEL,
    KIND_LABEL,
    OWN_LABELS,
    JobPage,
    read_mark,
    register_hooks,
)
from gemini_batch._wire.vertex.operations import (
    Operation,
    operation_error,
    read_operation,
)
from gemini_batch.errors import APIError, InputError
from gemini_batch.types import (
    BatchJob,
    ErrorCode,
    JobDestination,
    JobKind,
    JobSource,
    Page,
    RpcStatus,
    VertexAI,
    WebhookConfig,
)

MAX_INPUT_BYTES: Final = 1_000_000_000
"""Largest input file of a job:
https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/batch-prediction-gemini."""

MAX_ROWS: Final = {JobKind.GENERATE: 200_000, JobKind.EMBED: 1_000_000}
"""Most requests of a job, of either kind."""

MAX_DISPLAY_NAME: Final = 128
"""Characters of a display name, the token in it included."""

_LONGEST_TEXT: Final = MAX_DISPLAY_NAME - len(wire_display_name("", new_token()))
_DEVELOPER = "It belongs to the Gemini Developer API."


class VertexBatches:
    """Builds the calls on batch jobs and reads their answers. Pure."""

    def __init__(self, codec: Codec, api: VertexAI) -> None:
        self._codec = codec
        register_hooks(codec.converter)
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
                code=ErrorCode.MISSING_STAGING,
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

    def input_rules(self, model: str) -> InputRules:
        """Return what requests for a model may be.

        Raises:
            InputError: The model is one that no rows are written for.
        """
        # A client that only waits for jobs needs nothing of what checks requests.
        from gemini_batch._requests.vertex import VERTEX, is_legacy_embedding  # noqa: PLC0415

        if is_legacy_embedding(model):
            raise InputError.one(
                f"nothing brings keys through {model}, so answers could not be told apart",
                remedy="Use 'gemini-embedding-001'; or store rows of the model's own form, "
                "and use create_embeddings(gcs_uri=…).",
                field="model",
                code=ErrorCode.NO_KEYS,
            )
        return InputRules(
            api_rules=VERTEX, inline=False, max_bytes=MAX_INPUT_BYTES, max_requests=MAX_ROWS
        )

    def check_kind(self, kind: JobKind, model: str) -> None:
        """Refuse to ask one of Google's embedding models for text.

        A create does not say what is asked, so the service would embed, and its vectors be
        read as answers without a text.

        Raises:
            InputError: That is what is asked.
        """
        published = model.partition("publishers/google/models/")[2]
        if kind == JobKind.GENERATE and "embedding" in published:
            raise InputError.one(
                f"{published} embeds, and is asked to generate",
                remedy="Use create_embeddings(), or requests that embed.",
                field="model",
                code=ErrorCode.EMBEDDING_MODEL,
            )

    def check_options(
        self,
        *,
        display_name: str | None = None,
        labels: Mapping[str, str] | None = None,
        service_account: str | None = None,  # noqa: ARG002 - the service checks it
        kms_key_name: str | None = None,  # noqa: ARG002
        priority: int | None = None,
        webhook: WebhookConfig | None = None,
    ) -> None:
        """Refuse options that are wrong, or that Vertex AI does not have.

        Raises:
            InputError: One is.
        """
        if priority is not None:
            _refuse("priority", _DEVELOPER)
        if webhook is not None:
            _refuse("webhook", _DEVELOPER)
        names.check_labels(labels or {}, OWN_LABELS)
        if display_name is not None and len(display_name) > _LONGEST_TEXT:
            raise InputError.one(
                f"it has {len(display_name)} characters",
                remedy=f"Vertex AI takes up to {_LONGEST_TEXT} beside the token that finds "
                "the job again.",
                field="display_name",
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
        self.check_options(labels=labels, priority=priority, webhook=webhook)
        options: dict[str, Any] = {
            "displayName": display_name,
            "labels": {
                **(labels or {}),
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
        *,
        kind: JobKind,  # noqa: ARG002 - the options say it
        rows: Sequence[bytes] = (),  # noqa: ARG002 - no source here leaves them to the create
    ) -> Request:
        """Create a job. `model` is a full name."""
        body = {
            **options,
            "model": model,
            "inputConfig": self._codec.unstructure(source),
            "outputConfig": self._codec.unstructure(dest)["outputConfig"],
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

    def poll(self, name: str) -> Request:
        """Ask for one job: it is small, and brings no results along."""
        return self.get(name)

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

    def unfinished(self, body: bytes, begun: Request) -> Request | None:
        """Return how to ask on after an answer to a delete; None once all is done.

        Raises:
            APIError: It failed after its answer.
        """
        operation = self.read_operation(body)
        if operation.error is not None:
            raise self.operation_error(operation.error, begun)
        if operation.done or operation.name is None:
            return None
        return self.operation(operation.name)

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
        return self._codec.loads(body, BatchJob)

    def read_poll(self, body: bytes, known: BatchJob) -> BatchJob:  # noqa: ARG002
        """Read the answer to `poll`: the whole job."""
        return self.read_job(body)

    def read_resource(self, body: bytes, kind: JobKind) -> BatchJob:  # noqa: ARG002
        """Read a job that came by itself, as all do here."""
        return self.read_job(body)

    def read_page(self, body: bytes) -> Page[BatchJob]:
        """Read one page of a list."""
        page = self._codec.loads(body, JobPage)
        return Page(
            items=page.batch_prediction_jobs, next_page_token=page.next_page_token or None
        )

    def read_summaries(self, body: bytes) -> Page[JobSummary]:
        """Read of one page what tells jobs apart, whatever else may be odd about them.

        Raises:
            DecodeError: The page is not whole: jobs may be missing from it.
        """
        members = self._codec.members(body)
        token = self._codec.loads(members.get("nextPageToken", b'""'), str)
        jobs = self._codec.items(members.get("batchPredictionJobs", b"[]"))
        marks = tuple(read_mark(self._codec, job) for job in jobs)
        return Page(items=marks, next_page_token=token or None)

    def read_operation(self, body: bytes) -> Operation:
        """Read how far an operation is; an answer without one is of work that is done."""
        return read_operation(self._codec, body, self._parent)

    def operation_error(self, status: RpcStatus, request: Request) -> APIError:
        """Return the error that an operation ended with, as if its call had been answered so.

        Args:
            status: What the operation says.
            request: The call that began it.
        """
        return operation_error(self._codec, status, request)


def _refuse(field: str, remedy: str) -> NoReturn:
    raise InputError.one(
        "Vertex AI does not have it",
        remedy=remedy,
        field=field,
        code=ErrorCode.NEEDS_DEVELOPER_API,
    )
