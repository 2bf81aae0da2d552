"""Lines that are no JSON, and values that are no requests."""

from typing import Any

import pytest

from gemini_batch._requests.checker import RequestChecker
from gemini_batch.errors import InputProblem
from gemini_batch.types import (
    Content,
    GenerateRequest,
)
from tests.support.checked import CODEC, HELLO, bad

HELLO_TEXT = b'{"contents":[{"parts":[{"text":"hello"}]}]}'


def line_problem(line: bytes, number: int = 3, **options: Any) -> InputProblem:
    checker = RequestChecker(CODEC, **options)
    assert checker.line(line, number) is None
    (problem,) = checker.problems
    assert problem.line == number
    return problem


@pytest.mark.parametrize("line", [b"", b"  \t", b"\r"])
def test_blank_lines_are_skipped(line: bytes) -> None:
    checker = RequestChecker(CODEC)

    assert checker.line(line, 1) is None
    assert checker.problems == []


@pytest.mark.parametrize("line", [HELLO_TEXT + b"\r", b"  " + HELLO_TEXT + b" \t"])
def test_space_around_a_line_is_tolerated(line: bytes) -> None:
    row = RequestChecker(CODEC).line(line, 5)

    assert row is not None
    assert row.request == HELLO_TEXT


def test_a_byte_order_mark_is_tolerated_at_the_start_only() -> None:
    line = b"\xef\xbb\xbf" + HELLO_TEXT

    assert RequestChecker(CODEC).line(line, 1) is not None
    assert "not JSON at column 1" in line_problem(line, 2).message


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_is_named_once(encoding: str) -> None:
    text = "\ufeff" + HELLO_TEXT.decode() + "\n" + HELLO_TEXT.decode()
    checker = RequestChecker(CODEC)

    for number, line in enumerate(text.encode(encoding).split(b"\n"), start=1):
        assert checker.line(line, number) is None

    (problem,) = checker.problems
    assert problem.message == "the text is UTF-16, not UTF-8"
    assert problem.remedy == "Save it again as UTF-8."


@pytest.mark.parametrize(
    ("line", "message", "remedy"),
    [
        (
            b'{"contents": }',
            "not JSON at column 14: Expecting value",
            "one whole JSON object",
        ),
        (b"  {", "not JSON at column 4: Expecting property name", "one whole JSON object"),
        (b"{'key': 'a'}", "not JSON at column 2", "json.dumps"),
        (b"Write a poem", "not JSON at column 1", "GenerateRequest.from_text"),
        (b'{"a":"\xff"}', "not UTF-8 at byte offset 6", "as UTF-8"),
        (b'{"a":NaN}', "not JSON: NaN is not a JSON number", "one whole JSON object"),
        (b'{"a":-Infinity}', "not JSON: -Infinity is not a JSON number", "JSON object"),
        (b'{"a":1e999}', "not JSON: Number out of range", "JSON object"),
        (b'{"a":"\\ud800"}', "not JSON: ", "JSON object"),
        (b"[" * 100_000, "not JSON: maximum recursion depth", "JSON object"),
        (HELLO_TEXT + b",", "not JSON at column 44: Extra data", "without a comma"),
    ],
)
def test_what_is_not_json_is_told_where_and_why(
    line: bytes, message: str, remedy: str
) -> None:
    problem = line_problem(line)

    assert problem.message.startswith(message)
    assert remedy in problem.remedy


@pytest.mark.parametrize(
    ("line", "what"),
    [(b"[]", "a list"), (b'"x"', "a string"), (b"5", "a number"), (b"null", "null")],
)
def test_a_line_that_is_not_an_object_is_refused(line: bytes, what: Any) -> None:
    problem = line_problem(line)

    assert problem.message == f"a row is an object, not {what}"
    assert '"request"' in problem.remedy


def test_a_row_too_large_is_refused_before_it_is_decoded() -> None:
    problem = line_problem(b"\xff" * 101, max_request_bytes=100)

    assert problem.message == "the row is larger than 0.0001 MB"
    assert "files.upload" in problem.remedy


def test_a_mapping_too_large_is_refused() -> None:
    value = {"contents": [{"parts": [{"text": "x" * 100}]}]}

    assert "larger" in bad(value, max_request_bytes=100).message


# Values that are no requests


@pytest.mark.parametrize("value", [5, None, object(), [HELLO], ("a",)])
def test_what_is_no_request_is_refused(value: Any) -> None:
    problem = bad(value)

    assert problem.message.startswith("expected a request, got ")
    assert "GenerateRequest" in problem.remedy


def test_an_empty_string_is_no_request() -> None:
    assert bad("  ").message == "the request is empty"


def test_a_prompt_is_told_to_become_a_request() -> None:
    assert (
        bad("Write a poem").remedy
        == "For a plain prompt, use GenerateRequest.from_text(…)."
    )


@pytest.mark.parametrize(
    "text",
    [
        "\ud800",
        {"contents": [{"parts": [{"text": "\ud800"}]}]},
        {"contents": [{"parts": [{"text": "a"}, {"text": "\ud800"}]}]},
    ],
)
def test_broken_unicode_is_a_problem_not_a_crash(text: Any) -> None:
    assert bad(text).message


def test_a_broken_key_is_a_problem_not_a_crash() -> None:
    assert "cannot be written" in bad({"key": "\ud800", "request": HELLO}).message


def test_a_typed_request_with_a_wrong_member_is_looked_into() -> None:
    problem = bad(GenerateRequest(contents="hello"))  # type: ignore[arg-type]

    assert problem.field == "contents"
    assert "GenerateRequest.from_text" in problem.remedy


def test_a_typed_request_beyond_reading_is_a_problem() -> None:
    content = Content(parts=5)  # type: ignore[arg-type]

    assert "cannot be read" in bad(GenerateRequest(contents=(content,))).message
    assert "cannot be read" in bad({"contents": [content]}).message


def test_a_mapping_that_holds_itself_is_a_problem() -> None:
    loop: dict[str, object] = {}
    loop["contents"] = loop

    assert "cannot be read" in bad(loop).message
