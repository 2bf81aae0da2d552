"""Files: upload inputs, look after them, download results."""

import os
import secrets
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import anyio

from gemini_batch._transfer.download import Download, open_download
from gemini_batch._transfer.local import (
    Given,
    local_source,
    mime_type_of,
    write_beside,
)
from gemini_batch._transfer.progress import OnProgress
from gemini_batch._transfer.upload import UPLOADS_AT_ONCE, Upload
from gemini_batch._transfer.upload_source import Source
from gemini_batch._transport import FifoLimiter, Transport
from gemini_batch._transport.pagination import check_page_size, every_item
from gemini_batch._wire.developer.files import MAX_FILE_BYTES, DeveloperFiles
from gemini_batch._wire.developer.names import file_name
from gemini_batch.errors import (
    FileFailedError,
    InputError,
    NotFoundError,
    PermissionDeniedError,
)
from gemini_batch.types import File, FileState, Page

__all__ = ["UPLOADS_AT_ONCE", "Files", "OnProgress", "check_text"]

_PAGE_SIZE = 100  # the service's maximum
_LONGEST_DISPLAY_NAME = 512


class Files:
    """The Files API. Uploads are kept for 48 hours, up to 2 GB each."""

    def __init__(self, transport: Transport, wire: DeveloperFiles) -> None:
        self._transport = transport
        self._wire = wire
        self._turns = FifoLimiter(UPLOADS_AT_ONCE)

    async def upload(
        self,
        source: Given,
        *,
        display_name: str | None = None,
        mime_type: str | None = None,
        name: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> File:
        """Upload a file and return it once the service can use it.

        The upload goes on after any failure where the service says it stands, and what is
        stored is compared by digest. Memory is constant, whatever the size: four uploads at
        a time send, and further ones wait for their turn.

        Args:
            source: A path; or the bytes; or an async iterable of bytes, which is written to
                a temporary file first, because an upload may have to go back.
            display_name: Shown in lists, up to 512 characters; left out, the path's last
                part.
            mime_type: Left out, told by the path's ending, else ``application/jsonl``.
            name: ``files/<id>`` of your choice: up to 40 lower-case letters, digits and
                dashes. Left out, one is chosen.
            on_progress: Called with a `TransferProgress` about every megabyte, and awaited
                if it returns an awaitable. What it raises ends the upload.

        Raises:
            InputError: The source cannot be uploaded; nothing was sent.
            ConflictError: There is a file of this name.
            FileFailedError: The service could not process the file.
            TransportError: The service could not be reached, or stored other bytes.
        """
        async with local_source(source) as local:
            path = Path(source) if isinstance(source, str | os.PathLike) else None
            _check_size(local, path)
            if path is not None and display_name is None:
                display_name = _shown(path)
            check_text("display_name", display_name)
            upload = Upload(
                self._transport,
                self._wire,
                local,
                # A name of our own choice lets a finished file be found again whose last
                # answer was lost.
                name=_new_name() if name is None else file_name(name),
                mime_type=mime_type or mime_type_of("" if path is None else path.name),
                display_name=display_name,
                on_progress=on_progress,
            )
            async with self._turns:
                file = await upload.run()
            return await self._until_usable(file)

    async def _until_usable(self, file: File) -> File:
        # JSONL is usable at once; media are worked on for a while.
        pause = 0.5
        while file.state == FileState.PROCESSING:
            await anyio.sleep(pause)
            pause = min(pause * 2, 10.0)
            file = await self.get(file.name)
        if file.state == FileState.FAILED:
            raise FileFailedError(name=file.name, status=file.error)
        return file

    async def get(self, name: str | File) -> File:
        """Return a file's description as it is now.

        Result files have ids longer than the service accepts here, and may be refused:
        download them without asking first.

        Raises:
            PermissionDeniedError: There is no such file, or it belongs to another project.
        """
        answer = await self._transport.send(self._wire.get(file_name(name)))
        return self._wire.read_file(answer.body)

    async def list(
        self, *, page_size: int = _PAGE_SIZE, page_token: str | None = None
    ) -> Page[File]:
        """Return one page of the project's files; at most 100 on a page."""
        check_page_size(page_size, _PAGE_SIZE)
        request = self._wire.list(page_size=page_size, page_token=page_token)
        return self._wire.read_page((await self._transport.send(request)).body)

    def list_all(self, *, page_size: int = _PAGE_SIZE) -> AsyncGenerator[File, None]:
        """Iterate over all files of the project, page by page as the loop reaches them."""
        check_page_size(page_size, _PAGE_SIZE)
        return every_item(lambda token: self.list(page_size=page_size, page_token=token))

    async def delete(self, name: str | File) -> None:
        """Delete a file. That it is gone already is no error once an answer was lost.

        Raises:
            PermissionDeniedError: There is no such file, or it belongs to another project.
            BadRequestError: Result files cannot be deleted, because their ids are longer
                than the service accepts here; they expire.
        """
        try:
            await self._transport.send(self._wire.delete(file_name(name)))
        except (NotFoundError, PermissionDeniedError) as exc:
            if exc.tries == 1:
                raise

    def open_download(self, name: str | File) -> AbstractAsyncContextManager[Download]:
        """Open a file's content, as an async context manager of an async iterator of bytes.

        Only files the service generated can be downloaded. A connection that breaks is
        opened again where it broke.
        """
        return open_download(self._transport, self._wire, file_name(name))

    async def download(
        self,
        name: str | File,
        path: str | os.PathLike[str],
        *,
        on_progress: OnProgress | None = None,
    ) -> Path:
        """Download a file to `path` and return the path.

        It is written beside the target and renamed at the end: the target is whole or not
        there, and a file of that name is replaced.

        Raises:
            InputError: The target's folder does not exist, or the target is no file.
            PermissionDeniedError: There is no such file, or it cannot be downloaded.
            TransportError: It broke off again and again.
        """
        return await write_beside(path, self.open_download(name), on_progress)


def check_text(field: str, text: str | None) -> None:
    """Refuse a text of the caller's that the service cannot take.

    Raises:
        InputError: It is too long, or cannot be written as UTF-8.
    """
    if text is None:
        return
    if len(text) > _LONGEST_DISPLAY_NAME:
        raise InputError.one(
            f"it has {len(text)} characters",
            remedy=f"The service takes up to {_LONGEST_DISPLAY_NAME}.",
            field=field,
        )
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise InputError.one(f"it is not Unicode: {exc.reason}", field=field) from exc


def _new_name() -> str:
    return f"files/gb-{secrets.token_hex(12)}"


def _shown(path: Path) -> str:
    # Names of files may hold bytes that are no UTF-8.
    return path.name.encode(errors="replace").decode()[:_LONGEST_DISPLAY_NAME]


def _check_size(source: Source, path: Path | None) -> None:
    file = None if path is None else str(path)
    if source.size == 0:
        raise InputError.one("it is empty", remedy="There is nothing to upload.", file=file)
    if source.size > MAX_FILE_BYTES:
        raise InputError.one(
            f"it has {source.size} bytes; the service takes up to {MAX_FILE_BYTES} per file",
            remedy="Split it into several files, and make a job of each.",
            file=file,
        )
