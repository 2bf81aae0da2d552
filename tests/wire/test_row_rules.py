"""What may not be in a request, and what a person is told about it."""

from typing import Any

import pytest

from tests.support.checked import EMBED, HELLO, JSON, config, part, problems_of, the_problem

NEW = "If the service has learnt it since this release, upload the file yourself"


@pytest.mark.parametrize(
    "request_",
    [
        config(temperature=0.5, topK="40", maxOutputTokens=100.0, seed=-1),
        config(**JSON, responseSchema={"type": "born later", "minItems": "1"}),
        config(responseMimeType="text/x.enum", responseSchema={"enum": ["a"]}),
        config(responseModalities=["SMELL"], mediaResolution="HUGE"),
        config(**JSON, responseSchema=None, responseJsonSchema={"$ref": "#"}),
        part(text=""),
        part(audioTranscription={"text": "x"}),
        part(
            functionCall={"name": "f", "args": {"a_b": {"c_d": [1, None, "x", True, 0.5]}}}
        ),
        part(inlineData={"mimeType": "a/b", "data": "-_8"}),
        part(text="x", thought=True, thoughtSignature="AAA="),
        {**HELLO, "cachedContent": "cachedContents/1", "tools": [], "safetySettings": []},
        {**HELLO, "cachedContent": "cachedContents/1", "generationConfig": {"seed": 1}},
        {**HELLO, "safety_settings": [{"category": "NEW", "threshold": "NEWER"}]},
        {**HELLO, "serviceTier": "flex", "store": False, "labels": {"a_b": "c"}},
        {
            **HELLO,
            "tools": [{"function_declarations": [{"name": "f"}]}, {"google_search": {}}],
        },
        {
            **EMBED,
            "title": "t",
            "taskType": "RETRIEVAL_DOCUMENT",
            "outputDimensionality": "3",
        },
        {**EMBED, "task_type": "NEW", "model": "models/x"},
        {**EMBED, "taskType": "IMAGE_CLASSIFICATION"},
        {**EMBED, "taskType": "CODE_RETRIEVAL_DOCUMENT"},
    ],
)
def test_sound_requests_pass(request_: Any) -> None:
    assert problems_of(request_) == []


@pytest.mark.parametrize(
    ("request_", "field", "message"),
    [
        ({}, "contents", "there are no contents"),
        ({"contents": []}, "contents", "there are no contents"),
        ({"contents": None}, "contents", "there are no contents"),
        ({"contents": [{}]}, "contents[0].parts", "the content has no parts"),
        ({"contents": [{"parts": []}]}, "contents[0].parts", "the content has no parts"),
        (part(), "contents[0].parts[0]", "the part holds nothing"),
        (part(thought=True), "contents[0].parts[0]", "the part holds nothing"),
        (
            part(text="x", fileData={"fileUri": "x"}),
            "contents[0].parts[0]",
            "a part holds one thing, this one 2: text, fileData",
        ),
        (
            part(inlineData={"mimeType": "x"}),
            "contents[0].parts[0].inlineData.data",
            "there is no data",
        ),
        (
            {**HELLO, "systemInstruction": {"parts": [{"text": ""}]}},
            "systemInstruction.parts[0].text",
            "the text of a system instruction must not be empty",
        ),
        (
            {**HELLO, "systemInstruction": {}},
            "systemInstruction.parts",
            "the content has no parts",
        ),
        (
            {
                **HELLO,
                "cachedContent": "c",
                "systemInstruction": {"parts": [{"text": "x"}]},
                "tools": [{}],
                "toolConfig": {},
            },
            "cachedContent",
            "a request with cachedContent must not have systemInstruction, tools",
        ),
        (
            config(**JSON, responseSchema={}, responseJsonSchema={}),
            "generationConfig.responseJsonSchema",
            "responseSchema and responseJsonSchema exclude each other",
        ),
        (
            config(responseSchema={"type": "STRING"}),
            "generationConfig.responseMimeType",
            "responseSchema needs responseMimeType, but it is not set",
        ),
        (
            config(responseJsonSchema={}, responseMimeType="text/plain"),
            "generationConfig.responseMimeType",
            "responseJsonSchema needs responseMimeType, but it is text/plain",
        ),
        (
            {**HELLO, "generationConfig": {"topP": 1, "top_p": 1}},
            "generationConfig.top_p",
            "topP is there in two spellings",
        ),
        ({"taskType": "X"}, "content", "there is no content"),
        (
            {**EMBED, "title": "t"},
            "title",
            "a title goes with taskType RETRIEVAL_DOCUMENT only",
        ),
        (
            {**EMBED, "title": "t", "taskType": "CLUSTERING"},
            "title",
            "a title goes with taskType RETRIEVAL_DOCUMENT only",
        ),
        (
            {**EMBED, "task_type": "RETREIVAL_DOCUMENT", "title": "t"},
            "taskType",
            "there is no task type 'RETREIVAL_DOCUMENT'",
        ),
        (
            {**EMBED, "taskType": "semantic similarity"},
            "taskType",
            "there is no task type 'semantic similarity'",
        ),
        (
            {**EMBED, "outputDimensionality": 0},
            "outputDimensionality",
            "the number of dimensions must be positive, not 0",
        ),
    ],
)
def test_rules_of_requests(request_: Any, field: str, message: str) -> None:
    problem = the_problem(request_)

    assert problem.field == f"request.{field}"
    assert problem.message == message
    assert problem.remedy


def test_a_default_instruction_cannot_be_applied_beside_cached_content() -> None:
    found = problems_of(
        {**HELLO, "cachedContent": "c", "toolConfig": {"retrievalConfig": {}}},
        system_instruction="x",
    )

    assert [problem.message for problem in found] == [
        "the default system_instruction cannot be applied to a request with cachedContent",
        "a request with cachedContent must not have toolConfig",
    ]


def test_all_problems_of_a_row_are_told() -> None:
    found = problems_of(
        {
            "contents": [{"parts": [{"txt": "x"}, {"text": 1}]}],
            "generationConfig": {"topP": "x", "nope": 1, "responseSchema": 5},
            "temperature": 1,
        }
    )

    assert [problem.field for problem in found] == [
        "request.contents[0].parts[0].txt",
        "request.contents[0].parts[1].text",
        "request.generationConfig.topP",
        "request.generationConfig.nope",
        "request.generationConfig.responseSchema",
        "request.temperature",
        "request.generationConfig.responseMimeType",
    ]


@pytest.mark.parametrize(
    "request_",
    [
        {**HELLO, "generationConfig": 5, "systemInstruction": {"parts": 5}},
        {**HELLO, "systemInstruction": {"parts": [5]}},
        {**EMBED, "taskType": 5, "title": "x"},
        {**EMBED, "outputDimensionality": "x"},
        config(responseMimeType=5, responseSchema={}),
        {"content": 5},
    ],
)
def test_what_was_told_is_not_told_twice(request_: Any) -> None:
    found = problems_of(request_)

    assert len({problem.field for problem in found}) == len(found)
    assert all("expected" in problem.message for problem in found)


def test_messages_nested_too_deeply_are_refused() -> None:
    schema: dict[str, Any] = {"type": "STRING"}
    for _ in range(120):
        schema = {"items": schema}

    problem = the_problem(config(**JSON, responseSchema=schema))

    assert problem.message == "nested deeper than 100 levels"
