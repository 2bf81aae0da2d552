"""Local files, read and written in threads. A hop moves a megabyte, never a line."""

import contextlib
import inspect
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

import anyio
import anyio.lowlevel
from anyio import to_thread

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = 4
_limiter = anyio.lowlevel.RunVar[anyio.CapacityLimiter]("gemini_batch_file_threads")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `function` in a worker thread, under this package's own limit on threads.

    The default limit is shared with the whole process. Cancellation waits for the thread, so
    what runs there is short.
    """
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(_THREADS)
        _limiter.set(limiter)
    return await to_thread.run_sync(lambda: function(*args, **kwargs), limiter=limiter)


async def tell(callback: Callable[[T], object], news: T) -> None:
    """Call a callback, and await what it returns if that can be awaited."""
    called = callback(news)
    if inspect.isawaitable(called):
        await called


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
