"""Which rows are written without a walk, and what they share."""

import base64
import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest
from attrs import evolve

from gemini_batch._codec import Codec
from gemini_batch._requests.checker import EncodedRequest, RequestChecker, numbered
from gemini_batch._requests.full_check import FullCheck
from gemini_batch.types import (
    Blob,
    Content,
    EmbedRequest,
    FileData,
    FunctionCall,
    FunctionCallingConfig,
    FunctionCallingMode,
    FunctionDeclaration,
    GenerateRequest,
    GenerationConfig,
    HarmBlockThreshold,
    HarmCategory,
    JobKind,
    Part,
    SafetySetting,
    TaskType,
    ThinkingConfig,
    Tool,
    ToolConfig,
)
from tests.support.checked import CODEC, EMBED, HELLO

SCHEMA = {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}
IMAGE = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
CONTENT = EMBED["content"]
LONG = "be brief " * 100
SETTING = SafetySetting(category=HarmCategory.HARASSMENT, threshold=HarmBlockThreshold.OFF)
LOOK_UP = FunctionDeclaration(
    name="look_up",
    description="Looks a word up.",
    parameters={"type": "OBJECT", "properties": {"word": {"type": "STRING"}}},
    response_json_schema={"type": "string"},
)


class Mapped(Mapping[str, Any]):
    """A mapping that may be in a set."""

    def __init__(self, members: dict[str, Any]) -> None:
        self.members = members

    def __getitem__(self, name: str) -> Any:
        return self.members[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.members)

    def __len__(self) -> int:
        return len(self.members)

    def __hash__(self) -> int:
        return id(self)


class Unwalked(RequestChecker):
    """A checker that knows rows of the usual shape alone."""

    def full_check_line(self, line: bytes | None, number: int) -> EncodedRequest | None:
        pytest.fail(f"{line!r} was walked")

    def full_check_request(self, value: object, number: int) -> EncodedRequest | None:
        pytest.fail(f"{value!r} was walked")


def config(**members: Any) -> GenerateRequest:
    return GenerateRequest(
        contents=(Content.from_text("hello"),),
        generation_config=GenerationConfig(**members),
    )


@pytest.mark.parametrize(
    "value",
    [
        GenerateRequest.from_text("hello", key="a", system_instruction="be brief"),
        GenerateRequest.from_text("hello", key="a", system_instruction=LONG),
        GenerateRequest.from_text("hello", generation_config={"top_p": 0.5}),
        config(temperature=1.0, thinking_config=ThinkingConfig(thinking_budget=0)),
        config(response_mime_type="application/json", response_schema=SCHEMA),
        GenerateRequest(
            contents=[
                Content(parts=(Part.from_bytes(b"x", mime_type="a/b"), Part(text="x"))),
                Content.from_text("y", role="model"),
            ],  # type: ignore[arg-type]
            system_instruction=Content.from_text("be brief"),
            safety_settings=(SETTING,),
            tools=({"google_search": {}},),
            tool_config={"function_calling_config": {"mode": "AUTO"}},
        ),
        GenerateRequest(
            contents=(Content.from_text("x"),),
            safety_settings=({"category": "NEW", "threshold": "OFF"},),
            tools=(Tool(function_declarations=(LOOK_UP,)), Tool(google_search={})),
            tool_config=ToolConfig(
                function_calling_config=FunctionCallingConfig(
                    mode=FunctionCallingMode.ANY, allowed_function_names=("look_up",)
                ),
                retrieval_config={"language_code": "de"},
            ),
        ),
        GenerateRequest(
            contents=(Content.from_text("x"),), cached_content="cachedContents/1"
        ),
        {"key": "a", "request": HELLO},
        {**HELLO, "key": "a", "system_instruction": {"parts": [{"text": "be brief"}]}},
        {"contents": [{"role": "user", "parts": [IMAGE, {"text": "x"}]}]},
        json.dumps({"key": "a", "request": {**HELLO, "generation_config": {"topP": 1}}}),
        json.dumps({**HELLO, "key": "a"}).encode(),
        {"key": "a", "request": {**HELLO, "tools": [{"googleSearch": {}}]}},
        {"key": "a", "request": {**HELLO, "cachedContent": "cachedContents/1"}},
    ],
)
def test_usual_rows_are_not_walked(value: Any) -> None:
    for kind in (None, JobKind.GENERATE):
        assert Unwalked(CODEC, kind=kind).request(value, 1) is not None
        assert Unwalked(CODEC, kind=kind).requests([numbered(1, value)]).numbers == [1]


