"""Sends files, whole or in ranges."""

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final

from aiohttp import web

from gemini_batch.testing.emulator.core.errors import Refusal
from gemini_batch.testing.emulator.http.delivery import deliver, stream_for
from gemini_batch.testing.emulator.http.web import Call

_BLOCK: Final = 256 * 1024
_RANGE: Final = re.compile(r"bytes=([0-9]*)-([0-9]*)")
# Digits that are enough for any size, and few enough to be read.
_DIGITS: Final = 19


async def send_file(
    call: Call,
    path: Path,
    size: int,
    mime_type: str,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> web.StreamResponse:
    """Send a file, or the range of it that was asked for.

    Raises:
        DroppedError: A fault cuts it; what came before has been sent.
    """
    fault = call.fault
    whole = fault is not None and fault.ignore_range
    span = None if whole else _span(call.request.headers.get("Range"), size)
    start, stop = span or (0, size)
    response = stream_for(
        call, status=206 if span else 200, length=None if whole else stop - start
    )
    response.headers.update({"Content-Type": mime_type, **headers})
    if span:
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    if not whole:
        response.headers["Accept-Ranges"] = "bytes"
    if fault is not None:
        response.headers.update(fault.headers)
    with path.open("rb") as source:
        await deliver(call, response, _blocks(source, start, stop))
    return response


async def _blocks(source: BinaryIO, start: int, stop: int) -> AsyncIterator[bytes]:
    source.seek(start)
    while start < stop:
        block = source.read(min(_BLOCK, stop - start))
        if not block:
            return
        start += len(block)
        yield block


def _span(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the start and stop that a ``Range`` header asks for; None for the whole file.

    Raises:
        Refusal: 416, it lies past the end.
    """
    asked = _RANGE.fullmatch(header or "")
    if asked is None or asked.group(0) == "bytes=-":
        return None
    first, last = asked.groups()
    if first:
        start = _number(first)
        stop = min(size, _number(last) + 1) if last else size
    else:
        start, stop = max(0, size - _number(last)), size
    if start >= size or stop <= start:
        raise Refusal(416, headers={"Content-Range": f"bytes */{size}"})
    return (start, stop)


def _number(digits: str) -> int:
    return int(digits.lstrip("0")[:_DIGITS] or "0")
