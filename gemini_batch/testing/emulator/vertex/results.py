"""Makes the rows of a Vertex job, as far as its life has come. Blocks; runs in a thread."""

import datetime as dt
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from attrs import frozen

from gemini_batch.testing.emulator.core.clock import stamp
from gemini_batch.testing.emulator.core.errors import GRPC_MESSAGES
from gemini_batch.testing.emulator.developer.results import encoded
from gemini_batch.testing.emulator.messages.rules import (
    refusals_of_embed,
    refusals_of_generate,
    row_is_invalid,
)
from gemini_batch.testing.emulator.messages.validate import check, decode
from gemini_batch.testing.emulator.model.answer import Answer
from gemini_batch.testing.emulator.vertex.jobs import VertexJob

_INVALID: Final = 3
# gRPC code -> HTTP status and name, as they stand in the status of a row.
_CODES: Final[Mapping[int, tuple[int, str]]] = {
    1: (499, "CANCELLED"),
    3: (400, "INVALID_ARGUMENT"),
    4: (504, "DEADLINE_EXCEEDED"),
    5: (404, "NOT_FOUND"),
    7: (403, "PERMISSION_DENIED"),
    8: (429, "RESOURCE_EXHAUSTED"),
    9: (400, "FAILED_PRECONDITION"),
    10: (409, "ABORTED"),
    13: (500, "INTERNAL"),
    14: (503, "UNAVAILABLE"),
    16: (401, "UNAUTHENTICATED"),
}
_REACHABLE: Final = re.compile(
    r"gs://.+|https://(?:(?:www\.|m\.)?youtube\.com|youtu\.be)/.+"
)
_LEGACY: Final = re.compile(r"text-(multilingual-)?embedding-.+")
_EMBEDS: Final = re.compile(r"gemini-embedding-.+")
# Members of a part that are padded, as the echo spells them.
_PART_MEMBERS: Final = ("text", "file_data")
_PER_TOKEN: Final = 4


@frozen
class _RowError(Exception):
    code: int
    message: str

    def status(self) -> str:
        """Return what stands in the row's ``status``."""
        http, name = _CODES.get(self.code, (500, "UNKNOWN"))
        error = {"code": http, "message": self.message, "status": name}
        return f"{_phrase(http)}: {json.dumps({'error': error}, ensure_ascii=False)}"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Client Closed Request"


def answer_rows(job: VertexJob, upto: int, answer: Answer, now: dt.datetime) -> None:
    """Answer the rows of `job` until `upto` of them are dealt with.

    They go to the end of the job's results, in the order of the input; memory use does not
    grow with their number.
    """
    missing = upto - job.succeeded - job.failed
    if missing <= 0:
        return
    with job.input_path.open("rb") as source, job.result_path.open("ab") as target:
        source.seek(job.input_offset)
        for _ in range(missing):
            if job.abandoned:
                return
            line = source.readline()
            row, good = _row(job, line, answer, now)
            if good:
                job.succeeded += 1
            else:
                job.failed += 1
            job.result_bytes += target.write(encoded(row) + b"\n")
            job.input_offset += len(line)


def _row(
    job: VertexJob, line: bytes, answer: Answer, now: dt.datetime
) -> tuple[dict[str, Any], bool]:
    """Return what stands in the output for a line of the input, and whether it is good."""
    processed = {"processed_time": f"{stamp(now, digits=3)[:-1]}+00:00"}
    row: Any = None
    try:
        row = _decoded(line)
        request = row.get("request")
        if _LEGACY.fullmatch(job.model_id):
            return _legacy(job, row, answer), True
        response = _response(job, request, answer, now)
    except _RowError as error:
        extras = _extras(row) if isinstance(row, dict) else {}
        echo = row.get("request", {}) if isinstance(row, dict) else {}
        failed = {**extras, "status": error.status(), **processed, "request": echo}
        # Seen both ways.
        return ({**failed, "response": {}} if zlib.crc32(line) & 1 else failed), False
    if _EMBEDS.fullmatch(job.model_id):
        return {**_extras(row), "request": request, "response": response}, True
    echo = _padded(request) if job.manner.get("padded") else request
    done = {"status": "", **processed, "request": echo, "response": response}
    return {**_extras(row), **done}, True


