"""Rows for Vertex AI, from what callers give to the lines of an input file."""

import json
from typing import Any

import pytest

from gemini_batch._requests.checker import RequestChecker, numbered
from gemini_batch._requests.vertex import VERTEX
from gemini_batch.types import (
    Content,
    EmbedRequest,
    GenerateRequest,
    GenerationConfig,
    JobKind,
    TaskType,
)
from tests.support.checked import CODEC, HELLO, bad, good
from tests.support.recorded import names, recorded

MODEL = "publishers/google/models/gemini-2.5-flash"


def line(value: Any, **options: Any) -> Any:
    """Return the line of a row, decoded."""
    return json.loads(good(value, api_rules=VERTEX, **options).file_line())


# Rows of the older embedding models are not written: see `is_legacy_embedding`.
@pytest.mark.parametrize(
    "name",
    [*names("vertex/input-generate*.jsonl"), *names("vertex/input-embed-gemini.jsonl")],
)
def test_recorded_rows_are_taken(name: str) -> None:
    kind = JobKind.EMBED if "embed" in name else JobKind.GENERATE
    row = json.loads(recorded(name))

    sent = line(row, kind=kind)

    assert sent.get("key", "row-000000003") == row.get("key", "row-000000003")
    if "file_data" not in recorded(name).decode():
        assert sent["request"] == row["request"]


def test_an_embedding_is_sent_with_its_options_apart() -> None:
    request = EmbedRequest(
        content=Content.from_text("hello"),
        key="a",
        task_type=TaskType.RETRIEVAL_DOCUMENT,
        title="Doc",
        output_dimensionality=768,
    )

    assert line(request, model="publishers/google/models/gemini-embedding-001") == {
        "key": "a",
        "request": {
            "content": {"parts": [{"text": "hello"}]},
            "embed_content_config": {
                "task_type": "RETRIEVAL_DOCUMENT",
                "title": "Doc",
                "output_dimensionality": 768,
            },
        },
    }


def test_a_title_needs_its_task_wherever_it_stands() -> None:
    problem = bad(
        {"key": "a", "request": {"content": HELLO["contents"][0],
                                 "embedContentConfig": {"title": "x"}}},
        api_rules=VERTEX,
    )  # fmt: skip

    assert problem.field == "request.title"


def test_defaults_leave_members_of_vertex_alone() -> None:
    row = {"key": "a", "request": {**HELLO, "generationConfig": {"audioTimestamp": True}}}

    sent = line(row, generation_config=GenerationConfig(temperature=0.5))

    assert sent["request"]["generationConfig"] == {
        "temperature": 0.5,
        "audioTimestamp": True,
    }
    assert line(row, generation_config={"routingConfig": {}})["request"][
        "generationConfig"
    ] == {"routingConfig": {}, "audioTimestamp": True}


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "models/gemini-2.5-flash", MODEL])
def test_a_row_may_name_the_model_of_its_job(model: str) -> None:
    row = {"key": "a", "request": {**HELLO, "model": model}}

    assert line(row, model=MODEL) == {"key": "a", "request": HELLO}


def test_blocks_are_of_the_same_form() -> None:
    row = {"request": {**HELLO, "model": MODEL}}
    request = GenerateRequest(contents=(Content.from_text("hello"),), key="b")
    checker = RequestChecker(CODEC, model=MODEL, api_rules=VERTEX)

    written = [
        *checker.lines([(1, json.dumps({"key": "a", **row}).encode())]).lines,
        *checker.requests([numbered(2, request), numbered(3, {"key": "c", **row})]).lines,
    ]

    assert checker.problems == []
    assert [json.loads(each) for each in written] == [
        {"key": "a", "request": HELLO},
        {"key": "b", "request": HELLO},
        {"key": "c", "request": HELLO},
    ]


def test_a_row_of_another_model_is_refused() -> None:
    row = {"key": "a", "request": {**HELLO, "model": "gemini-2.5-pro"}}

    assert "gemini-2.5-pro" in bad(row, model=MODEL, api_rules=VERTEX).message


def test_metadata_has_no_place() -> None:
    request = GenerateRequest(contents=(Content.from_text("x"),), metadata={"a": 1})

    assert bad(request, api_rules=VERTEX).field == "metadata"
