"""The address the emulator is reached at, which its answers have to repeat."""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from attrs import frozen

# What one listens on to be reached at every address -> what reaches it on this machine.
_EVERYWHERE: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
_HOST: Final = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


@frozen
class Address:
    """Where the emulator listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """Scheme, host and port, for clients on this machine."""
        host = _EVERYWHERE.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def seen_by(self, request: web.BaseRequest) -> str:
        """Return the URL under which a client knows the emulator."""
        named = host_named(request)
        near = named == "localhost" or is_loopback(named)
        trusted = near or self.host in _EVERYWHERE
        if trusted and _HOST.fullmatch(request.host):
            return f"http://{request.host}"
        return self.url


def host_named(request: web.BaseRequest) -> str:
    """Return the name a client calls the emulator by; empty if it makes no sense."""
    try:
        return urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return ""


def is_loopback(address: str) -> bool:
    """Tell whether an address is one of this machine for itself."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
