"""The tables of members, held against three sources that were not made from them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from attrs import fields

from gemini_batch._codec import wire_name
from gemini_batch._requests.messages import (
    MESSAGES,
    PART_DATA,
    Form,
    Message,
    Scalar,
)
from gemini_batch.testing.emulator.messages import developer
from gemini_batch.types import (
    Content,
    EmbedRequest,
    FunctionCall,
    FunctionResponse,
    GenerateRequest,
    GenerationConfig,
    Part,
    SafetySetting,
    ThinkingConfig,
)

SAMPLES = Path(__file__).parents[1] / "recorded"


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.name)
def test_every_member_is_there_in_both_spellings(message: Message) -> None:
    for name in message.names:
        member = message.members[name]
        snake = re.sub("[A-Z]", lambda letter: "_" + letter.group().lower(), name)

        assert message.members[snake] is member
        assert wire_name(snake) == name
        assert message.names[member.place] == name


def test_every_message_is_reached_from_a_request() -> None:
    reached: set[str] = set()
    ahead: list[Message] = [
        MESSAGES["GenerateContentRequest"],
        MESSAGES["EmbedContentRequest"],
    ]
    while ahead:
        message = ahead.pop()
        if message.name not in reached:
            reached.add(message.name)
            kinds = [member.kind for member in message.members.values()]
            ahead += [kind for kind in kinds if isinstance(kind, Message)]

    assert reached == set(MESSAGES)


@pytest.mark.parametrize(
    ("cls", "name", "ours"),
    [
        (GenerateRequest, "GenerateContentRequest", {"key", "metadata"}),
        (EmbedRequest, "EmbedContentRequest", {"key", "metadata"}),
        (GenerationConfig, "GenerationConfig", set()),
        (ThinkingConfig, "ThinkingConfig", set()),
        (SafetySetting, "SafetySetting", set()),
        (Content, "Content", set()),
        (Part, "Part", set()),
        (FunctionCall, "FunctionCall", set()),
        (FunctionResponse, "FunctionResponse", set()),
    ],
)
def test_typed_requests_hold_nothing_else(cls: type[Any], name: str, ours: Any) -> None:
    names = {field.name for field in fields(cls)} - ours

    assert {wire_name(name) for name in names} <= set(MESSAGES[name].names)


_EMULATOR_NAMES = {
    "MediaResolution": "PartMediaResolution",
    "Empty": None,
}
_SHAPES = {
    Scalar.STRING: {"string", "timestamp"},
    Scalar.NUMBER: {"float"},
    Scalar.INTEGER: {"int32", "int64"},
    Scalar.BOOLEAN: {"bool"},
    Scalar.BYTES: {"bytes"},
    Scalar.ENUM: set(developer.ENUMS),
    Scalar.STRUCT: {"struct", "{string}"},
    Scalar.VALUE: {"value", "[string]"},
}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.name)
def test_what_the_emulator_takes_is_known_with_the_same_shape(message: Message) -> None:
    theirs = developer.MESSAGES.get(
        _EMULATOR_NAMES.get(message.name, message.name) or "", {}
    )

    for name, shape in theirs.items():
        member = message.members[name]
        bare = shape.strip("[]{}")
        if isinstance(member.kind, Message):
            form = {"[": Form.LIST, "{": Form.MAP}.get(shape[0], Form.ONE)
            same = _EMULATOR_NAMES.get(member.kind.name, member.kind.name)
            assert (member.form, bare) == (form, same or bare)
        else:
            allowed = _SHAPES[member.kind]
            assert shape in allowed or (member.form is Form.LIST and bare in allowed)


def test_the_data_of_a_part_is_what_the_emulator_calls_so() -> None:
    assert developer.ONEOFS["Part"][1] == PART_DATA
    assert set(MESSAGES["Part"].names) >= PART_DATA


def test_answers_can_be_sent_back_as_contents() -> None:
    """A model's turn becomes part of the next request, whatever it held."""
    path = SAMPLES / "gemini" / "generate-response-with-thought-signature.json"
    answer = json.loads(path.read_bytes())

    for candidate in answer["candidates"]:
        for part in candidate["content"]["parts"]:
            assert set(part) <= set(MESSAGES["Part"].names)
