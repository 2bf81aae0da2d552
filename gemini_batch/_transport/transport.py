"""One loop that sends requests: keys, limits on time, retries, typed errors."""

import io
import math
import re
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Coroutine,
    Mapping,
)
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, TypeVar, cast, get_args

import aiohttp
import anyio
from multidict import CIMultiDict
from yarl import URL

from gemini_batch._codec import Codec
from gemini_batch._transport.auth import AuthHeaders, open_auth
from gemini_batch._transport.background_tasks import BackgroundTasks
from gemini_batch._transport.fifo_limiter import FifoLimiter, Permit
from gemini_batch._transport.retry import send_with_retry
from gemini_batch._version import __version__
from gemini_batch._wire.api_errors import MAX_ERROR_BODY, read_error
from gemini_batch._wire.http import (
    Pace,
    Request,
    Response,
    Service,
    StreamedBody,
)
from gemini_batch._wire.trusted_url import check_own_url
from gemini_batch.errors import APIError, TransportError
from gemini_batch.types import DeveloperAPI, Retry, Timeouts, VertexAI

T = TypeVar("T")
USER_AGENT = f"gemini-batch/{__version__}"

AT_ONCE = 16
"""Calls under way at a time, transfers not counted. More only cost more: each is a socket,
and the service allows a project far fewer calls a second."""

_BARE_HEADERS = CIMultiDict({"User-Agent": USER_AGENT})
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._~:-]+").fullmatch
_FIRST_FAILURE = 300
_REFUSED = 401
_AIOHTTP_ERRORS = (aiohttp.ClientError, TimeoutError, OSError)
_LARGE_BODY = 65_536
_LARGE_ANSWER = 1 << 20
_MOMENT = 0.0001
_PIECE = 1 << 20


class ByteStream:
    """The body of an open answer, in pieces of at most 1 MiB. Owns nothing."""

    def __init__(self, raw: aiohttp.ClientResponse, request: Request) -> None:
        self._raw = raw
        self._request = request
        self.status = raw.status
        # Some come more than once, such as the digests of an object.
        self.headers = {k.lower(): ", ".join(raw.headers.getall(k)) for k in raw.headers}

    async def read(self) -> bytes:
        """Return the next piece; empty at the end.

        Raises:
            TransportError: The stream broke off.
        """
        return await _mapped(self._request, self._raw.content.read(_PIECE))


