"""Values of the wrong shape, and what only Python values can hold."""

from typing import Any

import pytest

from gemini_batch._requests.checker import RequestChecker
from tests.support.checked import CODEC, HELLO, JSON, config, part, the_problem


@pytest.mark.parametrize(
    ("request_", "field", "message", "remedy"),
    [
        ("x", "", "expected a GenerateContentRequest object, got a string", ""),
        (
            {"contents": "x"},
            "contents",
            "expected a list, got a string",
            "from_text(…), or wr",
        ),
        (
            {"contents": {}},
            "contents",
            "expected a list, got an object",
            "Put it into a list",
        ),
        (
            {"contents": ["x"]},
            "contents[0]",
            "expected a Content object, got a string",
            'Write {"parts": [{"text": "…"}]}.',
        ),
        (
            {"contents": [{"parts": "x"}]},
            "contents[0].parts",
            "expected a list, got a string",
            'Write [{"text": "…"}].',
        ),
        (
            {"contents": [{"parts": ["x"]}]},
            "contents[0].parts[0]",
            "expected a Part object, got a string",
            'Write {"text": "…"}.',
        ),
        (
            {**HELLO, "systemInstruction": "x"},
            "systemInstruction",
            "expected a Content object, got a string",
            'Write {"parts": [{"text": "…"}]}.',
        ),
        (
            part(text=5),
            "contents[0].parts[0].text",
            "expected a string, got a number",
            "quotes",
        ),
        (part(text=True), "contents[0].parts[0].text", "expected a string, got true", ""),
        (
            part(text=["x"]),
            "contents[0].parts[0].text",
            "expected a string, got a list",
            "",
        ),
        (
            part(text="x", thought="yes"),
            "contents[0].parts[0].thought",
            "expected true or false, got a string",
            "without quotes",
        ),
        (
            part(functionCall={"args": []}),
            "contents[0].parts[0].functionCall.args",
            "expected an object, got a list",
            "",
        ),
        (
            config(temperature="1"),
            "generationConfig.temperature",
            "expected a number, got a string",
            "without quotes",
        ),
        (config(topP=False), "generationConfig.topP", "expected a number, got false", ""),
        (
            config(topK=1.5),
            "generationConfig.topK",
            "expected an integer, got a number",
            "",
        ),
        (
            config(topK="x"),
            "generationConfig.topK",
            "expected an integer, got a string",
            "",
        ),
        (config(topK=True), "generationConfig.topK", "expected an integer, got true", ""),
        (
            config(seed=2**63),
            "generationConfig.seed",
            "expected an integer of 64 bits, got a number",
            "",
        ),
        (
            config(stopSequences="x"),
            "generationConfig.stopSequences",
            "expected a list, got a string",
            "Put it into a list",
        ),
        (
            config(stopSequences=["x", None]),
            "generationConfig.stopSequences[1]",
            "expected a string, got null",
            "",
        ),
        (
            config(**JSON, responseSchema={"type": ["STRING", "NULL"]}),
            "generationConfig.responseSchema.type",
            "expected a string, got a list",
            "",
        ),
        (
            config(**JSON, responseSchema={"properties": []}),
            "generationConfig.responseSchema.properties",
            "expected an object, got a list",
            "",
        ),
        (
            part(inlineData={"data": "%%"}),
            "contents[0].parts[0].inlineData.data",
            "expected a base64 string, got a string",
            "base64.b64encode",
        ),
        (
            part(inlineData={"data": 5}),
            "contents[0].parts[0].inlineData.data",
            "expected a base64 string, got a number",
            "",
        ),
    ],
)
def test_wrong_shapes_are_told_with_what_was_expected(
    request_: Any, field: str, message: str, remedy: str
) -> None:
    problem = the_problem(request_)

    assert problem.field == f"request.{field}".rstrip(".")
    assert problem.message == message
    assert remedy in problem.remedy


# What only Python values can hold


@pytest.mark.parametrize(
    ("value", "field", "message"),
    [
        (float("nan"), "x", "expected a finite number, got nan"),
        ([1, float("-inf")], "x[1]", "expected a finite number, got -inf"),
        ({"y": {1, 2}}, "x.y", "expected a JSON value, got a Python set"),
        ({1: "y"}, "x", "expected names that are strings, got a number"),
        (object(), "x", "expected a JSON value, got a Python object"),
    ],
)
def test_what_json_cannot_say_is_refused(value: Any, field: str, message: str) -> None:
    checker = RequestChecker(CODEC)

    row = checker.request({**HELLO, "labels": {"x": value}}, 1)

    assert row is None
    (problem,) = checker.problems
    assert (problem.field, problem.message) == (f"labels.{field}", message)


def test_values_of_the_users_own_may_be_deep_but_not_bottomless() -> None:
    value: list[Any] = []
    for _ in range(120):
        value = [value]
    checker = RequestChecker(CODEC)

    assert checker.request({**HELLO, "labels": {"x": value}}, 1) is None

    assert checker.problems[0].message == "nested deeper than 100 levels"


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_are_finite(number: Any) -> None:
    checker = RequestChecker(CODEC)

    assert checker.request(config(temperature=number), 1) is None

    (problem,) = checker.problems
    assert problem.message == f"expected a finite number, got {number}"


@pytest.mark.parametrize("number", [10**400, 1e300, 2.0**60])
def test_huge_numbers_pass(number: Any) -> None:
    checker = RequestChecker(CODEC)

    assert checker.request(config(temperature=number), 1) is not None


def test_names_of_members_are_strings() -> None:
    checker = RequestChecker(CODEC)
    schema = {**JSON, "responseSchema": {"properties": {5: {}}}}
    request: dict[Any, Any] = {**HELLO, 5: 1, "generationConfig": schema}

    assert checker.request(request, 1) is None

    assert [problem.field for problem in checker.problems] == [
        "5",
        "generationConfig.responseSchema.properties",
    ]
