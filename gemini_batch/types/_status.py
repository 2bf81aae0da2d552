"""Errors as data: what the service says of a job, a file or a row that failed."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

GRPC_CODES: Mapping[int, str] = {
    0: "OK",
    1: "CANCELLED",
    2: "UNKNOWN",
    3: "INVALID_ARGUMENT",
    4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND",
    6: "ALREADY_EXISTS",
    7: "PERMISSION_DENIED",
    8: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION",
    10: "ABORTED",
    11: "OUT_OF_RANGE",
    12: "UNIMPLEMENTED",
    13: "INTERNAL",
    14: "UNAVAILABLE",
    15: "DATA_LOSS",
    16: "UNAUTHENTICATED",
}


_RETRYABLE = frozenset({4, 8, 10, 13, 14})


@frozen(kw_only=True)
class RpcStatus:
    """A ``google.rpc.Status``: why a job, a file or a single row failed."""

    code: int = 0
    """gRPC number, not an HTTP status; 0 where the service gave none."""

    message: str = ""
    details: tuple[Mapping[str, Any], ...] = ()

    @property
    def reason(self) -> str:
        """Name of the code, such as ``"DEADLINE_EXCEEDED"``; empty for code 0."""
        return GRPC_CODES.get(self.code, f"code {self.code}") if self.code else ""

    @property
    def retryable(self) -> bool:
        """True if the same request may well succeed in another job.

        That is so for the codes DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, INTERNAL and
        UNAVAILABLE. False for others, which blame the request, and where there is none.
        """
        return self.code in _RETRYABLE

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}" if self.reason else self.message
