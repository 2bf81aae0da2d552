"""A service that holds result files: blocking threads and `sendfile`, so that the client is
the bottleneck.

    python -m benchmarks._servers.files <data folder>

Answers ``GET /<version>/batches/<id>`` with a job that has succeeded, and serves the file
``<id>.jsonl`` of the folder on both download paths, whole or the range that is asked for.
"""

import json
import os
import re
import socket
import sys
import threading
from pathlib import Path
from typing import Any, Final

_REQUEST: Final = re.compile(
    rb"GET (?:/download)?/v1(?:beta)?/(batches|files)/([a-z0-9]+)[:? ]"
)
_RANGE: Final = re.compile(rb"\r\nRange: *bytes=(\d+)-(\d*)\r\n", re.IGNORECASE)
_KINDS: Final = {True: "EmbedContentBatch", False: "GenerateContentBatch"}
_TYPE: Final = "type.googleapis.com/google.ai.generativelanguage.v1main."


def job_of(name: str, *, running: bool = False) -> bytes:
    """Return a job that has succeeded; its results are in the file of the same name.

    Args:
        name: The job's id, and the file's.
        running: Return it as it was before its end.
    """
    kind = _TYPE + _KINDS[name.startswith("embed")]
    output = {"responsesFile": f"files/{name}"}
    metadata: dict[str, Any] = {
        "@type": kind,
        "model": "models/gemini-2.5-flash",
        "displayName": "benchmark",
        "inputConfig": {"fileName": "files/input"},
        "createTime": "2026-07-02T14:40:59.019821594Z",
        "updateTime": "2026-07-02T14:41:31.577846901Z",
        "name": f"batches/{name}",
    }
    if running:
        metadata["batchStats"] = {"requestCount": "4", "pendingRequestCount": "4"}
        metadata["state"] = "BATCH_STATE_RUNNING"
        return json.dumps({"name": f"batches/{name}", "metadata": metadata}).encode()
    metadata["output"] = output
    metadata["endTime"] = "2026-07-02T14:41:31.577846928Z"
    metadata["batchStats"] = {"requestCount": "4", "successfulRequestCount": "4"}
    metadata["state"] = "BATCH_STATE_SUCCEEDED"
    return json.dumps(
        {
            "name": f"batches/{name}",
            "metadata": metadata,
            "done": True,
            "response": {"@type": f"{kind}Output", **output},
        }
    ).encode()


def _serve(connection: socket.socket, folder: Path) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        pending = b""
        try:
            while True:
                while b"\r\n\r\n" not in pending:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    pending += piece
                head, _, pending = pending.partition(b"\r\n\r\n")
                _answer(connection, head + b"\r\n", folder)
        except ConnectionError:
            return  # the client has what it wanted


def _answer(connection: socket.socket, head: bytes, folder: Path) -> None:
    match = _REQUEST.match(head)
    if match is None:
        _send(connection, b"404 Not Found", b'{"error": {"code": 404, "message": "no"}}')
        return
    name = match[2].decode()
    if match[1] == b"batches":
        _send(connection, b"200 OK", job_of(name))
    else:
        _send_file(connection, folder / f"{name}.jsonl", _RANGE.search(head))


def _send(connection: socket.socket, status: bytes, body: bytes) -> None:
    connection.sendall(
        b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        % (status, len(body), body)
    )


def _send_file(
    connection: socket.socket, path: Path, wanted: re.Match[bytes] | None
) -> None:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        start, stop, more = 0, size, b""
        status = b"200 OK"
        if wanted is not None:
            start = int(wanted[1])
            stop = min(size, int(wanted[2]) + 1) if wanted[2] else size
            if start >= stop:
                _send(connection, b"416 Range Not Satisfiable", b"{}")
                return
            status = b"206 Partial Content"
            more = b"Content-Range: bytes %d-%d/%d\r\n" % (start, stop - 1, size)
        connection.sendall(
            b"HTTP/1.1 %s\r\nContent-Type: application/octet-stream\r\n%s"
            b"Content-Length: %d\r\n\r\n" % (status, more, stop - start)
        )
        while start < stop:
            start += os.sendfile(connection.fileno(), file.fileno(), start, stop - start)


def main() -> None:
    """Serve until the standard input ends."""
    folder = Path(sys.argv[1])
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, folder), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
