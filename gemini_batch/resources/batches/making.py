"""Calls that make batch jobs, and that check what they would be made of."""

from collections.abc import AsyncIterable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gemini_batch._codec import Codec
from gemini_batch._transport import Transport
from gemini_batch._wire.dialect import Dialect
from gemini_batch.resources.batches.staging import Stores
from gemini_batch.resources.files import OnProgress
from gemini_batch.types import BatchJob, File, JobKind, WebhookConfig

if TYPE_CHECKING:
    import os

    from gemini_batch._input.check import InputReport
    from gemini_batch.resources.batches.create import BatchRequest, JobCreator
    from gemini_batch.types import Content, GenerationConfig


class JobMaking:
    """Makes batch jobs, and checks what they would be made of."""

    def __init__(
        self, transport: Transport, codec: Codec, wire: Dialect, stores: Stores
    ) -> None:
        self._transport = transport
        self._codec = codec
        self._wire = wire
        self._stores = stores

    # What checks requests and what decodes answers is the larger half of the package. It is
    # loaded by the calls that have to do with rows, so that a client is ready soon.

    @cached_property
    def _creation(self) -> "JobCreator":
        from gemini_batch.resources.batches.create import JobCreator  # noqa: PLC0415 - see above

        return JobCreator(self._transport, self._codec, self._wire, self._stores)

    async def check(
        self,
        source: "str | os.PathLike[str]",
        *,
        model: str | None = None,
        key_column: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> "InputReport":
        """Check every row of a file, an object or a table, and make no job of them.

        A file is checked as `submit` checks it. Rows in Cloud Storage and BigQuery are read
        with the client's credentials, in constant memory, and must be as the service reads
        them: nobody writes what they lack, so that each has its request and a key.

        Args:
            source: Path of a JSONL file; on Vertex AI also ``gs://bucket/rows.jsonl`` without
                wildcards, or ``bq://project.dataset.table``, of which rows are counted from 1.
            model: The model the job would be for; rows that name another are problems.
            key_column: The column that holds the keys of a table; left out, ``key``.
            on_progress: Called with a `TransferProgress` as an object arrives.

        Raises:
            InputError: With file, line, field and remedy of every problem; or there is no such
                file, object or table.
            PermissionDeniedError: The client may not read it.
            TransportError: It broke off again and again, or changed meanwhile.
        """
        from gemini_batch.resources.batches.check import InputChecker  # noqa: PLC0415 - see above

        checking = InputChecker(self._transport, self._codec, self._wire, self._stores)
        return await checking.check(
            source, model=model, key_column=key_column, on_progress=on_progress
        )

    async def create(
        self,
        model: str,
        *,
        file_name: str | File | None = None,
        inlined_requests: "Iterable[BatchRequest] | None" = None,
        gcs_uri: str | Iterable[str] | None = None,
        bigquery_uri: str | None = None,
        vertex_dataset: str | None = None,
        dest: str | None = None,
        display_name: str | None = None,
        generation_config: "GenerationConfig | Mapping[str, Any] | None" = None,
        system_instruction: "str | Content | Mapping[str, Any] | None" = None,
        response_type: Any = None,
        as_json_schema: bool = False,
        priority: int | None = None,
        webhook: WebhookConfig | None = None,
        labels: Mapping[str, str] | None = None,
        service_account: str | None = None,
        kms_key_name: str | None = None,
        idempotency_key: str | None = None,
    ) -> BatchJob:
        """Create a generation job. This is paid, and never sent twice for one call.

        Exactly one source is given. Without an answer from the service the job is looked
        for by the token it carries, for about a minute and a half, and adopted. What one
        of the two APIs does not have is refused.

        Args:
            model: Such as ``gemini-2.5-flash``.
            file_name: An uploaded JSONL file. The service checks its rows during this call.
                Developer API only.
            inlined_requests: Requests that travel in the call itself, under 20 MB in all.
                They are checked first, as `submit` does. Developer API only.
            gcs_uri: ``gs://bucket/rows.jsonl``, which may have wildcards, or several. Their
                rows are not checked: `check` does that. Vertex AI only.
            bigquery_uri: ``bq://project.dataset.table`` with a column ``request``. Vertex AI
                only.
            vertex_dataset: Full name of a multimodal dataset. Vertex AI only.
            dest: ``gs://bucket/prefix``, or ``bq://project`` with dataset and table or
                without; left out, a place of the job's own, below `VertexAI.staging` or
                beside the source. Vertex AI only.
            display_name: Your own text; a token is added on the wire and taken off again.
            generation_config: Fills what inline requests do not set themselves.
            system_instruction: For inline requests without their own.
            response_type: As with `submit`; for inline requests.
            as_json_schema: As with `submit`.
            priority: Larger runs first; 0 if left out. Developer API only.
            webhook: Whom the service tells when the job ends. Developer API only.
            labels: Labels of the job, which billing reports show. Vertex AI only.
            service_account: Reads the source and writes the results. Vertex AI only.
            kms_key_name: Full name of the key that protects the job. Vertex AI only.
            idempotency_key: Your own name for this intention. A job that an earlier call
                with the same key made is returned instead of a new one, whatever its state.
                Give one where the call may be cut short: a call that is cancelled may have
                created a job, and the key is what finds it. Such a call looks for a twin for
                some seconds after it has created a job; of two the older stays, the other is
                cancelled.

        Raises:
            InputError: Something is wrong with the call or a request; nothing was sent.
            BadRequestError: The service refused; `line_errors` tells which rows of a file.
            RateLimitError: Too many open jobs, or too many enqueued tokens.
            CreateOutcomeUnknownError: A job may have been created; it was not found.
        """
        return await self._creation.create(
            JobKind.GENERATE,
            model,
            sources={
                "file_name": file_name,
                "inlined_requests": inlined_requests,
                "gcs_uri": gcs_uri,
                "bigquery_uri": bigquery_uri,
                "vertex_dataset": vertex_dataset,
            },
            dest=dest,
            display_name=display_name,
            generation_config=generation_config,
            system_instruction=system_instruction,
            response_type=response_type,
            as_json_schema=as_json_schema,
            priority=priority,
            webhook=webhook,
            labels=labels,
            service_account=service_account,
            kms_key_name=kms_key_name,
            idempotency_key=idempotency_key,
        )

    async def create_embeddings(
        self,
        model: str,
        *,
        file_name: str | File | None = None,
        inlined_requests: "Iterable[BatchRequest] | None" = None,
        gcs_uri: str | Iterable[str] | None = None,
        bigquery_uri: str | None = None,
        vertex_dataset: str | None = None,
        dest: str | None = None,
        display_name: str | None = None,
        priority: int | None = None,
        webhook: WebhookConfig | None = None,
        labels: Mapping[str, str] | None = None,
        service_account: str | None = None,
        kms_key_name: str | None = None,
        idempotency_key: str | None = None,
    ) -> BatchJob:
        """Create an embedding job; otherwise like `create`."""
        return await self._creation.create(
            JobKind.EMBED,
            model,
            sources={
                "file_name": file_name,
                "inlined_requests": inlined_requests,
                "gcs_uri": gcs_uri,
                "bigquery_uri": bigquery_uri,
                "vertex_dataset": vertex_dataset,
            },
            dest=dest,
            display_name=display_name,
            priority=priority,
            webhook=webhook,
            labels=labels,
            service_account=service_account,
            kms_key_name=kms_key_name,
            idempotency_key=idempotency_key,
        )

    async def submit(
        self,
        model: str,
        requests: "str | os.PathLike[str] | Iterable[BatchRequest] | AsyncIterable[BatchRequest]",
        *,
        dest: str | None = None,
        display_name: str | None = None,
        generation_config: "GenerationConfig | Mapping[str, Any] | None" = None,
        system_instruction: "str | Content | Mapping[str, Any] | None" = None,
        response_type: Any = None,
        as_json_schema: bool = False,
        priority: int | None = None,
        webhook: WebhookConfig | None = None,
        labels: Mapping[str, str] | None = None,
        service_account: str | None = None,
        kms_key_name: str | None = None,
        idempotency_key: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> BatchJob:
        """Create a job from requests of any size: check, key, upload if large, create.

        The requests are read once, in constant memory. Every one is checked before a byte
        is sent, and all problems are reported together. What makes a small call goes
        inline; anything larger is uploaded as a file first. On Vertex AI all of it is put
        below `VertexAI.staging`, where it stays until you delete it.

        Args:
            model: Such as ``gemini-2.5-flash``. Whether the job generates or embeds is told
                by the requests.
            requests: Path of a JSONL file of this machine, or an iterable or async iterable of typed
                requests, mappings or JSONL lines.
            dest: As with `create`.
            display_name: Your own text.
            generation_config: Fills what requests do not set themselves.
            system_instruction: For requests without their own.
            response_type: What answers are to be: an attrs class, a dataclass, a pydantic
                model, or a list or union of such. Its schema is sent with every request that
                does not set its own, in the order of its members, with its docstrings; ask
                `results` for the same type to have answers held against it. What
                ``responseSchema`` has no place for is refused: classes that hold themselves,
                mappings, ``Any``, bytes, choices among numbers, tuples of several types.
            as_json_schema: Send the schema as ``responseJsonSchema``, which has places for
                all of these. In batch it was reported to give answers of the wrong shape
                where ``responseSchema`` works, so try a few requests first
                (https://github.com/crmne/ruby_llm/issues/894).
            priority: As with `create`.
            webhook: As with `create`.
            labels: As with `create`.
            service_account: As with `create`.
            kms_key_name: As with `create`.
            idempotency_key: As with `create`; looked up before anything is uploaded.
            on_progress: Called as the upload goes on, if there is one.

        Raises:
            InputError: With file, line, field and remedy of every problem; nothing was
                sent.
            APIError: As with `create`.
        """
        return await self._creation.submit(
            model,
            requests,
            dest=dest,
            display_name=display_name,
            generation_config=generation_config,
            system_instruction=system_instruction,
            response_type=response_type,
            as_json_schema=as_json_schema,
            priority=priority,
            webhook=webhook,
            labels=labels,
            service_account=service_account,
            kms_key_name=kms_key_name,
            idempotency_key=idempotency_key,
            on_progress=on_progress,
        )
