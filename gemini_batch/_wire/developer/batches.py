"""Batch jobs of the Gemini Developer API (wire-protocol section 1)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gemini_batch._codec import Codec
from gemini_batch._wire.developer import names
from gemini_batch._wire.developer.files import MAX_FILE_BYTES
from gemini_batch._wire.developer.jobs import DeveloperAnswers
from gemini_batch._wire.dialect import InputRules, Search
from gemini_batch._wire.filters import read_filter
from gemini_batch._wire.http import Pace, Request
from gemini_batch.errors import InputError
from gemini_batch.types import (
    BatchJob,
    ErrorCode,
    File,
    JobDestination,
    JobKind,
    JobSource,
    WebhookConfig,
)

_METHODS = {
    JobKind.GENERATE: "batchGenerateContent",
    JobKind.EMBED: "asyncBatchEmbedContent",
}
_UPDATES = {
    JobKind.GENERATE: "updateGenerateContentBatch",
    JobKind.EMBED: "updateEmbedContentBatch",
}
# What may change of a job while it runs; the mask must name what a look is to bring.
_CHANGING = (
    "name,done,error,metadata("
    "name,displayName,state,batchStats,priority,createTime,updateTime,endTime)"
)


class DeveloperBatches(DeveloperAnswers):
    """Builds the calls on batch jobs and reads their answers. Pure."""

    def __init__(self, codec: Codec, version: str) -> None:
        super().__init__(codec)
        self._root = f"/{version}"

    # What callers give

    def job_name(self, name: str | BatchJob) -> str:
        """Return ``batches/<id>`` for a name, a bare id or a job."""
        return names.job_name(name)

    def model_name(self, model: str) -> str:
        """Return ``models/<id>`` or ``tunedModels/<id>`` for a model or its bare id."""
        return names.model_name(model)

    def same_model(self, one: str, other: str) -> bool:
        """True if two full names mean one model."""
        return one == other

    def source(
        self,
        *,
        file_name: str | File | None = None,
        inlined_requests: object = None,
        gcs_uri: str | Iterable[str] | None = None,
        bigquery_uri: str | None = None,
        vertex_dataset: str | None = None,
    ) -> JobSource:
        """Return the one source that is given, checked; an empty one for inline requests.

        Raises:
            InputError: It is not one that this API has.
        """
        _refuse(gcs_uri=gcs_uri, bigquery_uri=bigquery_uri, vertex_dataset=vertex_dataset)
        sources = {"file_name": file_name, "inlined_requests": inlined_requests}
        given = [name for name, value in sources.items() if value is not None]
        if len(given) != 1:
            raise InputError.one(
                f"{' and '.join(given)} are both given" if given else "no source is given",
                remedy="Give exactly one of file_name and inlined_requests.",
            )
        if file_name is None:
            return JobSource()
        return JobSource(file_name=names.file_name(file_name))

    def destination(
        self,
        dest: str | None,
        *,
        source: JobSource,  # noqa: ARG002 - the service decides by it
        token: str,  # noqa: ARG002
    ) -> JobDestination:
        """Return an empty one: this API says itself where results are.

        Raises:
            InputError: One is given.
        """
        _refuse(dest=dest)
        return JobDestination()

    def input_rules(self, model: str) -> InputRules:  # noqa: ARG002 - for all the same
        """Return what requests for a model may be."""
        # A client that only waits for jobs needs nothing of what checks requests.
        from gemini_batch._requests.api_rules import DEVELOPER  # noqa: PLC0415

        return InputRules(
            api_rules=DEVELOPER, inline=True, max_bytes=MAX_FILE_BYTES, max_requests={}
        )

    def check_kind(self, kind: JobKind, model: str) -> None:
        """Leave it to the service: a create names what is asked of the model."""

    def check_options(
        self,
        *,
        display_name: str | None = None,  # noqa: ARG002 - checked for both APIs alike
        labels: Mapping[str, str] | None = None,
        service_account: str | None = None,
        kms_key_name: str | None = None,
        priority: int | None = None,  # noqa: ARG002
        webhook: WebhookConfig | None = None,  # noqa: ARG002
    ) -> None:
        """Refuse options that this API does not have.

        Raises:
            InputError: One is given.
        """
        _refuse(labels=labels, service_account=service_account, kms_key_name=kms_key_name)

    # Requests

    def create_options(
        self,
        *,
        kind: JobKind,  # noqa: ARG002 - the method says it
        display_name: str,
        token: str,  # noqa: ARG002 - the display name has it
        labels: Mapping[str, str] | None = None,
        service_account: str | None = None,
        kms_key_name: str | None = None,
        priority: int | None = None,
        webhook: WebhookConfig | None = None,
    ) -> dict[str, Any]:
        """Return the members of a create beside model and source.

        Raises:
            InputError: An option is not one that this API has.
        """
        self.check_options(
            labels=labels, service_account=service_account, kms_key_name=kms_key_name
        )
        options: dict[str, Any] = {"displayName": display_name}
        if priority is not None:
            options["priority"] = str(priority)
        if webhook is not None:
            options["webhookConfig"] = self._codec.unstructure(webhook)
        return options

    def create(
        self,
        model: str,
        source: JobSource,
        dest: JobDestination,  # noqa: ARG002 - the service decides
        options: Mapping[str, Any],
        *,
        kind: JobKind,
        rows: Sequence[bytes] = (),
    ) -> Request:
        """Create a job from the file of `source`, else from `rows`."""
        if source.file_name is not None:
            return self.create_from_file(kind, model, source.file_name, options)
        return self.create_inline(kind, model, rows, options)

    def create_from_file(
        self, kind: JobKind, model: str, file_name: str, options: Mapping[str, Any]
    ) -> Request:
        """Create a job whose rows are in a file. `model` and `file_name` are full names."""
        return self._create(
            kind, model, [self._codec.dumps({"fileName": file_name})], options
        )

    def create_inline(
        self, kind: JobKind, model: str, rows: Sequence[bytes], options: Mapping[str, Any]
    ) -> Request:
        """Create a job from rows, each an encoded ``{"request": …, "metadata": …}``."""
        source = [b","] * (2 * len(rows))
        source[1::2] = rows
        source[:1] = [b'{"requests":{"requests":[']
        return self._create(kind, model, [*source, b"]}}"], options)

    def _create(
        self, kind: JobKind, model: str, source: Sequence[bytes], options: Mapping[str, Any]
    ) -> Request:
        # Spliced in one go: the rows are encoded already and may be many.
        head = self._codec.dumps({"batch": dict(options)})[:-2]
        comma = b"," if options else b""
        return Request(
            method="POST",
            path=f"{self._root}/{model}:{_METHODS[kind]}",
            body=b"".join([head, comma, b'"inputConfig":', *source, b"}}"]),
            pace=Pace.CREATE,
            idempotent=False,
        )

    def get(self, name: str) -> Request:
        """Ask for one job. An inline one brings its results along, which may be many."""
        return Request(
            method="GET", path=f"{self._root}/{name}", pace=Pace.STREAM, idempotent=True
        )

    def poll(self, name: str) -> Request:
        """Ask what may have changed of a job, and for none of its results."""
        return Request(
            method="GET",
            path=f"{self._root}/{name}",
            query={"fields": _CHANGING},
            # A service that ignores the mask sends everything.
            pace=Pace.STREAM,
            idempotent=True,
        )

    def list(
        self,
        *,
        page_size: int,
        page_token: str | None,
        filter: str | None = None,  # noqa: A002, ARG002 - declared, but not seen to work
    ) -> Request:
        """Ask for one page. Without ``pageSize`` the service has answered with nothing."""
        query = {"pageSize": str(page_size)}
        if page_token:
            query["pageToken"] = page_token
        return Request(
            method="GET", path=f"{self._root}/batches", query=query, idempotent=True
        )

    def search(self, text: str) -> Search:
        """Return a filter: all of it is done here.

        Raises:
            InputError: It is not in the grammar.
        """
        return Search(sent=None, keeps=read_filter(text))

    def of_intent(self, token: str) -> None:
        """Return None: all jobs are looked through."""

    def cancel(self, name: str) -> Request:
        """Ask the service to stop a job."""
        return Request(
            method="POST", path=f"{self._root}/{name}:cancel", body=b"{}", idempotent=True
        )

    def delete(self, name: str) -> Request:
        """Remove a job's record."""
        return Request(method="DELETE", path=f"{self._root}/{name}", idempotent=True)

    def unfinished(self, body: bytes, begun: Request) -> None:
        """Return None: a delete is done when it is answered."""

    def update_priority(self, name: str, kind: JobKind, priority: int) -> Request:
        """Give a job another priority."""
        return Request(
            method="PATCH",
            path=f"{self._root}/{name}:{_UPDATES[kind]}",
            query={"updateMask": "priority"},
            body=self._codec.dumps({"priority": str(priority)}),
            idempotent=True,
        )


def _refuse(**given: object) -> None:
    for name, value in given.items():
        if value is not None:
            raise InputError.one(
                "the Gemini Developer API does not have it",
                remedy="It belongs to Vertex AI.",
                field=name,
                code=ErrorCode.NEEDS_VERTEX_AI,
            )
