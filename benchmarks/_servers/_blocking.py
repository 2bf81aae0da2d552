"""A server of blocking threads, one per connection, as lean as Python allows: what is
measured is to be the client."""

import json
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from benchmarks._certificates import CERTIFICATE
from benchmarks._servers._tls import TlsSocket

_BLOCK = 1 << 20
_HEAD_END = b"\r\n\r\n"


@frozen(kw_only=True)
class Head:
    """What a request begins with."""

    method: str
    path: str
    """Without the query."""

    headers: Mapping[str, str]
    """Names in lower case."""

    @property
    def length(self) -> int:
        """Bytes of the body."""
        return int(self.headers.get("content-length", "0"))


class Connection:
    """One connection, read into one buffer."""

    def __init__(self, connection: socket.socket | TlsSocket) -> None:
        self._socket = connection
        self._block = memoryview(bytearray(_BLOCK))
        # What came along with a head and belongs to its body.
        self._rest = b""

    def head(self) -> Head | None:
        """Read the next head; None if the client has closed."""
        data = self._rest
        while _HEAD_END not in data:
            count = self._socket.recv_into(self._block)
            if not count:
                return None
            data += self._block[:count]
        head, _, self._rest = data.partition(_HEAD_END)
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = dict(line.split(":", 1) for line in lines)
        return Head(
            method=method,
            path=target.partition("?")[0],
            headers={name.lower(): value.strip() for name, value in headers.items()},
        )

    def body(self, head: Head) -> bytearray:
        """Read a body and keep it."""
        body = bytearray(head.length)
        view = memoryview(body)
        done = len(self._rest)
        view[:done] = self._rest
        self._rest = b""
        while done < head.length:
            if not (count := self._socket.recv_into(view[done:])):
                raise ConnectionError("the client left within a body")
            done += count
        return body

    def discard(self, head: Head) -> int:
        """Read a body and forget it; return how many bytes it had."""
        done = len(self._rest)
        self._rest = b""
        length, block, receive = head.length, self._block, self._socket.recv_into
        while done < length:
            # Nothing follows a body before it is answered: no need to stop at its end.
            if not (count := receive(block)):
                raise ConnectionError("the client left within a body")
            done += count
        return done

    def answer(
        self,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        status: str = "200 OK",
    ) -> None:
        """Send a whole answer."""
        head = head_of(len(body), headers, status=status)
        if len(body) < _BLOCK:
            self._socket.sendall(head + body)
        else:
            # Not worth a copy.
            self._socket.sendall(head)
            self._socket.sendall(body)

    def answer_json(self, value: Any, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer of status 200 in JSON."""
        self.answer(json.dumps(value).encode(), headers)

    def missing(self) -> None:
        """Send that there is no such thing."""
        self.answer(b"{}", status="404 Not Found")


def head_of(
    length: int, headers: Mapping[str, str] | None = None, *, status: str = "200 OK"
) -> bytes:
    """Return the head of an answer."""
    own = {"Content-Type": "application/json; charset=UTF-8", "Content-Length": str(length)}
    lines = [f"{name}: {value}" for name, value in {**own, **(headers or {})}.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def tls_context(data: Path) -> ssl.SSLContext:
    """Return the context of a server whose certificate is in the data folder."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(data / CERTIFICATE)
    return context


def serve(
    answer: Callable[[Connection, Head, str], None], *, tls: ssl.SSLContext | None = None
) -> None:
    """Print the base URL, and answer until standard input ends.

    Args:
        answer: Reads the body of a request, if it has one, and answers it. Its last argument
            is the base URL.
        tls: Given, the server speaks TLS, and calls itself localhost.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}" if tls is None else f"https://localhost:{port}"

    def talk(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with connection:
                ours = Connection(connection if tls is None else TlsSocket(connection, tls))
                while (head := ours.head()) is not None:
                    answer(ours, head, url)
        except (ConnectionError, ssl.SSLError):
            return  # clients come and go

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=talk, args=[connection], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(url, flush=True)
    sys.stdin.read()
