"""Schemas of answers: what is derived from a type, and what is refused with its path."""

import dataclasses
import datetime as dt
import enum
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta
from pydantic import BaseModel, ConfigDict, Field

from gemini_batch import DecodeError, InputError
from gemini_batch._codec import Codec, ResultDecoder
from gemini_batch._codec.results.typed_decoder import TypedResultDecoder
from gemini_batch.types import JobKind, ModalityTokenCount
from tests.support.answer_types import (
    ATTRS_TYPES,
    Address,
    Box,
    Cat,
    Constrained,
    Described,
    Dog,
    Enumerated,
    Invoice,
    Language,
    Literals,
    Moment,
    Mood,
    Node,
    Open,
    Ordered,
    ScalarUnion,
    Texts,
    WithOptional,
)

ADDRESS = {
    "type": "OBJECT",
    "properties": {"street": {"type": "STRING"}, "city": {"type": "STRING"}},
    "propertyOrdering": ["street", "city"],
    "required": ["street", "city"],
}


def member(cls: Any, name: str) -> dict[str, Any]:
    """Return the schema of one member of a class."""
    schema: dict[str, Any] = Codec().response_schema(cls)["properties"][name]
    return schema


def problems(cls: Any) -> dict[str | None, str]:
    """Return why a class is refused, by path."""
    with pytest.raises(InputError) as caught:
        Codec().response_schema(cls)
    assert all(p.remedy for p in caught.value.problems)
    return {p.field: p.message for p in caught.value.problems}


def test_members_are_in_the_order_of_the_class_whatever_is_required() -> None:
    schema = Codec().response_schema(Ordered)

    assert schema["propertyOrdering"] == ["reasoning", "answer", "certain"]
    assert list(schema["properties"]) == ["reasoning", "answer", "certain"]
    assert schema["required"] == ["answer"]


def test_a_class_of_nothing_but_defaults_requires_nothing() -> None:
    @attrs.frozen
    class Defaults:
        name: str = ""

    assert "required" not in Codec().response_schema(Defaults)


def test_members_that_the_class_makes_itself_are_not_asked_for() -> None:
    assert list(Codec().response_schema(Open)["properties"]) == ["name", "place"]
    assert member(Open, "place") == ADDRESS


def test_members_keep_their_names() -> None:
    @attrs.frozen
    class Private:
        _size: int
        camelCase: int  # noqa: N815

    assert list(Codec().response_schema(Private)["properties"]) == ["_size", "camelCase"]
    assert Codec().parse_answer('{"_size": 1, "camelCase": 2}', Private) == Private(1, 2)


def test_classes_are_written_out_where_they_are_used() -> None:
    assert Codec().response_schema(Invoice) == {
        "type": "OBJECT",
        "properties": {
            "number": {"type": "STRING"},
            "lines": {"type": "ARRAY", "items": ADDRESS},
            "paid": {"type": "BOOLEAN"},
        },
        "propertyOrdering": ["number", "lines", "paid"],
        "required": ["number"],
    }


def test_docstrings_and_descriptions_are_sent() -> None:
    schema = Codec().response_schema(Described)

    assert schema["description"] == "A review of a book."
    assert member(Described, "title")["description"] == "As on the cover"
    assert member(Described, "author")["description"] == "Family name first"
    assert member(Enumerated, "mood")["description"] == "How it sounds."


def test_what_is_said_of_a_member_counts_more_than_what_is_said_of_its_class() -> None:
    @attrs.frozen
    class Shelf:
        first: Described = attrs.field(metadata={"description": "The best"})
        second: Annotated[Described, Meta(description="Less so")] | None
        either: Annotated[Described | Address, Meta(description="Any")]
        day: dt.date | None = attrs.field(metadata={"description": "When"})

    assert member(Shelf, "first")["description"] == "The best"
    assert member(Shelf, "second")["description"] == "Less so"
    assert member(Shelf, "either") == {
        "anyOf": [Codec().response_schema(Described), ADDRESS | {"description": "Any"}]
    }
    assert member(Shelf, "day")["description"] == "When (ISO 8601 date such as 2026-01-31)"


def test_choices_are_among_texts() -> None:
    assert member(Enumerated, "moods")["items"]["enum"] == ["good", "bad"]
    assert member(Literals, "verdict") == {"type": "STRING", "enum": ["no", "yes"]}
    either = {"type": "STRING", "enum": ["sure", "unsure"], "nullable": True}
    assert member(Literals, "sure") == either
    nullable = Literal["sure", "unsure", None]  # noqa: PYI061 - the other way to spell it
    assert Codec().response_schema(nullable) == either


