"""A service with a little of everything: uploads, jobs, results, Vertex AI and its tokens.

It spends as good as no time on an answer, so that what a caller's loop waits for is the
client. Jobs are known by their names: ``running…`` has succeeded when it is asked for the
second time, ``flaky…`` cannot be had the first time, any other has succeeded.
"""

import json
import secrets
import sys
import threading
from collections import Counter
from pathlib import Path

from benchmarks._servers._blocking import Connection, Head, serve, tls_context
from benchmarks._servers.create import job_of_create
from benchmarks._servers.files import job_of

_UNAVAILABLE = {"error": {"code": 503, "message": "Try again.", "status": "UNAVAILABLE"}}


class _Service:
    def __init__(self, data: Path) -> None:
        self._data = data
        self._asked: Counter[str] = Counter()
        self._uploads: dict[str, str] = {}
        self._lock = threading.Lock()

    def answer(self, connection: Connection, head: Head, url: str) -> None:
        path = head.path
        if path.startswith("/upload/"):
            self._upload(connection, head, url)
            return
        body = connection.body(head)
        if path == "/token":
            token = {"access_token": "token", "expires_in": 3600, "token_type": "Bearer"}
            connection.answer_json(token)
        elif "/projects/" in path:
            connection.answer_json(_vertex_job(path.partition("/projects/")[2]))
        elif path.endswith(":batchGenerateContent"):
            connection.answer(job_of_create(path, body))
        elif ":download" in path:
            name = path.rpartition("/")[2].partition(":")[0]
            connection.answer((self._data / f"{name}.jsonl").read_bytes())
        elif "/batches/" in path:
            self._job(connection, path.rpartition("/")[2])
        else:
            connection.missing()

    def _job(self, connection: Connection, name: str) -> None:
        with self._lock:
            self._asked[name] += 1
            first = self._asked[name] == 1
        if first and name.startswith("flaky"):
            connection.answer(
                json.dumps(_UNAVAILABLE).encode(), status="503 Service Unavailable"
            )
        else:
            connection.answer(job_of(name, running=first and name.startswith("running")))

    def _upload(self, connection: Connection, head: Head, url: str) -> None:
        if head.headers["x-goog-upload-command"] == "start":
            asked = json.loads(connection.body(head))
            key = secrets.token_hex(16)
            with self._lock:
                self._uploads[key] = asked["file"]["name"]
            connection.answer(
                headers={
                    "X-Goog-Upload-URL": f"{url}/upload/v1beta/files/{key}",
                    "X-Goog-Upload-Status": "active",
                    "X-Goog-Upload-Chunk-Granularity": "262144",
                }
            )
            return
        with self._lock:
            name = self._uploads.pop(head.path.rpartition("/")[2])
        size = connection.discard(head)
        file = {
            "name": name,
            "sizeBytes": str(size),
            "state": "ACTIVE",
            "uri": f"{url}/{name}",
        }
        connection.answer_json({"file": file}, headers={"X-Goog-Upload-Status": "final"})


def _vertex_job(name: str) -> dict[str, object]:
    at = "2026-07-01T12:00:00.123456Z"
    return {
        "name": f"projects/{name}",
        "displayName": "benchmark",
        "model": "publishers/google/models/gemini-2.5-flash",
        "inputConfig": {
            "instancesFormat": "jsonl",
            "gcsSource": {"uris": ["gs://bucket/input.jsonl"]},
        },
        "outputConfig": {
            "predictionsFormat": "jsonl",
            "gcsDestination": {"outputUriPrefix": "gs://bucket/out"},
        },
        "state": "JOB_STATE_RUNNING",
        "createTime": at,
        "startTime": at,
        "updateTime": at,
    }


def run(data: Path, *, tls: bool) -> None:
    """Serve until standard input ends."""
    serve(_Service(data).answer, tls=tls_context(data) if tls else None)


if __name__ == "__main__":
    run(Path(sys.argv[1]), tls=False)
