"""Exactly one result per request, whatever rows came."""

import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Final

import anyio
from attrs import frozen

from gemini_batch._codec import Codec, MissingResults
from gemini_batch._io.threads import in_thread
from gemini_batch.errors import JobFailedError
from gemini_batch.resources.batches.results.expected_keys import (
    Expected,
    take_keys,
)
from gemini_batch.resources.batches.results.matching import (
    BYTES_PER_CALL,
    RESULTS_PER_CALL,
    CountMatcher,
    KeyMatcher,
    Matched,
    Matcher,
    OrderedMatcher,
)
from gemini_batch.resources.batches.results.result_reader import (
    CLOCK_EVERY,
    take_turns,
)
from gemini_batch.types import BatchJob, BatchResult, JobState, RpcStatus, Tally

if TYPE_CHECKING:
    from gemini_batch._requests.api_rules import ApiRules

log = logging.getLogger("gemini_batch.batches")

Find = Callable[[], Awaitable[BatchJob]]
Read = Callable[[BatchJob], AsyncGenerator[BatchResult, None]]

_CLEANUP_SECONDS: Final = 10.0
_ENDED: Final = {
    JobState.SUCCEEDED: "although the job succeeded",
    JobState.PARTIALLY_SUCCEEDED: "the job succeeded in part",
    JobState.FAILED: "the job failed",
    JobState.CANCELLED: "the job was cancelled",
    JobState.EXPIRED: "the job expired",
}


async def tallied(
    rows: AsyncGenerator[BatchResult, None], tally: Tally
) -> AsyncGenerator[BatchResult, None]:
    """Yield results as they come, counted."""
    try:
        async for row in rows:
            tally.add(row)
            yield row
    finally:
        await rows.aclose()


@frozen(kw_only=True)
class Reconciliation:
    """Holds the rows of a job against what was asked for."""

    find: Find
    """Returns the job, ended: see `with_output`."""

    read: Read
    """Yields the rows of the job as they come."""

    expected: Expected
    """What was asked for, as `checked`."""

    ordered: bool
    """In the order of the keys, instead of that in which rows come."""

    tally: Tally | None
    """Counts results, and rows that are none; None if nobody wants to know."""

    codec: Codec
    """Reads the rows of an input file."""

    api_rules: "Callable[[BatchJob], ApiRules]"
    """Tells which API the requests of a job are for."""

    async def results(self) -> AsyncGenerator[BatchResult, None]:
        """Yield exactly one result per request."""
        blocks = self._blocks()
        count = 0
        turn = time.monotonic()
        try:
            async for block in blocks:
                for result in block:
                    if self.tally is not None:
                        self.tally.add(result)
                    yield result
                    count += 1
                    if not count & CLOCK_EVERY:
                        turn = await take_turns(turn)
        finally:
            await blocks.aclose()

    async def _blocks(self) -> AsyncGenerator[list[BatchResult], None]:
        job, rows = await self._found()
        left_out = _LeftOut(self.tally or Tally())
        matcher = self._matcher()
        try:
            await self._fill(matcher, job)
            if rows is not None:
                several = _gathered(rows)
                try:
                    async for some in several:
                        matched = await in_thread(matcher.match, some)
                        left_out.count(matched)
                        yield matched.kept
                finally:
                    await several.aclose()
            missing = MissingResults(reason_of(job, left_out.foreign))
            while rest := await in_thread(matcher.rest, missing):
                yield rest
        finally:
            # Nothing that anybody might look for in vain is dropped without a word.
            left_out.tell(job)
            try:
                with anyio.move_on_after(_CLEANUP_SECONDS, shield=True):
                    await in_thread(matcher.close)
            finally:
                # A task that is cancelled meanwhile may have kept its thread from starting.
                matcher.close()

    async def _found(self) -> tuple[BatchJob, AsyncGenerator[BatchResult, None] | None]:
        """Return the job and its rows; None if it ended without any."""
        try:
            job = await self.find()
        except JobFailedError as exc:
            # What was asked for is known: each request gets the reason as its result.
            return exc.job, None
        return job, self.read(job)

    def _matcher(self) -> Matcher:
        if isinstance(self.expected, int):
            return CountMatcher(self.expected)
        return OrderedMatcher() if self.ordered else KeyMatcher()

    async def _fill(self, matcher: Matcher, job: BatchJob) -> None:
        if isinstance(matcher, KeyMatcher) and not isinstance(self.expected, int):
            file = await take_keys(
                self.expected,
                matcher.add,
                codec=self.codec,
                # Only rows of a file have one, and not every job that has keys.
                api_rules=lambda: self.api_rules(job),
            )
            await in_thread(matcher.complete, file)


async def _gathered(
    rows: AsyncGenerator[BatchResult, None],
) -> AsyncGenerator[list[BatchResult], None]:
    """Yield rows by as many as a thread hop takes."""
    some: list[BatchResult] = []
    held = 0
    try:
        async for row in rows:
            some.append(row)
            held += len(row.raw)
            if len(some) >= RESULTS_PER_CALL or held >= BYTES_PER_CALL:
                yield some
                some, held = [], 0
    finally:
        await rows.aclose()
    if some:
        yield some


class _LeftOut:
    """Counts the rows of one job that are nobody's result."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self.duplicates = 0
        self.foreign = 0

    def count(self, matched: Matched) -> None:
        for row in matched.duplicates:
            self._tally.leave_out(row, duplicate=True)
        for row in matched.foreign:
            self._tally.leave_out(row, duplicate=False)
        self.duplicates += len(matched.duplicates)
        self.foreign += len(matched.foreign)

    def tell(self, job: BatchJob) -> None:
        if self.duplicates or self.foreign:
            log.warning(
                "%s: %d rows were left out: %d whose key came before, %d that were not asked "
                "for or whose key cannot be read; Tally.samples has some of them",
                job.name,
                self.duplicates + self.foreign,
                self.duplicates,
                self.foreign,
            )


def reason_of(job: BatchJob, foreign: int) -> RpcStatus:
    """Return why a request has no row, by the job's own account.

    Args:
        job: The job.
        foreign: Rows that came and could not be told whose they are.
    """
    ended = _ENDED.get(job.state, f"the job is {job.state}")
    error = job.error or next(iter(job.partial_failures), None) or RpcStatus()
    said = f": {error}" if str(error) else ""
    others = f"; {foreign} rows came that are not known to be anybody's" if foreign else ""
    return RpcStatus(
        code=error.code,
        message=f"no row came back, {ended}{said}{others}",
        details=error.details,
    )
