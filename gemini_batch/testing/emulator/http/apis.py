"""Tells the emulated APIs apart: whose path it is, who is let in, how errors are written."""

import json
import re
from enum import Enum
from typing import Any, Final

from aiohttp import web

from gemini_batch.testing.emulator.core.errors import Refusal
from gemini_batch.testing.emulator.http.web import raw_answer, refusal_answer

_VERTEX: Final = re.compile(r"/[^/]+/projects/.*")
_STORAGE: Final = ("/storage/", "/upload/storage/", "/download/storage/")
_BIGQUERY: Final = "/bigquery/"

# HTTP status -> reason in the older form of errors.
_REASONS: Final = {
    401: "authError",
    403: "forbidden",
    404: "notFound",
    408: "backendError",
    409: "conflict",
    410: "gone",
    412: "conditionNotMet",
    416: "requestedRangeNotSatisfiable",
    429: "rateLimitExceeded",
    500: "internalError",
    502: "backendError",
    503: "backendError",
    504: "backendError",
}
_FAILED_CONDITION: Final = "At least one of the pre-conditions you specified did not hold."
_PRECONDITION_FAILED: Final = 412


class EmulatedApi(Enum):
    """One of the APIs behind the emulator's port."""

    DEVELOPER = "generativelanguage.googleapis.com"
    VERTEX = "aiplatform.googleapis.com"
    STORAGE = "storage.googleapis.com"
    BIGQUERY = "bigquery.googleapis.com"


def api_of_path(path: str) -> EmulatedApi:
    """Return the API that a path belongs to."""
    if path.startswith(_STORAGE):
        return EmulatedApi.STORAGE
    if path.startswith(_BIGQUERY):
        return EmulatedApi.BIGQUERY
    return EmulatedApi.VERTEX if _VERTEX.fullmatch(path) else EmulatedApi.DEVELOPER


def refused(request: web.BaseRequest, refusal: Refusal) -> web.Response:
    """Return the answer that `refusal` stands for, as the API of the path writes it."""
    surface = api_of_path(request.path)
    if surface in {EmulatedApi.DEVELOPER, EmulatedApi.VERTEX}:
        return refusal_answer(refusal)
    error = json.loads(refusal.body())["error"]
    if surface is EmulatedApi.STORAGE and request.query.get("alt") == "media":
        # Media endpoints tell it in plain text.
        return raw_answer(
            error["message"].encode(),
            status=refusal.status,
            headers={**refusal.headers, "Content-Type": "text/html; charset=UTF-8"},
        )
    body = json.dumps({"error": _older(error, surface)}, ensure_ascii=False, indent=2)
    return raw_answer(body.encode(), status=refusal.status, headers=refusal.headers)


def _older(error: dict[str, Any], surface: EmulatedApi) -> dict[str, Any]:
    """Return an error in the form of the APIs that were there before gRPC."""
    code, message = error["code"], error["message"]
    if code == _PRECONDITION_FAILED and surface is EmulatedApi.STORAGE:
        message = _FAILED_CONDITION
    entry = {
        "message": message,
        "domain": "global",
        "reason": _REASONS.get(code, "invalid"),
    }
    if code == _PRECONDITION_FAILED:
        entry |= {"locationType": "header", "location": "If-Match"}
    told = {"code": code, "message": message, "errors": [entry]}
    return told if surface is EmulatedApi.STORAGE else {**told, "status": error["status"]}