def test_what_may_be_null_says_so() -> None:
    assert member(WithOptional, "name") == {"type": "STRING", "nullable": True}
    assert member(WithOptional, "place")["nullable"] is True
    assert member(ScalarUnion, "value") == {
        "anyOf": [{"type": "INTEGER"}, {"type": "STRING"}]
    }
    assert member(ScalarUnion, "maybe") == {
        "anyOf": [{"type": "NUMBER", "nullable": True}, {"type": "BOOLEAN"}]
    }


def test_unions_in_unions_are_one() -> None:
    @attrs.frozen
    class Owner:
        pet: Annotated[int | str, Meta(description="Either")] | None

    assert member(Owner, "pet") == {
        "anyOf": [
            {"type": "INTEGER", "description": "Either", "nullable": True},
            {"type": "STRING", "description": "Either"},
        ]
    }


def test_constraints_that_have_a_word_are_sent() -> None:
    assert member(Constrained, "stars") == {"type": "INTEGER", "minimum": 1, "maximum": 5}
    assert member(Constrained, "title") == {
        "type": "STRING",
        "minLength": 3,
        "maxLength": 40,
    }
    assert member(Constrained, "parts") == {
        "type": "ARRAY",
        "minItems": 1,
        "maxItems": 3,
        "items": {"type": "STRING"},
    }
    assert member(Box, "corners") == {
        "type": "ARRAY",
        "minItems": 4,
        "maxItems": 4,
        "items": {"type": "INTEGER"},
    }


def test_open_bounds_are_closed_and_checked_on_return() -> None:
    @attrs.frozen
    class Bounded:
        whole: Annotated[int, Meta(gt=0, lt=10)]
        share: Annotated[float, Meta(gt=0, lt=1)]
        even: Annotated[int, Meta(multiple_of=2)]

    assert member(Bounded, "whole") == {"type": "INTEGER", "minimum": 1, "maximum": 9}
    assert member(Bounded, "share") == {"type": "NUMBER", "minimum": 0, "maximum": 1}
    assert member(Bounded, "even") == {"type": "INTEGER"}
    with pytest.raises(DecodeError, match="share"):
        Codec().parse_answer('{"whole": 1, "share": 0, "even": 2}', Bounded)
    with pytest.raises(DecodeError, match="even"):
        Codec().parse_answer('{"whole": 1, "share": 0.5, "even": 3}', Bounded)


def test_formats_are_told_in_words_but_for_moments() -> None:
    assert member(Moment, "at") == {"type": "STRING", "format": "date-time"}
    for name in ("day", "time", "long", "id", "price"):
        schema = member(Texts, name)
        assert schema["type"] == "STRING"
        assert set(schema) == {"type", "description"}


def test_a_type_may_be_anything_that_has_a_schema() -> None:
    codec = Codec()

    assert codec.response_schema(list[Address]) == {"type": "ARRAY", "items": ADDRESS}
    assert codec.response_schema(Cat | Dog)["anyOf"][1]["required"] == ["kind", "name"]
    assert codec.response_schema(Language) == {"type": "STRING", "enum": ["en", "de"]}


class Author(BaseModel):
    """Who wrote it."""

    name: str = Field(min_length=1, description="In full")
    best: "Book | None" = None


class Bound(BaseModel):
    kind: Literal["bound"]
    leather: bool


class Scanned(BaseModel):
    kind: Literal["scanned"]
    dots: int


