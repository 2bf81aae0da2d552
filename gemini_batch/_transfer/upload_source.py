"""What is uploaded: bytes that can be read again, ahead of the sender, and their digest."""

import asyncio
import hashlib
import threading
from pathlib import Path

import anyio.lowlevel
from attrs import define

from gemini_batch._io.threads import in_thread
from gemini_batch._transport import BackgroundTasks, stop

BLOCK = 1 << 20
"""Bytes read in one hop to a thread."""

PIECE = 1 << 19
"""Bytes sent at a time. The event loop stands still while a piece is encrypted."""

_TURNS = 3  # of the event loop, until a thread is at work


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


class Digest:
    """Digest of a stream of which parts may be read more than once."""

    def __init__(self, hash_name: str = "sha256") -> None:
        # It tells bytes that changed by accident, and keeps no secret.
        self._hash = hashlib.new(hash_name, usedforsecurity=False)
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

    @property
    def seen(self) -> int:
        """Bytes taken in, from the beginning on."""
        with self._lock:
            return self._seen

    def hexdigest(self) -> str:
        """Return the digest in hex."""
        with self._lock:
            return self._hash.hexdigest()


class SourceReader:
    """Reads and hashes a source from one offset up to another, a block ahead of the sender."""

    def __init__(
        self,
        source: Source,
        digest: Digest,
        tasks: BackgroundTasks,
        *,
        offset: int,
        end: int,
    ) -> None:
        self._source = source
        self._digest = digest
        self._tasks = tasks
        self._offset = offset
        self._end = end
        self._ahead = self._go_on()

    async def read(self) -> list[bytes]:
        """Return the next block, in pieces; empty at the end, and where the source is cut off.

        Raises:
            OSError: The source cannot be read.
            asyncio.CancelledError: The client was closed.
        """
        pieces = await self._ahead
        self._offset += sum(map(len, pieces))
        self._ahead = self._go_on()
        for _ in range(_TURNS):
            # The sender will keep the loop's thread busy with encrypting. If that began
            # before the other thread is at work, the two would take turns.
            await anyio.lowlevel.checkpoint()
        return pieces

    async def aclose(self) -> None:
        """Stop reading."""
        await stop(self._ahead)

    def _go_on(self) -> asyncio.Task[list[bytes]]:
        return self._tasks.start(in_thread(self._read, self._offset))

    def _read(self, offset: int) -> list[bytes]:
        pieces = self._source.read(offset, self._end)
        self._digest.update(offset, pieces)
        return pieces
