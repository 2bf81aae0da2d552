"""Where connections come in: the listening socket, which can be shut for a while."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

# Handlers that still run when the emulator closes get this many real seconds.
_CLOSING_TIME: Final = 0.05

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Listener:
    """A web server's socket and connections.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        """The port in use, once they have been open."""

        self._runner: web.ServerRunner | None = None
        self._server: web.Server | None = None
        self._site: web.TCPSite | None = None

    async def open(self, handler: Handler) -> None:
        """Listen, and let `handler` answer."""
        self._server = web.Server(handler, access_log=None)
        self._runner = web.ServerRunner(self._server, shutdown_timeout=_CLOSING_TIME)
        await self._runner.setup()
        await self._listen()

    async def _listen(self) -> None:
        if self._runner is None:
            raise RuntimeError("the emulator does not run")
        self._site = web.TCPSite(self._runner, self.host, self.port)
        await self._site.start()
        self.port = self._runner.addresses[0][1]

    async def shut(self) -> bool:
        """Stop listening and cut every connection; False if they are shut already."""
        site, self._site = self._site, None
        if site is None or self._server is None:
            return False
        await site.stop()
        for connection in tuple(self._server.connections):
            if connection.transport is not None:
                connection.transport.abort()
        return True

    async def reopen(self) -> None:
        """Listen again, on the same port."""
        await self._listen()

    async def aclose(self) -> None:
        """Stop for good."""
        if self._runner is not None:
            await self._runner.cleanup()
