"""What a job gives to its rows, and how problems are collected."""

import json
from typing import Any

import pytest

from gemini_batch._requests.checker import RequestChecker
from gemini_batch.errors import InputError
from gemini_batch.types import (
    Content,
    GenerationConfig,
    JobKind,
)
from tests.support.checked import CODEC, EMBED, HELLO, bad, good


def test_defaults_fill_what_a_row_does_not_set() -> None:
    row = good(
        {**HELLO, "generation_config": {"top_p": 0.5, "temperature": None}},
        generation_config=GenerationConfig(temperature=1.0, top_p=0.1),
        system_instruction="be brief",
    )

    assert row.request == (
        b'{"contents":[{"parts":[{"text":"hello"}]}],'
        b'"systemInstruction":{"parts":[{"text":"be brief"}]},'
        b'"generationConfig":{"temperature":1,"topP":0.5}}'
    )


@pytest.mark.parametrize(
    "instruction",
    [
        "x",
        Content.from_text("x"),
        {"parts": [{"text": "x"}]},
    ],
)
def test_a_default_instruction_has_three_forms(instruction: Any) -> None:
    row = good(HELLO, system_instruction=instruction)

    assert json.loads(row.request)["systemInstruction"] == {"parts": [{"text": "x"}]}


def test_a_row_keeps_its_own_instruction() -> None:
    own = {**HELLO, "systemInstruction": {"parts": [{"text": "mine"}]}}

    assert good(own, system_instruction="x").request == good(own).request


@pytest.mark.parametrize(
    ("default", "own"),
    [("responseSchema", "responseJsonSchema"), ("responseJsonSchema", "responseSchema")],
)
def test_a_default_schema_gives_way_to_the_other_one(default: Any, own: Any) -> None:
    row = good(
        {**HELLO, "generationConfig": {own: {"type": "STRING"}}},
        generation_config={
            default: {"type": "OBJECT"},
            "response_mime_type": "application/json",
        },
    )

    assert json.loads(row.request)["generationConfig"] == {
        own: {"type": "STRING"},
        "responseMimeType": "application/json",
    }


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"generation_config": {"topp": 1}}, "generation_config.topp"),
        ({"generation_config": {"top_p": "x"}}, "generation_config.topP"),
        ({"generation_config": 5}, "generation_config"),
        (
            {"generation_config": {"response_schema": {}}},
            "generation_config.responseMimeType",
        ),
        ({"system_instruction": ""}, "system_instruction.parts[0].text"),
        ({"system_instruction": {"parts": []}}, "system_instruction.parts"),
        ({"system_instruction": 5}, "system_instruction"),
    ],
)
def test_a_bad_default_is_told_before_any_row(options: Any, field: str) -> None:
    with pytest.raises(InputError) as caught:
        RequestChecker(CODEC, **options)

    (problem,) = caught.value.problems
    assert problem.field == field
    assert problem.line is None


@pytest.mark.parametrize("known", [True, False])
def test_defaults_do_not_go_with_embedding_rows(known: Any) -> None:
    options: dict[str, Any] = {
        "generation_config": {"seed": 1},
        "system_instruction": "x",
    }
    if known:
        with pytest.raises(InputError) as caught:
            RequestChecker(CODEC, kind=JobKind.EMBED, **options)
        problems = list(caught.value.problems)
    else:
        checker = RequestChecker(CODEC, **options)
        for number in (1, 2):
            checker.request(EMBED, number)
        problems = checker.problems

    assert [problem.field for problem in problems] == [
        "generation_config",
        "system_instruction",
    ]


# Model


@pytest.mark.parametrize("own", ["gemini-2.5-flash", "models/gemini-2.5-flash"])
@pytest.mark.parametrize("of_job", ["gemini-2.5-flash", "models/gemini-2.5-flash", None])
def test_the_model_of_a_row_may_repeat_the_jobs(own: Any, of_job: Any) -> None:
    row = good({**HELLO, "model": own}, model=of_job)

    assert json.loads(row.request)["model"] == "models/gemini-2.5-flash"


def test_another_model_is_refused() -> None:
    problem = bad({"request": {**HELLO, "model": "x"}}, model="gemini-2.5-flash")

    assert problem.field == "request.model"
    assert problem.message == "the row names models/x, the job models/gemini-2.5-flash"


def test_a_model_that_is_no_string_is_refused() -> None:
    assert (
        bad({**HELLO, "model": 5}, model="x").message == "expected a string, got a number"
    )


# Collecting


def test_all_problems_of_all_rows_are_collected_in_order() -> None:
    checker = RequestChecker(CODEC, file="in.jsonl")
    checker.line(b'{"contents":"x","topK":1}', 2)
    checker.report("late finding", number=1)
    checker.line(b"{", 4)

    with pytest.raises(InputError) as caught:
        checker.raise_if_any()

    found = [
        (problem.file, problem.line, problem.field) for problem in caught.value.problems
    ]
    assert found == [
        ("in.jsonl", 1, None),
        ("in.jsonl", 2, "contents"),
        ("in.jsonl", 2, "topK"),
        ("in.jsonl", 4, None),
    ]


def test_problems_are_bounded() -> None:
    checker = RequestChecker(CODEC, max_problems=2)
    for number in range(1, 6):
        assert checker.line(b"{", number) is None

    assert (len(checker.problems), checker.omitted) == (2, 3)
    with pytest.raises(InputError) as caught:
        checker.raise_if_any()
    assert caught.value.omitted == 3


def test_no_problem_raises_nothing() -> None:
    RequestChecker(CODEC).raise_if_any()
