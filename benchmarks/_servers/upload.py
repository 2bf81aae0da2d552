"""Resumable uploads over TLS. Bytes are counted and forgotten."""

import base64
import json
import secrets
import sys
import time
from pathlib import Path

from attrs import define

from benchmarks._servers._blocking import Connection, Head, serve, tls_context

CUT = "cut"
"""Display name of files whose first bytes find the connection cut."""

_GRANULARITY = 262_144


def digest_path(data: Path, size: int) -> Path:
    """Return where the SHA-256 of the file of `size` bytes is, in hex: no server hashes."""
    return data / f"upload-{size}.sha256"


@define
class _Upload:
    name: str
    size: int
    received: int = 0
    cut: bool = False
    """Whether the next request with bytes is cut off."""


def run(data: Path, delay: float) -> None:
    """Serve, confirming each piece `delay` seconds after its last byte."""
    uploads: dict[str, _Upload] = {}

    def answer(connection: Connection, head: Head, url: str) -> None:
        command = head.headers.get("x-goog-upload-command", "")
        if command == "start":
            asked = json.loads(connection.body(head) or b"{}")
            file = asked.get("file", {})
            upload = _Upload(
                name=file.get("name") or f"files/{secrets.token_hex(8)}",
                cut=file.get("displayName") == CUT,
                size=int(head.headers["x-goog-upload-header-content-length"]),
            )
            key = secrets.token_hex(16)
            uploads[key] = upload
            connection.answer(
                headers={
                    "X-Goog-Upload-URL": f"{url}/upload/v1beta/files/{key}",
                    "X-Goog-Upload-Status": "active",
                    "X-Goog-Upload-Chunk-Granularity": str(_GRANULARITY),
                }
            )
            return
        upload = uploads[head.path.rpartition("/")[2]]
        if command == "query":
            connection.answer(
                headers={
                    "X-Goog-Upload-Status": "active",
                    "X-Goog-Upload-Size-Received": str(upload.received),
                }
            )
            return
        if upload.cut:
            upload.cut = False
            raise ConnectionError("cut on purpose")
        if int(head.headers["x-goog-upload-offset"]) != upload.received:
            raise ConnectionError("a piece at the wrong place")
        upload.received += connection.discard(head)
        time.sleep(delay)
        if "finalize" not in command:
            connection.answer(headers={"X-Goog-Upload-Status": "active"})
            return
        if upload.received != upload.size:
            raise ConnectionError("finished before the end")
        connection.answer_json(
            {"file": _file(upload, digest_path(data, upload.size).read_text(), url)},
            headers={"X-Goog-Upload-Status": "final"},
        )

    serve(answer, tls=tls_context(data))


def _file(upload: _Upload, digest: str, url: str) -> dict[str, str]:
    return {
        "name": upload.name,
        "mimeType": "application/jsonl",
        "sizeBytes": str(upload.size),
        "createTime": "2026-09-10T13:37:39.328452Z",
        "updateTime": "2026-09-10T13:37:39.328452Z",
        "expirationTime": "2026-09-12T13:37:39.053649Z",
        # The service's form: base64 of the hex text.
        "sha256Hash": base64.b64encode(digest.encode()).decode(),
        "uri": f"{url}/v1beta/{upload.name}",
        "state": "ACTIVE",
        "source": "UPLOADED",
    }


if __name__ == "__main__":
    run(Path(sys.argv[1]), delay=0.0)
