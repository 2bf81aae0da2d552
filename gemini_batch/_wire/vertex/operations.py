"""Work on Vertex AI that goes on after its call was answered."""

from collections.abc import Mapping
from typing import Final

from attrs import evolve, frozen

from gemini_batch._codec import Codec
from gemini_batch._wire.api_errors import read_error
from gemini_batch._wire.http import Request
from gemini_batch._wire.vertex.names import operation_name
from gemini_batch.errors import APIError
from gemini_batch.types import RpcStatus

_HTTP_STATUS: Final[Mapping[int, int]] = {
    # gRPC: HTTP, as google.rpc.Code maps them.
    1: 499,
    3: 400,
    4: 504,
    5: 404,
    6: 409,
    7: 403,
    8: 429,
    9: 400,
    10: 409,
    11: 400,
    12: 501,
    14: 503,
    16: 401,
}


@frozen(kw_only=True)
class Operation:
    """Work that goes on after its call was answered."""

    name: str | None = None
    """Its full name; None for work that was done with the call."""

    done: bool = False
    error: RpcStatus | None = None
    """Why it failed; only once it is done."""


def read_operation(codec: Codec, body: bytes, parent: str) -> Operation:
    """Read how far an operation is; an answer without one is of work that is done.

    Raises:
        DecodeError: It is not an operation, or its name is none of this place.
    """
    operation = codec.loads(body, Operation)
    if operation.name is None:
        return evolve(operation, done=True)
    return evolve(operation, name=operation_name(operation.name, parent))


def operation_error(codec: Codec, status: RpcStatus, request: Request) -> APIError:
    """Return the error that an operation ended with, as if its call had been answered so."""
    code = _HTTP_STATUS.get(status.code, 500)
    error = {
        "message": status.message,
        "status": status.reason,
        "details": list(status.details),
    }
    return read_error(
        codec,
        status_code=code,
        headers={},
        body=codec.dumps({"error": error}),
        method=request.method,
        path=request.path,
    )
