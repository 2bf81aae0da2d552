"""The way of one request: log, fault, route, key, handler, answer."""

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import aiohttp
import anyio
import anyio.lowlevel
from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError
from attrs import frozen
from multidict import CIMultiDict

from gemini_batch.testing.emulator.control import PREFIX, Control
from gemini_batch.testing.emulator.core.errors import (
    Refusal,
    invalid,
    missing_key,
    wrong_key,
)
from gemini_batch.testing.emulator.core.request_log import LogEntry
from gemini_batch.testing.emulator.fault_effects import apply_fault_effects
from gemini_batch.testing.emulator.google_cloud.tokens import Tokens
from gemini_batch.testing.emulator.http.apis import EmulatedApi, api_of_path, refused
from gemini_batch.testing.emulator.http.delivery import (
    DroppedError,
    deliver_again,
    travels_badly,
)
from gemini_batch.testing.emulator.http.fault_plan import FaultPlan
from gemini_batch.testing.emulator.http.listener import Listener
from gemini_batch.testing.emulator.http.web import (
    LOGGED_BODY,
    Call,
    raw_answer,
    read_unprocessed,
)
from gemini_batch.testing.faults import Fault

Handler = Callable[[Call], Awaitable[web.StreamResponse]]

_LOGGER: Final = logging.getLogger(__name__)
_SECRETS: Final = frozenset(("x-goog-api-key", "authorization", "key"))
# What reading or writing raises when the client has left in the middle.
_CLIENT_GONE: Final = (ConnectionError, aiohttp.ClientPayloadError, web.RequestPayloadError)
_NOT_FOUND: Final = (
    "<!DOCTYPE html>\n<html lang=en>\n  <title>Error 404 (Not Found)!!1</title>\n"
    "  <p>The requested URL was not found on this server.\n</html>\n"
)


@frozen
class Route:
    """One method of the service."""

    method: str
    path: re.Pattern[str]
    """Matches the whole path; its named groups reach the handler."""

    handler: Handler


def route(method: str, path: str, handler: Handler) -> Route:
    """Make a route. ``{version}`` and ``{id}`` stand for what they say."""
    pattern = path.replace("{version}", "(?P<version>v1|v1beta)")
    return Route(method, re.compile(pattern.replace("{id}", "(?P<id>[^/:]+)")), handler)


