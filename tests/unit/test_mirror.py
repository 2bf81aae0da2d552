"""Answers decoded in one pass are what cattrs makes of them."""

import json
from array import array
from typing import Any

import msgspec
import pytest
from attrs import Factory, define, frozen
from hypothesis import given

from gemini_batch._codec import Codec, ResultDecoder
from gemini_batch._codec.converter import build_converter
from gemini_batch._codec.response_structs import mirror_of
from gemini_batch.errors import DecodeError
from gemini_batch.types import (
    BatchResult,
    Candidate,
    EmbedContentResponse,
    FinishReason,
    GenerateContentResponse,
    JobKind,
    Outcome,
    Part,
    SafetyRating,
    Usage,
)
from tests.support.recorded import names, recorded
from tests.unit.test_generate import members

CODEC = Codec()


def decoded(data: bytes, cls: type) -> Any:
    """The mirrored way; None where it gives up."""
    mirror = CODEC.mirror(cls)
    assert mirror is not None
    try:
        return mirror.move(msgspec.json.decode(data, type=mirror.struct))
    except Exception:  # noqa: BLE001 - that it gives up is what is compared
        return None


def structured(data: bytes, cls: type) -> Any:
    try:
        return CODEC.loads(data, cls)
    except DecodeError:
        return None


@pytest.mark.parametrize(
    "cls", [Part, Candidate, Usage, SafetyRating, GenerateContentResponse]
)
def test_it_agrees_with_cattrs_or_gives_up(cls: type) -> None:
    @given(members(cls))
    def agree(value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        quick, slow = decoded(data, cls), structured(data, cls)

        assert quick is None or quick == slow

    agree()


@pytest.mark.parametrize("name", names("jsonl/*output*.jsonl"))
def test_recorded_answers_are_decoded_in_one_pass(name: str) -> None:
    cls = EmbedContentResponse if "embed" in name else GenerateContentResponse
    for line in recorded(name).splitlines():
        answer = json.dumps(json.loads(line).get("response") or {}).encode()

        assert decoded(answer, cls) == CODEC.loads(answer, cls)


@given(members(GenerateContentResponse))
def test_a_result_is_the_same_either_way(response: dict[str, Any]) -> None:
    decoder = ResultDecoder(CODEC, JobKind.GENERATE)
    raw = json.dumps({"key": "a", "response": response}).encode()

    assert decoder.judge(raw, "a") == decoder._judge_at_length(raw, "a")


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

    assert codec.mirror(GenerateContentResponse) is None
    judged = ResultDecoder(codec, JobKind.GENERATE).judge(b'{"response":{"a":1}}', None)
    assert judged[2] is answer


@frozen
class Frozen:
    a: int = 0


@define
class Needs:
    a: int


@define
class Holds:
    frozen: Frozen | None = None
    needs: Needs | None = None
    made: list[int] = Factory(list)
    wide: dict[str, int] | None = None
    sure: int = 5


def test_classes_that_cannot_be_mirrored_are_left_to_their_hooks() -> None:
    converter = build_converter()
    assert mirror_of(Frozen, converter) is None
    assert mirror_of(Needs, converter) is None
    mirror = mirror_of(Holds, converter)
    assert mirror is not None

    data = b'{"frozen":{"a":"1"},"needs":{"a":2},"made":["3"],"wide":{"b":4},"sure":null}'
    value = mirror.move(msgspec.json.decode(data, type=mirror.struct))

    assert value == Holds(Frozen(1), Needs(2), [3], {"b": 4}, 5)
    assert mirror.move(mirror.struct()).made is not mirror.move(mirror.struct()).made
