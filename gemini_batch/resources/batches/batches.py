"""Batch jobs: create, look at, wait for, read, cancel, delete."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import cached_property
from typing import TYPE_CHECKING, Any

import anyio

from gemini_batch._codec import Codec
from gemini_batch._io.threads import call_maybe_async
from gemini_batch._transport import Transport
from gemini_batch._transport.pagination import check_page_size, every_item
from gemini_batch._wire.dialect import Dialect
from gemini_batch._wire.http import Request
from gemini_batch.errors import BadRequestError, NotFoundError, TransportError
from gemini_batch.resources.batches.embeddings import EmbeddingCollecting
from gemini_batch.resources.batches.fetch import JobFetcher
from gemini_batch.resources.batches.making import JobMaking
from gemini_batch.resources.batches.polling import (
    check_timeout,
    schedule_of,
    wait_for,
)
from gemini_batch.resources.batches.staging import Stores
from gemini_batch.types import BatchJob, Page, PollSchedule, Progress

if TYPE_CHECKING:
    from gemini_batch.resources.batches.results.expected_keys import Expected
    from gemini_batch.resources.batches.results.result_reader import ResultReader
    from gemini_batch.types import BatchResult, Tally

_PAGE_SIZE = 100  # the largest known to work


class Batches(JobMaking, EmbeddingCollecting):
    """Batch jobs of one API."""

    def __init__(
        self, transport: Transport, codec: Codec, wire: Dialect, stores: Stores
    ) -> None:
        super().__init__(transport, codec, wire, stores)
        self._jobs = JobFetcher(transport, wire)
        self._poll_once = self._jobs.poll

    @cached_property
    def _reader(self) -> "ResultReader":
        # What decodes answers is loaded by the calls that have to do with them.
        from gemini_batch.resources.batches.results.result_reader import ResultReader  # noqa: PLC0415

        stores = self._stores
        return ResultReader(
            self._transport,
            self._codec,
            files=stores.files,
            gcs=stores.gcs,
            bigquery=stores.bigquery,
        )

    async def get(self, name: str | BatchJob) -> BatchJob:
        """Return the job as it is now, inline results included.

        Raises:
            NotFoundError: There is no such job, or it belongs to another project.
        """
        return await self._jobs.get(self._wire.job_name(name))

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
                side, page by page; on Vertex AI by the service, as far as that is possible,
                and there it may be any filter that the service knows.
        """
        search = None if filter is None else self._wire.search(filter)
        check_page_size(page_size, _PAGE_SIZE)
        request = self._wire.list(
            page_size=page_size,
            page_token=page_token,
            filter=None if search is None else search.sent,
        )
        page = self._wire.read_page((await self._transport.send(request)).body)
        if search is None:
            return page
        items = tuple(job for job in page.items if search.keeps(job))
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
            self._wire.search(
                filter
            )  # a wrong filter is told at once, not at the first step
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
            await self._transport.send(self._wire.cancel(self._wire.job_name(name)))
        except BadRequestError as exc:
            # After a lost answer: it may have been cancelled by the first try.
            if exc.tries == 1 or not (await self.get(name)).cancelled:
                raise

    async def delete(self, name: str | BatchJob) -> None:
        """Remove the job's record. By the service's reference this does not stop its work.

        To be safe cancel first, wait, then delete. Vertex AI takes only jobs that have
        ended, and its results stay where they are.

        Raises:
            NotFoundError: There is no such job.
            BadRequestError: The job has not ended (Vertex AI).
            TransportError: Among others: the service goes on deleting it for too long.
        """
        request = self._wire.delete(self._wire.job_name(name))
        try:
            answer = await self._transport.send(request)
        except NotFoundError as exc:
            # After a lost answer, "not there" is what was asked for.
            if exc.tries == 1:
                raise
        else:
            await self._finish(request, answer.body)

    async def _finish(self, begun: Request, answer: bytes) -> None:
        """Wait for what goes on after its call was answered."""
        retry = self._transport.retry
        deadline = anyio.current_time() + retry.timeout
        polls = 0
        while (asking := self._wire.unfinished(answer, begun)) is not None:
            polls += 1
            pause = retry.pause(polls)
            if anyio.current_time() + pause > deadline:
                raise TransportError(
                    message=f"{begun.method} {begun.path} was not done within "
                    f"{retry.timeout:.0f} s; it may be done later"
                )
            await anyio.sleep(pause)
            answer = (await self._transport.send(asking)).body

    async def update(self, name: str | BatchJob, *, priority: int) -> BatchJob:
        """Give the job another priority, and return it. Larger runs first.

        Raises:
            InputError: Jobs have no priority on Vertex AI.
        """
        self._wire.check_options(priority=priority)
        kind = name.kind if isinstance(name, BatchJob) else (await self.get(name)).kind
        request = self._wire.update_priority(self._wire.job_name(name), kind, priority)
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
            APIError: Five looks in a row failed; so does TransportError.
        """
        name = self._wire.job_name(name)
        schedule = schedule_of(poll_interval)
        check_timeout(timeout)
        return wait_for(name, self._poll_once, schedule=schedule, timeout=timeout)

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
                    await call_maybe_async(on_progress, progress)
        return progress.job

    async def get_responses(self, job: str | BatchJob) -> "tuple[BatchResult, ...]":
        """Return the results of an inline job.

        Raises:
            ResultsUnavailableError: The job runs still, or its results are elsewhere:
                `location` tells where.
            JobFailedError: The job ended without results.
        """
        from gemini_batch.resources.batches.results import result_reader  # noqa: PLC0415 - as with `_reader`

        ended = await result_reader.with_output(job, self.get)
        if ended.dest is None or ended.dest.inlined_responses is None:
            raise result_reader.elsewhere(ended)
        results = self.results(ended)
        async with aclosing(results):
            return tuple([result async for result in results])

    def results(
        self,
        job: str | BatchJob,
        *,
        key_column: str | None = None,
        expected: "Expected | None" = None,
        ordered: bool = False,
        tally: "Tally | None" = None,
        response_type: Any = None,
    ) -> "AsyncGenerator[BatchResult, None]":
        """Iterate over the results of a job that has ended, in constant memory.

        One way for all destinations. Rows are told apart by `BatchResult.key`, in whatever
        order they come; a row that cannot be read is a result of outcome INVALID.

        With `expected`, there is exactly one result for each request that was asked for,
        whatever came: of rows with the same key the first counts; rows with a key that nobody
        asked for, or that cannot be read, are left out, counted in `tally` and logged; and a
        request without a row gets a result of outcome MISSING with the job's own reason, also
        if the job failed as a whole. These come last.

        Args:
            job: The job.
            key_column: The column that holds the keys, for results in BigQuery; left out,
                ``key``.
            expected: What was asked for: the path of the input file that was submitted, or an
                iterable of the keys, or only their number, where missing ones have no key.
                Keys are kept on disk where they are many, with one byte each in memory.
            ordered: Yield results in the order of `expected`, missing ones in their places.
                Rows that come in that order pass; the others wait in a temporary file without
                a name, of about the size of the results, and a few ten megabytes of memory.
            tally: Counts the results as they are yielded, for which each is decoded, and the
                rows that are left out.
            response_type: What answers are to be, as with `submit`. One that does not fit is
                a result of outcome INVALID, whose error has the path of what does not, and
                whose `text` is the answer as it came; `BatchResult.parsed` returns one that
                does.

        Raises:
            ResultsUnavailableError: The job runs still, or its results are gone.
            JobFailedError: The job ended without results, and nothing is expected.
            InputError: Nothing can be held against `expected`, or has no order by it.
            TransportError: The download broke off again and again.
            OSError: There is no room for the temporary file.
        """
        from gemini_batch.resources.batches.results import result_reader  # noqa: PLC0415 - as with `_reader`

        def find() -> "Awaitable[BatchJob]":
            return result_reader.with_output(job, self.get)

        if expected is None and not ordered:
            rows = self._reader.read(
                find, key_column=key_column, response_type=response_type
            )
            if tally is None:
                return rows
            from gemini_batch.resources.batches.results.reconcile import tallied  # noqa: PLC0415

            return tallied(rows, tally)
        # Loaded for those who ask for it.
        from gemini_batch.resources.batches.results import expected_keys, reconcile  # noqa: PLC0415

        return reconcile.Reconciliation(
            find=find,
            read=lambda found: self._reader.read(
                _known(found), key_column=key_column, response_type=response_type
            ),
            expected=expected_keys.checked(expected, ordered=ordered),
            ordered=ordered,
            tally=tally,
            codec=self._codec,
            api_rules=lambda found: self._wire.input_rules(found.model).api_rules,
        ).results()


def _known(job: BatchJob) -> "Callable[[], Awaitable[BatchJob]]":
    async def find() -> BatchJob:
        return job

    return find
