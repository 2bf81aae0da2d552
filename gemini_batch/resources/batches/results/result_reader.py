"""Reading results, wherever they are."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.lowlevel

from gemini_batch._codec import Codec, ResultDecoder
from gemini_batch._transport import Transport
from gemini_batch._wire.storage_protocols import ContentStore
from gemini_batch.errors import InputError, JobFailedError, ResultsUnavailableError
from gemini_batch.resources.batches.results.file_lines import FileLines, Lines
from gemini_batch.resources.batches.results.locations import (
    in_bigquery,
    in_gcs,
    lacks_output,
    location_of,
)
from gemini_batch.types import (
    BatchJob,
    BatchResult,
    JobDestination,
    JobKind,
    JobState,
    PollSchedule,
)

if TYPE_CHECKING:
    from gemini_batch._codec.results.typed_decoder import TypedResultDecoder
    from gemini_batch._wire.bigquery import BigQuery
    from gemini_batch._wire.gcs import Gcs

_OUTPUT_PAUSE = 2.0
CLOCK_EVERY: Final = 31
"""Results between two looks at the clock, less one."""

_TURN = 0.0005  # seconds after which the rest of the program has its turn


class ResultReader:
    """Reads results from the places that a client can reach."""

    def __init__(
        self,
        transport: Transport,
        codec: Codec,
        *,
        files: ContentStore | None = None,
        gcs: "Gcs | None" = None,
        bigquery: "BigQuery | None" = None,
    ) -> None:
        """Make a reader.

        Args:
            transport: Sends requests.
            codec: Reads rows.
            files: The Files API, where it is the client's.
            gcs: Cloud Storage, where it is.
            bigquery: BigQuery, where it is.
        """
        self._transport = transport
        self._codec = codec
        self._files = files
        self._gcs = gcs
        self._bigquery = bigquery

    async def read(
        self,
        find: Callable[[], Awaitable[BatchJob]],
        *,
        key_column: str | None = None,
        response_type: Any = None,
    ) -> AsyncGenerator[BatchResult, None]:
        """Yield the results of the job that `find` returns; nothing is dropped.

        The consumer may take as long as they like: at a yield, nothing is open here, and what
        fetches the next rows closes its connections when it has waited for a while.

        Args:
            find: Returns the job, ended: see `with_output`.
            key_column: Column of the keys, where the results are in BigQuery.
            response_type: What answers are held against; None for nothing.
        """
        job = await find()
        count = 0
        turn = time.monotonic()
        if job.dest is not None and job.dest.inlined_responses is not None:
            results = job.dest.inlined_responses
            for result in self._typed_inline(job, results, response_type):
                yield result
                count += 1
                if not count & CLOCK_EVERY:
                    turn = await take_turns(turn)
            return
        source, rows = await self._open(job, key_column)
        decoder = rows if response_type is None else self._typed(rows, job, response_type)
        try:
            while (lines := await source.read()) is not None:
                for line in lines:
                    row = decoder.line(line, count)
                    if row is None:
                        continue
                    yield row
                    count += 1
                    if not count & CLOCK_EVERY:
                        turn = await take_turns(turn)
        finally:
            await source.aclose()

    def _typed_inline(
        self, job: BatchJob, results: Iterable[BatchResult], response_type: Any
    ) -> Iterable[BatchResult]:
        if response_type is None:
            return results
        typed = self._typed(ResultDecoder(self._codec, job.kind), job, response_type)
        return (typed.result(result.raw, result.index) for result in results)

    def _typed(
        self, rows: ResultDecoder, job: BatchJob, response_type: Any
    ) -> "TypedResultDecoder":
        from gemini_batch._codec.results.typed_decoder import TypedResultDecoder  # noqa: PLC0415 - as in `_open`

        if job.kind == JobKind.EMBED:
            raise InputError.one(
                f"{job.name} made embeddings, which are of no type of yours",
                remedy="Leave it out.",
                field="response_type",
            )
        return TypedResultDecoder(rows, self._codec, response_type)

    async def _open(
        self, job: BatchJob, key_column: str | None
    ) -> tuple[Lines, ResultDecoder]:
        """Return the rows of a job, and what decodes them. Nothing is open yet."""
        dest = job.dest or JobDestination()
        if dest.file_name is not None and self._files is not None:
            lines = FileLines(self._transport, self._files, job, dest.file_name)
            return lines, ResultDecoder(self._codec, job.kind)
        # Loaded for those who have such results.
        from gemini_batch._codec.results.vertex_decoder import VertexResultDecoder  # noqa: PLC0415

        decoder = VertexResultDecoder(self._codec, job.kind)
        if in_gcs(dest) and self._gcs is not None:
            from gemini_batch.resources.batches.results.gcs_lines import find_shards  # noqa: PLC0415

            return await find_shards(self._transport, self._gcs, job), decoder
        if in_bigquery(dest) and self._bigquery is not None:
            from gemini_batch.resources.batches.results.bigquery_lines import find_table  # noqa: PLC0415

            table = await find_table(
                self._transport, self._bigquery, job, key_column=key_column
            )
            return table, decoder
        raise InputError.one(
            f"the results of {job.name} are in {location_of(job)}, which this client does "
            "not reach",
            remedy="Read them with a client of the API that the job is of.",
            field="job",
        )


async def take_turns(since: float) -> float:
    """Let the rest of the program run if it has not for a while; return since when it has not."""
    if time.monotonic() - since < _TURN:
        return since
    await anyio.lowlevel.checkpoint()
    return time.monotonic()


async def with_output(
    job: str | BatchJob, get: Callable[[str | BatchJob], Awaitable[BatchJob]]
) -> BatchJob:
    """Return the ended job with its output, asking the service where needed.

    Raises:
        ResultsUnavailableError: It has not ended, or its output does not appear.
        JobFailedError: It ended without results.
    """
    if isinstance(job, str) or job.dest is None or not job.dest.located:
        # Jobs from a list hide inline results, whatever became of them; others may have
        # ended since they were seen.
        job = await get(job)
    deadline = anyio.current_time() + PollSchedule().output_grace
    # The end may be visible before the output.
    while not job.done or lacks_output(job):
        if not job.done:
            raise ResultsUnavailableError(reason="not_finished", job=job)
        if anyio.current_time() + _OUTPUT_PAUSE >= deadline:
            if job.dest is None:
                raise ResultsUnavailableError(reason="not_ready", job=job)
            # They may well be where they were asked for.
            return job
        await anyio.sleep(_OUTPUT_PAUSE)
        job = await get(job)
    if job.dest is None or (job.state == JobState.FAILED and not job.dest.located):
        raise JobFailedError(job=job)
    return job


def elsewhere(job: BatchJob) -> ResultsUnavailableError:
    """Return the error for results that are asked for as if they were inline, and are not."""
    dest = job.dest or JobDestination()
    location = location_of(job)
    if in_gcs(dest):
        return ResultsUnavailableError(reason="in_gcs", job=job, location=location)
    if in_bigquery(dest):
        return ResultsUnavailableError(reason="in_bigquery", job=job, location=location)
    return ResultsUnavailableError(reason="in_file", job=job, location=location)
