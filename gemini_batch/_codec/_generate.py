"""Structure functions generated for our own value types.

What cattrs generates collects a mapping of arguments and a note per member, which is three
quarters of the cost of an answer. These functions read each member once and call the class;
when anything does not fit, they leave the work to cattrs' own, whose errors have the path.
"""

import types
from collections.abc import Mapping
from typing import Any, Final, Union, get_args, get_origin

from attrs import NOTHING, Attribute, Factory, fields, resolve_types
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, override

from gemini_batch._codec._names import wire_name
from gemini_batch.types import OpenEnum

_PLAIN: Final = (str, bool, int, float)


def renames(cls: type[Any]) -> dict[str, Any]:
    """Return cattrs' overrides that spell a class's members as the wire does."""
    return {f.name: override(rename=wire_name(f.name)) for f in fields(cls)}


def structure_function(cls: type[Any], converter: Converter) -> Any:
    """Return a fast structure hook for an attrs class of ours."""
    resolve_types(cls)
    detailed = make_dict_structure_fn(cls, converter, **renames(cls))
    writer = _Writer(converter)
    arguments = [f"{f.alias}={writer.member(f)}" for f in fields(cls)]
    source = f"""
def structure(value, _):
    # Without this, a list or a text would make a value of nothing but defaults.
    if value.__class__ is not dict:
        raise TypeError(f"expected an object, got {{type(value).__name__}}")
    try:
        get = value.get
        return cls({", ".join(arguments)})
    except Exception:
        return detailed({{k: v for k, v in value.items() if v is not None}}, cls)
"""
    names = {**writer.names, "cls": cls, "detailed": detailed}
    # Written from our own classes alone; attrs and cattrs make their functions the same way.
    exec(compile(source, f"<structure {cls.__name__}>", "exec"), names)  # noqa: S102
    return names["structure"]


class _Writer:
    """Writes expressions, and keeps what their names stand for."""

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self.names: dict[str, Any] = {}

    def member(self, field: "Attribute[Any]") -> str:
        """Return the expression for one member of ``value``."""
        wire = wire_name(field.name)
        if field.default is NOTHING:
            return self._expression(field.type, f"value[{wire!r}]")
        if isinstance(field.default, Factory):  # type: ignore[arg-type]
            default = f"{self._name(field.default.factory)}()"  # type: ignore[union-attr]
        else:
            default = "None" if field.default is None else self._name(field.default)
        given = self._expression(_optional(field.type) or field.type, "v")
        # proto3 JSON: null stands for the default, as leaving out does.
        return f"{default} if (v := get({wire!r})) is None else {given}"

    def _expression(self, kind: Any, value: str) -> str:
        inner = _optional(kind)
        if inner is not None:
            return f"(None if {value} is None else {self._expression(inner, value)})"
        if get_origin(kind) is tuple:
            item = self._expression(get_args(kind)[0], "i")
            whole = f"tuple([{item} for i in {value}])"
            return f"({whole} if {value}.__class__ is list else {self._hook(kind, value)})"
        if kind in _PLAIN:
            plain = f"{value}.__class__ is {kind.__name__}"
            return f"({value} if {plain} else {self._hook(kind, value)})"
        if isinstance(kind, type) and issubclass(kind, OpenEnum):
            known = self._name(dict(kind._value2member_map_))
            return f"({known}.get({value}) or {self._hook(kind, value)})"
        if get_origin(kind) is Mapping:
            # A user's own object: it passes as it is.
            return f"({value} if {value}.__class__ is dict else {self._hook(kind, value)})"
        return self._hook(kind, value)

    def _hook(self, kind: Any, value: str) -> str:
        hook = self._name(self._converter.get_structure_hook(kind))
        return f"{hook}({value}, {self._name(kind)})"

    def _name(self, thing: Any) -> str:
        name = f"n{len(self.names)}"
        self.names[name] = thing
        return name


def _optional(kind: Any) -> Any:
    """Return X for ``X | None``, else None."""
    if get_origin(kind) not in (types.UnionType, Union):
        return None
    options = [option for option in get_args(kind) if option is not type(None)]
    return options[0] if len(options) == 1 else None
