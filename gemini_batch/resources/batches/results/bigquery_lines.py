"""Results in a table of BigQuery, read page by page."""

from collections.abc import Iterable

from gemini_batch._io.threads import in_thread
from gemini_batch._transport import Transport
from gemini_batch._wire.bigquery import BigQuery, BigQueryUri, ResultTable
from gemini_batch.errors import (
    DecodeError,
    JobFailedError,
    NotFoundError,
    ResultsUnavailableError,
)
from gemini_batch.resources.batches.results.locations import is_own, nothing_in
from gemini_batch.types import BatchJob, JobDestination


class TablePages:
    """The rows of a table, each as a line of JSON; a page at a time in memory."""

    def __init__(self, transport: Transport, wire: BigQuery, table: ResultTable) -> None:
        self._transport = transport
        self._wire = wire
        self._table = table
        self._token: str | None = None
        self._seen: set[str] = set()
        self._ended = False

    async def read(self) -> Iterable[bytes] | None:
        """Return the rows of the next page; None at the end.

        Raises:
            NotFoundError: The table is gone.
            DecodeError: The service gave the same token twice, and would do so for ever.
        """
        if self._ended:
            return None
        request = self._wire.list_rows(self._table, page_token=self._token)
        answer = await self._transport.send(request)
        # Up to 10 MB: the loop has better things to do.
        page = await in_thread(self._wire.read_rows, answer.body, self._table)
        self._token = page.next_page_token
        self._ended = self._token is None
        if self._token is not None:
            if self._token in self._seen:
                raise DecodeError(
                    message="the table goes round in circles: a page token came twice"
                )
            self._seen.add(self._token)
        return page.items


class TableLines:
    """The rows of a job's table, as lines of a result file have them."""

    def __init__(self, pages: TablePages, job: BatchJob, uri: BigQueryUri) -> None:
        self._pages = pages
        self._job = job
        self._uri = uri

    async def read(self) -> Iterable[bytes] | None:
        """Return the rows of the next page; None at the end.

        Raises:
            ResultsUnavailableError: The table is gone.
        """
        try:
            return await self._pages.read()
        except NotFoundError as exc:
            raise _no_table(self._job, self._uri) from exc

    async def aclose(self) -> None:
        """Do nothing: between two pages nothing is open."""


async def find_table(
    transport: Transport, wire: BigQuery, job: BatchJob, *, key_column: str | None
) -> TableLines:
    """Find the table that has the results of a job.

    Args:
        transport: Sends requests.
        wire: Builds the calls.
        job: The job, ended.
        key_column: Column of the keys; left out, ``key`` where there is one.

    Raises:
        ResultsUnavailableError: There is none, it has no results, or it cannot be told
            whether it is the job's.
        JobFailedError: There are none, and the job did not get to its end.
        InputError: There is no such column, or it is none of keys.
    """
    dest = job.dest or JobDestination()
    asked = dest.bigquery_table or dest.bigquery_uri
    uri = None if asked is None else BigQueryUri.read(asked, "dest")
    if uri is None or uri.table is None:
        dataset = dest.vertex_dataset
        raise ResultsUnavailableError(
            reason="not_located" if dataset is None else "in_dataset",
            job=job,
            location=asked if dataset is None else dataset,
        )
    try:
        answer = await transport.send(wire.get_table(uri))
    except NotFoundError as exc:
        raise _no_table(job, uri) from exc
    # A job does not succeed whose destination was another's table before it.
    if dest.bigquery_table is None and not job.succeeded and not is_own(job, uri.uri):
        raise ResultsUnavailableError(reason="not_located", job=job, location=uri.uri)
    table = wire.read_table(answer.body, uri, key_column=key_column)
    if table.fault == "no_response_column":
        raise ResultsUnavailableError(reason=table.fault, job=job, location=uri.uri)
    if table.fault is not None:
        raise nothing_in(uri.uri, job)
    if table.key is None:
        # The key may be among the labels of the request.
        table = wire.read_table(answer.body, uri, with_requests=True)
    return TableLines(TablePages(transport, wire, table), job, uri)


def _no_table(job: BatchJob, uri: BigQueryUri) -> ResultsUnavailableError | JobFailedError:
    if job.succeeded:
        return ResultsUnavailableError(reason="no_table", job=job, location=uri.uri)
    return JobFailedError(job=job)