class Book(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: str
    kind: Literal["book"]
    pages: int = Field(gt=0, multiple_of=2)
    size: tuple[float, float]
    either: Annotated[Bound | Scanned, Field(discriminator="kind")] | None = None


def test_pydantic_models_have_their_own_schema() -> None:
    assert Codec().response_schema(list[Author])["items"] == {
        "type": "OBJECT",
        "description": "Who wrote it.",
        "properties": {
            "name": {"type": "STRING", "minLength": 1, "description": "In full"},
            "best": {**Codec().response_schema(Book), "nullable": True},
        },
        "propertyOrdering": ["name", "best"],
        "required": ["name"],
    }
    assert member(Book, "kind") == {"type": "STRING", "enum": ["book"]}
    assert member(Book, "pages") == {"type": "INTEGER", "minimum": 1}
    assert member(Book, "size")["items"] == {"type": "NUMBER"}
    assert [o.get("nullable") for o in member(Book, "either")["anyOf"]] == [True, None]


class Odd(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    thing: Codec


class Combined(BaseModel):
    both: str = Field(json_schema_extra={"allOf": [{"type": "string"}, {"minLength": 1}]})
    same: str = Field(json_schema_extra={"not": {"enum": ["x"]}})
    several: str = Field(json_schema_extra={"type": ["string", "null"]})


class Grade(enum.IntEnum):
    ONE = 1
    TWO = 2


class Pair(NamedTuple):
    name: str
    size: int


class Loose(TypedDict):
    name: str
    size: int


class Unreadable:
    pass


@attrs.frozen
class Same:
    kind: str
    lives: int


@attrs.frozen
class Empty:
    pass


@attrs.frozen
class Refused:
    anything: Any
    nothing: None
    by_name: dict[str, Address]
    by_name_alone: Mapping[str, Any]
    data: bytes
    grade: Grade
    number: Literal[1, 2]
    blank: Literal["", "x"]
    pair: Pair
    mixed: list[tuple[Address, int]]
    items: list  # type: ignore[type-arg]
    empty: list[Empty]
    node: Node | None


@attrs.frozen
class Astray:
    missing: list["Nowhere"]  # type: ignore[name-defined]  # noqa: F821


def test_what_has_no_place_is_refused_with_its_path() -> None:
    found = problems(Refused)

    assert found.keys() == {
        f"response_type.{path}"
        for path in (
            "anything",
            "nothing",
            "by_name",
            "by_name_alone",
            "data",
            "grade",
            "number",
            "blank",
            "pair",
            "mixed[]",
            "items",
            "empty[]",
            "node.children[]",
        )
    }
    assert "Node holds itself" in found["response_type.node.children[]"]


def test_what_pydantic_alone_knows_is_refused_with_its_path() -> None:
    assert problems(Combined) == {
        "response_type.both": "it combines several schemas",
        "response_type.same": "not has no place in the schema language",
        "response_type.several": "it may be anything",
    }


def test_what_cannot_be_read_is_refused_with_its_path() -> None:
    @attrs.frozen
    class Unread:
        thing: Unreadable
        numbers: list[complex]
        alike: Same | Cat
        lists: list[int] | list[str]
        either: complex | str
        model: Odd

    found = problems(Unread)

    assert found.keys() == {
        f"response_type.{path}"
        for path in ("thing", "numbers[]", "alike", "lists", "either", "model")
    }
    assert found["response_type.thing"].startswith("Unreadable is no type")
    assert "no JSON Schema" in found["response_type.model"]


def test_annotations_that_lead_nowhere_are_refused() -> None:
    (message,) = problems(Astray).values()

    assert "Nowhere" in message


def test_a_member_without_a_type_may_be_anything() -> None:
    untyped = attrs.make_class("Untyped", ["thing"])

    assert problems(untyped) == {"response_type.thing": "it may be anything"}


def test_json_schema_has_a_place_for_nearly_all() -> None:
    schema = Codec().response_json_schema(Refused)
    whole = schema["$defs"]["Refused"]["properties"]

    assert schema["$ref"] == "#/$defs/Refused"
    assert whole["anything"] == {}
    assert whole["by_name"] == {
        "type": "object",
        "additionalProperties": {"$ref": "#/$defs/Address"},
    }
    assert whole["grade"] == {"enum": [1, 2]}
    assert schema["$defs"]["Node"]["properties"]["children"]["items"] == {
        "$ref": "#/$defs/Node"
    }
    pair = whole["mixed"]["items"]["prefixItems"]
    assert schema["$defs"][pair[0]["$ref"].rpartition("/")[2]]["required"] == [
        "street",
        "city",
    ]


def test_json_schema_is_spelt_as_the_service_reads_it() -> None:
    defs = Codec().response_json_schema(Author)["$defs"]

    assert defs["Author.Book"]["properties"]["kind"]["enum"] == ["book"]
    assert "const" not in json.dumps(defs)

    @attrs.frozen
    class Shelf:
        const: str
        best: Described = attrs.field(metadata={"description": "The best"})

    shelf = Codec().response_json_schema(Shelf)["$defs"]["Shelf"]["properties"]
    assert shelf["const"] == {"type": "string"}
    assert shelf["best"] == {
        "anyOf": [{"$ref": "#/$defs/Described"}],
        "description": "The best",
    }

    class Spelt(BaseModel):
        author: Author = Field(description="Who")

    spelt = Codec().response_json_schema(Spelt)["$defs"]
    assert {"anyOf", "description"} <= spelt["Spelt"]["properties"]["author"].keys()


def test_json_schema_refuses_what_cannot_be_read() -> None:
    with pytest.raises(InputError, match=r"response_type\[\]"):
        Codec().response_json_schema(list[complex])


def test_types_of_one_name_are_told_apart() -> None:
    first = attrs.make_class("Same", {"a": attrs.field(type=int)}, frozen=True)
    second = attrs.make_class("Same", {"b": attrs.field(type=str)}, frozen=True)
    both = attrs.make_class(
        "Both", {"one": attrs.field(type=first), "two": attrs.field(type=second)}
    )

    assert list(member(both, "one")["properties"]) == ["a"]
    assert list(member(both, "two")["properties"]) == ["b"]


def test_typed_dicts_are_read_as_well() -> None:
    assert Codec().response_schema(Loose)["required"] == ["name", "size"]
    assert Codec().parse_answer('{"name": "a", "size": 1}', Loose) == {
        "name": "a",
        "size": 1,
    }


# Reading


@attrs.frozen
class Lenient:
    """Whose members all have defaults."""

    words: list[str] = attrs.field(factory=list)
    pair: tuple[str, str] = ("", "")
    grade: Grade = Grade.ONE
    mood: Mood = Mood.GOOD


@pytest.mark.parametrize(
    ("answer", "where"),
    [
        ('"words"', "expected an object, got str @ $"),
        ("[]", "expected an object, got list @ $"),
        ('{"words": "abc"}', "expected a list, got str @ $.words"),
        ('{"words": ["a", 1]}', "expected a string, got int @ $.words[1]"),
        ('{"pair": "ab"}', "expected a list, got str @ $.pair"),
        ('{"pair": ["a"]}', "expected 2 items, got 1 @ $.pair"),
        ('{"grade": 3}', "3 is not a valid Grade @ $.grade"),
        ('{"mood": "odd"}', "@ $.mood"),
    ],
)
def test_nothing_is_coerced(answer: str, where: str) -> None:
    with pytest.raises(DecodeError) as caught:
        Codec().parse_answer(answer, Lenient)

    assert where in str(caught.value)
    assert str(caught.value).startswith("Lenient: ")


def test_members_of_enums_are_members() -> None:
    made = Codec().parse_answer('{"grade": 2, "mood": "bad"}', Lenient)

    assert made.grade is Grade.TWO
    assert made.mood is Mood.BAD
    assert Codec().parse_answer("2", Grade) is Grade.TWO
    with pytest.raises(DecodeError, match="expected an integer, got str"):
        Codec().parse_answer('"2"', Grade)


def test_a_class_of_the_package_is_asked_for_as_it_is_read() -> None:
    schema = Codec().response_schema(ModalityTokenCount)

    assert set(schema["properties"]) == {"modality", "tokenCount"}
    assert Codec().parse_answer('{"tokenCount": 5}', ModalityTokenCount).token_count == 5


def test_unions_are_named_in_errors() -> None:
    union: Any = Cat | Dog

    with pytest.raises(DecodeError, match=r"Cat \| "):
        Codec().parse_answer("5", union)


def test_a_dataclass_of_defaults_is_an_object_too() -> None:
    @dataclasses.dataclass
    class Options:
        a: Annotated[int, Meta(le=5)] = 0

    assert Codec().parse_answer('{"a": 1}', Options) == Options(a=1)
    with pytest.raises(DecodeError, match="expected an object"):
        Codec().parse_answer("[]", Options)
    with pytest.raises(DecodeError, match="<= 5"):
        Codec().parse_answer('{"a": 6}', Options)


CODEC = Codec()
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.none() | st.booleans() | NUMBERS | st.text()
NAMES = sorted({f.name for cls in ATTRS_TYPES for f in attrs.fields(cls)})
ANSWERS = st.recursive(
    PLAIN | st.sampled_from(["yes", "good", "en", "cat", "2026-03-14T09:26:53Z"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=20,
)


@given(answer=ANSWERS, cls=st.sampled_from([*ATTRS_TYPES, Texts, Author, Node]))
def test_whatever_comes_is_a_value_of_the_type_or_an_error_with_a_path(
    answer: object, cls: type[Any]
) -> None:
    outcome: object
    try:
        outcome = CODEC.parse_answer(json.dumps(answer), cls)
    except DecodeError as exc:
        outcome = exc

    assert type(outcome) is cls or "@ $" in str(outcome)


def test_a_deep_answer_is_an_error() -> None:
    for depth in (50, 300, 100_000):
        answer = '{"text":"a","children":[' * depth + "5" + "]}" * depth
        with pytest.raises(DecodeError):
            Codec().parse_answer(answer, Node)


def test_blank_lines_are_no_typed_rows() -> None:
    codec = Codec()
    rows = TypedResultDecoder(ResultDecoder(codec, JobKind.GENERATE), codec, Lenient)

    assert rows.line(b"\n", 0) is None
    result = rows.line(b'{"key":"a","error":{"code":3}}\n', 1)
    assert result is not None
    assert (result.key, result.index, result.outcome) == ("a", 1, "error")
