"""Makes JSON values that fit a schema: Gemini's own subset of OpenAPI, or JSON Schema."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from gemini_batch.testing.emulator.core.seeded_random import SeededRandom

# Beyond this nesting, optional members are left out, so that recursive schemas end.
_DEEP: Final = 4
# A schema that requires itself has no finite value; somewhere it has to stop.
_TOO_DEEP: Final = 24

_FORMATS: Final = {
    "date-time": "2026-03-14T09:26:53Z",
    "date": "2026-03-14",
    "time": "09:26:53Z",
    "duration": "PT15M",
    "email": "ada@example.com",
    "uri": "https://example.com/page",
    "uuid": "3f2b8c1e-5d4a-4c6b-9e7f-0a1b2c3d4e5f",
    "ipv4": "192.0.2.7",
    "ipv6": "2001:db8::7",
    "hostname": "example.com",
}

Schema = Mapping[str, Any]


@frozen(kw_only=True)
class Fitter:
    """Fills schemas with words and numbers."""

    dice: SeededRandom
    words: Sequence[str]
    """What strings are made of."""

    root: Schema
    """Where references lead."""

    def value(self, schema: object, depth: int = 0) -> Any:
        """Return a value that fits `schema`."""
        if not isinstance(schema, Mapping) or depth > _TOO_DEEP:
            return None if depth > _TOO_DEEP else self._string({})
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        choices = schema.get("enum")
        if choices:
            return self.dice.among(choices)
        variants = schema.get("anyOf") or schema.get("oneOf")
        if variants:
            base = {k: v for k, v in schema.items() if k not in {"anyOf", "oneOf"}}
            chosen = self._variant(variants, depth)
            return self.value(_merged(base, chosen), depth + 1)
        return self._typed(_type_of(schema), schema, depth)

    def _typed(self, kind: str, schema: Schema, depth: int) -> Any:
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        simple = {
            "integer": self._integer,
            "number": self._number,
            "boolean": lambda _: bool(self.dice.below(2)),
            "null": lambda _: None,
        }
        return simple.get(kind, self._string)(schema)

    def _resolved(self, schema: Schema) -> Schema:
        """Follow references, and fold the parts of an ``allOf`` into one."""
        for _ in range(_TOO_DEEP):
            reference = schema.get("$ref")
            if isinstance(reference, str):
                schema = self._target(reference)
            elif schema.get("allOf"):
                parts = schema["allOf"]
                schema = {k: v for k, v in schema.items() if k != "allOf"}
                for part in parts:
                    schema = _merged(schema, self._resolved(part))
            else:
                return schema
        return {}

    def _target(self, reference: str) -> Schema:
        target: Any = self.root
        for step in reference.removeprefix("#").strip("/").split("/"):
            if step:
                name = step.replace("~1", "/").replace("~0", "~")
                target = target.get(name) if isinstance(target, Mapping) else None
        return target if isinstance(target, Mapping) else {}

    def _variant(self, variants: Sequence[Any], depth: int) -> Schema:
        usable = [self._resolved(v) for v in variants if isinstance(v, Mapping)]
        solid = [v for v in usable if _type_of(v) != "null"] or usable or [{}]
        if depth < _DEEP:
            return self.dice.among(solid)
        # The simplest variant ends the recursion soonest.
        return min(usable, key=lambda v: _type_of(v) in {"object", "array"}, default={})

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        properties: Mapping[str, Any] = schema.get("properties") or {}
        required = [name for name in schema.get("required", ()) if isinstance(name, str)]
        order = [name for name in schema.get("propertyOrdering", ()) if name in properties]
        names = dict.fromkeys((*order, *properties, *required))
        most = schema.get("maxProperties", math.inf)
        least = schema.get("minProperties", 0)
        value: dict[str, Any] = {}
        room = max(most, len(required)) - len(required)
        for name in names:
            optional = name not in required
            if optional and (room <= 0 or (depth >= _DEEP and len(value) >= least)):
                continue
            room -= optional
            value[name] = self.value(properties.get(name, {}), depth + 1)
        extra = schema.get("additionalProperties", True)
        if not properties and extra and depth < _DEEP:
            least = max(least, min(2, most))
        while len(value) < least and extra is not False:
            value[f"{self.dice.among(self.words)}_{len(value) + 1}"] = self.value(
                extra, depth + 1
            )
        return value

    def _array(self, schema: Schema, depth: int) -> list[Any]:
        first = schema.get("prefixItems", ())
        least = max(schema.get("minItems", 0), 0)
        most = schema.get("maxItems", math.inf)
        wanted = 2 + self.dice.below(2) if depth < _DEEP else 0
        count = int(min(max(least, wanted, len(first)), max(least, most)))
        items = schema.get("items", {})
        if items is False:
            count = min(count, len(first))
        return [
            self.value(first[index] if index < len(first) else items, depth + 1)
            for index in range(count)
        ]

    def _integer(self, schema: Schema) -> int:
        low, high = _bounds(schema)
        step = schema.get("multipleOf") or 1
        first = math.ceil(low / step)
        last = max(first, math.floor(high / step))
        return int((first + self.dice.below(min(last - first, 99) + 1)) * step)

    def _number(self, schema: Schema) -> float:
        if schema.get("multipleOf"):
            return self._integer(schema)
        low, high = _bounds(schema)
        share = self.dice.below(1000) / 1000
        rounded = round(low + (high - low) * share, 3)
        return rounded if low <= rounded <= high else low

    def _string(self, schema: Schema) -> str:
        ready = _FORMATS.get(str(schema.get("format", "")))
        if ready is not None:
            return ready
        least, most = int(schema.get("minLength", 0)), schema.get("maxLength", math.inf)
        text = self.dice.among(self.words)
        while len(text) < least:
            text += " " + self.dice.among(self.words)
        return text[: int(most)] if most < len(text) else text


def _type_of(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    if isinstance(kind, str) and kind != "TYPE_UNSPECIFIED":
        return kind.lower()
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    return "array" if "items" in schema or "prefixItems" in schema else "string"


def _bounds(schema: Schema) -> tuple[float, float]:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    # Integers next to an open bound are inside; numbers keep clear of it by as much.
    if above is not None:
        low = max(above + 1, above + 1 if low is None else low)
    if below is not None:
        high = min(below - 1, below - 1 if high is None else high)
    if low is None:
        low = 1 if high is None or high >= 1 else high - 10
    if high is None:
        high = low + 100
    return low, max(low, high)


def _merged(first: Schema, second: Schema) -> Schema:
    value = {**first, **second}
    for name in ("properties",):
        if name in first and name in second:
            value[name] = {**first[name], **second[name]}
    if "required" in first and "required" in second:
        value["required"] = list(dict.fromkeys((*first["required"], *second["required"])))
    return value
