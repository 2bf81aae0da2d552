"""A service that takes and gives gigabytes without holding any. Blocking, in threads."""

import base64
import hashlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field

GRANULARITY = 262_144
JOB = "batches/bulk"
RESULTS = "files/batch-bulk"

_BLOCK = 1 << 20
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_ROW = (
    b'{"key": "row-%09d", "response": {"candidates": [{"content": {"parts": [{"text": "'
    b"answer %09d "
    + b"lorem ipsum "
    * 110
    + b'"}], "role": "model"}, "finishReason": "STOP",'
    b' "index": 0}], "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 4}}}\n'
)
ROW_BYTES = len(_ROW % (0, 0))


def rows(start: int, stop: int) -> bytes:
    """Return the bytes of the result file from `start` up to, not including, `stop`."""
    first, last = start // ROW_BYTES, -(-stop // ROW_BYTES)
    found = b"".join([_ROW % (number, number) for number in range(first, last)])
    return found[start - first * ROW_BYTES : stop - first * ROW_BYTES]


@define
class BulkServer:
    """Holds one upload and one job with `row_count` results."""

    row_count: int = 0
    break_at: int | None = None
    """Bytes of an upload or a download at which the connection breaks, once."""

    received: int = 0
    breaks: int = 0
    url: str = ""
    _name: str = ""
    _digest: Any = field(factory=hashlib.sha256)

    def talk(self, connection: socket.socket) -> None:
        """Answer the requests of one connection."""
        with connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                method, path, _ = line.decode().split(" ")
                headers = {}
                while (line := stream.readline()) != b"\r\n":
                    name, _, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                if not self._answer(connection, stream, method, path, headers):
                    return

    def _answer(
        self, connection: Any, stream: Any, method: str, path: str, headers: dict[str, str]
    ) -> bool:
        """Answer one request; False breaks the connection."""
        if method == "POST":
            return self._uploaded(connection, stream, headers)
        if ":download" in path:
            return self._give(connection, headers)
        return _send(connection, _job())

    def _uploaded(self, connection: Any, stream: Any, headers: dict[str, str]) -> bool:
        """Answer a request of the upload protocol."""
        length = int(headers.get("content-length", "0"))
        command = headers["x-goog-upload-command"]
        told = {"X-Goog-Upload-Status": "active"}
        value = None
        if command == "start":
            self._name = json.loads(stream.read(length))["file"]["name"]
            told["X-Goog-Upload-URL"] = f"{self.url}/upload/session"
        elif command == "query":
            told["X-Goog-Upload-Size-Received"] = str(self.received)
        elif not self._take(stream, length):
            return False
        elif "finalize" in command:
            told["X-Goog-Upload-Status"] = "final"
            value = {"file": self._file()}
        return _send(connection, value, headers=told)

    def _take(self, stream: Any, length: int) -> bool:
        """Take the bytes of a chunk in; False if the connection is to break."""
        taken = 0
        while taken < length:
            block = stream.read(min(_BLOCK, length - taken))
            if len(block) < min(_BLOCK, length - taken):
                return False
            if self._breaks(self.received, len(block)):
                # As at the service, what is kept is a multiple of the granularity.
                block = block[:GRANULARITY]
                self._keep(block)
                return False
            self._keep(block)
            taken += len(block)
        return True

    def _keep(self, block: bytes) -> None:
        self._digest.update(block)
        self.received += len(block)

    def _give(self, connection: socket.socket, headers: dict[str, str]) -> bool:
        """Send the results; False if the connection is to break."""
        total = self.row_count * ROW_BYTES
        asked = _RANGE.match(headers.get("range", ""))
        start = int(asked[1]) if asked else 0
        stop = int(asked[2]) + 1 if asked and asked[2] else total
        told = {"Content-Length": str(stop - start)}
        if asked:
            told["Content-Range"] = f"bytes {start}-{stop - 1}/{total}"
        connection.sendall(_head("206 Partial Content" if asked else "200 OK", told))
        for offset in range(start, stop, _BLOCK):
            if self._breaks(offset, _BLOCK):
                return False
            connection.sendall(rows(offset, min(stop, offset + _BLOCK)))
        return True

    def _breaks(self, offset: int, length: int) -> bool:
        at = self.break_at
        if at is None or not offset <= at < offset + length:
            return False
        self.break_at = None
        self.breaks += 1
        return True

    def _file(self) -> dict[str, str]:
        digest = self._digest.hexdigest().encode()
        return {
            "name": self._name,
            "sizeBytes": str(self.received),
            "sha256Hash": base64.b64encode(digest).decode(),
            "state": "ACTIVE",
        }


def _job() -> dict[str, Any]:
    kind = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"
    output = {"responsesFile": RESULTS}
    return {
        "name": JOB,
        "metadata": {
            "@type": kind,
            "name": JOB,
            "state": "BATCH_STATE_SUCCEEDED",
            "output": output,
        },
        "done": True,
        "response": {"@type": f"{kind}Output", **output},
    }


def _head(status: str, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {text}" for name, text in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def _send(
    connection: socket.socket, value: Any = None, *, headers: dict[str, str] | None = None
) -> bool:
    body = b"" if value is None else json.dumps(value).encode()
    connection.sendall(
        _head("200 OK", {"Content-Length": str(len(body)), **(headers or {})}) + body
    )
    return True


@contextmanager
def bulk_server(**options: Any) -> Iterator[BulkServer]:
    """Serve on a port of loopback while the block runs."""
    server = BulkServer(**options)

    def talk(connection: socket.socket) -> None:
        try:
            server.talk(connection)
        except ConnectionError:
            return  # clients come and go

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=talk, args=[connection], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
