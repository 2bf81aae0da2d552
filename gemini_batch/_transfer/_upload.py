"""Resumable uploads. After any failure the service is asked what it holds."""

import asyncio
from collections.abc import AsyncGenerator, Callable

import anyio
from attrs import frozen

from gemini_batch._transfer._local import Digest, Source, tell
from gemini_batch._transport import Transport
from gemini_batch._wire._request import Response, StreamedBody
from gemini_batch._wire.files import DeveloperFiles, UploadSession, UploadState
from gemini_batch.errors import (
    ApiError,
    DecodeError,
    InputError,
    NotFoundError,
    PermissionDeniedError,
    TransportError,
)
from gemini_batch.types import File, TransferProgress

CHUNK = 64 << 20
"""Bytes per request. The service answers each, so that few large ones cost the least; what
has arrived of one that breaks off is not sent again."""

_BLOCK = 1 << 20  # bytes per look into the file, and all that is held of it
_MAX_SESSIONS = 3
_GONE = frozenset({404, 410})
_FATAL = frozenset({401, 403, 409})

OnProgress = Callable[[TransferProgress], object]


@frozen(kw_only=True)
class UploadPlan:
    """Where the bytes of one resumable upload go. Pure arithmetic."""

    size: int
    granularity: int
    chunk_size: int = CHUNK

    def step(self, offset: int) -> tuple[int, bool]:
        """Return the length of the chunk at `offset`, and whether it is the last.

        Every chunk but the last is a multiple of the granularity.
        """
        whole = max(
            self.granularity, self.chunk_size // self.granularity * self.granularity
        )
        rest = self.size - offset
        return (rest, True) if rest <= whole else (whole, False)


class _SessionLostError(Exception):
    """The service does not know the upload any more."""