class Transport:
    """Sends requests over a session that somebody else opens and closes."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        api: DeveloperAPI | VertexAI,
        codec: Codec,
        retry: Retry,
        timeouts: Timeouts,
    ) -> None:
        self._session = session
        self._codec = codec
        self._timeouts = timeouts
        self._limits = {pace: _limits(pace, timeouts) for pace in Pace}
        # Thousands may wait for their turn here. aiohttp would let them wait as well, but
        # within the time that a call may take, and each with timers of its own.
        self.limiter = FifoLimiter(AT_ONCE)
        """Who has one may call."""

        self.retry = retry
        self.idle = True
        """Nothing has been sent: no connection was ever opened."""

        self.tasks = BackgroundTasks()
        """What runs beside the callers' tasks; closed with the client."""
        self._auth = open_auth(
            api, tasks=self.tasks, own_headers=_BARE_HEADERS, timeout=timeouts.short
        )
        self._bases = {
            service: _parsed(self._auth.origin(service)) for service in get_args(Service)
        }

    def send(
        self, request: Request, permit: Permit | None = None
    ) -> Coroutine[Any, Any, Response]:
        """Send `request` and read its answer, again where that is safe.

        Args:
            request: What to send.
            permit: One of `limiter` that the caller has waited for. It is given back after the
                first try: others have theirs while this call waits for its next.

        Raises:
            APIError: The service answered with an error status on the last try.
            TransportError: No answer arrived on the last try.
        """
        once = self.send_once if permit is None else partial(self.send_once, permit=permit)
        return send_with_retry(once, request, self.retry)

    async def send_once(self, request: Request, permit: Permit | None = None) -> Response:
        """Send `request` exactly once, for callers who decide themselves what follows."""
        if isinstance(request.body, StreamedBody):
            # It takes as long as it takes: calls would wait for its turn to end.
            return await _mapped(request, self._answer(request))
        if permit is None or not self.limiter.has(permit):
            permit = self.limiter.acquire()
        try:
            await permit
            return await _mapped(request, self._answer(request))
        finally:
            self.limiter.release(permit)

    async def _answer(self, request: Request) -> Response:
        raw = await self._start(request)
        # To its end, which releases the connection; any failure closes it. aiohttp's own way
        # waits for a body that is still being sent as well.
        body = await (_whole(raw) if request.body is None else raw.read())
        return Response(status=raw.status, headers=raw.headers, body=body)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[ByteStream]:
        """Open the answer to `request` as a stream, closed when the block ends.

        Opening is tried again; reading is not, because only the reader knows what it has.
        """
        raw = await send_with_retry(self._open, request, self.retry)
        async with raw:
            try:
                yield ByteStream(raw, request)
            finally:
                if not raw.content.at_eof():
                    # Unread bytes: the connection cannot be used again.
                    raw.close()

    async def _open(self, request: Request) -> aiohttp.ClientResponse:
        return await _mapped(request, self._start(request))

    async def _start(self, request: Request) -> aiohttp.ClientResponse:
        """Send once; return the open answer, or raise its error and leave nothing open.

        A token that is refused is replaced, and the request sent once more: it was turned
        away before any work was done.
        """
        # A URL of its own is the credential; neither key nor token is sent with it.
        auth_headers = None if request.url is not None else await self._auth.get_headers()
        refused: AuthHeaders | None = None
        while True:
            raw = await self._exchange(request, auth_headers)
            # The border between success and the rest, but for what a request expects.
            if raw.status < _FIRST_FAILURE or raw.status in request.answers:
                return raw
            error = await self._error(raw, request)
            if error.status_code != _REFUSED or auth_headers is None or refused is not None:
                raise error
            refused, auth_headers = auth_headers, await self._auth.replace(auth_headers)
            if auth_headers is None:
                raise error

    def _exchange(
        self, request: Request, auth_headers: AuthHeaders | None
    ) -> Awaitable[aiohttp.ClientResponse]:
        """Send once; return the open answer, whatever its status."""
        body = request.body
        if isinstance(body, StreamedBody):
            return self._stream_out(request, auth_headers, body)
        # Made anew for each try: aiohttp consumes it, and warns of large plain bytes.
        large = body is not None and len(body) > _LARGE_BODY
        return self._request(
            request, auth_headers, io.BytesIO(body) if body and large else body
        )

    async def _stream_out(
        self, request: Request, auth_headers: AuthHeaders | None, body: StreamedBody
    ) -> aiohttp.ClientResponse:
        async with self._standstill(body) as pieces:
            return await self._request(request, auth_headers, pieces)

    def _url(self, request: Request) -> str | URL:
        if request.url is not None:
            check_own_url(request.url, self._auth.origin(request.service))
            return request.url
        if _PLAIN_PATH(request.path):
            # Nothing to be quoted, and the rest is parsed already.
            base, prefix = self._bases[request.service]
            return base.with_path(prefix + request.path, encoded=True)
        return self._auth.origin(request.service) + request.path

    def _request(
        self,
        request: Request,
        auth_headers: AuthHeaders | None,
        data: bytes | io.BytesIO | AsyncIterator[bytes] | None,
    ) -> Awaitable[aiohttp.ClientResponse]:
        self.idle = False
        return self._session.request(
            request.method,
            self._url(request),
            params=request.query or None,
            headers=_headers(request, auth_headers),
            data=data,
            timeout=self._limits[request.pace],
            # aiohttp takes Authorization off a redirect to another origin, but not our
            # key header, and no endpoint we call is documented to redirect.
            allow_redirects=False,
            # The session may be borrowed: restate what we rely on.
            raise_for_status=False,
        )

    async def _error(self, raw: aiohttp.ClientResponse, request: Request) -> APIError:
        try:
            body = await _read_up_to(raw.content, MAX_ERROR_BODY)
        except _AIOHTTP_ERRORS:
            # The status has arrived, and it is what matters.
            body = b""
        finally:
            raw.close()
        return read_error(
            self._codec,
            status_code=raw.status,
            headers=raw.headers,
            body=body,
            method=request.method,
            path=request.path,
        )

    @asynccontextmanager
    async def _standstill(self, body: StreamedBody) -> AsyncIterator[AsyncIterator[bytes]]:
        """Give the pieces to send, and bound the time in which none of them moves.

        aiohttp has no limit on writing, so the deadline is moved on with each piece it takes.
        """
        patience = self._timeouts.connect + self._timeouts.read
        with anyio.move_on_after(patience) as scope:
            pieces = _moving(body, scope, patience)
            try:
                yield pieces
            finally:
                # While aiohttp's task still runs it, it ends with that task.
                with suppress(RuntimeError):
                    await pieces.aclose()
        if scope.cancelled_caught:
            raise TimeoutError("the upload stood still")


