"""Reads the bodies of uploads as they arrive."""

from collections.abc import AsyncGenerator

from gemini_batch.testing.emulator.http.delivery import DroppedError
from gemini_batch.testing.emulator.http.web import Call


async def pieces(call: Call) -> AsyncGenerator[bytes, None]:
    """Yield the body as it arrives, up to where a fault cuts it.

    Raises:
        DroppedError: The fault's limit was reached.
    """
    limit = None if call.fault is None else call.fault.drop_body_after
    async for piece in call.request.content.iter_any():
        if limit is not None and call.received + len(piece) >= limit:
            yield piece[: limit - call.received]
            call.received = limit
            raise DroppedError
        call.received += len(piece)
        yield piece
    if limit is not None:
        raise DroppedError


async def discard(call: Call) -> None:
    """Read the rest of the body and forget it."""
    async for piece in call.request.content.iter_any():
        call.received += len(piece)
