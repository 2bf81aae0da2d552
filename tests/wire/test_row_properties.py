"""Rows, by property: never a crash, always one form, never a touch on what is the user's."""

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gemini_batch._requests.checker import RequestChecker
from gemini_batch._requests.messages import (
    MESSAGES,
    PART_DATA,
    Form,
    Message,
    Scalar,
)
from gemini_batch.errors import InputProblem
from gemini_batch.types import JobKind
from tests.support.checked import CODEC

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=10,
)
NAMES = st.sampled_from(
    sorted(
        {name for message in MESSAGES.values() for name in message.members}
        | {"key", "request", "metadata", "custom_id", "config", "messages", "body"}
    )
)
# JSON whose names are often right, so that the walk goes deep.
NEAR_REQUESTS = st.recursive(
    JSON,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
SCALARS = {
    Scalar.STRING: st.text(),
    Scalar.ENUM: st.text(),
    Scalar.NUMBER: st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
    Scalar.INTEGER: st.integers(-(2**63), 2**63 - 1),
    Scalar.BOOLEAN: st.booleans(),
    Scalar.BYTES: st.just("AAAA"),
    Scalar.STRUCT: st.dictionaries(st.text(), JSON, max_size=2),
    Scalar.VALUE: JSON,
}


def value_of(draw: Any, kind: Any, depth: int) -> Any:
    if isinstance(kind, Message):
        return message_of(draw, kind, depth + 1)
    return draw(SCALARS[kind])


def chosen_names(draw: Any, message: Message, depth: int) -> Any:
    deep = 4
    names = [
        name
        for name in message.names
        if depth < deep or isinstance(message.members[name].kind, Scalar)
    ]
    chosen = set(draw(st.lists(st.sampled_from(names), max_size=4))) if names else set()
    if message.name == "Content":
        return {*chosen, "parts"}
    if message.name == "Part":
        return {*chosen - PART_DATA, draw(st.sampled_from(["text", "functionCall"]))}
    if message.name == "Blob":
        return {*chosen, "data"}
    if message.name == "GenerationConfig":
        return chosen - {"responseSchema", "responseJsonSchema"}
    return chosen


def message_of(draw: Any, message: Message, depth: int = 0, *, names: Any = None) -> Any:
    value = {}
    names = chosen_names(draw, message, depth) if names is None else names
    for name in draw(st.permutations(sorted(names))):
        member = message.members[name]
        if member.form is Form.ONE:
            value[name] = value_of(draw, member.kind, depth)
        elif member.form is Form.LIST:
            count = draw(st.integers(1, 2))
            value[name] = [value_of(draw, member.kind, depth) for _ in range(count)]
        else:
            keys = draw(st.lists(st.text(), max_size=2, unique=True))
            value[name] = {key: value_of(draw, member.kind, depth) for key in keys}
    return value


@st.composite
def generate_requests(draw: Any) -> Any:
    """Make a sound generation request of any members."""
    message = MESSAGES["GenerateContentRequest"]
    names = set(draw(st.lists(st.sampled_from(message.names), max_size=6)))
    excluded = {"cachedContent", "systemInstruction", "model"}
    return message_of(draw, message, names={*names - excluded, "contents"})


def snake(name: str) -> Any:
    return re.sub("[A-Z]", lambda letter: "_" + letter.group().lower(), name)


def snake_cased(message: Message, value: Any) -> Any:
    """Spell every member of a message in snake_case, in reverse order."""

    def inner(kind: Any, item: Any) -> Any:
        return snake_cased(kind, item) if isinstance(kind, Message) else item

    spelt = {}
    for name in reversed(value):
        member, item = message.members[name], value[name]
        if member.form is Form.LIST:
            item = [inner(member.kind, each) for each in item]
        elif member.form is Form.MAP:
            item = {key: inner(member.kind, each) for key, each in item.items()}
        else:
            item = inner(member.kind, item)
        spelt[snake(name)] = item
    return spelt


def check(value: Any, **options: Any) -> Any:
    checker = RequestChecker(CODEC, **options)
    row = checker.request(value, 1)
    assert all(isinstance(problem, InputProblem) for problem in checker.problems)
    assert (row is None) == bool(checker.problems)
    return row


@given(generate_requests())
def test_spelling_and_order_do_not_matter(request: Any) -> None:
    message = MESSAGES["GenerateContentRequest"]
    row = check(request)

    spelt = snake_cased(message, request)

    assert row is not None
    assert check(spelt) == row
    assert check(json.dumps({"key": row.key, "request": spelt})) == row
    again = check(row.file_line())
    assert again == row


@given(st.dictionaries(st.text(), JSON, max_size=3), JSON)
def test_what_is_the_users_own_is_never_touched(mapping: Any, value: Any) -> None:
    declaration = {"name": "f", "parameters_json_schema": value}
    request = {
        "contents": [
            {
                "parts": [
                    {"function_call": {"name": "f", "args": mapping}},
                    {"function_response": {"name": "f", "response": mapping}},
                ]
            }
        ],
        "labels": mapping,
        "tools": [{"function_declarations": [declaration]}],
        "generation_config": {
            "response_mime_type": "application/json",
            "response_schema": {
                "default": value,
                "properties": {"a_b": {"example": value}},
            },
        },
    }

    row = check(
        {"request": request, "metadata": mapping | {"key": "k"}}, allow_metadata=True
    )

    assert row is not None
    sent = json.loads(row.request)
    parts = sent["contents"][0]["parts"]
    schema = sent["generationConfig"]["responseSchema"]
    assert parts[0]["functionCall"]["args"] == mapping
    assert parts[1]["functionResponse"]["response"] == mapping
    assert sent["labels"] == mapping
    assert sent["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"] == value
    assert schema == {"default": value, "properties": {"a_b": {"example": value}}}
    assert json.loads(row.inline_row())["metadata"] == mapping | {"key": "k"}


@given(NEAR_REQUESTS, st.booleans(), st.sampled_from([None, *JobKind]))
def test_arbitrary_json_never_crashes(value: Any, allow_metadata: Any, kind: Any) -> None:
    check(value, allow_metadata=allow_metadata, kind=kind)
    check({"request": value}, allow_metadata=allow_metadata, kind=kind)
    check(json.dumps(value), allow_metadata=allow_metadata, kind=kind)


@given(st.binary(), st.integers(1, 3))
def test_arbitrary_bytes_never_crash(line: bytes, number: Any) -> None:
    checker = RequestChecker(CODEC)

    assert checker.line(line, number) is None
    assert len(checker.problems) <= 1


@given(st.text())
def test_arbitrary_text_never_crashes(text: Any) -> None:
    assert check(text) is None


@given(st.text(min_size=1))
def test_any_key_is_written_as_it_is(key: Any) -> None:
    row = check({"key": key, "request": {"contents": [{"parts": [{"text": "x"}]}]}})

    assert row is not None
    assert json.loads(row.file_line())["key"] == key
    assert json.loads(row.inline_row())["metadata"]["key"] == key
    assert row.file_line().count(b"\n") == 1
