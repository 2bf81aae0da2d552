"""URLs that the service hands out: followed only where they are the service's own."""

from urllib.parse import urlsplit

from gemini_batch.errors import SecurityError


def check_own_url(url: str, base_url: str) -> None:
    """Refuse a URL from an answer that leads away from the API.

    Raises:
        SecurityError: It is neither of the same origin as the base URL, nor https on the
            same registrable domain. The URL is not repeated: it is a credential.
    """
    target, base = urlsplit(url), urlsplit(base_url)
    if (target.scheme, target.netloc) == (base.scheme, base.netloc):
        return
    host, own = target.hostname or "", base.hostname or ""
    domain = ".".join(own.rsplit(".", 2)[-2:])
    if (
        target.scheme == "https"
        and domain == "googleapis.com"
        and host.endswith(f".{domain}")
        and target.username is None
    ):
        return
    raise SecurityError(
        message=f"the service gave an upload URL on another host ({host or 'none'}); "
        "nothing was sent there"
    )
