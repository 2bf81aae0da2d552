"""Answers of rows are what the converter makes of them, hooks of the caller's included."""

import json
from array import array
from typing import Any

from gemini_batch._codec import Codec, ResultDecoder
from gemini_batch.types import (
    BatchResult,
    FinishReason,
    GenerateContentResponse,
    JobKind,
    Outcome,
    SafetyRating,
    Usage,
)

CODEC = Codec()


def test_what_takes_the_long_way_arrives_all_the_same() -> None:
    """Text for numbers, a whole number with a fraction, and words for no number."""
    row = result({"usageMetadata": {"promptTokenCount": "12", "totalTokenCount": 3.0}})
    assert row.usage == Usage(prompt_token_count=12, total_token_count=3)
    vector = {"embedding": {"values": [1, 2.5]}, "tokenCount": "3"}
    assert result(vector, JobKind.EMBED).embedding == array("f", [1, 2.5])
    row = result({"embedding": {"values": ["x"]}}, JobKind.EMBED)
    assert (row.outcome, row.embedding) == (Outcome.INVALID, None)


def test_an_enum_value_born_next_year_is_kept() -> None:
    row = result({"candidates": [{"finishReason": "BORED"}]})

    assert row.response is not None
    assert row.response.candidates[0].finish_reason == FinishReason("BORED")


def result(response: dict[str, Any], kind: JobKind = JobKind.GENERATE) -> BatchResult:
    return ResultDecoder(CODEC, kind).result(json.dumps({"response": response}).encode(), 0)


def test_a_misshapen_answer_of_a_row_with_two_keys_has_two_keys() -> None:
    raw = b'{"key":"a","response":{"candidates":3},"key":"b"}'

    assert "two keys" in str(ResultDecoder(CODEC, JobKind.GENERATE).judge(raw, "a")[1])


# Hooks of the caller's own


def test_hooks_of_the_callers_are_heeded() -> None:
    codec = Codec()
    codec.converter.register_structure_hook(SafetyRating, lambda *_: "rated")
    codec.converter.register_structure_hook(float, lambda v, _: v * 2)
    answer = {"candidates": [{"safetyRatings": [{}, {}], "avgLogprobs": -1.0}]}
    raw = json.dumps({"key": "a", "response": answer}).encode()

    response = ResultDecoder(codec, JobKind.GENERATE).judge(raw, "a")[2]

    assert isinstance(response, GenerateContentResponse)
    assert response.candidates[0].safety_ratings == ("rated", "rated")  # type: ignore[comparison-overlap]
    assert response.candidates[0].avg_logprobs == -2.0
    assert codec.structure(answer, GenerateContentResponse) == response


def test_a_hook_for_the_whole_answer_is_heeded() -> None:
    codec = Codec()
    answer = GenerateContentResponse(model_version="mine")
    codec.converter.register_structure_hook(GenerateContentResponse, lambda *_: answer)

    judged = ResultDecoder(codec, JobKind.GENERATE).judge(b'{"response":{"a":1}}', None)
    assert judged[2] is answer
