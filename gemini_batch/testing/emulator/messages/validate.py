"""Checks a JSON body against the message tables, and brings it to camelCase.

Every fault is found, not the first alone. Users' own mappings (metadata, labels, JSON
schemas, arguments of functions) pass through untouched.
"""

import base64
import binascii
import datetime as dt
import json
import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from attrs import field, frozen

from gemini_batch.testing.emulator.core.errors import Violation
from gemini_batch.testing.emulator.messages.developer import ENUMS
from gemini_batch.testing.emulator.messages.google_cloud import (
    ALL_MESSAGES,
    ALL_ONEOFS,
    VERTEX_MESSAGES,
)

_PACKAGE = "type.googleapis.com/google.ai.generativelanguage.v1beta"
_VERTEX_PACKAGE: Final = "type.googleapis.com/google.cloud.aiplatform.v1"
_SAYS_INVALID = "Invalid JSON payload received. "
_INT32 = 2**31
_INT64 = 2**63
# Deeper bodies are refused by the service's parser; it also keeps our recursion bounded.
_MAX_DEPTH: Final = 100


@cache
def snake(name: str) -> str:
    """Return a camelCase member name in snake_case, as the service's messages spell it."""
    return re.sub(r"[A-Z]", lambda letter: "_" + letter.group().lower(), name)


def _accepted(members: Mapping[str, str]) -> Mapping[str, tuple[str, str]]:
    table = {}
    for name, kind in members.items():
        table[name] = table[snake(name)] = (name, kind)
    return table


# Message -> every accepted spelling -> (camelCase name, type).
_TABLES: Final = {message: _accepted(members) for message, members in ALL_MESSAGES.items()}


def _type_name(message: str) -> str:
    if message in VERTEX_MESSAGES:
        return f"{_VERTEX_PACKAGE}.{message.removeprefix('Vertex')}"
    return f"{_PACKAGE}.{message}"


@frozen(kw_only=True)
class Checked:
    """What came of checking one body."""

    value: dict[str, Any]
    """The body in camelCase, nulls left out; of no use when there are violations."""

    violations: list[Violation]


def check(message: str, body: object) -> Checked:
    """Check `body` against a message of the tables."""
    checker = _Checker()
    value = checker.message(message, body, "", 0)
    return Checked(value=value, violations=checker.found)


class DuplicateMemberError(ValueError):
    """A JSON object carries one member twice."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise DuplicateMemberError(name)
            seen.add(name)
    return value


def _constant(text: str) -> Any:
    raise ValueError(f"unexpected token {text}")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant)


def decode(text: str) -> Any:
    """Decode JSON, strictly: no member twice, no ``NaN``.

    Raises:
        ValueError: It is not JSON; a `json.JSONDecodeError` where the place is known.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nesting too deep") from None


def _integer(value: object, bound: int) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,20}", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -bound <= value < bound else None


def _number(value: object) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # a whole number that is too large for a float
        return None


