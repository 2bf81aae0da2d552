"""Rows of results from Vertex AI, recorded and constructed."""

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch._codec import Codec
from gemini_batch._codec.results.vertex_decoder import (
    VertexResultDecoder,
    keys_by_request,
    request_digest,
    status_of,
)
from gemini_batch.types import BatchResult, JobKind, Outcome
from tests.support.recorded import names, recorded

CODEC = Codec()
GENERATE = VertexResultDecoder(CODEC, JobKind.GENERATE)
EMBED = VertexResultDecoder(CODEC, JobKind.EMBED)
ANSWER = {"candidates": [{"content": {"parts": [{"text": "hi"}]}, "finishReason": "STOP"}]}


def results(name: str, decoder: VertexResultDecoder) -> list[BatchResult]:
    """Return the results of a recorded file."""
    found = [
        decoder.line(line, index)
        for index, line in enumerate(recorded(name).splitlines(keepends=True))
    ]
    return [one for one in found if one is not None]


def row(decoder: VertexResultDecoder = GENERATE, /, **members: Any) -> BatchResult:
    """Return the result of a row, which is alike inline and as a line."""
    raw = json.dumps(members).encode()
    result = decoder.result(raw, 0)
    line = decoder.line(raw + b"\n", 0)
    assert line is not None
    assert (line.key, line.outcome, line.error, line.text) == (
        result.key,
        result.outcome,
        result.error,
        result.text,
    )
    fresh = decoder.result(raw, 0)
    assert fresh.text == result.text  # asked for first, and last
    return fresh


def test_every_recorded_output_is_read() -> None:
    for name in names("vertex/output-*.jsonl"):
        decoder = EMBED if "embed" in name else GENERATE
        for result in results(name, decoder):
            assert result.outcome is not Outcome.INVALID, (name, result.error)


def test_keys_of_others_are_read() -> None:
    found = results("vertex/output-generate-custom-id.jsonl", GENERATE)

    assert [(r.key, r.ok) for r in found] == [("2", True), ("1", True), ("0", True)]
    assert found[0].text is not None
    assert found[0].text.startswith("Ramen is")
    assert found[0].usage is not None
    assert found[0].usage.total_token_count == 178


def test_failed_and_blocked_rows() -> None:
    failed, blocked = results("vertex/output-generate-errors.jsonl", GENERATE)

    assert (failed.key, failed.outcome, failed.text) == ("idx-7", Outcome.ERROR, None)
    assert failed.error is not None
    assert (failed.error.code, failed.error.reason) == (3, "INVALID_ARGUMENT")
    assert failed.error.message == "Request contains an invalid argument."
    assert (blocked.key, blocked.outcome) == ("idx-8", Outcome.BLOCKED)


def test_a_row_without_a_key_has_none() -> None:
    (result,) = results("vertex/output-generate.jsonl", GENERATE)

    assert (result.key, result.ok) == (None, True)


def test_embeddings_of_both_families() -> None:
    (today,) = results("vertex/output-embed-gemini.jsonl", EMBED)
    (older,) = results("vertex/output-embed-legacy.jsonl", EMBED)

    assert today.key == "id_1"
    assert today.embedding is not None
    assert today.embedding.tolist() == pytest.approx([-0.015, 0.024])
    assert older.key is None
    assert older.embedding is not None
    assert older.embedding.tolist() == pytest.approx([0.2, 0.1])
    assert older.usage is not None
    assert older.usage.prompt_token_count == 8
    assert older.raw.startswith(b'{"instance"')


@pytest.mark.parametrize(
    ("members", "key"),
    [
        ({"key": "k", "custom_id": "c"}, "k"),
        ({"key": 5}, "5"),
        ({"key": None, "custom_id": "c", "id": "i"}, "c"),
        ({"id": 7, "custom_id": True}, "7"),
        ({"request": {"labels": {"gb_key": "l"}}}, "l"),
        ({"instance": {"labels": {"gb_key": "l"}}}, "l"),
        ({"request": {"labels": {"gb_key": 5}}}, None),
        ({"request": {"labels": 5}}, None),
        ({"request": 5}, None),
        ({}, None),
    ],
)
def test_where_a_key_may_be(members: dict[str, Any], key: str | None) -> None:
    result = row(**members, status="", response=ANSWER)

    assert (result.key, result.outcome, result.text) == (key, Outcome.OK, "hi")


def test_the_echo_names_a_row_where_the_caller_asks() -> None:
    asked = {"contents": [{"parts": [{"fileData": {"fileUri": "gs://b/o"}}]}]}
    echo = {
        "contents": [
            {
                "role": "user",
                "parts": [{"file_data": {"file_uri": "gs://b/o"}, "text": None}],
            }
        ],
        "labels": {"team": "x"},
    }
    decoder = VertexResultDecoder(CODEC, JobKind.GENERATE, keys_by_request([("a", asked)]))

    assert row(decoder, request=echo, response=ANSWER).key == "a"
    assert row(decoder, request={"contents": []}, response=ANSWER).key is None
    assert row(decoder, key="b", request=echo, response=ANSWER).key == "b"
    assert row(request=echo, response=ANSWER).key is None