@pytest.mark.parametrize(
    "value",
    [
        {"key": "a", "request": EMBED},
        {
            **EMBED,
            "taskType": "RETRIEVAL_DOCUMENT",
            "title": "x",
            "outputDimensionality": 5,
        },
        json.dumps({"request": EMBED}),
        json.dumps(EMBED).encode(),
        EmbedRequest.from_text("x", task_type=TaskType("NEW"), output_dimensionality=5),
    ],
)
def test_usual_embedding_rows_are_not_walked_either(value: Any) -> None:
    assert Unwalked(CODEC, kind=JobKind.EMBED).request(value, 1) is not None


def test_most_typed_rows_are_made_when_they_are_drawn() -> None:
    checker = Unwalked(CODEC, kind=JobKind.GENERATE)
    short = GenerateRequest.from_text("hello", key="a", system_instruction="be brief")
    schema = config(response_mime_type="application/json", response_schema=SCHEMA)

    for value in (short, evolve(short, generation_config=GenerationConfig(top_k=1)), short):
        row = checker.request(value, 5)
        assert row is not None
        assert checker.made(value, 5) == (row.key, row.file_line(), None)
    # It is large for all that is known, until it was looked at.
    assert checker.made(schema, 6) is None
    checker.request(schema, 6)
    assert checker.made(schema, 6) is not None


def test_what_may_take_long_is_not_made_when_it_is_drawn() -> None:
    checker = RequestChecker(CODEC, kind=JobKind.GENERATE, max_request_bytes=100_000)
    short = GenerateRequest.from_text("x")

    for value in (
        GenerateRequest.from_text("x" * 70_000),
        GenerateRequest.from_text("x", system_instruction="x" * 70_000),
        GenerateRequest.from_text("\u00fc" * 60_000),
        evolve(short, contents=short.contents * 2),
        evolve(short, generation_config={"top_k": 1}),
        evolve(short, key=""),
        EmbedRequest.from_text("x"),
        HELLO,
        "x",
    ):
        assert checker.made(value, 1) is None
    assert checker.problems == []


def test_nothing_is_made_when_it_is_drawn_before_the_kind_is_known() -> None:
    request = GenerateRequest.from_text("x")
    assert RequestChecker(CODEC).made(request, 1) is None
    assert RequestChecker(CODEC, kind=JobKind.EMBED).made(request, 1) is None
    codec = Codec()
    codec.converter.register_unstructure_hook(str, str.upper)
    assert RequestChecker(codec, kind=JobKind.GENERATE).made(request, 1) is None


def test_wrong_embedding_rows_are_told_by_the_walk() -> None:
    values: list[Any] = [
        {**EMBED, "outputDimensionality": 2**63},
        {**EMBED, "title": "x"},
        {"content": {"parts": []}},
        json.dumps({**EMBED, "outputDimensionality": 0}),
    ]
    for value in values:
        checker, walker = RequestChecker(CODEC, kind=JobKind.EMBED), RequestChecker(CODEC)
        assert checker.request(value, 1) is walker.full_check_request(value, 1) is None
        assert checker.problems == walker.problems != []


def test_a_line_that_is_too_large_is_so_with_the_space_in_it() -> None:
    line = json.dumps(HELLO).encode() + b" " * 100
    checker = RequestChecker(CODEC, max_request_bytes=100)

    assert checker.line(line.strip(), 1) is not None
    assert checker.line(line, 2) is None
    assert "larger" in checker.problems[0].message


