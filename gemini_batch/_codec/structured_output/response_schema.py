"""Schemas of answers as the service takes them.

``responseSchema`` has its own language, a part of OpenAPI's: no references, so that classes are
written out where they are used and none may hold itself; objects whose members are named;
lists whose items are of one type; choices among texts. What has no place in it is refused, not
left out: an answer would not fit the type. Constraints are another matter. Those it has no word
for are left out, because answers are held against them when they are read.

See https://ai.google.dev/api/caching#Schema.
"""

from collections.abc import Mapping
from typing import Any, Final

from cattrs import Converter

from gemini_batch._codec.structured_output.json_schema import (
    DEFS,
    JsonSchemas,
    Schema,
)
from gemini_batch.errors import InputError, InputProblem

_ROOT: Final = "response_type"
_AS_JSON: Final = "as_json_schema=True sends it, at a risk that submit() describes."

_KEPT: Final[Mapping[str, tuple[str, ...]]] = {
    "string": ("minLength", "maxLength", "pattern"),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
    "array": ("minItems", "maxItems"),
    "object": (),
    "boolean": (),
}
"""Constraints that have a word, by JSON Schema's type."""

_HANDLED: Final = frozenset(
    {
        "type",
        "format",
        "description",
        "properties",
        "required",
        "propertyOrdering",
        "items",
        "exclusiveMinimum",
        "exclusiveMaximum",
    }
)
_LEFT_OUT: Final = frozenset(
    {"title", "default", "example", "examples", "multipleOf", "uniqueItems", "deprecated"}
)
"""What does not change what fits, or is checked when an answer is read."""

_MOMENT: Final = "date-time"
_FORMATS: Final[Mapping[str, str]] = {
    "date": "ISO 8601 date such as 2026-01-31",
    "time": "ISO 8601 time such as 14:30:00Z",
    "duration": "ISO 8601 duration such as PT15M",
    "decimal": "decimal number such as 12.50",
    "uuid": "UUID",
}
"""Formats described in words: the service takes ``date-time`` alone, and refuses others."""


def response_schema(cls: Any, answers: Converter) -> Schema:
    """Return the schema of a type in the service's own language.

    Raises:
        InputError: Something in it has no place there; every problem is reported, with its path.
    """
    schemas, root = _json_schema(cls, answers)
    reducer = _Reducer(schemas.defs)
    schema = reducer.reduce(root, _ROOT)
    if reducer.problems:
        raise InputError(problems=tuple(reducer.problems))
    return schema


def response_json_schema(cls: Any, answers: Converter) -> Schema:
    """Return the schema of a type as JSON Schema.

    Raises:
        InputError: Something in it has none, or cannot be read; every problem is reported.
    """
    schemas, root = _json_schema(cls, answers)
    whole = {**root, "$defs": schemas.defs} if schemas.defs else root
    return _as_taken(whole)


def _json_schema(cls: Any, answers: Converter) -> tuple[JsonSchemas, Schema]:
    schemas = JsonSchemas(answers)
    root = schemas.of(cls, _ROOT)
    if schemas.problems:
        raise InputError(problems=tuple(schemas.problems))
    return schemas, root


def _as_taken(schema: Schema) -> Schema:
    """Spell JSON Schema as the service reads it: no ``const``, nothing beside a ``$ref``."""
    made = dict(schema)
    for name in ("properties", "$defs"):
        if name in made:
            made[name] = {key: _as_taken(value) for key, value in made[name].items()}
    for name in ("anyOf", "oneOf", "allOf", "prefixItems"):
        if name in made:
            made[name] = [_as_taken(value) for value in made[name]]
    for name in ("items", "additionalProperties"):
        if isinstance(made.get(name), dict):
            made[name] = _as_taken(made[name])
    if "const" in made:
        made["enum"] = [made.pop("const")]
    if "$ref" in made and not made.keys() <= {"$ref", "$defs"}:
        made["anyOf"] = [{"$ref": made.pop("$ref")}]
    return made


