"""A TCP proxy that cuts connections after so many bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from attrs import define, field


@define
class Cuts:
    """Which of the next connections are cut, and where."""

    url: str = ""
    up: list[int | None] = field(factory=list)
    """For each connection to come, bytes of requests that pass; None lets all pass."""

    down: list[int | None] = field(factory=list)
    """The same of answers."""

    made: int = 0
    """Cuts so far."""


@asynccontextmanager
async def cutting_proxy(port: int) -> AsyncIterator[Cuts]:
    """Pass on to a port of this machine what comes, cut as the block asks.

    A request whose head is cut is not passed on at all: no server acts on half a head, except
    for Python's own, which takes what it got for the whole.
    """
    cuts = Cuts()
    serving: set[asyncio.Task[None]] = set()

    async def serve(near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        up = cuts.up.pop(0) if cuts.up else None
        down = cuts.down.pop(0) if cuts.down else None
        try:
            # Not passed on in part.
            head = await near.readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError):
            head = b""
        if not head or (up is not None and up < len(head)):
            cuts.made += bool(head)
            back.close()
            return
        far, forth = await asyncio.open_connection("127.0.0.1", port)
        forth.write(head)
        left = None if up is None else up - len(head)
        flows = {
            asyncio.ensure_future(_flow(near, forth, left)),
            asyncio.ensure_future(_flow(far, back, down)),
        }
        try:
            waiting = flows
            while waiting:
                done, waiting = await asyncio.wait(
                    waiting, return_when=asyncio.FIRST_COMPLETED
                )
                if any(flow.result() for flow in done):
                    cuts.made += 1
                    break
        finally:
            for flow in flows:
                flow.cancel()
            forth.close()
            back.close()

    def start(near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(serve(near, back))
        serving.add(task)
        task.add_done_callback(serving.discard)

    server = await asyncio.start_server(start, "127.0.0.1", 0)
    try:
        cuts.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield cuts
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def _flow(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, most: int | None
) -> bool:
    """Pass bytes on; True if there were more than may pass."""
    with suppress(OSError):
        while piece := await source.read(1 << 16):
            if most is not None and len(piece) > most:
                sink.write(piece[:most])
                await sink.drain()
                return True
            most = None if most is None else most - len(piece)
            sink.write(piece)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
    return False
