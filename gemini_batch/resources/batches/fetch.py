"""Fetching jobs: whole, or while waiting no more of them than a look needs."""

from gemini_batch._transport import Permit, Transport
from gemini_batch._wire.dialect import Dialect
from gemini_batch.errors import BadRequestError
from gemini_batch.types import BatchJob, JobState


class JobFetcher:
    """Fetches jobs. Remembers whether the service takes ``fields``, the part one asks for."""

    def __init__(self, transport: Transport, wire: Dialect) -> None:
        self._transport = transport
        self._wire = wire
        self._takes_fields = True

    async def get(self, name: str, permit: Permit | None = None) -> BatchJob:
        """Return a job as it is now, inline results included."""
        answer = await self._transport.send(self._wire.get(name), permit)
        return self._wire.read_job(answer.body)

    async def poll(self, name: str, known: BatchJob | None) -> BatchJob:
        """Return a job as it is now, for somebody who waits for its end.

        The first look shows what kind of job it is. If its results come inline, later ones
        leave them out until it has ended, and then the same look fetches them.

        Args:
            name: The job.
            known: What the look before saw; None if there is none.
        """
        # Where thousands wait for their turn, everything that each holds meanwhile is work
        # for the garbage collector. So the turn comes first, and the call is made in it.
        limiter = self._transport.limiter
        permit = limiter.acquire()
        try:
            await permit
            if known is None or known.done or known.source.file_name is not None:
                return await self.get(name, permit)
            if not self._takes_fields:
                return await self.get(name, permit)
            return await self._part(known, permit)
        finally:
            limiter.release(permit)

    async def _part(self, known: BatchJob, permit: Permit) -> BatchJob:
        try:
            answer = await self._transport.send(self._wire.poll(known.name), permit)
        except BadRequestError:
            # Not every service takes it, and it is documented for none of its methods.
            self._takes_fields = False
            return await self.get(known.name)
        job = self._wire.read_poll(answer.body, known)
        if job.state == JobState.UNSPECIFIED:
            # It took it for something else.
            self._takes_fields = False
        elif not job.done or job.dest is not None or _has_no_output(job):
            return job
        return await self.get(known.name)


def _has_no_output(job: BatchJob) -> bool:
    """True for a job that ended so that there is nothing more to fetch.

    Of one that failed, only its error tells: an end by a name that is not known yet counts as
    a failure where there is neither error nor output, and the output was not asked for.
    """
    failed = job.state == JobState.FAILED and job.error is not None
    return failed or job.state == JobState.EXPIRED