@frozen(kw_only=True)
class Dispatcher:
    """Answers every request of the server."""

    api_key: str
    tokens: Tokens
    routes: Sequence[Route]
    plan: FaultPlan
    doors: Listener
    log: list[LogEntry]
    access_log: Callable[[LogEntry], None] | None
    control: Control | None = None
    """Answers what is under its prefix; None if nobody may steer the emulator so."""

    before_answer: Callable[[], None] = lambda: None
    """Called when a request has been dealt with."""

    before_google: Callable[[], Awaitable[None]]
    """Called when a request for Google Cloud comes in."""

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, or cut its connection."""
        if self.control is not None and request.path.startswith(PREFIX):
            answer = await self.control(request)
            self.before_answer()
            return answer
        headers = CIMultiDict(request.headers)
        for name in _SECRETS:
            headers.popall(name, None)
        query = {name: text for name, text in request.query.items() if name not in _SECRETS}
        entry = LogEntry(
            method=request.method, path=request.path, query=query, headers=headers
        )
        # Noted on arrival, so that it is there when the client has its answer.
        self.log.append(entry)
        if api_of_path(request.path) is not EmulatedApi.DEVELOPER:
            await self.before_google()
        fault = self.plan.take(
            request.method, request.path, request.headers, partial="fields" in query
        )
        call = Call(request=request, fault=fault)
        try:
            response = await self._respond(call)
        except (DroppedError, *_CLIENT_GONE):
            response = _cut(request)
        else:
            entry.status = response.status
        entry.bytes_in = call.received
        if call.body is not None and len(call.body) <= LOGGED_BODY:
            entry.body = call.body
        self._tell(entry)
        return response

    def _tell(self, entry: LogEntry) -> None:
        if self.access_log is None:
            return
        try:
            self.access_log(entry)
        except Exception:
            # The request has been dealt with; its client shall not suffer.
            _LOGGER.exception("The access log failed")

    async def _respond(self, call: Call) -> web.StreamResponse:
        """Return the answer, faults included.

        Raises:
            DroppedError: There is to be none.
        """
        fault = call.fault
        if fault is None:
            return await self._process(call)
        pause = 0.0 if fault.stall_after is not None else fault.delay
        if fault.refuse is not None:
            await self._refuse(fault.refuse)
        if fault.status is not None:
            await read_unprocessed(call)
            await anyio.sleep(pause)
            if fault.body is None:
                answer = refused(call.request, Refusal(fault.status))
            else:
                answer = raw_answer(fault.body, status=fault.status)
            return await _finish(call, fault, answer)
        if fault.drop == "before":
            await anyio.sleep(pause)
            raise DroppedError
        reads = call.request.method == "GET"
        # A download is on its way once it is processed; it has to be held up before.
        await anyio.sleep(pause if reads else 0)
        response = await self._process(call)
        await anyio.sleep(0 if reads else pause)
        if fault.drop == "after":
            raise DroppedError
        return await _finish(call, fault, response)

    async def _refuse(self, seconds: float) -> None:
        """Let nobody in for a while.

        Raises:
            DroppedError: Always; the request is among those cut.
        """
        # The handler outlives its connection, so it can be the one that opens again.
        if await self.doors.shut():
            await anyio.sleep(seconds)
            await self.doors.reopen()
        raise DroppedError

    async def _process(self, call: Call) -> web.StreamResponse:
        try:
            handler = self._admitted(call)
            if handler is None:
                return web.Response(status=404, text=_NOT_FOUND, content_type="text/html")
            answer = await handler(call)
            self.before_answer()
            return answer  # noqa: TRY300 - an `else` would be outside
        except Refusal as refusal:
            return refused(call.request, refusal)
        except web.RequestPayloadError as error:
            if not isinstance(error.__cause__, ContentEncodingError):
                raise
            told = invalid("The body is not compressed as it says.")
            return refused(call.request, told)

    def _admitted(self, call: Call) -> Handler | None:
        """Return what handles a request; None if there is no such method.

        Raises:
            Refusal: The key is missing or wrong.
        """
        request = call.request
        for candidate in self.routes:
            match = candidate.path.fullmatch(request.path)
            if match is None or candidate.method != request.method:
                continue
            call.names = match.groupdict()
            call.version = call.names.get("version", "")
            # The URL of an upload session is its own credential.
            if "upload_id" not in request.query:
                self._check_caller(request)
            return candidate.handler
        return None

    def _check_caller(self, request: web.BaseRequest) -> None:
        if api_of_path(request.path) is not EmulatedApi.DEVELOPER:
            self.tokens.check(request)
            return
        key = request.headers.get("x-goog-api-key") or request.query.get("key")
        if not key:
            raise missing_key()
        if key != self.api_key:
            raise wrong_key()


class Gate:
    """Lets requests through to the dispatcher, and turns them all back in the end.

    A handler is not bothered when its client goes away, as at the service: what it makes is
    made. That is why the handlers still at work have to be stopped one by one.
    """

    target: Dispatcher

    def __init__(self) -> None:
        self._inside: set[anyio.CancelScope] = set()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        scope = anyio.CancelScope()
        self._inside.add(scope)
        try:
            with scope:
                return await self.target(request)
        finally:
            self._inside.discard(scope)
        return _cut(request)

    async def close(self) -> None:
        """Stop the handlers still at work, and wait until they have."""
        for scope in tuple(self._inside):
            scope.cancel()
        while self._inside:
            await anyio.lowlevel.checkpoint()
        # A cut connection tells its protocol in the next turn of the loop.
        await anyio.lowlevel.checkpoint()


async def _finish(
    call: Call, fault: Fault, response: web.StreamResponse
) -> web.StreamResponse:
    """Return an answer with what `fault` does to it.

    Raises:
        DroppedError: It was sent in part.
    """
    if response.prepared:
        return response
    response = apply_fault_effects(call, fault, response)
    response.headers.update(fault.headers)
    if isinstance(response, web.Response) and travels_badly(fault):
        return await deliver_again(call, response)
    return response


def _cut(request: web.BaseRequest) -> web.StreamResponse:
    """Abort the connection. The answer returned is never sent; aiohttp wants one."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
