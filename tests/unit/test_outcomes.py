"""The table of outcomes, held against every combination of what a row may have."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from gemini_batch._codec import Codec, ResultDecoder
from gemini_batch._codec.results.vertex_decoder import VertexResultDecoder
from gemini_batch.types import (
    FinishReason,
    GenerateContentResponse,
    JobKind,
    Outcome,
    RpcStatus,
)
from gemini_batch.types._results import classify
from gemini_batch.types._status import GRPC_CODES

CODEC = Codec()
DEVELOPER = ResultDecoder(CODEC, JobKind.GENERATE)
VERTEX = VertexResultDecoder(CODEC, JobKind.GENERATE)
ABSENT: Any = object()

ERRORS: list[Any] = [ABSENT, None, {"code": 4, "message": "late"}, {"code": 3}, {}, "late"]
BLOCKS: list[Any] = [
    ABSENT,
    None,
    "BLOCK_REASON_UNSPECIFIED",
    "BLOCKED_REASON_UNSPECIFIED",
    "SAFETY",
    "JAILBREAK",
    "NEXT_YEAR",
]
REASONS: list[Any] = [ABSENT, None, *(str(reason) for reason in FinishReason), "NEXT_YEAR"]
THOUGHT = {"text": "hm", "thought": True}
CALL = {"functionCall": {"name": "f", "args": {}}}
PARTS: list[Any] = [
    ABSENT,
    [],
    [{}],
    [{"text": ""}],
    [THOUGHT],
    [THOUGHT, {"text": ""}],
    [{**CALL, "thought": True}],
    [{"text": "a"}],
    [THOUGHT, {"text": "a"}],
    [CALL],
    [THOUGHT, CALL],
    [{"inlineData": {"mimeType": "image/png", "data": "eA=="}}],
    [{"executableCode": {"language": "PYTHON", "code": "1"}}],
    [{"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}],
]
OTHER = {"content": {"parts": [{"text": "another"}]}, "finishReason": "STOP"}
FILTERED = {
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "MODEL_ARMOR",
}
MALFORMED = {
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
}


def without_absent(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not ABSENT}


def candidate_lists() -> Iterator[Any]:
    yield from (ABSENT, [])
    for reason, parts, several in itertools.product(REASONS, PARTS, (False, True)):
        content = {"role": "model", **without_absent(parts=parts)}
        first = without_absent(content=content, finishReason=reason)
        yield [first, OTHER] if several else [first]


def expected_answer(block: Any, candidates: Any) -> str:
    """What the table says of an answer, read off the wire's own words."""
    if block in {"SAFETY", "JAILBREAK", "NEXT_YEAR"}:
        return "blocked"
    if candidates is ABSENT or not candidates:
        return "empty"
    first = candidates[0]
    reason = first.get("finishReason")
    if reason == "MAX_TOKENS":
        return "truncated"
    if reason in FILTERED:
        return "blocked"
    if reason in MALFORMED:
        return "invalid"
    said = [p for p in first["content"].get("parts", []) if not p.get("thought")]
    return "ok" if any(any(p.values()) for p in said) else "empty"


def answers() -> Iterator[tuple[Any, str]]:
    """Every response of the cross with its outcome; and none at all."""
    for absent in (ABSENT, None):
        yield absent, "invalid"
    for block, candidates in itertools.product(BLOCKS, candidate_lists()):
        feedback = ABSENT if block is ABSENT else {"blockReason": block}
        response = without_absent(promptFeedback=feedback, candidates=candidates)
        yield response, expected_answer(block, candidates)


CROSS = list(answers())


def test_every_row_of_the_developer_api_has_the_outcome_of_the_table() -> None:
    wrong = []
    for error, (response, outcome) in itertools.product(ERRORS, CROSS):
        due = "error" if error is not ABSENT and error is not None else outcome
        raw = json.dumps(without_absent(key="k", error=error, response=response)).encode()
        result = DEVELOPER.result(raw, 0)
        found = (result.key, str(result.outcome), result.ok, result.error is None)
        if found != ("k", due, due == "ok", due == "ok"):
            wrong.append((raw, found, due))

    assert wrong == []


def test_every_row_of_vertex_has_the_outcome_of_the_table() -> None:
    wrong = []
    for status, (response, outcome) in itertools.product(("", "Bad Request: no"), CROSS):
        due = "error" if status else outcome
        raw = json.dumps(without_absent(key="k", status=status, response=response)).encode()
        result = VERTEX.result(raw, 0)
        if (result.key, str(result.outcome)) != ("k", due):
            wrong.append((raw, result.outcome, due))

    assert wrong == []


def test_the_error_of_a_row_counts_however_its_answer_is_shaped() -> None:
    row = {"key": "k", "error": {"code": 13}, "response": {"candidates": 3}}

    result = DEVELOPER.result(json.dumps(row).encode(), 0)

    assert (result.outcome, result.retryable) == (Outcome.ERROR, True)


def test_the_function_itself_tells_rows_without_an_answer() -> None:
    late = RpcStatus(code=4, message="late")

    assert classify(None) == (Outcome.INVALID, "the row has neither response nor error")
    assert classify(None, late) == (Outcome.ERROR, "DEADLINE_EXCEEDED: late")
    assert classify(GenerateContentResponse(), late)[0] is Outcome.ERROR


@pytest.mark.parametrize("code", [*GRPC_CODES, 17, 429])
def test_what_is_worth_another_try(code: int) -> None:
    due = code in {4, 8, 10, 13, 14}
    raw = json.dumps({"key": "k", "error": {"code": code, "message": "no"}}).encode()
    text = {"error": {"code": code, "status": GRPC_CODES.get(code), "message": "no"}}
    vertex = json.dumps({"key": "k", "status": f"Error: {json.dumps(text)}"}).encode()

    row = DEVELOPER.result(raw, 0)

    assert RpcStatus(code=code).retryable is due
    assert row.error is not None
    assert (row.error.code, row.error.retryable, row.retryable) == (code, due, due)
    # There, a code may be one of HTTP's: 429 is RESOURCE_EXHAUSTED.
    assert VERTEX.result(vertex, 0).retryable is (due or code == 429)


@pytest.mark.parametrize(
    "members",
    [
        {"response": {"candidates": [{"content": {"parts": [{"text": "a"}]}}]}},
        {"response": {"promptFeedback": {"blockReason": "SAFETY"}}},
        {"response": {}},
        {"error": "late"},
        {},
    ],
)
def test_nothing_else_is_worth_one(members: dict[str, Any]) -> None:
    assert not DEVELOPER.result(json.dumps({"key": "k", **members}).encode(), 0).retryable
