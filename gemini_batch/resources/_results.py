"""Reading results, wherever they are."""

from collections.abc import AsyncGenerator, Awaitable, Callable

import anyio
import anyio.lowlevel

from gemini_batch._codec import Codec, LineSplitter, RowDecoder
from gemini_batch._transfer._ahead import ReadAhead
from gemini_batch.errors import (
    JobFailedError,
    NotFoundError,
    PermissionDeniedError,
    ResultsUnavailableError,
)
from gemini_batch.resources._wait import lacks_output
from gemini_batch.types import BatchJob, BatchResult, PollSchedule

_OUTPUT_PAUSE = 2.0
_SLICE_MASK = 255  # after so many results the rest of the program has its turn


async def read_results(
    find: Callable[[], Awaitable[BatchJob]],
    *,
    open_file: Callable[[str], ReadAhead],
    codec: Codec,
) -> AsyncGenerator[BatchResult, None]:
    """Yield the results of the job that `find` returns; nothing is dropped.

    The consumer may take as long as they like: at a yield, nothing is open here, and what
    fetches the next rows closes its connection when it has waited for a while.
    """
    job = await find()
    count = 0
    if job.dest is not None and job.dest.inlined_responses is not None:
        for result in job.dest.inlined_responses:
            yield result
            count += 1
            if not count & _SLICE_MASK:
                await anyio.lowlevel.checkpoint()
        return
    location = "" if job.dest is None else job.dest.file_name or ""
    reader = open_file(location)
    splitter = LineSplitter()
    decoder = RowDecoder(codec, job.kind)
    try:
        while piece := await _read(reader, job, location):
            for line in splitter.feed(piece):
                row = decoder.line(line, count)
                if row is None:
                    continue
                yield row
                count += 1
                if not count & _SLICE_MASK:
                    await anyio.lowlevel.checkpoint()
        rest = splitter.finish()
        if rest and not rest.isspace():
            yield decoder.result(rest, count)
    finally:
        await reader.aclose()


async def _read(reader: ReadAhead, job: BatchJob, location: str) -> bytes:
    try:
        return await reader.read()
    except (NotFoundError, PermissionDeniedError) as exc:
        # The service does not tell a file that has expired from one of somebody else.
        raise ResultsUnavailableError(reason="expired", job=job, location=location) from exc


async def with_output(
    job: str | BatchJob, get: Callable[[str | BatchJob], Awaitable[BatchJob]]
) -> BatchJob:
    """Return the ended job with its output, asking the service where needed.

    Raises:
        ResultsUnavailableError: It has not ended, or its output does not appear.
        JobFailedError: It ended without results.
    """
    if isinstance(job, str) or job.dest is None:
        # Jobs from a list hide inline results, whatever became of them.
        job = await get(job)
    deadline = anyio.current_time() + PollSchedule().output_grace
    # The end may be visible before the output.
    while not job.done or lacks_output(job):
        if not job.done:
            raise ResultsUnavailableError(reason="not_finished", job=job)
        if anyio.current_time() + _OUTPUT_PAUSE >= deadline:
            raise ResultsUnavailableError(reason="not_ready", job=job)
        await anyio.sleep(_OUTPUT_PAUSE)
        job = await get(job)
    if job.dest is None:
        raise JobFailedError(job=job)
    return job
