"""Structure functions generated for our own value types.

What cattrs generates collects a mapping of arguments and a note per member, which is three
quarters of the cost of an answer. These functions read each member once; when anything does
not fit, they leave the work to cattrs' own, whose errors have the path.

Classes that are open (not frozen, and whose ``__init__`` does nothing but assign) are filled
slot by slot, a third of the cost of calling them.
"""

import types
from collections.abc import Mapping
from functools import cache
from types import FunctionType
from typing import Any, Final, Union, get_args, get_origin

from attrs import NOTHING, Attribute, Factory, fields, has, resolve_types
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from gemini_batch._codec.member_names import wire_name
from gemini_batch._codec.scalar_hooks import structure_object, structure_str
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
    body = writer.fill(cls) if is_open(cls) else writer.call(cls)
    source = f"""
def structure(value, _):
    # Without this, a list or a text would make a value of nothing but defaults.
    if value.__class__ is not dict:
        raise TypeError(f"expected an object, got {{type(value).__name__}}")
    try:
        get = value.get
        {body}
    except Exception:
        return detailed({{k: v for k, v in value.items() if v is not None}}, cls)
"""
    names = {**writer.names, "cls": cls, "detailed": detailed, "new": object.__new__}
    function = compiled(source, f"<structure {cls.__name__}>", names)["structure"]
    function.__module__ = __name__
    return function


def maker(cls: type[Any]) -> Any:
    """Return a function that makes an instance of an open class of all its slots, in order.

    For values that are made by the million: it costs a third of calling the class.
    """
    names = [f.name for f in fields(cls)]
    slots = "; ".join(f"made.{name} = {name}" for name in names)
    source = f"""
def make({", ".join(names)}):
    made = new(cls)
    {slots}
    return made
"""
    given = {"cls": cls, "new": object.__new__}
    return compiled(source, f"<make {cls.__name__}>", given)["make"]


def compiled(source: str, name: str, names: dict[str, Any]) -> dict[str, Any]:
    """Run generated source and return its names.

    Written from our own classes alone; attrs and cattrs make their functions the same way.
    """
    exec(compile(source, name, "exec"), names)  # noqa: S102
    return names


def is_open(cls: type[Any]) -> bool:
    """Return True if instances of `cls` can be made by filling their slots."""
    plain = all(f.converter is None and f.validator is None for f in fields(cls))
    own = any(
        hasattr(cls, f"__attrs_{name}__") for name in ("pre_init", "post_init", "init")
    )
    return plain and not own and not _is_frozen(cls)


def _is_frozen(cls: type[Any]) -> bool:
    # attrs gives frozen classes a `__setattr__` that raises.
    return "__setattr__" in vars(cls)


