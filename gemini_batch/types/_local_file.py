"""Local files that travel inside a request."""

import os
from pathlib import Path
from typing import Final

MAX_INLINE_BYTES: Final = 15_000_000
"""Largest file, in bytes. Base64 makes four bytes of three, and a row may have 20 MB in all."""

# Newer than the tables of some Pythons and systems that are still in use.
_MORE: Final = {
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".md": "text/markdown",
    ".webp": "image/webp",
}


def read_file(path: str | os.PathLike[str], mime_type: str | None) -> tuple[bytes, str]:
    """Return what a file holds, and its MIME type, by its name if none is given.

    Raises:
        OSError: It cannot be read.
        ValueError: It is empty or too large, or its name does not tell the type.
    """
    path = Path(path)
    mime_type = mime_type or _mime_type_of(path)
    with path.open("rb") as file:
        # No more than that: it may be growing, or never end.
        data = file.read(MAX_INLINE_BYTES + 1)
    if not data:
        raise ValueError(f"{path} is empty")
    if len(data) > MAX_INLINE_BYTES:
        raise ValueError(
            f"{path} is larger than {MAX_INLINE_BYTES / 1e6:g} MB, too large to travel inside "
            "a request: upload it with files.upload and point at it with Part.from_uri"
        )
    return data, mime_type


def _mime_type_of(path: Path) -> str:
    import mimetypes  # noqa: PLC0415 - reads the system's tables, which most have no use for

    guessed, encoding = mimetypes.guess_type(path.name)
    mime_type = _MORE.get(path.suffix.lower()) or guessed
    if mime_type is None or encoding is not None:
        raise ValueError(
            f"the name of {path} does not tell its MIME type: give mime_type, such as "
            "'application/pdf'"
        )
    return mime_type