class _Reducer:
    """Rewrites JSON Schema, and collects what cannot be."""

    def __init__(self, defs: Mapping[str, Schema]) -> None:
        self._defs = defs
        self.problems: list[InputProblem] = []

    def reduce(self, schema: Schema, path: str, within: tuple[str, ...] = ()) -> Schema:
        """Return what says the same in the service's language.

        Args:
            schema: JSON Schema.
            path: Where it stands.
            within: Names of the classes it stands in.
        """
        if "$ref" in schema:
            return self._referred(schema, path, within)
        options = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
        if options is not None:
            return self._options(schema, options, path, within)
        said = _said(schema)
        if "enum" in schema or "const" in schema:
            return self._choices(schema.get("enum", [schema.get("const")]), path) | said
        kind = schema.get("type")
        if isinstance(kind, str) and kind in _KEPT:
            return self._typed(schema, kind, path, within) | said
        return self._refuse(
            path, "it may be anything", "Say what it is: Any and null alone have no place."
        )

    def _typed(
        self, schema: Schema, kind: str, path: str, within: tuple[str, ...]
    ) -> Schema:
        self._check_known(schema, path)
        made = {"type": kind.upper(), **_bounds(schema)}
        made |= {name: schema[name] for name in _KEPT[kind] if name in schema}
        if kind == "array":
            return made | self._items(schema, path, within)
        if kind == "object":
            return made | self._members(schema, path, within)
        return made | ({"format": _MOMENT} if schema.get("format") == _MOMENT else {})

    def _referred(self, schema: Schema, path: str, within: tuple[str, ...]) -> Schema:
        name = schema["$ref"].removeprefix(DEFS)
        if name in within:
            return self._refuse(
                path,
                f"{name} holds itself, and the schema language has no references",
                f"Name the levels, each a class of its own. {_AS_JSON}",
            )
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return self.reduce({**self._defs[name], **beside}, path, (*within, name))

    def _options(
        self, schema: Schema, options: list[Schema], path: str, within: tuple[str, ...]
    ) -> Schema:
        if "allOf" in schema and len(options) > 1:
            return self._refuse(path, "it combines several schemas", "Make it one class.")
        solid = [option for option in options if option.get("type") != "null"]
        outer = {k: v for k, v in schema.items() if k == "description"}
        made: list[Schema] = []
        for option in solid:
            # What is said of a member counts more than what is said of its class.
            whole = {**option, **outer} if len(solid) == 1 else option
            reduced = self.reduce(whole, path, within)
            # Nothing else may stand beside anyOf, so that each option has it.
            made += [outer | each for each in reduced.get("anyOf", [reduced])]
        if len(solid) < len(options):
            made[:1] = [{**first, "nullable": True} for first in made[:1]]
        return made[0] if len(made) == 1 else {"anyOf": made}

    def _choices(self, values: list[Any], path: str) -> Schema:
        solid = [value for value in values if value is not None]
        if not solid or not all(isinstance(value, str) and value for value in solid):
            return self._refuse(
                path,
                f"choices are among texts that are not empty, not {values!r}",
                f"Give them names. {_AS_JSON}",
            )
        nullable = {"nullable": True} if len(solid) < len(values) else {}
        return {"type": "STRING", "enum": solid, **nullable}

    def _items(self, schema: Schema, path: str, within: tuple[str, ...]) -> Schema:
        items = schema.get("items")
        first, *others = schema.get("prefixItems") or [items]
        if isinstance(first, dict) and all(other == first for other in others):
            return {"items": self.reduce(first, f"{path}[]", within)}
        return self._refuse(
            path,
            "its items are of no type, or of several",
            f"Say of which, as in list[str]; make a tuple of several a class. {_AS_JSON}",
        )

    def _members(self, schema: Schema, path: str, within: tuple[str, ...]) -> Schema:
        properties: Mapping[str, Schema] = schema.get("properties") or {}
        if not properties or isinstance(schema.get("additionalProperties"), dict):
            return self._refuse(
                path,
                "its members are not named",
                f"Use a list of objects, each with its name and its value. {_AS_JSON}",
            )
        made = {
            name: self.reduce(member, f"{path}.{name}", within)
            for name, member in properties.items()
        }
        required = {"required": schema["required"]} if schema.get("required") else {}
        return {"properties": made, "propertyOrdering": list(made), **required}

    def _check_known(self, schema: Schema, path: str) -> None:
        kind = schema["type"]
        known = {*_HANDLED, *_LEFT_OUT, *_KEPT[kind]}
        if kind == "object":
            known |= {"additionalProperties"}
        if kind == "array":
            known |= {"prefixItems"}
        for name in sorted(schema.keys() - known):
            self._refuse(path, f"{name} has no place in the schema language", _AS_JSON)

    def _refuse(self, path: str, message: str, remedy: str) -> Schema:
        self.problems.append(InputProblem(message=message, remedy=remedy, field=path))
        return {}


def _said(schema: Schema) -> Schema:
    """Return what a schema says to people, its format included."""
    said = schema.get("description", "")
    words = _FORMATS.get(schema.get("format", ""))
    if words is not None:
        said = f"{said} ({words})" if said else words
    return {"description": said} if said else {}


def _bounds(schema: Schema) -> Schema:
    """Return open bounds as closed ones. Of numbers they let in one value more."""
    step = 1 if schema["type"] == "integer" else 0
    bounds = {}
    if "exclusiveMinimum" in schema:
        bounds["minimum"] = schema["exclusiveMinimum"] + step
    if "exclusiveMaximum" in schema:
        bounds["maximum"] = schema["exclusiveMaximum"] - step
    return bounds
