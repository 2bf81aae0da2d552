"""Rows that are read where they are: nobody writes what they lack."""

import json
from typing import Any

import pytest

from gemini_batch._requests.checker import EncodedRequest, RequestChecker
from gemini_batch._requests.envelope import StoredEnvelopeReader
from gemini_batch._requests.vertex import VERTEX
from gemini_batch.errors import InputProblem
from tests.support.checked import CODEC, EMBED, HELLO


def checked(row: Any) -> tuple[EncodedRequest | None, list[InputProblem]]:
    """Check a row as a line, the third of its object."""
    checker = RequestChecker(
        CODEC, file="gs://b-b/x", api_rules=VERTEX, envelopes=StoredEnvelopeReader
    )
    found = checker.line(json.dumps(row).encode(), 3)
    return found, checker.problems


@pytest.mark.parametrize(
    ("names", "key"),
    [
        ({"key": "a"}, "a"),
        ({"key": 7}, "7"),
        ({"key": "a", "custom_id": "b", "id": "c"}, "a"),
        ({"key": None, "custom_id": "b", "id": "c"}, "b"),
        ({"key": True, "id": 0}, "0"),
    ],
)
def test_a_row_is_named_as_its_result_will_be(names: dict[str, Any], key: str) -> None:
    row, problems = checked({**names, "request": HELLO})

    assert problems == []
    assert row is not None
    assert row.key == key


def test_a_label_of_the_request_may_be_the_key() -> None:
    row, problems = checked({"request": {**HELLO, "labels": {"gb_key": "a"}}})

    assert problems == []
    assert row is not None
    assert row.key == "a"


def test_what_stands_beside_the_request_comes_back_with_the_answer() -> None:
    row, problems = checked({"key": "a", "request": EMBED, "page": 3, "metadata": {}})

    assert problems == []
    assert row is not None


@pytest.mark.parametrize("row", [{"key": "a", **HELLO}, HELLO, {"messages": []}])
def test_a_request_without_an_envelope_is_not_read(row: Any) -> None:
    found, (problem,) = checked(row)

    assert found is None
    assert str(problem).startswith("gs://b-b/x:3: request: the row does not have it. A row")


@pytest.mark.parametrize(
    "row",
    [
        {"request": HELLO},
        {"key": None, "id": [], "request": HELLO},
        {"request": {**HELLO, "labels": {"team": "x"}}},
        {"request": {**HELLO, "labels": {"gb_key": None}}},
    ],
)
def test_a_row_without_a_key_has_an_answer_without_one(row: Any) -> None:
    found, problems = checked(row)

    assert found is None
    assert problems[0].field == "key"
    assert "another into each row" in problems[0].remedy


def test_the_request_is_checked_all_the_same() -> None:
    wrong = {**HELLO, "generationConfig": {"topK": "many"}}

    keyed = checked({"key": "a", "request": wrong})[1]
    nameless = checked({"request": wrong})[1]
    none = checked({"key": "a", "request": "x"})[1]

    assert [p.field for p in keyed] == ["request.generationConfig.topK"]
    assert [p.field for p in nameless] == ["key", "request.generationConfig.topK"]
    assert len(none) == 1
