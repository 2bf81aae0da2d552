"""The client's own session."""

import aiohttp

from gemini_batch._transport.transport import AT_ONCE

_CONNECTIONS = 2 * AT_ONCE  # for calls, and for as many transfers


def open_session() -> aiohttp.ClientSession:
    """Open a session of our own. Must be called inside a running event loop.

    It reads nothing of the environment: with ``trust_env`` aiohttp would send what it finds
    in ``~/.netrc``. Callers who want a proxy pass a session.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
