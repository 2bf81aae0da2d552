"""Where results go: stdout, or a file that is whole or not there."""

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from anyio import to_thread

from gemini_batch import InputError
from gemini_batch._io.local_files import part_of
from gemini_batch.cli.uris import is_object, is_stored

_HOP = 1 << 18  # bytes that are gathered for one hop to a thread


class OutputFile:
    """Takes lines and writes them in blocks, in a thread: a reader may be slow.

    Args:
        write: Writes bytes, and may block.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._pieces: list[bytes] = []
        self._held = 0

    async def add(self, data: bytes) -> None:
        """Take `data`; write once there is enough."""
        self._pieces.append(data)
        self._held += len(data)
        if self._held >= _HOP:
            await self.flush()

    async def flush(self) -> None:
        """Write what is held."""
        if not self._pieces:
            return
        block = b"".join(self._pieces)
        self._pieces, self._held = [], 0
        await to_thread.run_sync(self._write, block)


def check_target(output: str | None, *, objects: bool = False) -> None:
    """Refuse a target that cannot be written, before anything is asked of the service.

    Args:
        output: The target.
        objects: Whether it may be an object of Cloud Storage.

    Raises:
        InputError: It is a folder, or is in none, or is where the command does not write.
    """
    if output is None or output == "-":
        return
    target = Path(output)
    if is_stored(output):
        if objects and is_object(output) and not output.endswith("/"):
            return
        what, remedy = _not_written(output, objects=objects)
    elif target.is_dir():
        what, remedy = "it is a folder", "Name the file to write."
    elif not target.parent.is_dir():
        what, remedy = f"there is no folder {target.parent}", "Make it first."
    else:
        return
    raise InputError.one(what, remedy=remedy, file=output, field="--output")


def _not_written(output: str, *, objects: bool) -> tuple[str, str]:
    """Return why a URI is not written to, and what to do about it."""
    if not objects:
        return (
            "this command writes files of this machine only",
            "Leave --output out, and pipe: … | gcloud storage cp - gs://bucket/name.",
        )
    if is_object(output):
        return "it is a folder", "Name the object to write: gs://bucket/answers.jsonl."
    remedy = (
        "Write gs://bucket/answers.jsonl, and load it: bq load --autodetect "
        "--source_format=NEWLINE_DELIMITED_JSON dataset.table gs://bucket/answers.jsonl"
    )
    return "this command writes no tables", remedy


@asynccontextmanager
async def open_output(output: str | None) -> AsyncIterator[OutputFile]:
    """Open stdout for None and ``-``, else a file.

    A file is written beside its target and renamed at the end; one that is no ordinary
    file, such as ``/dev/null`` or a named pipe, is written to as it is.
    """
    if output is None or output == "-":
        sink = OutputFile(write_stdout)
        yield sink
        await sink.flush()
        return
    target = Path(output)
    if _is_special(target):
        with await to_thread.run_sync(lambda: target.open("wb")) as special:
            sink = OutputFile(special.write)
            yield sink
            await sink.flush()
        return
    target, part, file = _create(target)
    try:
        with file:
            sink = OutputFile(file.write)
            yield sink
            await sink.flush()
        part.replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file()


def _create(target: Path) -> tuple[Path, Path, BinaryIO]:
    """Open a new file beside what `target` leads to; return both paths and the file.

    Quick, and not awaited: no cancellation falls between making a file and knowing of it.
    """
    target = target.resolve()  # a link stays a link: what it points to is replaced
    part = part_of(target)
    return target, part, part.open("xb")


def write_stdout(data: bytes) -> None:
    """Write bytes to stdout as they are, UTF-8 whatever the locale says, and at once."""
    sys.stdout.flush()
    view = memoryview(data)
    while view:
        # Unbuffered (PYTHONUNBUFFERED), a write may take a part only.
        view = view[sys.stdout.buffer.write(view) :]
    sys.stdout.buffer.flush()


def silence_broken() -> None:
    """Give broken streams a reader again, so that the interpreter's last flush finds one."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            _silence(stream)


def _silence(stream: TextIO) -> None:
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def open_closed() -> None:
    """Let streams that were closed at the start, as by ``>&-``, lead nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - kept
            setattr(sys, name, nowhere)
