"""Inline jobs that have succeeded, as the service sends them."""

import base64
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks._data import result_rows

ROW = 2_000
"""Bytes of a row of an inline job."""

_TYPE = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"
_AT = "2026-08-19T14:40:30.652367187Z"


def write_job(path: Path, rows: int, *, twice: bool) -> None:
    """Write a job with so many rows of `ROW` bytes; leave one that is there.

    Args:
        path: The job is called as the file is.
        rows: How many.
        twice: Whether the answers are in ``response`` as well as in ``metadata``, which is
            how the service has been seen to send them.
    """
    if path.exists():
        return
    output = {"inlinedResponses": {"inlinedResponses": list(_rows(rows))}}
    name = f"batches/{path.stem}"
    metadata = {
        "@type": _TYPE,
        "model": "models/gemini-2.5-flash",
        "displayName": "benchmark",
        "output": output,
        "createTime": _AT,
        "endTime": _AT,
        "updateTime": _AT,
        "batchStats": {"requestCount": str(rows), "successfulRequestCount": str(rows)},
        "state": "BATCH_STATE_SUCCEEDED",
        "name": name,
    }
    job: dict[str, Any] = {"name": name, "metadata": metadata, "done": True}
    if twice:
        job["response"] = {"@type": f"{_TYPE}Output", **output}
    part = path.with_suffix(".part")
    part.write_bytes(_encoded(job))
    part.rename(path)


def _rows(count: int) -> Iterator[dict[str, Any]]:
    """Yield rows of `ROW` bytes, filled up with what a thinking model adds to its answer."""
    rng = random.Random(5)
    for line in result_rows(count):
        row = json.loads(line)
        response = row["response"]
        part = response["candidates"][0]["content"]["parts"][0]
        part["thoughtSignature"] = ""
        whole = {"response": response, "metadata": {"key": row["key"]}}
        room = ROW - len(_encoded(whole)) - len(",")
        # Base 64 has four letters for three bytes; an id may have any length.
        part["thoughtSignature"] = base64.b64encode(rng.randbytes(room // 4 * 3)).decode()
        response["responseId"] += "0" * (room % 4)
        yield whole


def _encoded(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
