"""Mirrors of our value types that msgspec fills, and functions that move them over.

Half of what an answer costs is the mappings and lists that JSON becomes first. A mirror has
the members of one of our classes and is filled in one pass, without them. It takes just what
our hooks take without a second look; everything else is left to them, and to their errors.
"""

from collections.abc import Callable, Mapping
from typing import Any, get_args, get_origin

import msgspec
from attrs import NOTHING, Attribute, Factory, fields, frozen, has, resolve_types
from cattrs import Converter

from gemini_batch._codec.class_hooks import (
    compiled,
    is_open,
    optional,
    structure_function,
)
from gemini_batch._codec.member_names import wire_name
from gemini_batch._codec.scalar_hooks import is_array, structure_str
from gemini_batch.types import OpenEnum


@frozen
class Mirror:
    """A class for msgspec, and how its instances become ours."""

    struct: type[msgspec.Struct]
    move: Callable[[Any], Any]


@frozen
class _Taken:
    """How one kind of value is taken over: its type in the mirror, and an expression."""

    kind: Any
    expression: Callable[[str], str]


def mirror_of(cls: type[Any], converter: Converter) -> Mirror | None:
    """Return the mirror of a class whose hook is ours; None if it has none."""
    hook = converter.get_structure_hook(cls)
    own = getattr(hook, "__module__", None) == structure_function.__module__
    if not (has(cls) and own and is_open(cls)):
        return None
    if any(f.default is NOTHING for f in fields(cls)):
        return None
    resolve_types(cls)
    writer = _Writer(converter)
    members, lines = [], []
    for field in fields(cls):
        wire = wire_name(field.name)
        taken = writer.taken(optional(field.type) or field.type)
        members.append((wire, taken.kind | None if taken.kind is not Any else Any, None))
        given = taken.expression("v")
        default = writer.default(field)
        lines.append(
            f"made.{field.name} = value.{wire}"
            if default == "None" and given == "v"
            else f"made.{field.name} = {default} if (v := value.{wire}) is None else {given}"
        )
    body = "\n    ".join(lines)
    source = f"""
def move(value):
    made = new(cls)
    {body}
    return made
"""
    names = {**writer.names, "cls": cls, "new": object.__new__}
    return Mirror(
        msgspec.defstruct(cls.__name__, members, gc=False),
        compiled(source, f"<move {cls.__name__}>", names)["move"],
    )


class _Writer:
    """Writes expressions over members of a mirror, and keeps what their names stand for."""

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self.names: dict[str, Any] = {}

    def default(self, field: "Attribute[Any]") -> str:
        if isinstance(field.default, Factory):  # type: ignore[arg-type]
            return f"{self._name(field.default.factory)}()"  # type: ignore[union-attr]
        return "None" if field.default is None else self._name(field.default)

    def taken(self, kind: Any) -> _Taken:
        """Return how a kind of value is taken over; None is dealt with elsewhere."""
        if get_origin(kind) is tuple:
            return self._items(get_args(kind)[0])
        hook = self._converter.get_structure_hook(kind)
        through = self._through(hook, kind)
        # What a hook of the caller's does, only that hook knows.
        if getattr(hook, "__module__", None) == structure_str.__module__:
            return self._leaf(kind, through)
        mirror = mirror_of(kind, self._converter) if isinstance(kind, type) else None
        if mirror is None:
            return _Taken(Any, through)
        move = self._name(mirror.move)
        return _Taken(mirror.struct, lambda v: f"{move}({v})")

    def _leaf(self, kind: Any, through: Callable[[str], str]) -> _Taken:
        if kind in (str, bool) or get_origin(kind) is Mapping:
            plain = dict[str, Any] if get_origin(kind) is Mapping else kind
            return _Taken(plain, lambda v: v)
        if kind in (int, float):
            # Some numbers come as text.
            name = kind.__name__
            return _Taken(
                kind | str, lambda v: f"({v} if {v}.__class__ is {name} else {through(v)})"
            )
        if isinstance(kind, type) and issubclass(kind, OpenEnum):
            known = self._name(dict(kind._value2member_map_).get)
            return _Taken(str, lambda v: f"({known}({v}) or {through(v)})")
        return _Taken(list[float] if is_array(kind) else Any, through)

    def _items(self, kind: Any) -> _Taken:
        item = self.taken(kind)

        def expression(value: str) -> str:
            # One is by far the most frequent number of candidates, parts and modalities.
            single = f"({item.expression(f'{value}[0]')},)"
            many = f"tuple([{item.expression('i')} for i in {value}])"
            return f"({single} if len({value}) == 1 else {many})"

        return _Taken(list[item.kind], expression)  # type: ignore[name-defined]

    def _through(self, hook: Any, kind: Any) -> Callable[[str], str]:
        name, of = self._name(hook), self._name(kind)
        return lambda value: f"{name}({value}, {of})"

    def _name(self, thing: Any) -> str:
        name = f"n{len(self.names)}"
        self.names[name] = thing
        return name
