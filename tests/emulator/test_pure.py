"""Parts without I/O, by property."""

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from gemini_batch.testing.emulator.core.clock import stamp
from gemini_batch.testing.emulator.core.errors import Refusal
from gemini_batch.testing.emulator.core.page_tokens import sequence_of, token_after
from gemini_batch.testing.emulator.core.seeded_random import SeededRandom
from gemini_batch.testing.emulator.messages.developer import (
    ENUMS,
    MESSAGES,
    ONEOFS,
)
from gemini_batch.testing.emulator.messages.validate import check, decode, snake
from gemini_batch.testing.emulator.model.fit_schema import Fitter
from gemini_batch.testing.emulator.model.texts import language_of, text_answer

if TYPE_CHECKING:
    from collections.abc import Callable

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)
SCALARS = {
    "string",
    "bool",
    "int32",
    "int64",
    "float",
    "bytes",
    "timestamp",
    "struct",
    "value",
}


def _names(kind: str) -> str:
    return kind.strip("[]{}")


def test_every_type_of_the_tables_exists() -> None:
    used = {_names(kind) for members in MESSAGES.values() for kind in members.values()}

    assert used <= SCALARS | set(ENUMS) | set(MESSAGES)
    assert all(members <= set(MESSAGES[name]) for name, (_, members) in ONEOFS.items())


@st.composite
def _near_messages(draw: st.DrawFn) -> tuple[str, Any]:
    """A message name, and JSON that has its members with anything for values."""
    name = draw(st.sampled_from(sorted(MESSAGES)))
    known = sorted(MESSAGES[name]) or ["x"]
    members = st.sampled_from([*known, *map(snake, known), "unknown"])
    return name, draw(st.dictionaries(members, ANY_JSON, max_size=4))


@given(st.tuples(st.sampled_from(sorted(MESSAGES)), ANY_JSON) | _near_messages())
def test_checking_never_fails_whatever_comes(case: tuple[str, Any]) -> None:
    name, body = case

    checked = check(name, body)

    assert all(violation.description for violation in checked.violations)


@st.composite
def _valid(draw: st.DrawFn, kind: str, depth: int = 0) -> Any:
    if kind[0] == "[":
        return draw(st.lists(_valid(kind[1:-1], depth + 1), max_size=2))
    if kind[0] == "{":
        return draw(st.dictionaries(st.text(max_size=3), _valid(kind[1:-1], depth + 1)))
    if kind in ENUMS:
        return draw(st.sampled_from(sorted(ENUMS[kind])))
    if kind in MESSAGES:
        names = sorted(MESSAGES[kind])
        if depth > 3 or not names:
            return {}
        chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=3))
        _, choice = ONEOFS.get(kind, ("", frozenset[str]()))
        extra = [name for name in chosen if name in choice][1:]
        kept = [name for name in chosen if name not in extra]
        spelt: Callable[[str], str] = snake if draw(st.booleans()) else str
        return {spelt(n): draw(_valid(MESSAGES[kind][n], depth + 1)) for n in kept}
    return draw(
        {
            "string": st.text(max_size=5),
            "bool": st.booleans(),
            "int32": st.integers(-(2**31), 2**31 - 1),
            "int64": st.integers(-(2**63), 2**63 - 1).flatmap(
                lambda number: st.sampled_from([number, str(number)])
            ),
            "float": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9),
            "bytes": st.sampled_from(["", "AA==", "AAA", "_-8="]),
            "timestamp": st.just("2026-09-01T00:00:00Z"),
            "struct": st.dictionaries(st.text(max_size=3), ANY_JSON, max_size=2),
            "value": ANY_JSON,
        }[kind]
    )


@given(
    st.sampled_from(sorted(MESSAGES)).flatmap(
        lambda name: st.tuples(st.just(name), _valid(name))
    )
)
def test_what_fits_the_tables_is_accepted_in_either_spelling(case: tuple[str, Any]) -> None:
    name, body = case

    checked = check(name, body)

    assert checked.violations == []
    assert set(checked.value) <= set(MESSAGES[name])
    assert len(checked.value) == len(body)


def test_users_mappings_pass_through() -> None:
    schema = {"type": "object", "additional_properties": {"x_y": None}}
    config = {"response_json_schema": schema}

    checked = check("GenerationConfig", config)

    assert checked.value == {"responseJsonSchema": schema}
    assert check("InlinedRequest", {"metadata": schema}).value == {"metadata": schema}


def test_null_means_not_sent() -> None:
    checked = check("GenerateContentRequest", {"contents": None, "toolConfig": None})

    assert checked.value == {}
    assert not checked.violations


def test_deep_nesting_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(150):
        schema = {"items": schema}

    [violation] = check("Schema", schema).violations

    assert "too deep" in violation.description


@given(st.text(max_size=30))
def test_decoding_fails_with_value_errors_only(text: str) -> None:
    try:
        expected = json.loads(text, parse_constant=lambda _: reject())
    except ValueError:
        with pytest.raises(ValueError):
            decode(text)
    else:
        assert decode(text) == expected


@given(st.integers(1, 10**9), st.sampled_from(["files", "batches"]))
def test_page_tokens_come_back(sequence: int, kind: str) -> None:
    assert sequence_of(token_after(sequence, kind), kind) == sequence