def _parsed(origin: str) -> tuple[URL, str]:
    """Return a URL that paths are below, and what they begin with."""
    url = URL(origin)
    return url, url.raw_path.rstrip("/")


def _headers(request: Request, auth_headers: AuthHeaders | None) -> Mapping[str, str]:
    own = _BARE_HEADERS if auth_headers is None else auth_headers.headers
    body = request.body
    if body is None and not request.headers:
        return own
    merged = {**request.headers, **own}
    if body is not None:
        kind = "application/octet-stream" if auth_headers is None else "application/json"
        merged.setdefault("Content-Type", kind)
    if isinstance(body, StreamedBody):
        merged["Content-Length"] = str(body.length)
    return merged


def _limits(pace: Pace, timeouts: Timeouts) -> aiohttp.ClientTimeout:
    connect = timeouts.connect
    if pace is Pace.STREAM:
        return aiohttp.ClientTimeout(
            total=None, sock_connect=connect, sock_read=timeouts.read
        )
    total = timeouts.short if pace is Pace.SHORT else timeouts.create
    return aiohttp.ClientTimeout(total=total, sock_connect=connect)


async def _moving(
    body: StreamedBody, scope: anyio.CancelScope, patience: float
) -> AsyncGenerator[bytes, None]:
    """Yield a body's pieces, moving a scope's deadline on with each that is taken."""
    source = body.open()
    try:
        async for piece in source:
            scope.deadline = anyio.current_time() + patience
            yield piece
            # What follows is our own time: a slow disk, a slow callback.
            scope.deadline = math.inf
    finally:
        await source.aclose()
    scope.deadline = anyio.current_time() + patience


async def _read_up_to(content: aiohttp.StreamReader, most: int) -> bytes:
    pieces = []
    held = 0
    while held < most and (piece := await content.read(most - held)):
        pieces.append(piece)
        held += len(piece)
    return b"".join(pieces)


async def _whole(raw: aiohttp.ClientResponse) -> bytes:
    """Read an answer to its end. A large one is put together in place.

    Pieces that are joined at the end, as aiohttp does, are there twice, and joining them
    holds the loop up.
    """
    content = raw.content
    try:
        body = await content.readany()
        if content.at_eof():
            return body
        gathered = bytearray(body)
        while piece := await content.readany():
            gathered += piece
        if len(gathered) >= _LARGE_ANSWER:
            # Going through it takes a while: whoever's time has come goes first.
            await anyio.sleep(_MOMENT)
    except BaseException:
        raw.close()
        raise
    # As good as bytes to those who read it, and not copied.
    return cast("bytes", gathered)


async def _mapped(request: Request, work: Awaitable[T]) -> T:
    """Await `work`, turning what aiohttp raises into `TransportError`.

    Texts of aiohttp's errors may quote a URL that is a secret, and one of them holds our
    headers, the key among them. Such an error is no cause of ours, nor its context: ours is
    raised after theirs has been dealt with.
    """
    cause: BaseException | None
    try:
        return await work
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as exc:
        error = _transport_error(request, exc, maybe_received=False)
        cause = None if request.url is not None else exc
    except aiohttp.ClientResponseError as exc:
        error = _transport_error(request, exc, detail=exc.message)
        cause = None
    except _AIOHTTP_ERRORS as exc:
        error = _transport_error(request, exc)
        cause = None if request.url is not None else exc
    raise error from cause


def _transport_error(
    request: Request,
    exc: BaseException,
    *,
    detail: str | None = None,
    maybe_received: bool = True,
) -> TransportError:
    if detail is None:
        # Texts of these errors name host and port at most; URLs with tokens are not in them.
        detail = "" if request.url is not None else str(exc)
    what = f"{type(exc).__name__}: {detail}" if detail else type(exc).__name__
    return TransportError(
        message=f"{request.method} {request.path}: {what}", maybe_received=maybe_received
    )
