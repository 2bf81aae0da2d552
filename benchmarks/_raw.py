"""HTTP over a blocking socket: the floor of jobs that send much, and the proof that a job's
server is faster than what is measured with it."""

import socket
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class RawClient:
    """One connection to a server of ours. Knows no more of HTTP than such a server needs."""

    def __init__(self, url: str, context: ssl.SSLContext | None = None) -> None:
        target = urlsplit(url)
        assert target.hostname is not None
        assert target.port is not None
        self._host = target.netloc
        connection = socket.create_connection((target.hostname, target.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            connection = context.wrap_socket(connection, server_hostname=target.hostname)
        self._socket = connection
        self._answers = connection.makefile("rb")

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        length: int = 0,
    ) -> None:
        """Send the head of a request with a body of `length` bytes."""
        own = {"Host": self._host, "Content-Length": str(length)}
        lines = [f"{name}: {value}" for name, value in {**own, **(headers or {})}.items()]
        self.send("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode())

    def send(self, data: bytes | memoryview) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def answer(self) -> tuple[dict[str, str], bytes]:
        """Return headers and body of an answer, which must be of status 200."""
        first = self._answers.readline()
        if b" 200 " not in first:
            raise RuntimeError(f"the server answered {first!r}")
        headers = {}
        while line := self._answers.readline().strip():
            name, _, value = line.decode("latin-1").partition(": ")
            headers[name] = value
        return headers, self._answers.read(int(headers["Content-Length"]))

    def close(self) -> None:
        """Close the connection."""
        self._answers.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
