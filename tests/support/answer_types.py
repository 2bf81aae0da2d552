"""Types that answers are asked for in: twenty attrs classes and more, each with its own trait."""

import datetime as dt
import decimal
import enum
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import attrs
from msgspec import Meta


@attrs.frozen
class Flat:
    name: str
    age: int
    weight: float
    alive: bool


@attrs.frozen
class WithDefaults:
    name: str
    count: int = 3
    tags: list[str] = attrs.field(factory=list)


@attrs.frozen
class WithOptional:
    name: str | None
    age: int | None = None
    place: Flat | None = None


@attrs.frozen
class Address:
    street: str
    city: str


@attrs.frozen
class Nested:
    name: str
    address: Address


@attrs.frozen
class ListOfTexts:
    words: list[str]


@attrs.frozen
class ListOfObjects:
    people: list[Nested]


class Mood(enum.Enum):
    """How it sounds."""

    GOOD = "good"
    BAD = "bad"


class Language(enum.StrEnum):
    ENGLISH = "en"
    GERMAN = "de"


@attrs.frozen
class Enumerated:
    mood: Mood
    moods: list[Mood]


@attrs.frozen
class TextEnumerated:
    language: Language
    second: Language | None = None


@attrs.frozen
class Literals:
    verdict: Literal["yes", "no"]
    sure: Literal["sure", "unsure"] | None


@attrs.frozen
class Moment:
    at: dt.datetime
    until: dt.datetime | None = None


@attrs.frozen
class Tuples:
    words: tuple[str, ...]
    numbers: Sequence[float]


@attrs.frozen
class Box:
    corners: tuple[int, int, int, int]


@attrs.frozen
class ScalarUnion:
    value: int | str
    maybe: float | bool | None = None


@attrs.frozen
class Cat:
    kind: Literal["cat"]
    lives: int


@attrs.frozen
class Dog:
    kind: Literal["dog"]
    name: str


@attrs.frozen
class TaggedUnion:
    pet: Cat | Dog
    others: list[Cat | Dog]


@attrs.frozen
class Paid:
    amount: float


@attrs.frozen
class Refused:
    reason: str


@attrs.frozen
class UntaggedUnion:
    outcome: Paid | Refused | None


@attrs.frozen
class Constrained:
    stars: Annotated[int, Meta(ge=1, le=5)]
    title: Annotated[str, Meta(min_length=3, max_length=40)]
    parts: Annotated[list[str], Meta(min_length=1, max_length=3)]


@attrs.frozen
class Described:
    """A review of a book."""

    title: str = attrs.field(metadata={"description": "As on the cover"})
    author: Annotated[str, Meta(description="Family name first")]


@attrs.frozen
class Inheriting(Flat):
    nick: str


@attrs.frozen(kw_only=True)
class Ordered:
    reasoning: str = ""
    answer: int
    certain: bool = True


@attrs.define
class Open:
    name: str
    place: "Address"
    made: int = attrs.field(default=0, init=False)


@attrs.frozen
class Checked:
    share: float = attrs.field(validator=attrs.validators.ge(0))


@attrs.frozen
class Leaf:
    text: str


@attrs.frozen
class Branch:
    leaves: list[Leaf]


@attrs.frozen
class Tree:
    branches: list[Branch]
    trunk: Branch | None


ATTRS_TYPES: tuple[type[Any], ...] = (
    Flat,
    WithDefaults,
    WithOptional,
    Nested,
    ListOfTexts,
    ListOfObjects,
    Enumerated,
    TextEnumerated,
    Literals,
    Moment,
    Tuples,
    Box,
    ScalarUnion,
    TaggedUnion,
    UntaggedUnion,
    Constrained,
    Described,
    Inheriting,
    Ordered,
    Open,
    Checked,
    Tree,
)


@dataclass
class Invoice:
    number: str
    lines: list[Address] = field(default_factory=list)
    paid: bool = False


@attrs.frozen
class Texts:
    """What JSON has no type for."""

    day: dt.date
    time: dt.time
    long: dt.timedelta
    id: uuid.UUID
    price: decimal.Decimal
    tags: set[str]
    kinds: frozenset[str]


@attrs.frozen
class Node:
    text: str
    children: "list[Node]" = attrs.field(factory=list)