def test_a_request_of_two_keys_names_neither() -> None:
    one: Any = {"contents": [{"parts": [{"text": "a"}]}]}
    other: Any = {"contents": []}
    keys = keys_by_request([("a", one), ("b", one), ("c", other), ("c", other)])

    assert keys == {request_digest(other): "c"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}, True),
        ({"maxOutputTokens": 1}, {"max_output_tokens": 1}, True),
        ({"a": None}, {}, True),
        ({"model": "x", "a": 1}, {"a": 1}, True),
        ({"parts": [], "role": "user"}, {"parts": []}, True),
        ({"parts": [], "role": "model"}, {"parts": []}, False),
        ({"a": 0.4}, {"a": 0.5}, False),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ("x", "x", True),
    ],
)
def test_what_an_echo_may_differ_in(one: Any, other: Any, same: bool) -> None:
    assert (request_digest(one) == request_digest(other)) is same


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("Internal error", 0, "Internal error"),
        ('x: {"error": {"code": 429, "message": "slow down"}}', 8, "slow down"),
        ('{"code": 4, "message": "late"} and more', 4, "late"),
        ('{"error": {"code": 503, "status": "UNAVAILABLE"}}', 14, None),
        ('{"error": {"status": "NEW", "code": 499}}', 1, None),
        ('{"error": {"code": 418, "message": ""}}', 0, None),
        ('{"error": {"code": true, "message": 5}}', 0, None),
        ('{"error": {"code": -1}}', 0, None),
        ('{"error": "x"}', 0, None),
        ("{broken", 0, None),
        ("{" * 5 + '"a":' * 3, 0, None),
        ('{"a":' * 100_000, 0, None),
    ],
)
def test_the_text_of_an_error(text: str, code: int, message: str | None) -> None:
    assert status_of(text) == {
        "code": code,
        "message": text if message is None else message,
    }


@given(st.text(min_size=1))
def test_any_status_is_an_error(text: str) -> None:
    result = row(key="k", status=text, response=ANSWER)

    assert (result.outcome, result.text) == (Outcome.ERROR, None)
    assert result.error is not None
    assert result.error.message


@pytest.mark.parametrize(
    ("members", "outcome"),
    [
        ({"status": "boom"}, Outcome.ERROR),
        ({"status": "boom", "response": {}}, Outcome.ERROR),
        ({"status": "boom", "response": 5}, Outcome.ERROR),
        ({"status": {"code": 3}, "response": ANSWER}, Outcome.ERROR),
        ({"error": {"code": 3}, "instance": {}}, Outcome.ERROR),
        ({"status": "", "response": {}}, Outcome.EMPTY),
        ({"status": None, "response": ANSWER}, Outcome.OK),
        ({"status": 5, "response": ANSWER}, Outcome.OK),
        ({"status": ""}, Outcome.INVALID),
        ({"response": 5}, Outcome.INVALID),
        ({"response": "text"}, Outcome.INVALID),
    ],
)
def test_how_a_row_ended(members: dict[str, Any], outcome: Outcome) -> None:
    result = row(key="k", **members)

    assert (result.key, result.outcome) == ("k", outcome)
    if outcome is not Outcome.OK:
        assert result.error is not None


@pytest.mark.parametrize(
    ("predictions", "values", "tokens"),
    [
        (
            [{"embeddings": {"statistics": {"token_count": 8.0}, "values": [1]}}],
            [1.0],
            8,
        ),
        (
            [{"embeddings": {"statistics": {"token_count": "8"}, "values": [1]}}],
            [1.0],
            None,
        ),
        ([{"embeddings": {"statistics": 5, "values": [1]}}], [1.0], None),
        ([{"embeddings": {}}], [], None),
        ([{}], [], None),
        ([], [], None),
    ],
)
def test_older_embeddings(
    predictions: list[Any], values: list[float], tokens: int | None
) -> None:
    result = row(EMBED, key="k", predictions=predictions)

    assert result.key == "k"
    assert result.embedding is not None
    assert result.embedding.tolist() == values
    assert (None if result.usage is None else result.usage.prompt_token_count) == tokens
    assert result.outcome is (Outcome.OK if values else Outcome.EMPTY)


def test_predictions_that_are_none_are_no_answer() -> None:
    assert row(EMBED, key="k", predictions="x").outcome is Outcome.INVALID


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"key": "k"', b'"x"', b'{"key":"a"}}'])
def test_a_broken_row_has_no_answer(raw: bytes) -> None:
    result = GENERATE.result(raw, 0)

    assert (result.key, result.outcome, result.text) == (None, Outcome.INVALID, None)


def test_no_answer_gets_another_key() -> None:
    """The key is taken from the start of the line; the row has another."""
    raw = json.dumps({"key": "a", "response": ANSWER, "x": 1})[:-1] + ', "key": "b"}\n'
    line = GENERATE.line(raw.encode(), 0)

    assert line is not None
    assert (line.key, line.outcome, line.text) == ("a", Outcome.INVALID, None)
    assert GENERATE.judge(b'{"custom_id":"a","response":{}}', "b")[0] is Outcome.INVALID
    assert (
        GENERATE.read_text(json.dumps({"id": "a", "response": ANSWER}).encode(), "b")
        is None
    )


def test_results_are_pickled_with_their_reader() -> None:
    keys = keys_by_request([("a", {"contents": []})])
    decoder = VertexResultDecoder(CODEC, JobKind.GENERATE, keys)
    result = row(decoder, request={"contents": []}, response=ANSWER)

    again = pickle.loads(pickle.dumps(result))

    assert (again.key, again.text, again.outcome) == ("a", "hi", Outcome.OK)
