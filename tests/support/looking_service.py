"""A service that takes note of who asks, and refuses when it is told to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from attrs import define, field

from tests.support.web import everything, serving


@define
class Service:
    """What it has seen, and what it refuses."""

    url: str = ""
    seen: list[dict[str, str]] = field(factory=list)
    refuse: int = 0
    """How many of the next calls are refused."""

    @property
    def tokens(self) -> list[str]:
        return [headers.get("Authorization", "") for headers in self.seen]


@asynccontextmanager
async def service_that_looks() -> AsyncIterator[Service]:
    service = Service()

    async def answer(request: web.Request) -> web.StreamResponse:
        service.seen.append(dict(request.headers))
        if service.refuse:
            service.refuse -= 1
            return web.json_response({"error": {"code": 401, "message": "no"}}, status=401)
        return web.json_response({})

    async with serving(everything(answer)) as service.url:
        yield service