def test_after_a_mark_of_utf16_no_line_is_read() -> None:
    checker = RequestChecker(CODEC)

    assert checker.line("\ufeff{}".encode("utf-16-le"), 1) is None
    assert checker.line(json.dumps(HELLO).encode(), 2) is None
    assert len(checker.problems) == 1


def test_with_a_default_that_cannot_be_written_every_row_is_walked() -> None:
    checker = Noting(CODEC, kind=JobKind.GENERATE, system_instruction="\ud800")
    request = GenerateRequest.from_text("x")

    assert checker.made(request, 1) is None
    assert checker.request(request, 1) is None
    assert checker.walked == 1
    assert "cannot be written" in checker.problems[0].message


def test_metadata_and_defaults_need_no_walk() -> None:
    checker = Unwalked(
        CODEC,
        allow_metadata=True,
        system_instruction="be brief",
        generation_config={"top_p": 0.5},
    )
    request = GenerateRequest(
        contents=(Content.from_text("x"),), metadata={"x": "y"}, key="a"
    )

    row = checker.request(request, 1)

    assert row is not None
    assert (row.key, row.metadata) == ("a", b'{"x":"y"}')
    assert json.loads(row.request) == {
        "contents": [{"parts": [{"text": "x"}]}],
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "generationConfig": {"topP": 0.5},
    }


def test_the_first_good_row_tells_the_kind_without_a_walk() -> None:
    checker = Unwalked(CODEC)

    checker.request(EmbedRequest.from_text("x"), 1)

    assert checker.kind == JobKind.EMBED


class Noting(RequestChecker):
    """A checker that notes what is walked."""

    walked = 0

    def full_check_request(self, value: object, number: int) -> EncodedRequest | None:
        self.walked += 1
        return super().full_check_request(value, number)


def typed(**members: Any) -> GenerateRequest:
    return GenerateRequest(**{"contents": (Content.from_text("x"),), **members})


@pytest.mark.parametrize(
    "value",
    [
        typed(key=""),
        typed(key="\ud800"),
        typed(key=5),
        typed(contents=()),
        typed(contents="x"),
        typed(contents=(Content.from_text("\ud800"),)),
        typed(contents=(Content(parts=(Part(),)),)),
        typed(contents=(Content(parts=(Part(text="x", file_data=FileData()),)),)),
        typed(contents=(Content(parts=(Part(inline_data=Blob()),)),)),
        typed(system_instruction=Content.from_text("")),
        typed(system_instruction=Content(parts=(Part(text="x"), Part(text="")))),
        typed(safety_settings="x"),
        typed(metadata={"x": "y"}),
        typed(cached_content=5),
        typed(cached_content="c", tools=(Tool(code_execution={}),)),
        typed(tools="x"),
        typed(tools=(Tool(function_declarations=(FunctionDeclaration(name=5),)),)),  # type: ignore[arg-type]
        typed(tools=(Tool(google_search={"x": 1}),)),
        typed(tools=({"x": 1},)),
        typed(tool_config=ToolConfig(retrieval_config={"x": 1})),
        typed(tool_config=5),
        typed(cached_content="c", tool_config={"retrievalConfig": {}}),
        typed(generation_config=GenerationConfig(seed=object())),  # type: ignore[arg-type]
        typed(generation_config=GenerationConfig(thinking_config={"x": 1})),  # type: ignore[arg-type]
        typed(generation_config=GenerationConfig(temperature=float("nan"))),
        typed(generation_config=GenerationConfig(seed=2**63)),
        typed(contents=(Content(parts=(Part(text="x"),), role=5),)),  # type: ignore[arg-type]
        typed(generation_config=GenerationConfig(stop_sequences=(5,))),  # type: ignore[arg-type]
        typed(generation_config=GenerationConfig(response_schema={"type": "STRING"})),
        EmbedRequest(content=Content()),
        EmbedRequest.from_text("x", output_dimensionality=0),
        {**HELLO, "systemInstruction": {"parts": [{"text": ""}]}},
        {**HELLO, "systemInstruction": CONTENT, "system_instruction": CONTENT},
        {**HELLO, "generationConfig": {}, "generation_config": {}},
        {"contents": []},
        {"contents": [{"parts": []}]},
        {"contents": [{"parts": [{"thought": True}]}]},
        {"contents": [{"parts": [{**IMAGE, "text": "x"}]}]},
        {"contents": [{"parts": [{"inlineData": {"data": "%"}}]}]},
        {"contents": [{"parts": [{"inlineData": {}}]}]},
        {"request": HELLO, "metadata": {"x": "y"}},
        {"request": EMBED, "key": ""},
        {**EMBED, "outputDimensionality": 2**63},
        {"contents": {Mapped({"parts": [{"text": "x"}]})}},
        object(),
    ],
)
def test_what_is_wrong_is_told_by_the_walk(value: Any) -> None:
    checker, walker = Noting(CODEC), RequestChecker(CODEC)

    assert checker.request(value, 1) is None
    walker.full_check_request(value, 1)

    assert checker.walked == 1
    assert checker.problems == walker.problems != []


