"""Changes what a proper JSON answer says, as a fault asks."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from aiohttp import web

from gemini_batch.testing.emulator.core.page_tokens import same_page
from gemini_batch.testing.emulator.developer.jobs import TERMINAL
from gemini_batch.testing.emulator.developer.odd_results import odd_results
from gemini_batch.testing.emulator.http.web import Call, json_answer
from gemini_batch.testing.emulator.vertex.jobs import TERMINAL as VERTEX_TERMINAL
from gemini_batch.testing.faults import Fault

_INCOMPLETE: Final = 308
_RECEIVED: Final = "X-Goog-Upload-Size-Received"
# What an operation loses that is shown in a state which is no end.
_OF_THE_END: Final = ("done", "error", "response")
# What a Vertex job loses.
_OF_ITS_END: Final = ("endTime", "error", "outputInfo", "partialFailures")
_LISTS: Final = frozenset(("batches", "files", "batchPredictionJobs"))


def apply_fault_effects(
    call: Call, fault: Fault, answer: web.StreamResponse
) -> web.StreamResponse:
    """Return `answer` as `fault` wants it; answers that are no success stay as they are."""
    if _RECEIVED in answer.headers and fault.received_shift:
        told = int(answer.headers[_RECEIVED]) + fault.received_shift
        answer.headers[_RECEIVED] = str(max(0, told))
    if answer.status == _INCOMPLETE and fault.received_shift:
        _shift_range(answer, fault.received_shift)
    if not isinstance(answer, web.Response) or not isinstance(answer.body, bytes):
        return answer
    if answer.status != 200 or not _touches_json(fault) or not answer.body:  # noqa: PLR2004
        return answer
    value = json.loads(answer.body)
    kind = call.request.path.rpartition("/")[2]
    if fault.empty_page and call.request.method == "GET" and kind in _LISTS:
        asked = call.request.query.get("pageToken") or call.request.query.get("page_token")
        return json_answer({"nextPageToken": same_page(asked or "", kind)})
    for operation in _operations(value):
        _change(operation, fault)
    for job in _vertex_jobs_in(value):
        _change_vertex(job, fault)
    return json_answer(value)


def _shift_range(answer: web.StreamResponse, shift: int) -> None:
    """Let Cloud Storage say that it holds another number of bytes."""
    size = int(answer.headers.get("Range", "bytes=0--1").rpartition("0-")[2]) + 1 + shift
    answer.headers.popall("Range", None)
    if size > 0:
        answer.headers["Range"] = f"bytes=0-{size - 1}"


def _touches_json(fault: Fault) -> bool:
    return bool(
        fault.empty_page or fault.state or fault.counts or fault.no_output or fault.rows
    )


def _operations(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, Mapping):
        for candidate in (value, *value.get("operations", ())):
            if isinstance(candidate.get("metadata"), dict):
                yield candidate


def _vertex_jobs_in(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, Mapping):
        for candidate in (value, *value.get("batchPredictionJobs", ())):
            if "inputConfig" in candidate and "metadata" not in candidate:
                yield candidate


def _change_vertex(job: dict[str, Any], fault: Fault) -> None:
    if fault.state is not None:
        job["state"] = fault.state
        if fault.state not in VERTEX_TERMINAL:
            for member in _OF_ITS_END:
                job.pop(member, None)
    if fault.counts == "missing":
        job.pop("completionStats", None)
    elif fault.counts == "stale":
        job["completionStats"] = {"incompleteCount": "-1"}
    if fault.no_output:
        job.pop("outputInfo", None)


def _change(operation: dict[str, Any], fault: Fault) -> None:
    metadata = operation["metadata"]
    if fault.state is not None:
        metadata["state"] = fault.state
        if fault.state not in TERMINAL:
            for member in _OF_THE_END:
                operation.pop(member, None)
            metadata.pop("endTime", None)
            metadata.pop("output", None)
    if fault.counts == "missing":
        metadata.pop("batchStats", None)
    elif fault.counts == "stale":
        total = _mapping(metadata.get("batchStats")).get("requestCount", "0")
        # Seen live: a list showed a succeeded job with all its requests pending.
        metadata["batchStats"] = {"requestCount": total, "pendingRequestCount": total}
    if fault.no_output:
        operation.pop("response", None)
        metadata.pop("output", None)
    if fault.rows:
        for output in (operation.get("response"), metadata.get("output")):
            inlined = _mapping(_mapping(output).get("inlinedResponses"))
            rows = inlined.get("inlinedResponses")
            if isinstance(rows, list):
                inlined["inlinedResponses"] = odd_results(rows, fault)


def _mapping(value: Any) -> dict[str, Any]:
    """Return `value`; a script may have put anything in the place of a mapping."""
    return value if isinstance(value, dict) else {}
