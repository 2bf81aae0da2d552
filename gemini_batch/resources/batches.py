"""Batch jobs: create, look at, wait for, read, cancel, delete."""

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping
from contextlib import aclosing
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gemini_batch._codec import Codec
from gemini_batch._transfer._local import tell
from gemini_batch._transport import Transport
from gemini_batch._wire.developer import DeveloperBatches
from gemini_batch._wire.files import DeveloperFiles
from gemini_batch._wire.filters import read_filter
from gemini_batch._wire.names import job_name
from gemini_batch.errors import BadRequestError, NotFoundError, ResultsUnavailableError
from gemini_batch.resources._look import Jobs
from gemini_batch.resources._pages import check_page_size, every_item
from gemini_batch.resources._wait import check_timeout, schedule_of, wait_for
from gemini_batch.resources.files import Files, OnProgress
from gemini_batch.types import (
    BatchJob,
    File,
    JobKind,
    Page,
    PollSchedule,
    Progress,
    WebhookConfig,
)

if TYPE_CHECKING:
    import os

    from gemini_batch.resources._creation import BatchRequest, Creation
    from gemini_batch.types import BatchResult, Content, GenerationConfig

_PAGE_SIZE = 100  # the largest known to work


class Batches:
    """Batch jobs of the Gemini Developer API."""

    def __init__(
        self,
        transport: Transport,
        codec: Codec,
        wire: DeveloperBatches,
        files_wire: DeveloperFiles,
        files: Files,
    ) -> None:
        self._transport = transport
        self._codec = codec
        self._wire = wire
        self._files_wire = files_wire
        self._files = files
        self._jobs = Jobs(transport, wire)
        self._look = self._jobs.look

    # What checks requests and what decodes answers is the larger half of the package. It is
    # loaded by the calls that have to do with rows, so that a client is ready soon.

    @cached_property
    def _creation(self) -> "Creation":
        from gemini_batch.resources._creation import Creation  # noqa: PLC0415 - see above

        return Creation(self._transport, self._codec, self._wire, self._files)

    async def create(
        self,
        model: str,
        *,
        file_name: str | File | None = None,
        inlined_requests: "Iterable[BatchRequest] | None" = None,
        gcs_uri: str | None = None,
        bigquery_uri: str | None = None,
        dest: str | None = None,
        display_name: str | None = None,
        generation_config: "GenerationConfig | Mapping[str, Any] | None" = None,
        system_instruction: "str | Content | Mapping[str, Any] | None" = None,
        priority: int | None = None,
        webhook: WebhookConfig | None = None,
        labels: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> BatchJob:
        """Create a generation job. This is paid, and never sent twice for one call.

        Exactly one source is given. Without an answer from the service the job is looked
        for by the token it carries, for about a minute and a half, and adopted.

        Args:
            model: Such as ``gemini-2.5-flash``.
            file_name: An uploaded JSONL file. The service checks its rows during this call.
            inlined_requests: Requests that travel in the call itself, under 20 MB in all.
                They are checked first, as `submit` does.
            gcs_uri: Vertex AI only.
            bigquery_uri: Vertex AI only.
            dest: Vertex AI only.
            display_name: Your own text; a token is added on the wire and taken off again.
            generation_config: Fills what inline requests do not set themselves.
            system_instruction: For inline requests without their own.
            priority: Larger runs first; 0 if left out.
            webhook: Whom the service tells when the job ends.
            labels: Vertex AI only.
            idempotency_key: Your own name for this intention. A job that an earlier call
                with the same key made is returned instead of a new one, whatever its state;
                Give one where the call
                may be cut short: a call that is cancelled may have created a job, and the
                key is what finds it. Such a call looks for a twin for some seconds after
                it has created a job; of two the older stays, the other is cancelled.

        Raises:
            InputError: Something is wrong with the call or a request; nothing was sent.
            BadRequestError: The service refused; `line_errors` tells which rows of a file.
            RateLimitError: Too many open jobs, or too many enqueued tokens.
            CreateOutcomeUnknownError: A job may have been created; it was not found.
        """
        return await self._creation.create(
            JobKind.GENERATE,
            model,
            file_name=file_name,
            inlined_requests=inlined_requests,
            vertex_only={
                "gcs_uri": gcs_uri,
                "bigquery_uri": bigquery_uri,
                "dest": dest,
                "labels": labels,
            },
            display_name=display_name,
            generation_config=generation_config,
            system_instruction=system_instruction,
            priority=priority,
            webhook=webhook,
            idempotency_key=idempotency_key,
        )

    async def create_embeddings(
        self,
        model: str,
        *,
        file_name: str | File | None = None,
        inlined_requests: "Iterable[BatchRequest] | None" = None,
        gcs_uri: str | None = None,
        bigquery_uri: str | None = None,
        dest: str | None = None,
        display_name: str | None = None,
        priority: int | None = None,
        webhook: WebhookConfig | None = None,
        labels: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> BatchJob:
        """Create an embedding job; otherwise like `create`."""
        return await self._creation.create(
            JobKind.EMBED,
            model,
            file_name=file_name,
            inlined_requests=inlined_requests,
            vertex_only={
                "gcs_uri": gcs_uri,
                "bigquery_uri": bigquery_uri,
                "dest": dest,
                "labels": labels,
            },
            display_name=display_name,
            priority=priority,
            webhook=webhook,
            idempotency_key=idempotency_key,
        )

    async def submit(
        self,
        model: str,
        requests: "str | os.PathLike[str] | Iterable[BatchRequest] | AsyncIterable[BatchRequest]",
        *,
        display_name: str | None = None,
        generation_config: "GenerationConfig | Mapping[str, Any] | None" = None,
        system_instruction: "str | Content | Mapping[str, Any] | None" = None,
        priority: int | None = None,
        webhook: WebhookConfig | None = None,
        labels: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> BatchJob:
        """Create a job from requests of any size: check, key, upload if large, create.

        The requests are read once, in constant memory. Every one is checked before a byte
        is sent, and all problems are reported together. What makes a small call goes
        inline; anything larger is uploaded as a file first.

        Args:
            model: Such as ``gemini-2.5-flash``. Whether the job generates or embeds is told
                by the requests.
            requests: Path of a JSONL file, or an iterable or async iterable of typed
                requests, mappings or JSONL lines.
            display_name: Your own text.
            generation_config: Fills what requests do not set themselves.
            system_instruction: For requests without their own.
            priority: Larger runs first; 0 if left out.
            webhook: Whom the service tells when the job ends.
            labels: Vertex AI only.
            idempotency_key: As with `create`; looked up before anything is uploaded.
            on_progress: Called as the upload goes on, if there is one.

        Raises:
            InputError: With file, line, field and remedy of every problem; nothing was
                sent.
            ApiError: As with `create`.
        """
        return await self._creation.submit(
            model,
            requests,
            vertex_only={"labels": labels},
            display_name=display_name,
            generation_config=generation_config,
            system_instruction=system_instruction,
            priority=priority,
            webhook=webhook,
            idempotency_key=idempotency_key,
            on_progress=on_progress,
        )

    async def get(self, name: str | BatchJob) -> BatchJob:
        """Return the job as it is now, inline results included.

        Raises:
            NotFoundError: There is no such job, or it belongs to another project.
        """
        return await self._jobs.get(job_name(name))

    async def list(
        self,
        *,
        page_size: int = _PAGE_SIZE,
        page_token: str | None = None,
        filter: str | None = None,  # noqa: A002 - the service's own word
    ) -> Page[BatchJob]:
        """Return one page of the project's jobs, of both kinds, without inline results.

        Args:
            page_size: Most jobs on the page, up to 100. Fewer, even none, may come although
                there are more: `Page.has_more` tells.
            page_token: `Page.next_page_token` of the page before.
            filter: Such as ``state="running" AND display_name:"nightly*"``. Applied on this
                side, page by page.
        """
        keep = None if filter is None else read_filter(filter)
        check_page_size(page_size, _PAGE_SIZE)
        request = self._wire.list(page_size=page_size, page_token=page_token)
        page = self._wire.read_page((await self._transport.send(request)).body)
        if keep is None:
            return page
        items = tuple(job for job in page.items if keep(job))
        return Page(items=items, next_page_token=page.next_page_token)

    def list_all(
        self,
        *,
        page_size: int = _PAGE_SIZE,
        filter: str | None = None,  # noqa: A002 - the service's own word
    ) -> AsyncGenerator[BatchJob, None]:
        """Iterate over all jobs of the project, page by page as the loop reaches them.

        That a job is not listed does not mean it is gone: only `get` tells.
        """
        check_page_size(page_size, _PAGE_SIZE)
        if filter is not None:
            read_filter(filter)  # a wrong filter is told at once, not at the first step
        return every_item(
            lambda token: self.list(page_size=page_size, page_token=token, filter=filter)
        )

    async def cancel(self, name: str | BatchJob) -> None:
        """Ask the service to stop the job. Returns before it has stopped.

        The job may still succeed; wait for it to know.

        Raises:
            BadRequestError: The job has ended already.
            NotFoundError: There is no such job.
        """
        try:
            await self._transport.send(self._wire.cancel(job_name(name)))
        except BadRequestError as exc:
            # After a lost answer: it may have been cancelled by the first try.
            if exc.tries == 1 or not (await self.get(name)).cancelled:
                raise

    async def delete(self, name: str | BatchJob) -> None:
        """Remove the job's record. By the service's reference this does not stop its work.

        To be safe cancel first, wait, then delete.

        Raises:
            NotFoundError: There is no such job.
        """
        try:
            await self._transport.send(self._wire.delete(job_name(name)))
        except NotFoundError as exc:
            # After a lost answer, "not there" is what was asked for.
            if exc.tries == 1:
                raise

    async def update(self, name: str | BatchJob, *, priority: int) -> BatchJob:
        """Give the job another priority, and return it. Larger runs first."""
        kind = name.kind if isinstance(name, BatchJob) else (await self.get(name)).kind
        request = self._wire.update_priority(job_name(name), kind, priority)
        return self._wire.read_resource((await self._transport.send(request)).body, kind)

    def wait(
        self,
        name: str | BatchJob,
        *,
        poll_interval: float | PollSchedule | None = None,
        timeout: float | None = None,
    ) -> AsyncGenerator[Progress, None]:
        """Yield a snapshot per look until the job ends; the last one is terminal.

        Leaving the loop early stops the looking, not the job. Nothing is held open between
        two snapshots. A look that fails is made up for by the next; five in a row are not.

        Args:
            name: The job.
            poll_interval: Seconds between two looks; left out, 2 s growing to 60 s.
            timeout: Seconds from the first step, the caller's own time included; left out,
                there is none. Jobs take minutes to a day, and may be queued for two.

        Raises:
            WaitTimeoutError: The time is over. The job keeps running.
            NotFoundError: There is no such job (any more).
            ApiError: Five looks in a row failed; so does TransportError.
        """
        name = job_name(name)
        schedule = schedule_of(poll_interval)
        check_timeout(timeout)
        return wait_for(name, self._look, schedule=schedule, timeout=timeout)

    async def poll(
        self,
        name: str | BatchJob,
        *,
        poll_interval: float | PollSchedule | None = None,
        timeout: float | None = None,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> BatchJob:
        """Wait for the job to end, and return it: `wait` as one await.

        Args:
            name: The job.
            poll_interval: As with `wait`.
            timeout: As with `wait`.
            on_progress: Called with each snapshot, and awaited if it returns an awaitable.
        """
        snapshots = self.wait(name, poll_interval=poll_interval, timeout=timeout)
        async with aclosing(snapshots):
            async for progress in snapshots:
                if on_progress is not None:
                    await tell(on_progress, progress)
        return progress.job

    async def get_responses(self, job: str | BatchJob) -> "tuple[BatchResult, ...]":
        """Return the results of an inline job.

        Raises:
            ResultsUnavailableError: The job runs still, or its results are elsewhere:
                `location` tells where.
            JobFailedError: The job ended without results.
        """
        from gemini_batch.resources import _results  # noqa: PLC0415 - see above

        ended = await _results.with_output(job, self.get)
        assert ended.dest is not None  # noqa: S101 - `with_output` sees to it
        if ended.dest.inlined_responses is None:
            raise ResultsUnavailableError(
                reason="in_file", job=ended, location=ended.dest.file_name
            )
        results = self.results(ended)
        async with aclosing(results):
            return tuple([result async for result in results])

    def results(self, job: str | BatchJob) -> "AsyncGenerator[BatchResult, None]":
        """Iterate over the results of a job that has ended, in constant memory.

        One way for all destinations. Rows are told apart by `BatchResult.key`, in whatever
        order they come; a row that cannot be read is a result of outcome INVALID.

        Raises:
            ResultsUnavailableError: The job runs still, or its result file is gone.
            JobFailedError: The job ended without results.
            TransportError: The download broke off again and again.
        """
        from gemini_batch._transfer._ahead import ReadAhead  # noqa: PLC0415 - see above
        from gemini_batch.resources import _results  # noqa: PLC0415 - see above

        return _results.read_results(
            lambda: _results.with_output(job, self.get),
            open_file=lambda name: ReadAhead(self._transport, self._files_wire, name),
            codec=self._codec,
        )
