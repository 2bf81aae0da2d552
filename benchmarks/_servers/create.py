"""Inline creates: takes the rows in, answers with a job, counts afterwards.

``GET /_rows`` tells how many rows the last create had.
"""

import json
import re
import threading

from benchmarks._servers._blocking import Connection, Head, serve

_DISPLAY_NAME = re.compile(rb'"displayName": ?"([^"\\]*)"')
_ROW = b'"contents"'
_NAMED_WITHIN = 4096  # bytes


class _Creates:
    def __init__(self) -> None:
        self._rows = 0
        # Who asks for the rows waits until they are counted.
        self._counting = threading.Lock()

    def answer(self, connection: Connection, head: Head, _url: str) -> None:
        if head.path == "/_rows":
            with self._counting:
                connection.answer_json(self._rows)
            return
        body = connection.body(head)
        with self._counting:
            connection.answer(job_of_create(head.path, body))
            self._rows = body.count(_ROW)


def job_of_create(path: str, body: bytes | bytearray) -> bytes:
    """Return the job that a create with that path and body makes."""
    model = path.partition("/models/")[2].partition(":")[0]
    named = _DISPLAY_NAME.search(body, 0, _NAMED_WITHIN)
    name = "batches/31u18uq6dr4ods3957z38i1mbfa581k01xcq"
    kind = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"
    metadata = {
        "@type": kind,
        "model": f"models/{model}",
        "displayName": named[1].decode() if named else "",
        "createTime": "2026-08-19T14:34:12.267870162Z",
        "updateTime": "2026-08-19T14:34:12.267870162Z",
        "batchStats": {"requestCount": "2", "pendingRequestCount": "2"},
        "state": "BATCH_STATE_PENDING",
        "name": name,
    }
    return json.dumps({"name": name, "metadata": metadata}).encode()


if __name__ == "__main__":
    serve(_Creates().answer)
