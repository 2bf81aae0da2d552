"""How a request gets in: the key of the Developer API, or an access token of Google Cloud."""

import asyncio
import copy
import datetime as dt
import math
from collections.abc import Mapping
from typing import Any, Protocol

import anyio
from anyio import to_thread
from attrs import field, frozen
from multidict import CIMultiDict

from gemini_batch._transport.background_tasks import BackgroundTasks
from gemini_batch._transport.google_credentials import refresh, scoped
from gemini_batch._wire.http import Service
from gemini_batch.errors import CredentialsError, GeminiBatchError, TransportError
from gemini_batch.types import DeveloperAPI, ErrorCode, VertexAI

EARLY = 225.0
"""Seconds before a token expires when a new one is fetched. The metadata server of Google
Cloud has no new one to give before the last four minutes."""

_LAST = 10.0  # seconds a token must have left for a call
_PAUSE = 10.0  # seconds between two tries ahead of time; calls still have a token meanwhile


@frozen(kw_only=True)
class AuthHeaders:
    """Headers that let requests in, until they are refused."""

    headers: Mapping[str, str] = field(repr=False)
    serial: int = 0
    """How many tokens had been fetched when it was made."""


class Auth(Protocol):
    """Where requests of one API go, and what lets them in."""

    def origin(self, service: Service) -> str:
        """Return the URL that paths of a service are below."""
        ...

    async def get_headers(self) -> AuthHeaders:
        """Return what lets requests in.

        Raises:
            CredentialsError: There are no usable credentials.
            TransportError: Who gives them could not be reached.
        """
        ...

    async def replace(self, refused: AuthHeaders) -> AuthHeaders | None:
        """Return other headers than those that were refused; None where there is no other.

        Raises what `get_headers` does.
        """
        ...


def open_auth(
    api: DeveloperAPI | VertexAI,
    *,
    tasks: BackgroundTasks,
    own_headers: Mapping[str, str],
    timeout: float,
) -> Auth:
    """Return the access to `api`.

    Args:
        api: The API, checked.
        tasks: Where tokens are fetched.
        own_headers: What else every request has.
        timeout: Seconds until a token must have been fetched.
    """
    if isinstance(api, VertexAI):
        return TokenAuth(api, tasks=tasks, own_headers=own_headers, timeout=timeout)
    return KeyAuth(api, own_headers)


class KeyAuth:
    """Lets requests in with the API key."""

    def __init__(self, api: DeveloperAPI, own_headers: Mapping[str, str]) -> None:
        self._base_url = api.base_url
        # Of aiohttp's own kind, so that it need not be converted for each request.
        headers = CIMultiDict({**own_headers, "x-goog-api-key": api.api_key})
        self._headers = AuthHeaders(headers=headers)

    def origin(self, _: Service) -> str:
        """Return the one base URL."""
        return self._base_url

    async def get_headers(self) -> AuthHeaders:
        """Return the headers: they are always the same."""
        return self._headers

    async def replace(self, _: AuthHeaders) -> None:
        """Return None: there is but one key."""


class TokenAuth:
    """Lets requests in with access tokens of Google Cloud, fetched ahead of their end.

    However many calls wait, one thread fetches. Who stops waiting does not stop it for the
    others; when it fails, it fails for those who wait, and the next call tries again.
    """

    def __init__(
        self,
        api: VertexAI,
        *,
        tasks: BackgroundTasks,
        own_headers: Mapping[str, str],
        timeout: float,
    ) -> None:
        self._origins: Mapping[Service, str] = {
            "api": api.base_url,
            "storage": api.storage_url,
            "bigquery": api.bigquery_url,
        }
        self._credentials = scoped(api.credentials)
        self._tasks = tasks
        self._own_headers = own_headers
        self._timeout = timeout
        self._fetching: asyncio.Task[GeminiBatchError | None] | None = None
        self._fetched = 0
        self._early = EARLY
        self._not_before = -math.inf

    def origin(self, service: Service) -> str:
        """Return the URL that paths of a service are below."""
        return self._origins[service]

    async def get_headers(self) -> AuthHeaders:
        """Return what lets requests in; wait for it where there is none."""
        return self._at_hand() or await self._fetched_headers()

    async def replace(self, refused: AuthHeaders) -> AuthHeaders:
        """Fetch another token, unless that has been done since `refused` was made."""
        if self._fetched > refused.serial:
            return await self.get_headers()
        return await self._fetched_headers()

    def _at_hand(self) -> AuthHeaders | None:
        """Return the headers of the token there is; None if there is none, or none for long.

        A token whose end is near is still good: the next one is fetched meanwhile.
        """
        credentials = self._credentials
        if credentials is None:
            return None
        left = _seconds_left(credentials)
        if left <= min(_LAST, self._early):
            return None
        if left < self._early and asyncio.get_running_loop().time() >= self._not_before:
            self._fetch_once()
        return self._headers_of(credentials)

    async def _fetched_headers(self) -> AuthHeaders:
        """Fetch a token, or wait for the one that is being fetched."""
        task = self._fetch_once()
        await asyncio.wait({task})
        if task.cancelled():
            raise CredentialsError(
                message="the client was closed while it waited for an access token"
            )
        failure = task.result()
        if failure is not None:
            # Each who waits has an error of their own: tracebacks grow on them.
            raise copy.copy(failure)
        return self._headers_of(self._credentials)

    def _fetch_once(self) -> asyncio.Task[GeminiBatchError | None]:
        if self._fetching is None or self._fetching.done():
            self._fetching = self._tasks.start(self._fetch())
        return self._fetching

    async def _fetch(self) -> GeminiBatchError | None:
        """Fetch a token in a thread; return what went wrong, for all who wait."""
        self._not_before = asyncio.get_running_loop().time() + _PAUSE
        with anyio.move_on_after(self._timeout) as scope:
            try:
                self._credentials = await to_thread.run_sync(
                    refresh,
                    self._credentials,
                    # A thread that stands still must not keep the client from closing.
                    abandon_on_cancel=True,
                    limiter=anyio.CapacityLimiter(1),
                )
            except (CredentialsError, TransportError) as exc:
                return exc
        if scope.cancelled_caught:
            return TransportError(
                message=f"no access token came within {self._timeout:.0f} s",
                maybe_received=False,
            )
        self._fetched += 1
        # A token that lives but minutes is not fetched anew at every call.
        self._early = min(EARLY, max(0.0, _seconds_left(self._credentials)) / 4)
        return None

    def _headers_of(self, credentials: Any) -> AuthHeaders:
        headers = dict(self._own_headers)
        if token := credentials.token:
            if not (token.isascii() and token.isprintable()) or " " in token:
                # The token itself is not shown.
                raise CredentialsError(
                    message="the access token has characters that no token has",
                    code=ErrorCode.INVALID_CREDENTIALS,
                )
            headers["Authorization"] = f"Bearer {token}"
        if quota_project := getattr(credentials, "quota_project_id", None):
            headers["x-goog-user-project"] = quota_project
        return AuthHeaders(headers=headers, serial=self._fetched)


def _seconds_left(credentials: Any) -> float:
    """Return for how long credentials let requests in: infinite where they do not end."""
    if not credentials.token:
        # Anonymous credentials are valid without a token.
        return math.inf if getattr(credentials, "valid", False) else 0.0
    expiry: dt.datetime | None = credentials.expiry
    if expiry is None:
        return math.inf
    # google-auth writes UTC without saying so.
    aware = expiry if expiry.tzinfo is not None else expiry.replace(tzinfo=dt.UTC)
    return (aware - dt.datetime.now(dt.UTC)).total_seconds()
