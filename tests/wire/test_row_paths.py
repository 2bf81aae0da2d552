"""Which rows are written without a walk, and what they share."""

import json
from types import MappingProxyType
from typing import Any

import pytest
from attrs import Factory, define, evolve, fields, frozen

from gemini_batch._codec import Codec
from gemini_batch._codec._generate_unstructure import PLAIN, is_as_shipped
from gemini_batch._wire._row_texts import content_text, request_texts
from gemini_batch._wire._row_walk import RowWalker
from gemini_batch._wire._row_writers import writer
from gemini_batch._wire.rows import Row, RowChecker, drawn
from gemini_batch.types import (
    Blob,
    Content,
    EmbedRequest,
    FileData,
    FunctionCall,
    GenerateRequest,
    GenerationConfig,
    HarmBlockThreshold,
    HarmCategory,
    JobKind,
    Part,
    SafetySetting,
    TaskType,
    ThinkingConfig,
)
from tests.support.checked import CODEC, EMBED, HELLO

SCHEMA = {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}
IMAGE = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
LONG = "be brief " * 100


class Unwalked(RowChecker):
    """A checker that knows rows of the usual shape alone."""

    def walk_line(self, line: bytes | None, number: int) -> Row | None:
        pytest.fail(f"{line!r} was walked")

    def walk_request(self, value: object, number: int) -> Row | None:
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
            safety_settings=(
                SafetySetting(
                    category=HarmCategory.HARASSMENT, threshold=HarmBlockThreshold.OFF
                ),
            ),
            tools=({"google_search": {}},),
            tool_config={"function_calling_config": {"mode": "AUTO"}},
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
        assert Unwalked(CODEC, kind=kind).requests([drawn(1, value)]).numbers == [1]


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
    checker = RowChecker(CODEC, kind=JobKind.GENERATE, max_row_bytes=100_000)
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
    assert RowChecker(CODEC).made(request, 1) is None
    assert RowChecker(CODEC, kind=JobKind.EMBED).made(request, 1) is None
    codec = Codec()
    codec.converter.register_unstructure_hook(str, str.upper)
    assert RowChecker(codec, kind=JobKind.GENERATE).made(request, 1) is None


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


class Noting(RowChecker):
    """A checker that notes what is walked."""

    walked = 0

    def walk_request(self, value: object, number: int) -> Row | None:
        self.walked += 1
        return super().walk_request(value, number)


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
        typed(cached_content="c", tool_config={"retrievalConfig": {}}),
        typed(generation_config=GenerationConfig(seed=object())),  # type: ignore[arg-type]
        typed(generation_config=GenerationConfig(thinking_config={"x": 1})),  # type: ignore[arg-type]
        typed(generation_config=GenerationConfig(temperature=float("nan"))),
        typed(generation_config=GenerationConfig(stop_sequences=(5,))),  # type: ignore[arg-type]
        typed(generation_config=GenerationConfig(response_schema={"type": "STRING"})),
        EmbedRequest(content=Content()),
        EmbedRequest.from_text("x", output_dimensionality=0),
        {**HELLO, "systemInstruction": {"parts": [{"text": ""}]}},
        {**HELLO, "systemInstruction": EMBED["content"], "system_instruction": {}},
        {**HELLO, "generationConfig": {}, "generation_config": {}},
        {"contents": []},
        {"contents": [{"parts": []}]},
        {"contents": [{"parts": [{"thought": True}]}]},
        {"contents": [{"parts": [{**IMAGE, "text": "x"}]}]},
        {"contents": [{"parts": [{"inlineData": {"data": "%"}}]}]},
        {"contents": [{"parts": [{"inlineData": {}}]}]},
        {"request": HELLO, "metadata": {"x": "y"}},
        {"request": EMBED, "key": ""},
        object(),
    ],
)
def test_what_is_wrong_is_told_by_the_walk(value: Any) -> None:
    checker, walker = Noting(CODEC), RowChecker(CODEC)

    assert checker.request(value, 1) is None
    walker.walk_request(value, 1)

    assert checker.walked == 1
    assert checker.problems == walker.problems != []


