"""Changes what a proper JSON answer says, as a fault asks."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from aiohttp import web

from gemini_batch.testing.emulator._jobs import TERMINAL
from gemini_batch.testing.emulator._odd_rows import odd_results
from gemini_batch.testing.emulator._pages import same_page
from gemini_batch.testing.emulator._web import Call, json_answer
from gemini_batch.testing.faults import Fault

_RECEIVED: Final = "X-Goog-Upload-Size-Received"
# What an operation loses that is shown in a state which is no end.
_OF_THE_END: Final = ("done", "error", "response")


def spoil(call: Call, fault: Fault, answer: web.StreamResponse) -> web.StreamResponse:
    """Return `answer` as `fault` wants it; answers that are no success stay as they are."""
    if _RECEIVED in answer.headers and fault.received_shift:
        told = int(answer.headers[_RECEIVED]) + fault.received_shift
        answer.headers[_RECEIVED] = str(max(0, told))
    if not isinstance(answer, web.Response) or not isinstance(answer.body, bytes):
        return answer
    if answer.status != 200 or not _touches_json(fault) or not answer.body:  # noqa: PLR2004
        return answer
    value = json.loads(answer.body)
    kind = call.request.path.rpartition("/")[2]
    if fault.empty_page and call.request.method == "GET" and kind in {"batches", "files"}:
        asked = call.request.query.get("pageToken") or call.request.query.get("page_token")
        return json_answer({"nextPageToken": same_page(asked or "", kind)})
    for operation in _operations(value):
        _change(operation, fault)
    return json_answer(value)


def _touches_json(fault: Fault) -> bool:
    return bool(
        fault.empty_page or fault.state or fault.counts or fault.no_output or fault.rows
    )


def _operations(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, Mapping):
        for candidate in (value, *value.get("operations", ())):
            if isinstance(candidate.get("metadata"), dict):
                yield candidate


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
