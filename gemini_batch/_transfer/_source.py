"""What is uploaded: bytes that can be read again, ahead of the sender, and their digest."""

import asyncio
import hashlib
import threading
from collections import deque
from pathlib import Path

from attrs import define

from gemini_batch._transfer._local import in_thread
from gemini_batch._transport import Tasks, stop

BLOCK = 1 << 20
"""Bytes read at a time."""

PIECE = 1 << 19
"""Bytes sent at a time. The event loop stands still while a piece is encrypted."""


@define(kw_only=True)
class Source:
    """Bytes that can be read at any offset, from a file or from memory."""

    size: int
    path: Path | None = None
    data: bytes = b""

    def read(self, offset: int, stop: int) -> list[bytes]:
        """Return the next block from `offset` on, and not beyond `stop`, in pieces.

        They are fewer only if the file has shrunk. Blocks: it runs in a worker thread.
        """
        stop = min(stop, offset + BLOCK)
        starts = range(offset, stop, PIECE)
        if self.path is None:
            return [self.data[start : min(start + PIECE, stop)] for start in starts]
        with self.path.open("rb", buffering=0) as file:
            file.seek(offset)
            pieces = [file.read(min(PIECE, stop - start)) for start in starts]
        return [piece for piece in pieces if piece]


# Blocks that may wait for the sender, and how few of them send a thread for more.
_MOST, _FEW = 3, 1


class Digest:
    """SHA-256 of a stream of which parts may be read more than once."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._seen = 0
        # A task that is cancelled natively leaves its thread running.
        self._lock = threading.Lock()

    def update(self, offset: int, pieces: list[bytes]) -> None:
        """Take in what of `pieces`, found at `offset`, has not been taken in before.

        Blocks: it runs in a worker thread.
        """
        # In one go: what is hashed is known to be, whatever becomes of the task.
        with self._lock:
            for piece in pieces:
                new = memoryview(piece)[max(0, self._seen - offset) :]
                self._hash.update(new)
                self._seen += len(new)
                offset += len(piece)

    def hexdigest(self) -> str:
        """Return the digest in hex."""
        with self._lock:
            return self._hash.hexdigest()


class SourceReader:
    """Reads and hashes a source from one offset up to another, ahead of the sender.

    A thread goes on for as long as there is room. Were it asked for one block at a time, it
    would have to wait for the event loop, and that for it: the loop's thread encrypts what is
    sent meanwhile, and is busy with nothing else.
    """

    def __init__(
        self, source: Source, digest: Digest, tasks: Tasks, *, offset: int, end: int
    ) -> None:
        self._source = source
        self._digest = digest
        self._tasks = tasks
        self._offset = offset
        self._end = end
        self._loop = asyncio.get_running_loop()
        self._blocks: deque[list[bytes]] = deque()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    async def read(self) -> list[bytes]:
        """Return the next block, in pieces; empty at the end, and where the source is cut off.

        Raises:
            OSError: The source cannot be read.
            asyncio.CancelledError: The client was closed.
        """
        while True:
            self._news.clear()
            if self._task is None or self._task.done():
                self._send_for_more()
            if self._blocks:
                return self._blocks.popleft()
            if self._task is None:
                return []
            await self._news.wait()

    async def aclose(self) -> None:
        """Stop reading."""
        self._closed = True
        if self._task is not None:
            await stop(self._task)

    def _send_for_more(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.result()
        if len(self._blocks) <= _FEW and self._offset < self._end:
            self._task = self._tasks.start(in_thread(self._fill))
            self._task.add_done_callback(lambda _: self._news.set())

    def _fill(self) -> None:
        """Read until there is no room; in a worker thread, one at a time."""
        while len(self._blocks) < _MOST and self._offset < self._end and not self._closed:
            pieces = self._source.read(self._offset, self._end)
            if not pieces:
                # It has shrunk: that is all there is.
                self._end = self._offset
                return
            self._digest.update(self._offset, pieces)
            self._offset += sum(map(len, pieces))
            self._blocks.append(pieces)
            self._loop.call_soon_threadsafe(self._news.set)