@pytest.mark.parametrize(
    "value",
    [
        typed(contents=MappingProxyType({"parts": ({"text": "x"},)}).values()),
        typed(contents=(Content(parts=(Part(function_call=FunctionCall(name="f")),)),)),
        typed(generation_config=MappingProxyType({"topP": 1})),
        typed(cached_content="c", tools=()),
        {"contents": [{"parts": [{"functionCall": {"name": "f"}}]}]},
        {"contents": [Content.from_text("x")]},
        {**HELLO, "model": "m"},
        MappingProxyType(HELLO),
        bytearray(json.dumps(HELLO).encode()),
    ],
)
def test_what_is_right_but_odd_is_walked_or_not_to_the_same_end(value: Any) -> None:
    checker, walker = RowChecker(CODEC), RowChecker(CODEC)

    assert checker.request(value, 1) == walker.walk_request(value, 1)
    assert checker.problems == walker.problems


def sent(checker: RowChecker, value: Any) -> Any:
    row = checker.request(value, 1)
    assert row is not None
    return json.loads(row.request)


# Hooks of the caller's


@pytest.mark.parametrize("cls", [Content, Part, GenerateRequest, str, bytes, HarmCategory])
def test_a_hook_of_the_callers_is_used(cls: type) -> None:
    codec = Codec()
    codec.converter.register_unstructure_hook(cls, lambda value: value)

    assert not is_as_shipped(codec.converter, (GenerateRequest,))
    assert is_as_shipped(CODEC.converter, (GenerateRequest, EmbedRequest))


def test_a_hook_for_texts_is_used_in_all_requests_and_in_no_line() -> None:
    codec = Codec()
    codec.converter.register_unstructure_hook(str, str.upper)
    assert not is_as_shipped(codec.converter, PLAIN)
    checker = RowChecker(codec)

    typed = checker.request(GenerateRequest.from_text("hello", key="a"), 1)
    line = checker.request(json.dumps({"key": "a", "request": HELLO}), 2)

    assert typed is not None
    assert line is not None
    assert (typed.key, b"HELLO" in typed.request) == ("A", True)
    assert (line.key, b"hello" in line.request) == ("a", True)
    assert checker.request({"contents": [{"parts": [{"text": "x"}]}]}, 3) is None


def test_a_hook_for_a_class_is_used() -> None:
    codec = Codec()
    codec.converter.register_unstructure_hook(Part, lambda part: {"text": f"<{part.text}>"})

    assert sent(RowChecker(codec), GenerateRequest.from_text("x"))["contents"] == [
        {"role": "user", "parts": [{"text": "<x>"}]}
    ]


# Where types and tables do not fit


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        (int, None),
        (int | str, None),
        (str, "x"),
        (list[str], None),
        (str, Factory(str)),
        (Part, None),
    ],
)
def test_there_is_no_function_for_what_is_not_provided_for(kind: Any, default: Any) -> None:
    @define
    class Odd:
        text: kind = default

    with pytest.raises(TypeError, match="no way to"):
        writer(Odd, "Part", 0)


def test_members_that_a_message_does_not_have_are_left_out() -> None:
    @frozen
    class More:
        text: str
        more: int = 5

    assert writer(More, "Part", 0)(More("x"), lambda *_: None) == {"text": "x"}


def test_numbers_are_written_as_the_walk_writes_them() -> None:
    for number in (1, 1.0, -0.0, 0.5, 1e300, 2.0**53, 2.0**53 - 1, 10**30):
        assert sent(RowChecker(CODEC), config(top_p=number)) == json.loads(
            RowWalker(CODEC).walk_request(config(top_p=number), 1).request  # type: ignore[union-attr]
        )


def test_texts_are_told_only_of_requests_that_hold_nothing_else() -> None:
    request = GenerateRequest.from_text("x", key="a", system_instruction="y")
    assert request_texts(request) == ("user", "x", None, "y")

    for field in fields(Part):
        members: Any = {"text": "x", field.name: "y"}
        part = Part(**members)
        assert content_text(Content(parts=(part,))) == (
            (None, "y") if field.name == "text" else None
        )
    own = {"contents", "key", "system_instruction", "generation_config"}
    for field in fields(GenerateRequest):
        changed: Any = {field.name: {}}
        assert (request_texts(evolve(request, **changed)) is None) == (
            field.name not in own - {"contents", "system_instruction"}
        )
