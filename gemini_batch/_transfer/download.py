"""Downloads that go on where they broke off."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import anyio

from gemini_batch._transfer.upload_source import Digest
from gemini_batch._transport import ByteStream, Transport
from gemini_batch._wire.storage_protocols import Content, ContentStore
from gemini_batch.errors import APIError, NotFoundError, TransportError

_CONTENT_RANGE = re.compile(r"^bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)$")
_OK, _PARTIAL, _PAST_THE_END = 200, 206, 416


class Download:
    """A file's bytes, in pieces of at most 1 MiB, as an async iterator.

    Made by `open_download`, which closes it. A connection that breaks is opened again where
    it broke: with ``Range`` where the service honours it; where it does not, what has been
    read is skipped. It is the same file to the end, or an error: an object of Cloud Storage
    is pinned to its generation, and compared by digest.
    """

    def __init__(self, transport: Transport, content: Content) -> None:
        self._transport = transport
        self._content = content
        self._name = content.name
        self._stack = AsyncExitStack()
        self._stream: ByteStream | None = None
        self._digest: Digest | None = None
        self._skip = 0
        self._failures = 0
        self._opened_at = 0
        self.offset = 0
        """Bytes of the file before the next piece."""

        self.total: int | None = None
        """Bytes of the whole file; None where the service does not tell."""

        self.ranged = False
        """True if the service sends just the range that was asked for."""

        self.at_end = False
        """True once the last byte of the file has been read."""

    def __aiter__(self) -> "Download":
        return self

    async def __anext__(self) -> bytes:
        piece = await self.read()
        if not piece:
            raise StopAsyncIteration
        return piece

    async def open(self) -> None:
        """Send the next request, so that its errors come before the next piece."""
        await self._open()

    async def aclose(self) -> None:
        """Close the connection. The next read opens another one, and goes on."""
        self._stream = None
        await self._stack.aclose()

    async def read(self) -> bytes:
        """Return the next piece; empty at the end of the file."""
        while not self.at_end:
            if self._stream is None:
                await self._open()
                continue
            try:
                piece = await self._next(self._stream)
            except TransportError as exc:
                await self._pause(exc)
                continue
            if piece:
                self._failures = 0
                return piece
        self._check()
        return b""

    async def _next(self, stream: ByteStream) -> bytes:
        """Return what a read gives; empty at an end, and while bytes are skipped."""
        piece = await stream.read()
        if not piece:
            self._ended()
            return b""
        skipped = min(self._skip, len(piece))
        self._skip -= skipped
        piece = piece[skipped:]
        if self._digest is not None:
            # Less than a fifth of a millisecond for what aiohttp gives at a time.
            self._digest.update(self.offset, [piece])
        self.offset += len(piece)
        return piece

    def _ended(self) -> None:
        """Tell a true end from a connection that closed early."""
        if self._skip:
            raise TransportError(message=f"{self._name} is shorter than it was")
        self._stream = None
        if self.total is None:
            # A part may be shorter than was asked for: what follows it tells the end.
            self.at_end = not self.ranged or self.offset == self._opened_at
            return
        if self.offset < self.total:
            raise TransportError(message=f"the download of {self._name} broke off")
        self.at_end = True

    def _check(self) -> None:
        """Compare what was read with the digest that the service told of the whole."""
        told = self._content.digest
        if told and self._digest and self._digest.hexdigest() != told[1]:
            raise TransportError(
                message=f"other bytes arrived of {self._name} than the service has"
            )

    async def _pause(self, exc: TransportError) -> None:
        await self.aclose()
        self._failures += 1
        retry = self._transport.retry
        if self._failures >= retry.attempts:
            raise exc
        await anyio.sleep(retry.pause(self._failures))

    async def _open(self) -> None:
        self._skip = 0
        self._opened_at = self.offset
        try:
            self._stream = await self._request()
        except APIError as exc:
            # Past the end is the end, unless there is known to be more.
            whole = self.total is None or self.offset >= self.total
            if exc.status_code != _PAST_THE_END or not whole:
                raise
            self.at_end = True
            return
        self._content = self._content.opened(self._stream.headers)
        if self.offset == 0 and self._content.digest is not None:
            self._digest = Digest(self._content.digest[0])
        total, start = _extent(self._stream)
        self.ranged = self._stream.status == _PARTIAL
        if self.ranged and start != self.offset:
            raise TransportError(message=f"the service sent another part of {self._name}")
        if not self.ranged:
            self._skip = self.offset
        if self.total is not None and total is not None and total != self.total:
            raise TransportError(message=f"{self._name} changed while it was read")
        self.total = self.total if total is None else total

    async def _request(self) -> ByteStream:
        while True:
            request = self._content.request(self.offset)
            opened = self._transport.stream(request)
            try:
                return await self._stack.enter_async_context(opened)
            except NotFoundError as exc:
                self._content = self._content.missing(exc)


def _extent(stream: ByteStream) -> tuple[int | None, int | None]:
    """Return the size of the whole file and the offset of the first byte, where told."""
    if stream.status == _PARTIAL:
        match = _CONTENT_RANGE.match(stream.headers.get("content-range", ""))
        if match is None or match[1] is None:
            raise TransportError(message="the service sent a part without saying which")
        return None if match[3] == "*" else int(match[3]), int(match[1])
    length = stream.headers.get("content-length", "")
    encoded = stream.headers.get("content-encoding", "identity") != "identity"
    return int(length) if length.isdecimal() and not encoded else None, 0


@asynccontextmanager
async def open_download(
    transport: Transport, files: ContentStore, name: str
) -> AsyncIterator[Download]:
    """Open a file's content."""
    download = Download(transport, files.content(name))
    try:
        await download.open()
        yield download
    finally:
        await download.aclose()
