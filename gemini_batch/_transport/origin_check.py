"""Where a key may go."""

import ipaddress
from urllib.parse import urlsplit

from gemini_batch.errors import CredentialsError, SecurityError
from gemini_batch.types import DeveloperAPI, VertexAI


def check_api(api: DeveloperAPI | VertexAI) -> None:
    """Check credentials and addresses before anything is sent.

    Raises:
        CredentialsError: There is no key, or it cannot be one; or there is no project.
        SecurityError: The key or a token would travel unprotected.
    """
    if isinstance(api, VertexAI):
        if not api.project:
            raise CredentialsError(
                message="there is no project: set GOOGLE_CLOUD_PROJECT, or pass "
                "VertexAI(project=...)"
            )
        _check_url(api.base_url, "base", "token")
        _check_url(api.storage_url, "storage", "token")
        _check_url(api.bigquery_url, "BigQuery", "token")
        return
    if not api.api_key:
        raise CredentialsError(
            message="there is no API key: set GEMINI_API_KEY, or pass "
            "DeveloperAPI(api_key=...). To run without one, use the emulator"
        )
    if not api.api_key.isascii() or not api.api_key.isprintable() or " " in api.api_key:
        # The key itself is not shown.
        raise CredentialsError(message="the API key has characters that no key has")
    _check_url(api.base_url, "base", "key")


def _check_url(text: str, which: str, secret: str) -> None:
    url = urlsplit(text)
    if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment:
        raise SecurityError(
            message=f"the {which} URL must be https://host, without a query"
        )
    if url.username is not None or url.password is not None:
        raise SecurityError(
            message=f"the {which} URL must not hold a user name or password"
        )
    if url.scheme == "http" and not _is_loopback(url.hostname):
        raise SecurityError(
            message=f"the {secret} would travel unprotected to {url.hostname}: use https "
            "(plain http is accepted for loopback addresses only)"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
