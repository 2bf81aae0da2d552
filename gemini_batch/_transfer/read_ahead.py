"""A remote file read ahead of its consumer, who takes as long as they like."""

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import anyio

from gemini_batch._io.local_files import (
    Appender,
    make_file,
    read_at,
    remove,
)
from gemini_batch._io.threads import in_thread
from gemini_batch._transfer.download import Download
from gemini_batch._transport import Transport, stop
from gemini_batch._wire.storage_protocols import ContentStore
from gemini_batch.errors import TransportError

if TYPE_CHECKING:
    from pathlib import Path

AHEAD = 1 << 19
"""Bytes that may wait for the consumer: few enough to be in the processor's cache still when
their turn comes. What the network has ready beyond waits in the buffers of the connection."""

PATIENCE = 5.0
"""Seconds a connection waits for the consumer before it is closed."""

_SPOOLED = 1 << 20


class ReadAhead:
    """Fetches a file's pieces in a task of the client's while the consumer works.

    The task stops reading when enough waits for the consumer, and closes its connection when
    the consumer is away for longer, so that none is held, and times out, meanwhile; reading
    goes on where it stopped. A service that does not honour ranges would begin again: what
    is left of its answer goes to a temporary file then.
    """

    def __init__(
        self,
        transport: Transport,
        files: ContentStore,
        name: str,
        *,
        ahead: int = AHEAD,
        patience: float = PATIENCE,
    ) -> None:
        self._transport = transport
        self._download = Download(transport, files.content(name))
        self._name = name
        self._ahead = ahead
        self._patience = patience
        self._task: asyncio.Task[None] | None = None
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._fetched = False
        self._spool: Path | None = None
        self._spool_offset = 0
        self._news = anyio.Event()
        self._room = anyio.Event()

    async def read(self) -> bytes:
        """Return the next piece; empty at the end.

        Raises:
            APIError: The service refused to send the file.
            TransportError: The download broke off again and again, or the client was closed.
        """
        while not self._pieces:
            if self._task is not None and self._task.done():
                self._end(self._task)
            elif self._task is None and self._fetched:
                return await self._read_spool()
            else:
                await self._wait_for_news()
        piece = self._pieces.popleft()
        self._held -= len(piece)
        self._room.set()
        return piece

    async def aclose(self) -> None:
        """Stop fetching, and remove the temporary file if there is one."""
        try:
            if self._task is not None:
                await stop(self._task)
        finally:
            if self._spool is not None:
                remove(self._spool)

    def start(self) -> None:
        """Begin to fetch. The first read does so otherwise."""
        self._task = self._transport.tasks.start(self._fetch())
        self._task.add_done_callback(lambda _: self._news.set())

    async def _wait_for_news(self) -> None:
        self._news = anyio.Event()
        if self._task is None:
            self.start()
        await self._news.wait()

    def _end(self, task: asyncio.Task[None]) -> None:
        """Take note of how the task ended."""
        self._task = None
        if task.cancelled():
            raise TransportError(
                message=f"the client was closed while it read {self._name}"
            )
        task.result()

    async def _read_spool(self) -> bytes:
        if self._spool is None:
            return b""
        piece = await in_thread(read_at, self._spool, self._spool_offset, _SPOOLED)
        self._spool_offset += len(piece)
        return piece

    # In the task

    async def _fetch(self) -> None:
        download = self._download
        first = download.offset == 0
        try:
            await download.open()
            while piece := await download.read():
                self._pieces.append(piece)
                self._held += len(piece)
                self._news.set()
                if await self._there_is_room():
                    continue
                if download.ranged or first:
                    return
                # Seen once more from the beginning; not a third time.
                await self._keep_rest(download)
        finally:
            await download.aclose()
        self._fetched = True

    async def _there_is_room(self) -> bool:
        """Wait for room; False if the consumer takes too long."""
        while self._held >= self._ahead:
            self._room = anyio.Event()
            with anyio.move_on_after(self._patience) as scope:
                await self._room.wait()
            if scope.cancelled_caught and not self._room.is_set():
                return False
        return True

    async def _keep_rest(self, download: Download) -> None:
        self._spool = make_file(None)
        appender = Appender(self._spool)
        async for piece in download:
            await appender.write(piece)
        await appender.flush()