@given(st.text(max_size=20))
def test_other_page_tokens_are_refused(token: str) -> None:
    with pytest.raises(Refusal):
        sequence_of(token, "files")


def test_a_stamp_has_nine_digits() -> None:
    moment = dt.datetime(2026, 9, 1, 10, 0, 0, 1200, tzinfo=dt.UTC)

    assert stamp(moment, nanos=7) == "2026-09-01T10:00:00.001200007Z"
    assert stamp(moment, digits=6) == "2026-09-01T10:00:00.001200Z"


@given(st.text(max_size=200))
def test_every_prompt_gets_an_answer(prompt: str) -> None:
    assert text_answer(prompt)
    assert language_of(prompt)


@st.composite
def _schemas(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    kinds = ["STRING", "INTEGER", "NUMBER", "BOOLEAN", "NULL", "enum", "anyOf"]
    kind = draw(st.sampled_from([*kinds, "ARRAY", "OBJECT"] if depth < 3 else kinds[:6]))
    lower = draw(st.booleans())
    bounds = sorted(draw(st.tuples(st.integers(-50, 50), st.integers(-50, 50))))
    sizes = sorted(draw(st.tuples(st.integers(0, 4), st.integers(0, 4))))
    schema: dict[str, Any] = {"type": kind.lower() if lower else kind}
    match kind:
        case "enum":
            schema = {"type": "STRING", "enum": draw(st.lists(st.text(), min_size=1))}
        case "anyOf":
            schema = {"anyOf": draw(st.lists(_schemas(depth + 1), min_size=1, max_size=3))}
        case "INTEGER" | "NUMBER":
            schema |= dict(zip(("minimum", "maximum"), bounds, strict=True))
            for name in ("minimum", "maximum"):
                if draw(st.booleans()):
                    del schema[name]
        case "STRING":
            schema |= dict(zip(("minLength", "maxLength"), sizes, strict=True))
        case "ARRAY":
            schema |= dict(zip(("minItems", "maxItems"), sizes, strict=True))
            schema["items"] = draw(_schemas(depth + 1))
        case "OBJECT":
            names = st.sampled_from("abcd")
            schema["properties"] = draw(
                st.dictionaries(names, _schemas(depth + 1), max_size=3)
            )
            schema["required"] = [n for n in schema["properties"] if draw(st.booleans())]
    return schema


def _fits(value: Any, schema: dict[str, Any]) -> bool:
    """An obvious checker, to compare with."""
    if "anyOf" in schema:
        return any(_fits(value, variant) for variant in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    kind = schema["type"].upper()
    fits = False
    match value:
        case None:
            fits = kind == "NULL"
        case bool():
            fits = kind == "BOOLEAN"
        case int() | float():
            within = schema.get("minimum", -1e9) <= value <= schema.get("maximum", 1e9)
            fits = within and (
                kind == "NUMBER" or (kind == "INTEGER" and value == int(value))
            )
        case str():
            fits = kind == "STRING" and len(value) in _sizes(schema, "Length")
        case list():
            fits = kind == "ARRAY" and len(value) in _sizes(schema, "Items")
            fits = fits and all(_fits(item, schema["items"]) for item in value)
        case dict():
            members = schema.get("properties", {})
            fits = kind == "OBJECT" and set(schema["required"]) <= set(value)
            fits = fits and all(
                _fits(v, members[n]) for n, v in value.items() if n in members
            )
    return fits


def _sizes(schema: dict[str, Any], of: str) -> range:
    return range(schema[f"min{of}"], schema[f"max{of}"] + 1)


def _value(schema: object, seed: str = "seed") -> Any:
    root = schema if isinstance(schema, dict) else {}
    return Fitter(dice=SeededRandom(seed), words=["alpha", "beta"], root=root).value(schema)


@given(_schemas(), st.text(max_size=5))
def test_values_fit_their_schema(schema: dict[str, Any], seed: str) -> None:
    assert _fits(_value(schema, seed), schema)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"const": 5}, 5),
        ({"type": ["null", "boolean"]}, (True, False)),
        ({"type": "string", "format": "date"}, "2026-03-14"),
        ({"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5}, 4),
        ({"type": "integer", "multipleOf": 7, "minimum": 15, "maximum": 27}, 21),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"const": "x"}}}, "x"),
        (
            {
                "allOf": [
                    {"type": "object", "required": ["a"]},
                    {"properties": {"a": {"const": 1}}},
                ]
            },
            {"a": 1},
        ),
        (
            {"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "items": False},
            [1, 2],
        ),
        (True, "text"),
        ({"$ref": "#/nowhere"}, "text"),
    ],
)
def test_words_of_json_schema(schema: Any, expected: Any) -> None:
    value = _value(schema)

    if expected == "text":
        assert isinstance(value, str)
    elif isinstance(expected, tuple):
        assert value in expected
    else:
        assert value == expected


def test_a_recursive_schema_ends() -> None:
    schema = {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                    "parent": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                },
                "required": ["name"],
            }
        },
    }

    value = _value(schema)

    assert isinstance(value["name"], str)
    assert len(json.dumps(value)) < 100_000


def test_properties_come_in_the_order_asked_for() -> None:
    names = ["b", "a", "c"]
    schema = {
        "properties": {n: {"type": "STRING"} for n in "abc"},
        "propertyOrdering": names,
    }

    assert list(_value(schema)) == names