def _extras(row: Mapping[str, Any]) -> dict[str, Any]:
    taken = {"request", "response", "status", "processed_time"}
    return {name: value for name, value in row.items() if name not in taken}


def _decoded(line: bytes) -> dict[str, Any]:
    try:
        row = decode(line.decode())
    except ValueError as error:
        raise _RowError(_INVALID, f"The row cannot be read: {error}") from None
    if not isinstance(row, dict):
        raise _RowError(_INVALID, "The row is no JSON object.")
    return row


def _checked(message: str, request: object) -> dict[str, Any]:
    if not isinstance(request, dict):
        raise _RowError(_INVALID, "The row has no 'request'.")
    checked = check(message, request)
    if checked.violations:
        raise _RowError(_INVALID, "\n".join(v.description for v in checked.violations))
    return checked.value


def _response(
    job: VertexJob, request: object, answer: Answer, now: dt.datetime
) -> dict[str, Any]:
    if _EMBEDS.fullmatch(job.model_id):
        value = _checked("VertexEmbedContentRequest", request)
        refusals = refusals_of_embed(value)
        config = value.pop("embedContentConfig", {})
        value |= config
    else:
        value = _checked("VertexGenerateContentRequest", request)
        refusals = refusals_of_generate(value)
    for refusal in refusals:
        raise _RowError(_INVALID, refusal.strip())
    for uri in _files(value):
        if not _REACHABLE.fullmatch(uri):
            raise _RowError(_INVALID, f"Unsupported file URI type: {uri}")
    if value.get("cachedContent"):
        raise _RowError(_INVALID, "Explicit caching is not supported for batch prediction.")
    value.pop("model", None)
    if row_is_invalid(value, job.model):
        raise _RowError(_INVALID, GRPC_MESSAGES[_INVALID])
    found = dict(answer(value, job.model_id))
    if "error" in found:
        raise _RowError(found["error"]["code"], found["error"]["message"])
    if "embedding" in found:
        used = found.get("usageMetadata", {}).get("promptTokenCount", 1)
        tokens = found.get("tokenCount", used)
        return {"tokenCount": str(tokens), "embedding": found["embedding"]}
    found["modelVersion"] = f"{job.model_id}@default"
    return {"createTime": stamp(now, digits=6), **found}


def _files(value: Mapping[str, Any]) -> Iterator[str]:
    contents = value.get("contents", [value.get("content", {})])
    for content in (*contents, value.get("systemInstruction", {})):
        for part in content.get("parts", ()):
            if "fileData" in part:
                yield part["fileData"].get("fileUri", "")


def _legacy(job: VertexJob, row: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    """Return the row of an older model for embeddings, which have a form of their own."""
    text = row.get("content")
    if not isinstance(text, str) or not text:
        raise _RowError(_INVALID, "The row has no 'content'.")
    found = answer({"content": {"parts": [{"text": text}]}}, job.model_id)
    if "error" in found:
        raise _RowError(found["error"]["code"], found["error"]["message"])
    tokens = -(-len(text) // _PER_TOKEN)
    embedding = {
        "statistics": {"token_count": tokens, "truncated": False},
        "values": found["embedding"]["values"],
    }
    return {"instance": dict(row), "predictions": [{"embeddings": embedding}], "status": ""}


def _padded(request: dict[str, Any]) -> dict[str, Any]:
    """Return a request whose parts have nulls for what they might carry as well."""
    contents = [
        {**content, "parts": [_padded_part(part) for part in content.get("parts", ())]}
        for content in request.get("contents", ())
    ]
    return {**request, "contents": contents}


def _padded_part(part: Mapping[str, Any]) -> dict[str, Any]:
    absent = (name for name in _PART_MEMBERS if name not in part)
    return {**dict.fromkeys(absent), **part}
