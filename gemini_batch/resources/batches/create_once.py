"""Creating a job exactly once: a create is paid, and the service knows no idempotency key.

Every job carries an intent token in its name. When a create is left without an answer, the
token is looked up, and what is found is adopted; nothing is sent a second time.
"""

import contextlib
import datetime as dt
import logging

import anyio

from gemini_batch._transport import Transport
from gemini_batch._wire.dialect import Dialect, JobSummary
from gemini_batch._wire.http import Request
from gemini_batch.errors import (
    APIError,
    CreateOutcomeUnknownError,
    DecodeError,
    GeminiBatchError,
    InputError,
    TransportError,
)
from gemini_batch.types import BatchJob, JobKind, JobState

log = logging.getLogger("gemini_batch.batches")

_CLOCK_SKEW = dt.timedelta(minutes=5)
_AMBIGUOUS = frozenset({408, 409, 499})
_SERVER_ERROR = 500
_PAGE_SIZE = 100
_TWIN_LOOKS = 2
_TWIN_PATIENCE = 10.0  # seconds for these looks beside their pauses


class CreateOnce:
    """One intention to create one job, from before it is sent until its job is known."""

    def __init__(
        self,
        transport: Transport,
        wire: Dialect,
        *,
        kind: JobKind,
        model: str,
        token: str,
        has_key: bool,
    ) -> None:
        """Make an intention.

        Args:
            transport: Sends requests.
            wire: Builds them.
            kind: Kind of the job.
            model: Full name of its model.
            token: What finds the job again.
            has_key: Whether the token is that of an idempotency key, which earlier calls
                may have had.
        """
        self._transport = transport
        self._wire = wire
        self._kind = kind
        self._model = model
        self._token = token
        self._has_key = has_key

    async def adopt(self) -> BatchJob | None:
        """Return the job an earlier call with the same idempotency key made, if any.

        Raises:
            InputError: That job is for another model or of another kind.
        """
        if not self._has_key:
            return None
        marks = await self._find(since=None)
        if not marks:
            return None
        mark = _kept(marks)
        if not self._is_ours(mark):
            raise InputError.one(
                f"it belongs to {mark.name}, a job of kind {mark.kind} for {mark.model}",
                remedy="Use another key for another job.",
                field="idempotency_key",
            )
        return await self._get(mark.name)

    async def create(self, request: Request) -> BatchJob:
        """Send the create, once, and return its job.

        Raises:
            CreateOutcomeUnknownError: No answer came, and no job was found.
            APIError: The service refused; no job was created.
            TransportError: The service was not reached; no job was created.
        """
        # The clocks of both sides differ; the list's order ends the search, not this.
        since = dt.datetime.now(dt.UTC) - _CLOCK_SKEW
        try:
            answer = await self._transport.send(request)
            job = self._wire.read_job(answer.body)
        except (TransportError, APIError, DecodeError) as exc:
            if not _is_ambiguous(exc):
                raise
            cause = exc
        else:
            return await self._without_twin(job, since) if self._has_key else job
        log.debug("no usable answer to a create; looking for %s", self._token)
        for pause in self._transport.retry.lookup_pauses:
            await anyio.sleep(pause)
            try:
                marks = [mark for mark in await self._find(since) if self._is_ours(mark)]
                if marks:
                    return await self._get((await self._settled(marks)).name)
            except (TransportError, APIError, DecodeError) as exc:
                log.debug("cannot look for %s: %s", self._token, exc)
        raise CreateOutcomeUnknownError(
            intent_token=self._token, model=self._model
        ) from cause

    async def _without_twin(self, job: BatchJob, since: dt.datetime) -> BatchJob:
        """Return the one job of this key that stays.

        Another call with the same key, perhaps one that was cut short, may have been under
        way while ours looked. Creates take seconds, so it shows a little later. This is a
        precaution: what fails here, or takes long, is let go.
        """
        pauses = self._transport.retry.lookup_pauses[:_TWIN_LOOKS]
        with (
            anyio.move_on_after(sum(pauses) + _TWIN_PATIENCE),
            contextlib.suppress(TransportError, APIError, DecodeError),
        ):
            for pause in pauses:
                await anyio.sleep(pause)
                marks = [mark for mark in await self._find(since) if self._is_ours(mark)]
                if len(marks) > 1:
                    kept = await self._settled(marks)
                    return job if kept.name == job.name else await self._get(kept.name)
        return job

    async def _settled(self, marks: list[JobSummary]) -> JobSummary:
        """Return the job that stays, and cancel its twins. For those who made one of them."""
        kept = _kept(marks)
        for twin in marks:
            if twin.name != kept.name and not twin.state.is_terminal:
                log.debug("cancelling %s, a twin of %s", twin.name, kept.name)
                with contextlib.suppress(GeminiBatchError):
                    await self._transport.send(self._wire.cancel(twin.name))
        return kept

    def _is_ours(self, mark: JobSummary) -> bool:
        # What a list leaves out of a job is no reason to make another.
        same_model = not mark.model or self._wire.same_model(mark.model, self._model)
        return same_model and mark.kind == self._kind

    async def _get(self, name: str) -> BatchJob:
        answer = await self._transport.send(self._wire.get(name))
        return self._wire.read_job(answer.body)

    async def _find(self, since: dt.datetime | None) -> list[JobSummary]:
        """Walk the list for jobs with the token, as far as the service cannot be asked.

        Raises:
            DecodeError: The list is not whole, so that absence means nothing.
        """
        found: list[JobSummary] = []
        asked = self._wire.of_intent(self._token)
        newest_first = True
        before: dt.datetime | None = None
        token: str | None = None
        seen: set[str] = set()
        while True:
            request = self._wire.list(page_size=_PAGE_SIZE, page_token=token, filter=asked)
            page = self._wire.read_summaries((await self._transport.send(request)).body)
            for mark in page.items:
                if mark.intent_token == self._token and mark.name:
                    found.append(mark)
                if before and mark.create_time and mark.create_time > before:
                    newest_first = False
                before = mark.create_time or before
            token = page.next_page_token
            # One source reports newest first; it is believed as far as it is seen.
            past = (
                since is not None and newest_first and before is not None and before < since
            )
            if token is None or past:
                return found
            if token in seen:
                raise DecodeError(message="the list goes round in circles")
            seen.add(token)


def _kept(marks: list[JobSummary]) -> JobSummary:
    """Return the job of several that stays: the oldest, of those that are any use.

    The name decides between equals, so that all who look decide alike.
    """
    latest = dt.datetime.max.replace(tzinfo=dt.UTC)

    def order(mark: JobSummary) -> tuple[bool, dt.datetime, str]:
        useless = mark.state.is_terminal and mark.state != JobState.SUCCEEDED
        return useless, mark.create_time or latest, mark.name

    return min(marks, key=order)


def _is_ambiguous(exc: TransportError | APIError | DecodeError) -> bool:
    """True if a job may exist after `exc`."""
    if isinstance(exc, TransportError):
        return exc.maybe_received
    if isinstance(exc, APIError):
        return exc.status_code in _AMBIGUOUS or exc.status_code >= _SERVER_ERROR
    return True  # an answer that cannot be read is an answer
