"""Error answers in all their shapes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch._codec import Codec
from gemini_batch._wire.api_errors import read_error
from gemini_batch.errors import APIError, BadRequestError, ServerError
from tests.support.recorded import recorded

CODEC = Codec()


def read(status: int, body: bytes, **headers: str) -> APIError:
    return read_error(
        CODEC,
        status_code=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=body,
        method="POST",
        path="/v1beta/x",
        now=lambda: 1_000_000.0,
    )


def test_html_becomes_its_text() -> None:
    error = read(502, b"<html><h1>502</h1>\n<p>Bad   Gateway</p></html>")

    assert isinstance(error, ServerError)
    assert str(error) == "502: 502 Bad Gateway (POST /v1beta/x)"


def test_an_empty_body_is_named() -> None:
    assert read(500, b"").message == "the answer has no body"


def test_long_text_is_cut() -> None:
    assert len(read(500, b"x" * 10_000).message) == 500


@pytest.mark.parametrize(
    "body", [b"[]", b"null", b'{"error": "nope"}', b'[{"error": 3}]', b"3"]
)
def test_json_of_another_shape_is_shown(body: bytes) -> None:
    assert read(500, body).message == body.decode()


def test_members_of_wrong_types_are_left_out() -> None:
    error = read(400, b'{"error": {"message": 3, "status": 4, "details": [5, {"a": 1}]}}')

    assert (error.status, error.details) == ("", ({"a": 1},))


def test_retry_info_wins_over_the_header() -> None:
    body = recorded("errors/429-quota-failure-retry-info.json")

    assert read(429, body, retry_after="7").retry_after == 34.4


def test_the_header_may_be_seconds_or_a_date() -> None:
    assert read(503, b"", retry_after="7").retry_after == 7.0
    assert read(503, b"", retry_after="Mon, 12 Jan 1970 13:46:50 GMT").retry_after == 10.0
    assert read(503, b"", retry_after="Mon, 12 Jan 1970 13:46:30 GMT").retry_after == 0.0
    assert read(503, b"", retry_after="soon").retry_after is None


def test_a_delay_that_is_no_duration_is_ignored() -> None:
    body = b'{"error":{"details":[{"@type":"google.rpc.RetryInfo","retryDelay":"soon"}]}}'

    assert read(429, body).retry_after is None


def test_refused_rows_are_numbered() -> None:
    error = read(400, recorded("errors/400-jsonl-validation.json"))

    assert isinstance(error, BadRequestError)
    assert [number for number, _ in error.line_errors] == [1, 2]
    assert "thinking_config" in error.line_errors[0][1]


def test_a_line_for_every_row_is_read() -> None:
    lines = "\n".join(
        f"Error on line {n}: no such field: 'thinking_config'" for n in range(1, 9001)
    )
    body = json.dumps({"error": {"code": 400, "message": lines}}).encode()

    error = read(400, body)

    assert isinstance(error, BadRequestError)
    assert len(error.line_errors) == 9000


@given(st.integers(min_value=300, max_value=599), st.binary())
def test_any_body_gives_an_error(status: int, body: bytes) -> None:
    assert read(status, body).status_code == status
