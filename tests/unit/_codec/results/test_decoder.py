"""Every row is classified, and its answer decoded when asked for."""

import itertools
import json
import pickle
import sys
from array import array
from collections.abc import Iterable
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch._codec import Codec, ResultDecoder
from gemini_batch.errors import DecodeError
from gemini_batch.types import (
    BatchResult,
    BlockReason,
    Candidate,
    Content,
    ContentEmbedding,
    EmbedContentResponse,
    FinishReason,
    GenerateContentResponse,
    JobKind,
    Outcome,
    Part,
    PromptFeedback,
)
from gemini_batch.types._content import (
    Blob,
    CodeExecutionResult,
    ExecutableCode,
    FileData,
    FunctionCall,
)
from gemini_batch.types._results import classify

CODEC = Codec()
FILTERS = [
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
]
MALFORMED = [
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
]
SUBSTANCE = [
    Part(text="a"),
    Part(inline_data=Blob(data=b"x")),
    Part(file_data=FileData(file_uri="x")),
    Part(function_call=FunctionCall(name="f")),
    Part(executable_code=ExecutableCode(code="1")),
    Part(code_execution_result=CodeExecutionResult(output="1")),
]
NOTHING = [None, (), (Part(text=""),), (Part(text="hm", thought=True),), (Part(),)]


def result(row: dict[str, Any] | bytes, kind: JobKind = JobKind.GENERATE) -> BatchResult:
    raw = row if isinstance(row, bytes) else json.dumps(row).encode()
    return ResultDecoder(CODEC, kind).result(raw, 7)


def answer(reason: str | None, parts: Iterable[Part] | None) -> GenerateContentResponse:
    content = None if parts is None else Content(parts=tuple(parts))
    finish = None if reason is None else FinishReason(reason)
    return GenerateContentResponse(
        candidates=(Candidate(content=content, finish_reason=finish),)
    )


@pytest.mark.parametrize("part", SUBSTANCE)
@pytest.mark.parametrize("reason", ["STOP", None, "OTHER", "BORN_NEXT_YEAR"])
def test_substance_is_ok_unless_the_reason_says_otherwise(
    part: Part, reason: str | None
) -> None:
    assert classify(answer(reason, [part])) == (Outcome.OK, "")


@pytest.mark.parametrize("parts", NOTHING)
@pytest.mark.parametrize("reason", ["STOP", None, "OTHER", "NO_IMAGE", "BORN_NEXT_YEAR"])
def test_nothing_is_empty(parts: Iterable[Part] | None, reason: str | None) -> None:
    outcome, why = classify(answer(reason, parts))

    assert outcome is Outcome.EMPTY
    assert str(reason) in why


@pytest.mark.parametrize(
    ("reason", "parts"),
    list(
        itertools.product(
            ["MAX_TOKENS", *FILTERS, *MALFORMED], [*NOTHING, (Part(text="a"),)]
        )
    ),
)
def test_the_reason_counts_whatever_the_parts(
    reason: str, parts: Iterable[Part] | None
) -> None:
    outcome, why = classify(answer(reason, parts))

    expected = {"MAX_TOKENS": Outcome.TRUNCATED}.get(
        reason, Outcome.BLOCKED if reason in FILTERS else Outcome.INVALID
    )
    assert outcome is expected
    assert why


def test_a_finish_message_is_told() -> None:
    response = answer("SAFETY", None)
    response.candidates[0].finish_message = "too hot"

    assert classify(response)[1].endswith("SAFETY: too hot")


def test_a_blocked_prompt_is_blocked() -> None:
    feedback = PromptFeedback(block_reason=BlockReason("NEXT_YEAR"))
    assert classify(GenerateContentResponse(prompt_feedback=feedback)) == (
        Outcome.BLOCKED,
        "the prompt was blocked: NEXT_YEAR",
    )
    feedback.block_reason_message = "no"
    assert classify(GenerateContentResponse(prompt_feedback=feedback))[1].endswith("no")
    unblocked = GenerateContentResponse(prompt_feedback=PromptFeedback())
    assert classify(unblocked)[0] is Outcome.EMPTY


def test_embeddings_need_numbers() -> None:
    good = EmbedContentResponse(embedding=ContentEmbedding(values=array("f", [1.0])))
    assert classify(good)[0] is Outcome.OK
    assert "1 floats" in repr(good)
    assert classify(EmbedContentResponse(embedding=ContentEmbedding()))[0] is Outcome.EMPTY
    assert classify(EmbedContentResponse())[0] is Outcome.EMPTY


