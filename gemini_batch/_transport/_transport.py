"""One loop that sends requests: keys, limits on time, retries, typed errors."""

import io
import math
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import aiohttp
import anyio
import stamina

from gemini_batch._codec import Codec
from gemini_batch._transport._retry import backoff
from gemini_batch._transport._tasks import Tasks
from gemini_batch._version import __version__
from gemini_batch._wire._request import Pace, Request, Response, StreamedBody
from gemini_batch._wire.errors import MAX_ERROR_BODY, read_error
from gemini_batch._wire.files import check_own_url
from gemini_batch.errors import ApiError, TransportError
from gemini_batch.types import DeveloperAPI, Retry, Timeouts

T = TypeVar("T")
USER_AGENT = f"gemini-batch/{__version__}"

_LARGE_BODY = 65_536
_PIECE = 1 << 20


class ByteStream:
    """The body of an open answer, in pieces of at most 1 MiB. Owns nothing."""

    def __init__(self, raw: aiohttp.ClientResponse, request: Request) -> None:
        self._raw = raw
        self._request = request
        self.status = raw.status
        self.headers = _lower(raw)

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
        api: DeveloperAPI,
        codec: Codec,
        retry: Retry,
        timeouts: Timeouts,
    ) -> None:
        self._session = session
        self._api = api
        self._codec = codec
        self._timeouts = timeouts
        self.retry = retry
        self.tasks = Tasks()

    async def send(self, request: Request) -> Response:
        """Send `request` and read its answer, again where that is safe.

        Raises:
            ApiError: The service answered with an error status on the last try.
            TransportError: No answer arrived on the last try.
        """
        async for attempt in self._attempts(request):
            with attempt:
                try:
                    return await self.send_once(request)
                except ApiError as exc:
                    exc.tries = attempt.num
                    raise
        raise AssertionError("stamina ended without a result")  # pragma: no cover

    async def send_once(self, request: Request) -> Response:
        """Send `request` exactly once, for callers who decide themselves what follows."""
        raw = await self._start(request)
        async with raw:
            body = await _mapped(request, raw.read())
            return Response(status=raw.status, headers=_lower(raw), body=body)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[ByteStream]:
        """Open the answer to `request` as a stream, closed when the block ends.

        Opening is tried again; reading is not, because only the reader knows what it has.
        """
        raw: aiohttp.ClientResponse | None = None
        async for attempt in self._attempts(request):
            with attempt:
                raw = await self._start(request)
        assert raw is not None  # noqa: S101 - the loop above raises otherwise
        async with raw:
            try:
                yield ByteStream(raw, request)
            finally:
                if not raw.content.at_eof():
                    # Unread bytes: the connection cannot be used again.
                    raw.close()

    def _attempts(self, request: Request) -> AsyncIterator[stamina.Attempt]:
        retry = self.retry
        return aiter(
            stamina.retry_context(
                on=backoff(request, retry),
                attempts=retry.attempts,
                timeout=retry.timeout,
                wait_initial=retry.wait_initial,
                wait_max=retry.wait_max,
                wait_jitter=retry.wait_jitter,
            )
        )

    async def _start(self, request: Request) -> aiohttp.ClientResponse:
        """Send once; return the open answer, or raise its error and leave nothing open."""
        headers = {"User-Agent": USER_AGENT, **request.headers}
        if request.url is None:
            url = self._api.base_url + request.path
            headers["x-goog-api-key"] = self._api.api_key
        else:
            # The URL is the credential; the key is not sent with it.
            url = request.url
            check_own_url(url, self._api.base_url)
        if request.body is not None and "Content-Type" not in request.headers:
            own = request.url is None
            headers["Content-Type"] = (
                "application/json" if own else "application/octet-stream"
            )
        raw = await _mapped(request, self._exchange(request, url, headers))
        if raw.status < 300:  # noqa: PLR2004 - the border between success and the rest
            return raw
        async with raw:
            raise await self._error(raw, request)

    async def _exchange(
        self, request: Request, url: str, headers: dict[str, str]
    ) -> aiohttp.ClientResponse:
        async with self._standstill(request) as data:
            if isinstance(request.body, StreamedBody):
                headers["Content-Length"] = str(request.body.length)
            return await self._session.request(
                request.method,
                url,
                params=request.query or None,
                headers=headers,
                data=data,
                timeout=self._timeout(request),
                # aiohttp takes Authorization off a redirect to another origin, but not our
                # key header, and no endpoint we call is documented to redirect.
                allow_redirects=False,
                # The session may be borrowed: restate what we rely on.
                raise_for_status=False,
            )

    async def _error(self, raw: aiohttp.ClientResponse, request: Request) -> ApiError:
        try:
            body = await _mapped(request, _read_up_to(raw.content, MAX_ERROR_BODY))
        except TransportError:
            # The status has arrived, and it is what matters.
            body = b""
        finally:
            raw.close()
        return read_error(
            self._codec,
            status=raw.status,
            headers=_lower(raw),
            body=body,
            method=request.method,
            path=request.path,
        )

    def _timeout(self, request: Request) -> aiohttp.ClientTimeout:
        limits = self._timeouts
        if request.pace is Pace.SHORT:
            return aiohttp.ClientTimeout(total=limits.short, sock_connect=limits.connect)
        if request.pace is Pace.CREATE:
            return aiohttp.ClientTimeout(total=limits.create, sock_connect=limits.connect)
        return aiohttp.ClientTimeout(
            total=None, sock_connect=limits.connect, sock_read=limits.read
        )

    @asynccontextmanager
    async def _standstill(
        self, request: Request
    ) -> AsyncIterator[bytes | io.BytesIO | AsyncIterator[bytes] | None]:
        """Give the body to send, and bound the time in which nothing of it moves.

        aiohttp has no limit on writing, so the deadline is moved on with each piece it takes.
        """
        body = request.body
        if not isinstance(body, StreamedBody):
            # Made anew for each try: aiohttp consumes it, and warns of large plain bytes.
            large = body is not None and len(body) > _LARGE_BODY
            yield io.BytesIO(body) if body is not None and large else body
            return
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


def _lower(raw: aiohttp.ClientResponse) -> Mapping[str, str]:
    return {name.lower(): value for name, value in raw.headers.items()}


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
    except (aiohttp.ClientError, TimeoutError, OSError) as exc:
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
