"""A server that answers with bytes as they are, for what no emulator would say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gemini_batch import DeveloperAPI


def http(status: str, *headers: str, body: bytes = b"", length: int | None = None) -> bytes:
    """Return an answer; `length` tells another length than the body has."""
    size = len(body) if length is None else length
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {size}", "Connection: close"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def raw_server(*answers: bytes) -> AsyncIterator[DeveloperAPI]:
    """Serve `answers` one after another, the last one for ever; close after each."""
    waiting = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                await reader.readexactly(int(value))
        writer.write(waiting.pop(0) if len(waiting) > 1 else waiting[0])
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield DeveloperAPI(api_key="key", base_url=f"http://127.0.0.1:{port}")