@pytest.mark.parametrize(
    "value",
    [
        typed(contents=MappingProxyType({"parts": ({"text": "x"},)}).values()),
        typed(contents=(Content(parts=(Part(function_call=FunctionCall(name="f")),)),)),
        typed(generation_config=MappingProxyType({"topP": 1})),
        typed(cached_content="c", tools=()),
        typed(tools=(Tool(code_execution={}), {"url_context": {}})),
        typed(tools=(Tool(url_context=MappingProxyType({})),)),
        typed(safety_settings=(SETTING, {"category": "NEW", "threshold": "OFF"})),
        {"contents": [{"parts": [{"functionCall": {"name": "f"}}]}]},
        {"contents": [Content.from_text("x")]},
        {**HELLO, "model": "m"},
        MappingProxyType(HELLO),
        bytearray(json.dumps(HELLO).encode()),
    ],
)
def test_what_is_right_but_odd_is_walked_or_not_to_the_same_end(value: Any) -> None:
    checker, walker = RequestChecker(CODEC), RequestChecker(CODEC)

    assert checker.request(value, 1) == walker.full_check_request(value, 1)
    assert checker.problems == walker.problems


def test_typed_tools_are_sent_as_the_service_spells_them() -> None:
    request = typed(
        tools=(Tool(function_declarations=(LOOK_UP,)), Tool(code_execution={})),
        tool_config=ToolConfig(
            function_calling_config=FunctionCallingConfig(
                mode=FunctionCallingMode.ANY, allowed_function_names=("look_up",)
            )
        ),
    )

    for row in (
        RequestChecker(CODEC).request(request, 1),
        FullCheck(CODEC).full_check_request(request, 1),
    ):
        assert row is not None
        sent = json.loads(row.request)
        assert sent["tools"] == [
            {
                "functionDeclarations": [
                    {
                        "name": "look_up",
                        "description": "Looks a word up.",
                        "parameters": {
                            "type": "OBJECT",
                            "properties": {"word": {"type": "STRING"}},
                        },
                        "responseJsonSchema": {"type": "string"},
                    }
                ]
            },
            {"codeExecution": {}},
        ]
        assert sent["toolConfig"] == {
            "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look_up"]}
        }


@pytest.mark.parametrize("size", [786_431, 786_432, 786_433, 1_600_000])
def test_large_media_are_written_in_pieces_that_join(size: int) -> None:
    data = bytes(range(251)) * (size // 251 + 1)
    part = Part.from_bytes(data[:size], mime_type="image/png")

    row = RequestChecker(CODEC).request(typed(contents=(Content(parts=(part,)),)), 1)

    assert row is not None
    (sent,) = json.loads(row.request)["contents"][0]["parts"]
    assert base64.b64decode(sent["inlineData"]["data"], validate=True) == data[:size]
