"""Sends the body of an answer, with whatever is to go wrong on the way."""

from collections.abc import AsyncIterator
from typing import Final

import anyio
from aiohttp import web

from gemini_batch.testing.emulator.http.web import Call
from gemini_batch.testing.faults import Fault

# A slow body comes in this many pieces a second, as far as its speed allows.
_BEAT: Final = 50


class DroppedError(Exception):
    """The connection is to be cut now, as a fault asked for."""


class _UntilClosed(web.StreamResponse):
    """An answer whose body ends with its connection."""

    # Without it aiohttp falls back on chunks; it does the same for its WebSockets.
    _length_check = False


def stream_for(call: Call, *, status: int, length: int | None) -> web.StreamResponse:
    """Return an answer whose body is still to be delivered.

    Its body is `length` bytes long; None sends it in chunks, without telling.
    """
    if call.fault is not None and call.fault.without_length:
        response: web.StreamResponse = _UntilClosed(status=status)
        response.force_close()
        return response
    response = web.StreamResponse(status=status)
    if length is None:
        response.enable_chunked_encoding()
    else:
        response.content_length = length
    return response


def travels_badly(fault: Fault) -> bool:
    """Tell whether a fault is about how a body travels."""
    return (
        fault.without_length
        or fault.truncate_after is not None
        or fault.stall_after is not None
        or fault.bytes_per_second is not None
    )


async def deliver_again(call: Call, answer: web.Response) -> web.StreamResponse:
    """Send a ready answer the way its fault asks.

    Raises:
        DroppedError: The fault cuts it; what came before has been sent.
    """
    body = answer.body if isinstance(answer.body, bytes) else b""
    response = stream_for(call, status=answer.status, length=len(body))
    for name, value in answer.headers.items():
        if name.lower() != "content-length":
            response.headers[name] = value

    async def whole() -> AsyncIterator[bytes]:
        yield body

    await deliver(call, response, whole())
    return response


async def deliver(
    call: Call, response: web.StreamResponse, blocks: AsyncIterator[bytes]
) -> None:
    """Send headers and body of `response`.

    Raises:
        DroppedError: A fault cuts it; what came before has been sent.
    """
    fault = call.fault
    if fault is not None and fault.drop == "after":
        raise DroppedError
    await response.prepare(call.request)
    if fault is None or not travels_badly(fault):
        async for block in blocks:
            await response.write(block)
        await response.write_eof()
        return
    cut = await _send_badly(call, response, blocks, fault)
    if cut and not fault.without_length:
        await _flush(call.request)
        raise DroppedError
    await response.write_eof()


async def _send_badly(
    call: Call, response: web.StreamResponse, blocks: AsyncIterator[bytes], fault: Fault
) -> bool:
    """Send a body as far as it gets; tell whether it is cut."""
    sent, stall, limit = 0, fault.stall_after, fault.truncate_after
    async for block in blocks:
        rest = memoryview(block)
        while rest and sent != limit:
            if sent == stall:
                await _pause(call, fault.delay)
            step = _step(fault, sent, len(rest))
            await response.write(bytes(rest[:step]))
            sent += step
            rest = rest[step:]
            if fault.bytes_per_second is not None:
                await _pause(call, step / fault.bytes_per_second)
        if sent == limit:
            break
    return limit is not None


def _step(fault: Fault, sent: int, available: int) -> int:
    """Return how many bytes go out next."""
    bounds = [available]
    if fault.truncate_after is not None:
        bounds.append(fault.truncate_after - sent)
    if fault.stall_after is not None and sent < fault.stall_after:
        bounds.append(fault.stall_after - sent)
    if fault.bytes_per_second is not None:
        bounds.append(max(1, int(fault.bytes_per_second / _BEAT)))
    return min(bounds)


async def _pause(call: Call, seconds: float) -> None:
    await _flush(call.request)
    await anyio.sleep(seconds)


async def _flush(request: web.BaseRequest) -> None:
    """Wait until the kernel has everything that was written: an abort discards the rest."""
    transport = request.transport
    while transport is not None and transport.get_write_buffer_size():
        if transport.is_closing():
            return
        await anyio.sleep(0.001)