class _Writer:
    """Writes expressions, and keeps what their names stand for."""

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self.names: dict[str, Any] = {}

    def call(self, cls: type[Any]) -> str:
        """Return statements that call the class."""
        arguments = [f"{field.alias}={self._member(field)}" for field in fields(cls)]
        return f"return cls({', '.join(arguments)})"

    def fill(self, cls: type[Any]) -> str:
        """Return statements that fill a new instance, slot by slot."""
        lines = ["made = new(cls)"]
        lines += [f"made.{field.name} = {self._member(field)}" for field in fields(cls)]
        return "\n        ".join([*lines, "return made"])

    def _member(self, field: "Attribute[Any]") -> str:
        """Return the expression for one member of ``value``."""
        wire = wire_name(field.name)
        if field.default is NOTHING:
            return self._expression(field.type, f"value[{wire!r}]")
        given = self._expression(optional(field.type) or field.type, "v")
        # proto3 JSON: null stands for the default, as leaving out does.
        return f"{self._default(field)} if (v := get({wire!r})) is None else {given}"

    def _default(self, field: "Attribute[Any]") -> str:
        if isinstance(field.default, Factory):  # type: ignore[arg-type]
            return f"{self._name(field.default.factory)}()"  # type: ignore[union-attr]
        return "None" if field.default is None else self._name(field.default)

    def _expression(self, kind: Any, value: str) -> str:
        inner = optional(kind)
        if inner is not None:
            return f"(None if {value} is None else {self._expression(inner, value)})"
        if get_origin(kind) is tuple:
            hook, item = self._hook(kind, value), get_args(kind)[0]
            # One is by far the most frequent number of candidates, parts and modalities.
            single = f"({self._expression(item, f'{value}[0]')},)"
            many = f"tuple([{self._expression(item, 'i')} for i in {value}])"
            whole = f"({single} if len({value}) == 1 else {many})"
            return f"({whole} if {value}.__class__ is list else {hook})"
        hook = self._hook(kind, value)
        # Inline only what the converter would do itself: hooks may have been overridden.
        own = self._converter.get_structure_hook(kind)
        if kind in _PLAIN and getattr(own, "__module__", None) == structure_str.__module__:
            return f"({value} if {value}.__class__ is {kind.__name__} else {hook})"
        if isinstance(kind, type) and issubclass(kind, OpenEnum) and own is structure_str:
            known = self._name(dict(kind._value2member_map_).get)
            return f"({known}({value}) or {hook})"
        if get_origin(kind) is Mapping and own is structure_object:
            # A user's own object: it passes as it is.
            return f"({value} if {value}.__class__ is dict else {hook})"
        return hook

    def _hook(self, kind: Any, value: str) -> str:
        hook = self._name(self._converter.get_structure_hook(kind))
        return f"{hook}({value}, {self._name(kind)})"

    def _name(self, thing: Any) -> str:
        name = f"n{len(self.names)}"
        self.names[name] = thing
        return name


def optional(kind: Any) -> Any:
    """Return X for ``X | None``, else None."""
    if get_origin(kind) not in (types.UnionType, Union):
        return None
    options = [option for option in get_args(kind) if option is not type(None)]
    return options[0] if len(options) == 1 else None


PLAIN: Final = (dict, list, tuple, set, str, int, float, bool, bytes, type(None))
"""Python's own types, of which mappings of callers are made."""


_SHIPPED: Final = ("cattrs", "gemini_batch")  # packages


def unstructure_function(cls: type[Any], converter: Converter) -> Any:
    """Return an unstructure hook for an attrs class of ours."""
    # The generator takes every converter setting by default, except this one.
    function = make_dict_unstructure_fn(
        cls, converter, _cattrs_omit_if_default=converter.omit_if_default, **renames(cls)
    )
    function.__module__ = __name__
    return function


def is_as_shipped(converter: Converter, kinds: tuple[Any, ...]) -> bool:
    """Tell whether no hook of the caller's unstructures values of some types.

    All that they may hold is looked at as well.
    """
    return all(_is_ours(converter, kind) for kind in _with_members(kinds))


def _is_ours(converter: Converter, kind: Any) -> bool:
    hook = converter.get_unstructure_hook(kind)
    module = getattr(hook, "__module__", None)
    if has(kind):
        return module == __name__
    if module is None:
        return isinstance(hook, FunctionType)  # as cattrs generates them for mappings
    # It takes `list` for sequences of what needs no hook.
    return hook is list or module.partition(".")[0] in _SHIPPED


@cache
def _with_members(kinds: tuple[Any, ...]) -> tuple[Any, ...]:
    found: dict[Any, None] = {}  # in order
    for kind in kinds:
        _collect(kind, found)
    return tuple(found)


def _collect(kind: Any, found: dict[Any, None]) -> None:
    if kind in found or kind in (Any, Ellipsis):
        return
    found[kind] = None
    for inner in get_args(kind):
        _collect(inner, found)
    if has(kind):
        resolve_types(kind)
        for field in fields(kind):
            _collect(field.type, found)
