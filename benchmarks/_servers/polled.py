"""Running jobs that are looked at: one thread, ready bodies, as many connections as come.

``GET /<version>/batches/w<n>-<anything>`` answers with a job that is running, and at the n-th
look with one that has succeeded. ``GET /_sockets`` tells how many connections that asked
about jobs were open at most since it was asked before.
"""

import json
import re
import resource
import selectors
import socket
import sys
import threading
from typing import Any

_JOB = re.compile(rb"GET /[a-z0-9]+/(batches/w(\d+)-[a-z0-9-]+)[? ]")
_END = b"\r\n\r\n"
_BACKLOG = 8192
_PIECE = 65_536
_NAME = "<name>"
_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\n"
    b"Content-Length: %d\r\n\r\n"
)
_MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


def _body(*, done: bool) -> bytes:
    """Return the body of an answer, a %s in place of each name; laid out as Google does."""
    kind = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"
    counted = {"successfulRequestCount": "2"} if done else {"pendingRequestCount": "2"}
    output = {"responsesFile": "files/batch-31u18uq6dr4ods3957z38i1mbfa581k01xcq"}
    metadata = {
        "@type": kind,
        "model": "models/gemini-2.5-flash",
        "displayName": "nightly-2026-08-19",
        **({"output": output} if done else {}),
        "createTime": "2026-08-19T14:34:12.267870162Z",
        **({"endTime": "2026-08-19T14:40:30.652367187Z"} if done else {}),
        "updateTime": "2026-08-19T14:34:12.267870162Z",
        "batchStats": {"requestCount": "2", **counted},
        "state": f"BATCH_STATE_{'SUCCEEDED' if done else 'RUNNING'}",
        "name": _NAME,
    }
    job: dict[str, Any] = {"name": _NAME, "metadata": metadata}
    if done:
        job |= {"done": True, "response": {"@type": f"{kind}Output", **output}}
    return json.dumps(job, indent=2).encode().replace(_NAME.encode(), b"%s")


class _Server:
    """All connections in one loop, without asyncio between them and the bytes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self._listener.settimeout(0)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._running = _body(done=False)
        self._done = _body(done=True)
        self._looks: dict[bytes, int] = {}
        self._asking: set[socket.socket] = set()
        self._most = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def run(self) -> None:
        """Serve for ever."""
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    self._accept()
                else:
                    self._read(*key.data)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return
            connection.settimeout(0)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            mine = (connection, bytearray())
            self._selector.register(connection, selectors.EVENT_READ, mine)

    def _read(self, connection: socket.socket, pending: bytearray) -> None:
        try:
            piece = connection.recv(_PIECE)
        except ConnectionError:
            piece = b""
        if not piece:
            self._selector.unregister(connection)
            self._asking.discard(connection)
            connection.close()
            return
        pending += piece
        while (end := pending.find(_END)) >= 0:
            head = bytes(pending[: end + 2])
            del pending[: end + len(_END)]
            connection.send(self._reply(connection, head))

    def _reply(self, connection: socket.socket, head: bytes) -> bytes:
        if (asked := _JOB.match(head)) is None:
            return self._told() if head.startswith(b"GET /_sockets ") else _MISSING
        if connection not in self._asking:
            self._asking.add(connection)
            self._most = max(self._most, len(self._asking))
        name, looks = asked.groups()
        seen = self._looks.pop(name, 0) + 1
        if seen < int(looks):
            self._looks[name] = seen
            body = self._running % (name, name)
        else:
            body = self._done % (name, name)
        return _HEAD % len(body) + body

    def _told(self) -> bytes:
        body = str(self._most).encode()
        self._most = len(self._asking)
        return _HEAD % len(body) + body


def main() -> None:
    """Serve until standard input ends."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    server = _Server()
    threading.Thread(target=server.run, daemon=True).start()
    print(server.url, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
