"""Faults as JSON: files of them, and what the emulator's control endpoint takes and shows."""

import json
import typing
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, get_args, get_origin

import attrs

from gemini_batch.testing.faults import Fault

_HINTS: Final[Mapping[str, Any]] = {
    name: hint
    for name, hint in typing.get_type_hints(Fault).items()
    if name in attrs.fields_dict(Fault)
}
# `Literal[…] | None` is still the older kind of union.
_UNIONS: Final = (UnionType, typing.Union)
_WORDS: Final[Mapping[Any, str]] = {
    str: "a text",
    bytes: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    tuple: "a list",
    Mapping: "an object of texts",
    type(None): "null",
}


def load_faults(path: str | Path) -> list[Fault]:
    """Read faults from a JSON file: a list of objects with the members of `Fault`.

    Raises:
        ValueError: It does not hold that; says which entry and which member.
        OSError: It cannot be read.
    """
    path = Path(path)
    try:
        entries = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path.name}: not JSON: {error}") from None
    except RecursionError:
        raise ValueError(f"{path.name}: nested too deep") from None
    try:
        return read_faults(entries)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None


def read_faults(entries: object) -> list[Fault]:
    """Make faults of decoded JSON.

    Raises:
        ValueError: It is not a list of faults; says which entry and which member.
    """
    if not isinstance(entries, list):
        raise ValueError("faults are a list of objects")  # noqa: TRY004 - it is a value
    return [_read(f"entry {place}", entry) for place, entry in enumerate(entries, 1)]


def _read(where: str, entry: object) -> Fault:
    if not isinstance(entry, dict):
        raise ValueError(f"{where}: is no object")  # noqa: TRY004 - it is a value
    options: dict[str, Any] = {}
    for name, value in entry.items():
        hint = _HINTS.get(name)
        if hint is None:
            raise ValueError(f"{where}: no such member: '{name}'")
        if not _fits(value, hint):
            shown = _shown(value)
            raise ValueError(f"{where}: '{name}' must be {_said(hint)}, not {shown}")
        options[name] = value.encode() if name == "body" and value is not None else value
    try:
        return Fault(**options)
    except ValueError as error:
        raise ValueError(f"{where}: {error.args[0]}") from None


def _shown(value: object) -> str:
    try:
        return json.dumps(value)[:60]
    except RecursionError:
        return "something nested deep"


def _fits(value: object, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin in _UNIONS:
        return any(_fits(value, option) for option in get_args(hint))
    if origin is Literal:
        return value in get_args(hint)
    if origin is tuple:
        return isinstance(value, list) and all(_fits(v, get_args(hint)[0]) for v in value)
    if origin is not None:  # the one mapping: headers
        return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
    if isinstance(value, bool):
        return hint is bool
    accepted: Any = {float: (int, float), bytes: str}.get(hint, hint)
    return isinstance(value, accepted)


def _said(hint: Any) -> str:
    origin = get_origin(hint)
    if origin in _UNIONS:
        return " or ".join(_said(option) for option in get_args(hint))
    if origin is Literal:
        return " or ".join(f'"{choice}"' for choice in get_args(hint))
    if origin is tuple:
        return f"a list of {_said(get_args(hint)[0])}"
    return _WORDS[origin or hint]


def fault_entry(fault: Fault) -> dict[str, Any]:
    """Return a fault as `read_faults` takes it; what is not set is left out."""
    entry: dict[str, Any] = {}
    for attribute in attrs.fields(Fault):
        value = getattr(fault, attribute.name)
        default = attribute.default
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
            default = {}
        if value == default:
            continue
        entry[attribute.name] = (
            value.decode(errors="replace") if attribute.name == "body" else value
        )
    return entry
