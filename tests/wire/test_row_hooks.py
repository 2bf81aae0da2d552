"""Hooks of the caller's are used, and functions are generated for what types say."""

import json
from typing import Any

import pytest
from attrs import Factory, define, evolve, fields, frozen

from gemini_batch._codec import Codec
from gemini_batch._codec.class_hooks import PLAIN, is_as_shipped
from gemini_batch._requests.attrs_encoder import writer
from gemini_batch._requests.checker import RequestChecker
from gemini_batch._requests.full_check import FullCheck
from gemini_batch._requests.text_requests import content_text, request_texts
from gemini_batch.types import (
    Content,
    EmbedRequest,
    FunctionDeclaration,
    GenerateRequest,
    GenerationConfig,
    HarmCategory,
    Part,
    ToolConfig,
)
from tests.support.checked import CODEC, HELLO


def sent(checker: RequestChecker, value: Any) -> Any:
    row = checker.request(value, 1)
    assert row is not None
    return json.loads(row.request)


# Hooks of the caller's


@pytest.mark.parametrize(
    "cls",
    [
        Content,
        Part,
        GenerateRequest,
        FunctionDeclaration,
        ToolConfig,
        str,
        bytes,
        HarmCategory,
    ],
)
def test_a_hook_of_the_callers_is_used(cls: type) -> None:
    codec = Codec()
    codec.converter.register_unstructure_hook(cls, lambda value: value)

    assert not is_as_shipped(codec.converter, (GenerateRequest,))
    assert is_as_shipped(CODEC.converter, (GenerateRequest, EmbedRequest))


def test_a_hook_for_texts_is_used_in_all_requests_and_in_no_line() -> None:
    codec = Codec()
    codec.converter.register_unstructure_hook(str, str.upper)
    assert not is_as_shipped(codec.converter, PLAIN)
    checker = RequestChecker(codec)

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

    assert sent(RequestChecker(codec), GenerateRequest.from_text("x"))["contents"] == [
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
        row = RequestChecker(CODEC).request(
            GenerateRequest.from_text(
                "x", generation_config=GenerationConfig(top_p=number)
            ),
            1,
        )

        assert row == FullCheck(CODEC).full_check_request(
            GenerateRequest.from_text(
                "x", generation_config=GenerationConfig(top_p=number)
            ),
            1,
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
