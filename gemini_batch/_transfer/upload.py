"""Resumable uploads. After any failure the service is asked what it holds."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Generic

import anyio
import anyio.lowlevel
from attrs import evolve, frozen

from gemini_batch._transfer.progress import OnProgress, Reporter
from gemini_batch._transfer.upload_source import Digest, Source, SourceReader
from gemini_batch._transport import Transport
from gemini_batch._wire.http import Response, StreamedBody
from gemini_batch._wire.storage_protocols import (
    FileT,
    UploadSession,
    UploadState,
    UploadStore,
)
from gemini_batch.errors import (
    APIError,
    ConflictError,
    DecodeError,
    InputError,
    NotFoundError,
    PermissionDeniedError,
    TransportError,
)

CHUNK = 64 << 20
"""Bytes per request once one has failed. What has arrived of a request that breaks off is not
sent again; should the service have kept nothing of it all the same, no more than this is lost
each time."""

UPLOADS_AT_ONCE = 4
"""Uploads that send at the same time; each holds a few megabytes."""

_MAX_SESSIONS = 3
_GONE = frozenset({404, 410})
_FATAL = frozenset({401, 403, 409})


@frozen(kw_only=True)
class UploadPlan:
    """Where the bytes of one resumable upload go. Pure arithmetic."""

    size: int
    granularity: int
    chunk_size: int | None
    """Bytes per request; None sends all that is left in one."""

    def step(self, offset: int) -> tuple[int, bool]:
        """Return the length of the chunk at `offset`, and whether it is the last.

        Every chunk but the last is a multiple of the granularity.
        """
        rest = self.size - offset
        if self.chunk_size is None:
            return rest, True
        whole = max(
            self.granularity, self.chunk_size // self.granularity * self.granularity
        )
        return (rest, True) if rest <= whole else (whole, False)


class _SessionLostError(Exception):
    """The service does not know the upload any more."""


class Upload(Generic[FileT]):
    """Drives the upload of one source to one name in a place for files.

    All goes in one request, because the service's answer to each is waited for. After a
    failure what is left goes in chunks.
    """

    def __init__(
        self,
        transport: Transport,
        files: UploadStore[FileT],
        source: Source,
        *,
        name: str,
        mime_type: str,
        display_name: str | None,
        on_progress: OnProgress | None = None,
        chunk_size: int | None = None,
    ) -> None:
        self._transport = transport
        self._files = files
        self._source = source
        self._name = name
        self._mime_type = mime_type
        self._display_name = display_name
        self._reporter = Reporter(on_progress)
        self._chunk_size = chunk_size
        self._digest = Digest(files.hash_name)
        self._failures = 0
        self._confirmed = 0
        self._trouble: BaseException | None = None

    async def run(self) -> FileT:
        """Upload, and return the file once the service has it whole.

        Where uploads never replace a file, one of this name that has the same bytes is
        taken for the outcome of an earlier try.

        Raises:
            APIError: The service refused.
            ConflictError: There is a file of this name with other bytes.
            TransportError: It could not be reached for too long, or stored other bytes.
            InputError: The source changed on the way.
        """
        for left in reversed(range(_MAX_SESSIONS)):
            try:
                session = await self._open()
                file = await self._send_all(session)
            except APIError as exc:
                if exc.status_code != self._files.taken:
                    raise
                return await self._adopt(exc)
            except _SessionLostError:
                # Perhaps it was finished and then forgotten: the name tells.
                if (found := await self._find()) is not None:
                    return await self._checked(found)
                if not left:
                    raise TransportError(
                        message=f"the service lost the upload of {self._name} again and again"
                    ) from None
            else:
                return await self._checked(file)
        raise AssertionError("unreachable")  # pragma: no cover

    async def _open(self) -> UploadSession:
        request = self._files.start_upload(
            name=self._name,
            size=self._source.size,
            mime_type=self._mime_type,
            display_name=self._display_name,
        )
        session = self._files.read_session(await self._transport.send(request))
        return evolve(session, size=self._source.size)

    async def _send_all(self, session: UploadSession) -> FileT:
        size = self._source.size
        offset = 0
        await self._report(0)
        while True:
            plan = UploadPlan(
                size=size, granularity=session.granularity, chunk_size=self._chunk_size
            )
            try:
                state = await self._send_chunk(session, plan, offset)
            except (TransportError, APIError) as exc:
                if exc is self._trouble:
                    raise
                self._raise_if_fatal(exc)
                self._chunk_size = self._chunk_size or CHUNK
                state = await self._resume(session, exc)
            if state.status == "cancelled":
                raise _SessionLostError
            if state.status == "final":
                await self._report(size)
                return state.file or await self._required()
            offset = size if state.received is None else state.received
            if offset > self._confirmed:
                # Only new ground is progress: a service may go back again and again.
                self._confirmed, self._failures = offset, 0
            await self._report(offset)

    async def _send_chunk(
        self, session: UploadSession, plan: UploadPlan, offset: int
    ) -> UploadState[FileT]:
        length, last = plan.step(offset)
        body = StreamedBody(
            length=length, open=lambda: self._pieces(offset, offset + length)
        )
        request = self._files.upload_chunk(session, offset=offset, body=body, last=last)
        try:
            answer = await self._transport.send_once(request)
        except (TransportError, APIError):
            # aiohttp reads the body in a task of its own, and hides what goes wrong there.
            if self._trouble is not None:
                raise self._trouble from None
            raise
        if self._trouble is not None:
            raise self._trouble
        state = self._read(answer)
        if state.status != "active":
            return state
        if last:
            # The last byte was taken, and yet the file is not there: ask.
            raise TransportError(message=f"the service did not finish {self._name}")
        if state.received not in {None, offset + length}:
            raise TransportError(
                message=f"the service took but a part of what was sent of {self._name}"
            )
        return evolve(state, received=offset + length)

    async def _pieces(self, offset: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes from `offset` up to, not including, `end`."""
        reader = SourceReader(
            self._source, self._digest, self._transport.tasks, offset=offset, end=end
        )
        try:
            while offset < end:
                for piece in await self._next(reader):
                    yield piece
                    offset += len(piece)
                    # A fast network takes whatever it is given: others have their turn here.
                    await anyio.lowlevel.checkpoint()
                if offset < end:
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
        finally:
            await reader.aclose()

    async def _next(self, reader: SourceReader) -> list[bytes]:
        try:
            pieces = await reader.read()
        except OSError as exc:
            raise self._changed(f"it cannot be read any more: {exc.strerror}") from exc
        except asyncio.CancelledError:
            if _is_being_cancelled():
                raise
            raise TransportError(
                message=f"the client was closed while it uploaded {self._name}"
            ) from None
        if not pieces:
            was = self._source.size
            raise self._changed(
                f"it had {was} bytes when the upload began, and has fewer now"
            )
        return pieces

    def _changed(self, message: str) -> InputError:
        remedy = "Leave a file alone while it is uploaded."
        return InputError.one(message, remedy=remedy, file=str(self._source.path))

    def _read(self, answer: Response) -> UploadState[FileT]:
        """Read an answer; what cannot be read is asked for again."""
        try:
            return self._files.read_upload(answer)
        except DecodeError as exc:
            raise TransportError(
                message=f"the answer to {self._name} is unreadable"
            ) from exc

    async def _resume(
        self, session: UploadSession, cause: TransportError | APIError
    ) -> UploadState[FileT]:
        """Pause, then ask what the service holds; that is where to go on."""
        self._failures += 1
        retry = self._transport.retry
        if self._failures >= retry.attempts:
            raise cause
        pause = retry.pause(self._failures)
        if isinstance(cause, APIError) and cause.retry_after is not None:
            pause = min(max(pause, cause.retry_after), retry.timeout)
        await anyio.sleep(pause)
        try:
            answer = await self._transport.send(self._files.query_upload(session))
        except APIError as exc:
            if exc.status_code in _GONE:
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
        return evolve(state, received=received)

    def _raise_if_fatal(self, exc: TransportError | APIError) -> None:
        if isinstance(exc, APIError):
            if exc.status_code in _GONE:
                raise _SessionLostError from exc
            if exc.status_code in _FATAL or exc.status_code == self._files.taken:
                raise exc

    async def _find(self) -> FileT | None:
        try:
            answer = await self._transport.send(self._files.get(self._name))
        except (NotFoundError, PermissionDeniedError):
            # The service does not tell a file that is missing from one of somebody else.
            return None
        return self._files.read_file(answer.body)

    async def _adopt(self, taken: APIError) -> FileT:
        """Take what has the name already for ours, if its bytes are."""
        file = await self._find()
        if file is None:
            # It is gone again, or may not be looked at.
            raise taken
        await self._read_all()
        if not self._same(file) or self._files.digest_of(file) is None:
            raise ConflictError(
                status=taken.status,
                status_code=taken.status_code,
                message=f"{self._name} is there already, and has other bytes: delete it, or "
                "choose another name",
                method=taken.method,
                path=taken.path,
            ) from taken
        await self._report(self._source.size)
        return file

    async def _read_all(self) -> None:
        """Read what has not been read yet, so that the digest is of the whole."""
        size, seen = self._source.size, self._digest.seen
        reader = SourceReader(
            self._source, self._digest, self._transport.tasks, offset=seen, end=size
        )
        try:
            while self._digest.seen < size:
                await self._next(reader)
        finally:
            await reader.aclose()

    async def _required(self) -> FileT:
        file = await self._find()
        if file is None:
            raise TransportError(
                message=f"the service finished {self._name}, but does not have it"
            )
        return file

    async def _checked(self, file: FileT) -> FileT:
        await self._read_all()
        if not self._same(file):
            raise TransportError(
                message=f"the service stored other bytes as {file.name} than were sent; "
                "delete it and upload again"
            )
        return file

    def _same(self, file: FileT) -> bool:
        stored = self._files.digest_of(file)
        whole = stored is None or stored == self._digest.hexdigest()
        return whole and file.size_bytes == self._source.size

    async def _report(self, done: int) -> None:
        await self._reporter.report(done, self._source.size)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
