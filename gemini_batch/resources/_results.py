"""Reading results, wherever they are."""

import time
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
_CLOCK_EVERY = 31  # results between two looks at the clock, less one
_TURN = 0.0005  # seconds after which the rest of the program has its turn


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
    turn = time.monotonic()
    if job.dest is not None and job.dest.inlined_responses is not None:
        for result in job.dest.inlined_responses:
            yield result
            count += 1
            if not count & _CLOCK_EVERY:
                turn = await _take_turns(turn)
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
                if not count & _CLOCK_EVERY:
                    turn = await _take_turns(turn)
        rest = splitter.finish()
        if rest and not rest.isspace():
            yield decoder.result(rest, count)
    finally:
        await reader.aclose()


async def _take_turns(since: float) -> float:
    """Let the rest of the program run if it has not for a while; return since when it has not."""
    if time.monotonic() - since < _TURN:
        return since
    await anyio.lowlevel.checkpoint()
    return time.monotonic()


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
