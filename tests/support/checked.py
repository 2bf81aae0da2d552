"""Helpers to check one request and look at what is said of it."""

import json
from typing import Any

from gemini_batch._codec import Codec
from gemini_batch._requests.checker import EncodedRequest, RequestChecker
from gemini_batch.errors import InputProblem

CODEC = Codec()
HELLO = {"contents": [{"parts": [{"text": "hello"}]}]}
EMBED = {"content": {"parts": [{"text": "hello"}]}}
JSON = {"responseMimeType": "application/json"}


def problems_of(request: Any, **options: Any) -> list[InputProblem]:
    """Check a request in an envelope as a line and as a mapping: both say the same."""
    row = {"key": "a", "request": request}
    as_mapping, as_line = RequestChecker(CODEC, **options), RequestChecker(CODEC, **options)
    taken = as_mapping.request(row, 7)
    assert taken == as_line.line(json.dumps(row).encode(), 7)
    assert as_mapping.problems == as_line.problems
    assert (taken is None) == bool(as_line.problems)
    assert all(problem.line == 7 for problem in as_line.problems)
    return as_line.problems


def the_problem(request: Any, **options: Any) -> InputProblem:
    """Return the only problem of a request."""
    (problem,) = problems_of(request, **options)
    return problem


def config(**members: Any) -> dict[str, Any]:
    """Return a request with a generation config."""
    return {**HELLO, "generationConfig": members}


def part(**members: Any) -> dict[str, Any]:
    """Return a request of one part."""
    return {"contents": [{"parts": [members]}]}


def checked(value: Any, **options: Any) -> tuple[EncodedRequest | None, list[InputProblem]]:
    """Check a request, and return the row and the problems."""
    checker = RequestChecker(CODEC, **options)
    row = checker.request(value, 3)
    return row, checker.problems


def good(value: Any, **options: Any) -> EncodedRequest:
    """Return the row of a request without problems."""
    row, problems = checked(value, **options)
    assert problems == []
    assert row is not None
    return row


def bad(value: Any, **options: Any) -> InputProblem:
    """Return the only problem of a request."""
    row, problems = checked(value, **options)
    assert row is None
    (problem,) = problems
    assert problem.line == 3
    return problem
