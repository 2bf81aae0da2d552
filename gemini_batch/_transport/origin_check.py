"""Where a key may go."""

import ipaddress
from urllib.parse import urlsplit

from gemini_batch.errors import CredentialsError, SecurityError
from gemini_batch.types import DeveloperAPI, ErrorCode, VertexAI


def check_api(api: DeveloperAPI | VertexAI) -> None:
    """Check credentials and addresses before anything is sent.

    Raises:
        CredentialsError: There is no key, or it cannot be one; or there is no project.
        SecurityError: The key or a token would travel unprotected.
    """
    if isinstance(api, VertexAI):
        if not api.project:
            raise CredentialsError(
                message="there is no Google Cloud project",
                remedy="Set GOOGLE_CLOUD_PROJECT, or pass VertexAI(project=…).",
                code=ErrorCode.MISSING_PROJECT,
            )
        _check_url(api.base_url, "base_url", "token")
        _check_url(api.storage_url, "storage_url", "token")
        _check_url(api.bigquery_url, "bigquery_url", "token")
        return
    if not api.api_key:
        raise CredentialsError(
            message="there is no API key",
            remedy="Set GEMINI_API_KEY, or pass DeveloperAPI(api_key=…). To run without "
            "one, use the emulator.",
            code=ErrorCode.MISSING_API_KEY,
        )
    if not api.api_key.isascii() or not api.api_key.isprintable() or " " in api.api_key:
        # The key itself is not shown.
        raise CredentialsError(
            message="the API key has characters that no key has",
            remedy="Look for line breaks, spaces and quotes around it.",
            code=ErrorCode.INVALID_API_KEY,
        )
    _check_url(api.base_url, "base_url", "key")


def _check_url(text: str, field: str, secret: str) -> None:
    url = urlsplit(text)
    if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment:
        raise SecurityError(
            message=f"{field} must be https://host, without a query",
            field=field,
            code=ErrorCode.INVALID_URL,
        )
    if url.username is not None or url.password is not None:
        raise SecurityError(
            message=f"{field} must not have a user name or password",
            field=field,
            code=ErrorCode.INVALID_URL,
        )
    if url.scheme == "http" and not _is_loopback(url.hostname):
        raise SecurityError(
            message=f"the {secret} would be sent unencrypted to {url.hostname}",
            remedy="Use https: plain http is accepted for loopback addresses only.",
            field=field,
            code=ErrorCode.INSECURE_URL,
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
