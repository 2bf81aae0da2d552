"""The status of what failed."""

from gemini_batch.types import (
    RpcStatus,
)


def test_a_status_names_its_code() -> None:
    assert str(RpcStatus(code=4, message="late")) == "DEADLINE_EXCEEDED: late"
    assert str(RpcStatus(code=99, message="odd")) == "code 99: odd"
    assert str(RpcStatus(message="odd")) == "odd"