class Upload:
    """Drives the upload of one source to one file name."""

    def __init__(
        self,
        transport: Transport,
        files: DeveloperFiles,
        source: Source,
        *,
        name: str,
        mime_type: str,
        display_name: str | None,
        on_progress: OnProgress | None = None,
        chunk_size: int = CHUNK,
    ) -> None:
        self._transport = transport
        self._files = files
        self._source = source
        self._name = name
        self._mime_type = mime_type
        self._display_name = display_name
        self._on_progress = on_progress
        self._chunk_size = chunk_size
        self._digest = Digest()
        self._failures = 0
        self._confirmed = 0
        self._trouble: BaseException | None = None
        self._reported = -1

    async def run(self) -> File:
        """Upload, and return the file once the service has it whole.

        Raises:
            ApiError: The service refused.
            TransportError: It could not be reached for too long, or stored other bytes.
            InputError: The source changed on the way.
        """
        for left in reversed(range(_MAX_SESSIONS)):
            session = await self._open()
            try:
                file = await self._send_all(session)
            except _SessionLostError:
                # Perhaps it was finished and then forgotten: the name tells.
                if (found := await self._find()) is not None:
                    return self._checked(found)
                if not left:
                    raise TransportError(
                        message=f"the service lost the upload of {self._name} again and again"
                    ) from None
            else:
                return self._checked(file)
        raise AssertionError("unreachable")  # pragma: no cover

    async def _open(self) -> UploadSession:
        request = self._files.start_upload(
            name=self._name,
            size=self._source.size,
            mime_type=self._mime_type,
            display_name=self._display_name,
        )
        return self._files.read_session(await self._transport.send(request))

    async def _send_all(self, session: UploadSession) -> File:
        plan = UploadPlan(
            size=self._source.size,
            granularity=session.granularity,
            chunk_size=self._chunk_size,
        )
        offset = 0
        await self._report(0)
        while True:
            try:
                state = await self._send_chunk(session, plan, offset)
            except (TransportError, ApiError) as exc:
                _raise_if_fatal(exc)
                state = await self._resume(session, exc)
            if state.status == "cancelled":
                raise _SessionLostError
            if state.status == "final":
                await self._report(plan.size)
                return state.file or await self._required()
            offset = plan.size if state.received is None else state.received
            if offset > self._confirmed:
                # Only new ground is progress: a service may go back again and again.
                self._confirmed, self._failures = offset, 0
            await self._report(offset)

    async def _send_chunk(
        self, session: UploadSession, plan: UploadPlan, offset: int
    ) -> UploadState:
        length, last = plan.step(offset)
        body = StreamedBody(
            length=length, open=lambda: self._blocks(offset, offset + length)
        )
        request = self._files.upload_chunk(session, offset=offset, body=body, last=last)
        try:
            answer = await self._transport.send_once(request)
        except (TransportError, ApiError):
            # aiohttp reads the body in a task of its own, and hides what goes wrong there.
            if self._trouble is not None:
                raise self._trouble from None
            raise
        if self._trouble is not None:
            raise self._trouble
        state = self._read(answer)
        if state.status == "active" and not last:
            return UploadState(status="active", received=offset + length)
        if state.status == "active":
            # The last byte was taken, and yet the file is not there: ask.
            raise TransportError(message=f"the service did not finish {self._name}")
        return state

    async def _blocks(self, offset: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes from `offset` up to, not including, `stop`."""
        try:
            while offset < stop:
                block = await self._read_source(offset, min(_BLOCK, stop - offset))
                await self._digest.update(offset, block)
                yield block
                offset += len(block)
                if offset < stop:
                    # The end of it is told once the service has confirmed it.
                    await self._report(offset)
        except Exception as exc:
            self._trouble = exc
            raise
        except asyncio.CancelledError as exc:
            # aiohttp cancels its task when the connection breaks; a callback may raise it.
            if not _is_being_cancelled():
                self._trouble = exc
            raise

    async def _read_source(self, offset: int, length: int) -> bytes:
        try:
            block = await self._source.read(offset, length)
        except OSError as exc:
            raise self._changed(f"it cannot be read any more: {exc.strerror}") from exc
        if not block:
            was = self._source.size
            raise self._changed(
                f"it had {was} bytes when the upload began, and has fewer now"
            )
        return block

    def _changed(self, message: str) -> InputError:
        remedy = "Leave a file alone while it is uploaded."
        return InputError.one(message, remedy=remedy, file=str(self._source.path))

    def _read(self, answer: Response) -> UploadState:
        """Read an answer; what cannot be read is asked for again."""
        try:
            return self._files.read_upload(answer)
        except DecodeError as exc:
            raise TransportError(
                message=f"the answer to {self._name} is unreadable"
            ) from exc

    async def _resume(
        self, session: UploadSession, cause: TransportError | ApiError
    ) -> UploadState:
        """Pause, then ask what the service holds; that is where to go on."""
        self._failures += 1
        retry = self._transport.retry
        if self._failures >= retry.attempts:
            raise cause
        pause = retry.pause(self._failures)
        if isinstance(cause, ApiError) and cause.retry_after is not None:
            pause = min(max(pause, cause.retry_after), retry.timeout)
        await anyio.sleep(pause)
        try:
            answer = await self._transport.send(self._files.query_upload(session))
        except ApiError as exc:
            if exc.status in _GONE:
                raise _SessionLostError from exc
            raise
        state = self._read(answer)
        if state.status != "active":
            return state
        received = state.received or 0
        if received > self._source.size:
            raise TransportError(
                message=f"the service holds more bytes of {self._name} than there are"
            )
        return UploadState(status="active", received=received)

    async def _find(self) -> File | None:
        try:
            answer = await self._transport.send(self._files.get(self._name))
        except (NotFoundError, PermissionDeniedError):
            # The service does not tell a file that is missing from one of somebody else.
            return None
        return self._files.read_file(answer.body)

    async def _required(self) -> File:
        file = await self._find()
        if file is None:
            raise TransportError(
                message=f"the service finished {self._name}, but does not have it"
            )
        return file

    def _checked(self, file: File) -> File:
        stored = file.sha256
        if file.size_bytes != self._source.size or (
            stored is not None and stored != self._digest.hexdigest()
        ):
            raise TransportError(
                message=f"the service stored other bytes as {file.name} than were sent; "
                "delete it and upload again"
            )
        return file

    async def _report(self, done: int) -> None:
        if self._on_progress is not None and done != self._reported:
            self._reported = done
            news = TransferProgress(done=done, total=self._source.size)
            await tell(self._on_progress, news)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _raise_if_fatal(exc: TransportError | ApiError) -> None:
    if isinstance(exc, ApiError):
        if exc.status in _GONE:
            raise _SessionLostError from exc
        if exc.status in _FATAL:
            raise exc
