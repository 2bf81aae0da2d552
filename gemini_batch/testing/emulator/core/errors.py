"""Errors as the service words them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

_HELP_429 = (
    "You exceeded your current quota, please check your plan and billing details. For more"
    " information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits."
    " To monitor your current usage, head to: https://ai.dev/rate-limit. "
)
INTERNAL_MESSAGE = (
    "An internal error has occurred. Please retry or report in"
    " https://developers.generativeai.google/guide/troubleshooting"
)
_BAD_KEY = "API key not valid. Please pass a valid API key."

# HTTP status -> canonical code and the service's stock text.
_STOCK: Mapping[int, tuple[str, str]] = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: (
        "UNAUTHENTICATED",
        (
            "Request had invalid authentication credentials. Expected OAuth 2 access token,"
            " login cookie or other valid authentication credential."
        ),
    ),
    403: ("PERMISSION_DENIED", "The caller does not have permission"),
    404: ("NOT_FOUND", "Requested entity was not found."),
    408: ("DEADLINE_EXCEEDED", "The request timed out."),
    409: ("ALREADY_EXISTS", "Requested entity already exists"),
    412: ("FAILED_PRECONDITION", "Precondition check failed."),
    416: ("OUT_OF_RANGE", "Requested range is not satisfiable."),
    429: ("RESOURCE_EXHAUSTED", _HELP_429),
    499: ("CANCELLED", "The operation was cancelled."),
    500: ("INTERNAL", INTERNAL_MESSAGE),
    501: ("UNIMPLEMENTED", "Operation is not implemented, or supported, or enabled."),
    502: ("UNAVAILABLE", "Bad gateway."),
    503: ("UNAVAILABLE", "The service is currently unavailable."),
    504: ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}

GRPC_MESSAGES: Mapping[int, str] = {
    1: "The operation was cancelled.",
    2: "Unknown error.",
    3: "Request contains an invalid argument.",
    4: "Deadline expired before operation could complete.",
    5: "Requested entity was not found.",
    7: "The caller does not have permission",
    8: "Resource has been exhausted (e.g. check quota).",
    9: "Precondition check failed.",
    10: "The operation was aborted.",
    13: INTERNAL_MESSAGE,
    14: "The service is currently unavailable.",
    16: "Request is missing required authentication credential.",
}
"""Stock text of each gRPC code, as it stands in the errors of rows and jobs."""


@frozen(kw_only=True)
class Violation:
    """One fault found in a JSON body."""

    description: str
    field: str = ""
    """Path in snake_case; empty for the top level."""

    member: str = ""
    """Member at fault, spelt as it was sent; for finding its column."""

    brief: str = ""
    """The same finding as the checker of JSONL lines words it."""


@define(slots=False, eq=False)
class Refusal(Exception):  # noqa: N818 - it is the answer to a request, not a failure of ours
    """The emulator answers a request with an error status."""

    status: int
    message: str = ""
    """Empty stands for the service's stock text of the status."""

    code: str = ""
    """Canonical code; empty stands for the usual one of the status."""

    details: Sequence[Mapping[str, Any]] = ()
    headers: Mapping[str, str] = field(factory=dict)

    def body(self) -> bytes:
        """Return the JSON body of the answer."""
        code, message = _STOCK.get(self.status, ("UNKNOWN", "Unknown error."))
        error: dict[str, Any] = {
            "code": self.status,
            "message": self.message or message,
            "status": self.code or code,
        }
        details = list(self.details)
        if self.status == 429 and not self.message:  # noqa: PLR2004
            details = [_rate_limit_help()]
        if details:
            error["details"] = details
        return json.dumps({"error": error}, ensure_ascii=False, indent=2).encode()


def _rate_limit_help() -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.Help",
        "links": [
            {
                "description": "Learn more about Gemini API quotas",
                "url": "https://ai.google.dev/gemini-api/docs/rate-limits",
            }
        ],
    }


def invalid(message: str) -> Refusal:
    """Refuse with 400 INVALID_ARGUMENT and this text."""
    return Refusal(400, message)


def failed_precondition(message: str) -> Refusal:
    """Refuse with 400 FAILED_PRECONDITION and this text."""
    return Refusal(400, message, code="FAILED_PRECONDITION")


def violations(found: Sequence[Violation]) -> Refusal:
    """Refuse a JSON body for all that was found in it."""
    listed = []
    for violation in found:
        entry = {"field": violation.field} if violation.field else {}
        listed.append({**entry, "description": violation.description})
    detail = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": listed,
    }
    return Refusal(400, "\n".join(v.description for v in found), details=[detail])


def quota_exceeded(quota: str, *, retry_delay: float | None) -> Refusal:
    """Refuse with 429, in one of the two forms that were recorded.

    Args:
        quota: Id of the quota.
        retry_delay: Seconds to wait; None for the form that tells nothing but a link.
    """
    if retry_delay is None:
        return Refusal(429)
    failure = {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaId": quota}],
    }
    pause = {
        "@type": "type.googleapis.com/google.rpc.RetryInfo",
        "retryDelay": f"{retry_delay:g}s",
    }
    text = "You exceeded your current quota, please check your plan."
    return Refusal(429, text, details=[failure, pause])


def missing_key() -> Refusal:
    """Refuse a request that carries no API key."""
    return Refusal(
        403,
        "Method doesn't allow unregistered callers (callers without established identity)."
        " Please use API Key or other form of API consumer identity to call this API.",
    )


def wrong_key() -> Refusal:
    """Refuse a request whose API key is not ours."""
    return Refusal(
        400,
        _BAD_KEY,
        details=[
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
                "metadata": {"service": "generativelanguage.googleapis.com"},
            },
            {
                "@type": "type.googleapis.com/google.rpc.LocalizedMessage",
                "locale": "en-US",
                "message": _BAD_KEY,
            },
        ],
    )


def no_such_file(file_id: str) -> Refusal:
    """Refuse a file id that is unknown or has expired; the service tells no difference."""
    return Refusal(
        403,
        f"You do not have permission to access the File {file_id} or it may not exist.",
    )


def no_such_model(name: str, *, version: str, method: str) -> Refusal:
    """Refuse a model that does not exist or does not know `method`."""
    return Refusal(
        404,
        f"{name} is not found for API version {version}, or is not supported for {method}."
        " Call ListModels to see the list of available models and their supported methods.",
    )
