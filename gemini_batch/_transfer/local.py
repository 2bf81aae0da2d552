"""What of the caller's is sent, and where on this machine is written what arrives."""

import os
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path, PurePath
from typing import Final, TypeAlias

from gemini_batch._io.local_files import Appender, new_file_beside
from gemini_batch._transfer.download import Download
from gemini_batch._transfer.progress import OnProgress, Reporter
from gemini_batch._transfer.upload_source import Source
from gemini_batch._wire.storage_protocols import JSONL_MIME_TYPE
from gemini_batch.errors import InputError

Given: TypeAlias = str | os.PathLike[str] | bytes | AsyncIterable[bytes]
"""What is taken for an upload."""

_MIME_TYPES: Final = {
    ".jsonl": JSONL_MIME_TYPE,
    ".json": "application/json",
    ".txt": "text/plain",
    ".csv": "text/csv",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".mp4": "video/mp4",
}


def mime_type_of(name: str) -> str:
    """Return the MIME type that the ending of a name tells, else that of JSON lines."""
    return _MIME_TYPES.get(PurePath(name).suffix.lower(), JSONL_MIME_TYPE)


@asynccontextmanager
async def local_source(given: Given) -> AsyncIterator[Source]:
    """Give what can be read again and again of what may come but once.

    An async iterable is written to a temporary file first, which is gone when the block ends.

    Raises:
        InputError: It cannot be uploaded.
    """
    if isinstance(given, AsyncIterable):
        with new_file_beside(None) as path:
            await _spool(given, path)
            yield _path_source(path)
    elif isinstance(given, bytes | bytearray | memoryview):
        data = bytes(given)
        yield Source(size=len(data), data=data)
    elif isinstance(given, str | os.PathLike):
        yield _path_source(Path(given))
    else:
        raise InputError.one(
            f"expected a path, bytes or an async iterable, got {type(given).__name__}",
            remedy="Give the path of an open file rather than the file.",
            field="source",
        )


async def write_beside(
    path: str | os.PathLike[str],
    opened: AbstractAsyncContextManager[Download],
    on_progress: OnProgress | None,
) -> Path:
    """Write a download to `path` and return the path: whole, or not at all.

    Raises:
        InputError: The target's folder does not exist, or the target is no file.
    """
    target = Path(path)
    _check_target(target)
    async with opened as download:
        with new_file_beside(target) as part:
            appender = Appender(part)
            reporter = Reporter(on_progress)
            async for piece in download:
                await appender.write(piece)
                await reporter.report(download.offset, download.total)
            await appender.flush()
            part.replace(target)
    return target


async def _spool(pieces: AsyncIterable[bytes], path: Path) -> None:
    appender = Appender(path)
    iterator = aiter(pieces)
    try:
        async for piece in iterator:
            await appender.write(_as_bytes(piece))
    finally:
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()
    await appender.flush()


def _as_bytes(piece: object) -> bytes:
    if isinstance(piece, bytes | bytearray | memoryview):
        return bytes(piece)
    raise InputError.one(
        f"the iterable gave a {type(piece).__name__}, where bytes are due", field="source"
    )


def _path_source(path: Path) -> Source:
    if not path.exists():
        raise InputError.one(
            "it does not exist", remedy="Check the path.", file=str(path), field="source"
        )
    if not path.is_file():
        raise InputError.one(
            "it is not a file", remedy="Name a single file.", file=str(path), field="source"
        )
    if not os.access(path, os.R_OK):
        raise InputError.one(
            "it cannot be read",
            remedy="Check its permissions.",
            file=str(path),
            field="source",
        )
    return Source(size=path.stat().st_size, path=path)


def _check_target(target: Path) -> None:
    if target.is_dir():
        raise InputError.one(
            "it is a folder",
            remedy="Name the file to write.",
            file=str(target),
            field="path",
        )
    if target.exists() and not target.is_file():
        # Renaming a file onto a device or a pipe would replace it.
        raise InputError.one(
            "it is not a regular file",
            remedy="Name a file; read a stream with open_download().",
            file=str(target),
            field="path",
        )
    if not target.parent.is_dir():
        raise InputError.one(
            f"there is no folder {target.parent}",
            remedy="Make it first.",
            file=str(target),
            field="path",
        )
