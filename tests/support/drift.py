"""Finds members of recorded payloads that our types do not know."""

import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from attrs import fields, has, resolve_types

from gemini_batch._codec import wire_name


def unknown_members(value: Any, cls: Any, path: str = "$") -> Iterator[str]:
    """Yield the paths of members of `value` that `cls` has no field for."""
    known = _members(cls)
    if known is not None and isinstance(value, Mapping):
        for member, inner in value.items():
            if member not in known:
                yield f"{path}.{member}"
            else:
                yield from unknown_members(inner, known[member], f"{path}.{member}")
        return
    origin = get_origin(cls)
    if origin in (types.UnionType, typing.Union):
        for option in get_args(cls):
            yield from unknown_members(value, option, path)
    elif origin is tuple and isinstance(value, list):
        for index, item in enumerate(value):
            yield from unknown_members(item, get_args(cls)[0], f"{path}[{index}]")


def _members(cls: Any) -> dict[str, Any] | None:
    """Return the members a class knows, with their types; None if it is no class of ours."""
    if typing.is_typeddict(cls):
        return typing.get_type_hints(cls)
    if not has(cls):
        return None
    resolve_types(cls)
    return {wire_name(f.name): f.type for f in fields(cls)}
