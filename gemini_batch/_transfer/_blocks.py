"""A remote file block by block, with nothing open between two blocks."""

from typing import TYPE_CHECKING

from gemini_batch._transfer._download import Download, open_download
from gemini_batch._transfer._local import Appender, in_thread, make_file, read_at, remove
from gemini_batch._transport import Transport
from gemini_batch._wire.files import DeveloperFiles
from gemini_batch.errors import TransportError

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = 8 << 20


class BlockReader:
    """Reads a remote file for a consumer who takes as long as they like.

    Each block is fetched by a range request of its own and read to its end, so that no
    connection waits, and times out, while the consumer works. Where the service does not
    honour ranges, the file goes to a temporary file first.
    """

    def __init__(
        self,
        transport: Transport,
        files: DeveloperFiles,
        name: str,
        *,
        block_size: int = BLOCK,
    ) -> None:
        self._transport = transport
        self._files = files
        self._name = name
        self._block_size = block_size
        self._offset = 0
        self._total: int | None = None
        self._ended = False
        self._spool: Path | None = None

    async def read(self) -> bytes:
        """Return the next block, of about the block size; empty at the end."""
        if self._spool is not None:
            block = await in_thread(read_at, self._spool, self._offset, self._block_size)
            self._offset += len(block)
            return block
        if self._ended:
            return b""
        return await self._fetch()

    def close(self) -> None:
        """Remove the temporary file, if there is one."""
        if self._spool is not None:
            remove(self._spool)

    async def _fetch(self) -> bytes:
        async with open_download(
            self._transport,
            self._files,
            self._name,
            start=self._offset,
            stop=self._offset + self._block_size,
            total=self._total,
        ) as download:
            self._total = download.total
            pieces = []
            held = 0
            while held < self._block_size and (piece := await download.read()):
                pieces.append(piece)
                held += len(piece)
            self._ended = download.at_end or download.offset == download.total
            if download.ranged or self._ended:
                self._offset = download.offset
            else:
                await self._keep_rest(download)
        return b"".join(pieces)

    async def _keep_rest(self, download: Download) -> None:
        path = make_file(None)
        try:
            appender = Appender(path)
            async for piece in download:
                await appender.write(piece)
            await appender.flush()
            _check_whole(download, self._name)
        except BaseException:
            remove(path)
            raise
        self._spool, self._offset = path, 0


def _check_whole(download: Download, name: str) -> None:
    if download.total is not None and download.offset != download.total:
        raise TransportError(message=f"{name} ended early")