def test_a_row_error_keeps_code_and_name() -> None:
    row = result(
        {"key": "a", "error": {"code": 4, "message": "late", "details": [{"a": 1}]}}
    )

    assert (row.outcome, row.ok, row.text, row.response) == (
        Outcome.ERROR,
        False,
        None,
        None,
    )
    assert row.error is not None
    assert (row.error.code, row.error.reason) == (4, "DEADLINE_EXCEEDED")
    assert row.error.details == ({"a": 1},)
    assert (row.embedding, row.usage) == (None, None)


def test_an_error_of_unknown_shape_is_still_an_error() -> None:
    row = result({"key": "a", "error": "late", "response": {}})

    assert row.outcome is Outcome.ERROR
    assert row.error is not None
    assert row.error.message == '"late"'


def test_a_status_text_is_no_error() -> None:
    good = {"candidates": [{"content": {"parts": [{"text": "x"}]}}]}

    assert result({"key": "a", "status": "", "response": good}).ok
    assert result({"key": "a", "error": None, "status": None, "response": good}).ok


def test_a_row_without_anything_is_invalid() -> None:
    row = result({"key": "a", "response": None})

    assert (row.key, row.outcome) == ("a", Outcome.INVALID)
    assert "neither response nor error" in str(row.error)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_broken_row_is_invalid_and_kept(raw: bytes) -> None:
    row = result(raw)

    assert (row.key, row.raw, row.index, row.outcome) == (None, raw, 7, Outcome.INVALID)
    assert "cannot be read" in str(row.error)


def test_an_answer_of_the_wrong_shape_is_invalid_and_says_where() -> None:
    row = result({"key": "a", "response": {"candidates": [{"content": {"parts": 3}}]}})

    assert row.outcome is Outcome.INVALID
    assert "$.candidates[0].content" in str(row.error)
    assert row.text is None


def test_keys_are_text() -> None:
    assert result({"key": 5, "error": {}}).key == "5"
    assert result({"metadata": {"key": "m"}, "error": {}}).key == "m"
    strange: list[Any] = [["m"], 1.5, True, {}]
    for odd in strange:
        assert result({"metadata": {"key": odd}, "error": {}}).key is None
        assert result({"key": odd, "error": {}}).outcome is Outcome.ERROR
    assert result({"metadata": 3, "error": {}}).metadata == {}


def test_the_answer_is_decoded_once_and_kept() -> None:
    row = result({"key": "a", "response": {"candidates": [{}], "modelVersion": "m"}})

    assert row.response is row.response
    assert row.response is not None
    assert row.response.model_version == "m"
    assert row.usage is None


def test_embedding_rows_have_vectors_and_usage_in_both_forms() -> None:
    old = {"response": {"embedding": {"values": [1]}, "tokenCount": "3"}}
    new = {
        "response": {"embedding": {"values": [1]}, "usageMetadata": {"promptTokenCount": 4}}
    }
    none = {"response": {"embedding": {"values": [1]}}}
    first = result(old, JobKind.EMBED)

    assert first.embedding == array("f", [1.0])
    assert (first.response, first.text) == (None, None)
    assert first.usage is not None
    assert (first.usage.prompt_token_count, first.usage.total_token_count) == (3, 3)
    second = result(new, JobKind.EMBED).usage
    assert second is not None
    assert second.prompt_token_count == 4
    assert result(none, JobKind.EMBED).usage is None
    assert result({"response": {}}, JobKind.EMBED).embedding is None


@frozen
class Recipe:
    title: str
    steps: list[str]
    minutes: int | None = None


def text_row(text: str) -> BatchResult:
    return result({"response": {"candidates": [{"content": {"parts": [{"text": text}]}}]}})


def test_a_json_answer_is_parsed_into_the_callers_class() -> None:
    row = text_row('{"title": "Soup", "steps": ["cook"]}')

    assert row.parsed(Recipe) == Recipe(title="Soup", steps=["cook"])


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"title": 3, "steps": []}', r"expected a string, got int @ \$.title"),
        ('{"title": "Soup", "steps": [null]}', r"\$.steps\[0\]"),
        ('{"title": "Soup"}', "required field missing"),
        ("Soup!", "expected JSON"),
        ("", "expected JSON"),
    ],
)
def test_a_misfit_says_where(text: str, where: str) -> None:
    with pytest.raises(DecodeError, match=where):
        text_row(text).parsed(Recipe)


def test_a_result_can_be_pickled() -> None:
    row = pickle.loads(pickle.dumps(text_row("hello")))

    assert (row.text, row.outcome) == ("hello", Outcome.OK)


# Lines of a file

ANSWER = '"response":{"candidates":[{"content":{"parts":[{"text":"hi"}]}}]}'


def on_line(line: str) -> BatchResult:
    row = ResultDecoder(CODEC, JobKind.GENERATE).line(line.encode() + b"\n", 7)
    assert row is not None
    return row


