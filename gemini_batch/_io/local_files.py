"""Local files, read and written in threads. A hop moves a megabyte, never a line."""

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gemini_batch._io.threads import in_thread


@contextmanager
def new_file_beside(target: Path | None) -> Iterator[Path]:
    """Make an empty file next to `target`, or in the temporary folder; removed at the end.

    A caller who is done with it renames it; what is still there when the block ends, for
    whatever reason, is removed. Both are single quick calls and not awaited, so that no
    cancellation falls between making the file and knowing of it.
    """
    path = make_file(target)
    try:
        yield path
    finally:
        remove(path)


def make_file(target: Path | None) -> Path:
    """Make an empty file next to `target`, or in the temporary folder."""
    if target is None:
        # Prompts and answers are nobody else's business: mkstemp makes the file private.
        handle, name = tempfile.mkstemp(prefix="gemini_batch-", suffix=".part")
        os.close(handle)
        return Path(name)
    path = part_of(target)
    path.open("xb").close()
    return path


def part_of(target: Path) -> Path:
    """Return a new name beside a file, for what is to become it."""
    return target.with_name(f".{target.name[:64]}.{secrets.token_hex(8)}.part")


def remove(path: Path) -> None:
    """Remove a file that may be gone already, or, on Windows, still be open elsewhere."""
    with contextlib.suppress(OSError):
        path.unlink()


def append(path: Path, pieces: list[bytes]) -> None:
    """Write `pieces` to the end of a file that exists.

    It is never made anew: a thread that outlives its cancelled task must not bring back the
    file its owner has removed.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND), "ab") as file:
        file.writelines(pieces)


def read_at(path: Path, offset: int, length: int) -> bytes:
    """Return up to `length` bytes of a file from `offset` on."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


class Appender:
    """Gathers pieces and writes them to the end of a file about a megabyte at a time."""

    def __init__(self, path: Path, *, batch: int = 1 << 20) -> None:
        self._path = path
        self._batch = batch
        self._pieces: list[bytes] = []
        self._held = 0

    async def write(self, piece: bytes) -> None:
        """Take a piece, and write when there is enough of them."""
        self._pieces.append(piece)
        self._held += len(piece)
        if self._held >= self._batch:
            await self.flush()

    async def flush(self) -> None:
        """Write what is held."""
        pieces, self._pieces, self._held = self._pieces, [], 0
        if pieces:
            await in_thread(append, self._path, pieces)