def _bytes(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    padded = value.replace("-", "+").replace("_", "/") + "=" * (-len(value) % 4)
    try:
        base64.b64decode(padded, validate=True)
    except binascii.Error:
        return None
    return value


def _timestamp(value: object) -> str | None:
    try:
        dt.datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return None
    return value if isinstance(value, str) else None


# Scalar -> (reader that returns None for what does not fit, the service's name for it).
_SCALARS: Final[Mapping[str, tuple[Callable[[object], Any], str]]] = {
    "string": (lambda value: value if isinstance(value, str) else None, "TYPE_STRING"),
    "bool": (lambda value: value if isinstance(value, bool) else None, "TYPE_BOOL"),
    "int32": (lambda value: _integer(value, _INT32), "TYPE_INT32"),
    "int64": (lambda value: _integer(value, _INT64), "TYPE_INT64"),
    "float": (_number, "TYPE_FLOAT"),
    "bytes": (_bytes, "TYPE_BYTES"),
    "timestamp": (_timestamp, "type.googleapis.com/google.protobuf.Timestamp"),
    "struct": (
        lambda value: value if isinstance(value, dict) else None,
        "type.googleapis.com/google.protobuf.Struct",
    ),
}


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - a line's worth


@frozen
class _Checker:
    found: list[Violation] = field(factory=list)

    def message(self, name: str, body: object, path: str, depth: int) -> dict[str, Any]:
        if not isinstance(body, dict):
            self._misfit(_type_name(name), body, path)
            return {}
        if depth > _MAX_DEPTH:
            self._report(f"{_SAYS_INVALID}Message too deep.", path, "", "message too deep")
            return {}
        table = _TABLES[name]
        clean: dict[str, Any] = {}
        for spelt, value in body.items():
            known = table.get(spelt)
            if known is None:
                self._unknown(
                    spelt, path, "Cannot find field.", f"no such field: '{spelt}'"
                )
                continue
            member, kind = known
            if value is None and kind != "value":
                # In the JSON form of protocol buffers, null means "not sent".
                continue
            if member in clean:
                reason = "Proto field is not repeating, cannot set it twice."
                self._unknown(spelt, path, reason, f"field set twice: '{spelt}'")
                continue
            where = f"{path}.{snake(member)}" if path else snake(member)
            clean[member] = self._value(kind, value, where, spelt, depth + 1)
        if name in ALL_ONEOFS:
            self._choice(name, clean, path)
        return clean

    def _choice(self, name: str, clean: Mapping[str, Any], path: str) -> None:
        choice, members = ALL_ONEOFS[name]
        set_here = [member for member in clean if member in members]
        for member in set_here[1:]:
            reason = f"oneof field '{choice}' is already set. Cannot set '{member}'"
            description = f"Invalid value at '{path}' (oneof), {reason}"
            self._report(description, path, member, reason)

    def _value(self, kind: str, value: object, path: str, spelt: str, depth: int) -> Any:
        if kind[0] == "[":
            return self._list(kind[1:-1], value, path, spelt, depth)
        if kind[0] == "{":
            return self._map(kind[1:-1], value, path, spelt, depth)
        return self._single(kind, value, path, spelt, depth)

    def _single(self, kind: str, value: object, path: str, spelt: str, depth: int) -> Any:
        if isinstance(value, list) and kind != "value":
            reason = "Proto field is not repeating, cannot start list."
            self._unknown(spelt, path.rpartition(".")[0], reason, f"not a list: '{spelt}'")
            return None
        if kind in ALL_MESSAGES:
            return self.message(kind, value, path, depth)
        if kind in ENUMS:
            return self._enum(kind, value, path, spelt)
        if kind == "value":
            return value
        read, shown = _SCALARS[kind]
        clean = read(value)
        if clean is None:
            self._misfit(shown, value, path, spelt)
        return clean

    def _list(self, kind: str, value: object, path: str, spelt: str, depth: int) -> Any:
        if isinstance(value, list):
            return [
                self._single(kind, item, f"{path}[{index}]", spelt, depth)
                for index, item in enumerate(value)
            ]
        before = len(self.found)
        if isinstance(value, dict) and kind in ALL_MESSAGES:
            # The service looks into a lone object before it complains.
            self.message(kind, value, path, depth)
        if len(self.found) == before:
            self._misfit(f"repeated {kind}", value, path, spelt)
        return []

    def _map(self, kind: str, value: object, path: str, spelt: str, depth: int) -> Any:
        if not isinstance(value, dict):
            self._misfit(f"map<string, {kind}>", value, path, spelt)
            return {}
        return {
            key: self._single(kind, item, f'{path}["{key}"]', spelt, depth)
            for key, item in value.items()
        }

    def _enum(self, kind: str, value: object, path: str, spelt: str) -> Any:
        if isinstance(value, str):
            if value in ENUMS[kind]:
                return value
            # The guides write the types of a schema in lower case, and the service takes it.
            if kind == "Type" and value.upper() in ENUMS[kind]:
                return value.upper()
        self._misfit(f"{_PACKAGE}.{kind}", value, path, spelt)
        return value

    def _unknown(self, name: str, path: str, reason: str, brief: str) -> None:
        place = f" at '{path}'" if path else ""
        description = f'{_SAYS_INVALID}Unknown name "{name}"{place}: {reason}'
        self._report(description, path, name, brief)

    def _misfit(self, kind: str, value: object, path: str, spelt: str = "") -> None:
        description = f"Invalid value at '{path}' ({kind}), {_shown(value)}"
        self._report(description, path, spelt, f"invalid value {_shown(value)} at '{path}'")

    def _report(self, description: str, path: str, member: str, brief: str) -> None:
        self.found.append(
            Violation(description=description, field=path, member=member, brief=brief)
        )