@pytest.mark.parametrize(
    "line",
    [
        '{"key":"a b",' + ANSWER + "}",
        '{"key": "a b", ' + ANSWER + "}",
        "{" + ANSWER + ',"key":"a b"}',
        "{" + ANSWER + ', "key": "a b"}',
        '{"x":1,"key":"a b",' + ANSWER + "}",
        ' {"key" : "a b" ,' + ANSWER + "}\r",
        '{"key":"a\\u0020b",' + ANSWER + "}",
        '{"x":{"key":"no"},"key":"a b",' + ANSWER + ',"y":{"key":"no"}}',
        "{" + ANSWER.replace("hi", ',\\"key\\":\\"no\\"}') + ',"key":"a b"}',
    ],
)
def test_a_key_is_found_wherever_it_stands(line: str) -> None:
    row = on_line(line)

    assert (row.key, row.outcome, row.index) == ("a b", Outcome.OK, 7)
    assert row.raw == line.encode()


@pytest.mark.parametrize("key", ["é", "漢", '"', "\\", "\u2028", ""])
def test_any_key_is_found(key: str) -> None:
    for ascii_only in (True, False):
        spelt = json.dumps(key, ensure_ascii=ascii_only)
        for line in ('{"key":' + spelt + "," + ANSWER, "{" + ANSWER + ',"key":' + spelt):
            assert (on_line(line + "}").key, on_line(line + "}").text) == (key, "hi")


@pytest.mark.parametrize("line", ["", " ", "\t\r"])
def test_a_blank_line_is_no_row(line: str) -> None:
    assert ResultDecoder(CODEC, JobKind.GENERATE).line(line.encode() + b"\n", 0) is None


def test_no_answer_gets_the_key_of_another() -> None:
    """Two rows that ran together: whatever is taken for the key, there is no answer."""
    for line in (
        '{"key":"a",' + ANSWER + ',"key":"b"}',
        '{"key":"a","response":{"candid{"key":"b",' + ANSWER + "}",
        '{"key":"a",' + ANSWER + '}{"key":"b",' + ANSWER + "}",
        "{" + ANSWER + ',"key":"b"}}',
    ):
        row = on_line(line)
        assert (row.text, row.response, row.outcome) == (None, None, Outcome.INVALID)
        assert row.text is None
    assert "two keys" in str(on_line('{"key":"a",' + ANSWER + ',"key":"b"}').error)


@given(
    st.permutations(["key", "response", "error", "metadata"]),
    st.text(max_size=5),
    st.text(max_size=5),
    st.booleans(),
)
def test_lines_are_read_as_rows_are(
    order: list[str], key: str, text: str, failed: bool
) -> None:
    members = {
        "key": key,
        "response": {"candidates": [{"content": {"parts": [{"text": text}]}}]},
        "error": {"code": 13} if failed else None,
        "metadata": {"key": "other", "a": 1},
    }
    for separators in ((",", ":"), (", ", ": ")):
        line = json.dumps({name: members[name] for name in order}, separators=separators)
        one, other = on_line(line), result(line.encode())

        assert (
            (one.key, one.metadata)
            == (other.key, other.metadata)
            == (
                key,
                members["metadata"],
            )
        )
        assert one.text == other.text == (None if failed else text)
        assert one.outcome == other.outcome
        assert one.text == (None if failed else text)


def test_text_is_read_alone_and_with_the_rest_alike() -> None:
    parts = [
        {"text": "a"},
        {"text": "hm", "thought": True},
        {"inlineData": {}},
        {"text": "b"},
    ]
    cases: list[tuple[Any, str | None]] = [
        ([{"content": {"parts": parts}}], "ab"),
        ([{"content": {"parts": parts[1:2]}}], None),
        ([{"content": {"parts": parts[1:3]}}], None),
        ([{"content": {"parts": [{}]}}], None),
        ([{"content": {"parts": []}}], None),
        ([{"content": {}}], None),
        ([{}], None),
        ([], None),
        (None, None),
    ]
    for candidates, expected in cases:
        row = result({"key": "a", "response": {"candidates": candidates}})
        assert row.text == expected
        assert row.response is not None
        assert row.text == expected


def test_text_survives_a_member_that_is_misshapen() -> None:
    content = {"parts": [{"text": "hi"}]}
    row = result({"response": {"candidates": [{"content": content, "index": {}}]}})

    assert row.text == "hi"
    assert (row.outcome, row.response) == (Outcome.INVALID, None)
    assert row.text == "hi"


def test_metadata_of_a_broken_row_is_empty() -> None:
    assert result(b"{").metadata == {}


def test_results_are_small() -> None:
    """They are kept by the million."""
    assert sys.getsizeof(on_line('{"key":"a",' + ANSWER + "}")) <= 72
