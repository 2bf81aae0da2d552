"""Hooks of the package's own classes, generated per class: the wire's names and proto3 JSON.

Members have the wire's spelling, null stands for the default, and numbers may come as texts.
The unstructure hooks are cattrs' own. Its structure hooks collect a mapping of arguments and a
note per member, which is three quarters of the cost of an answer. The ones made here read each
member once; when anything does not fit, they leave the work to cattrs', whose errors have the
path.
"""

import types
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import Any, Final, TypeAlias, Union, get_args, get_origin

from attrs import NOTHING, Attribute, Factory, fields, has, resolve_types
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from gemini_batch._codec.member_names import wire_name
from gemini_batch._codec.scalar_hooks import (
    PROTO3,
    proto3_float,
    proto3_int,
    structure_bool,
    structure_object,
    structure_str,
)
from gemini_batch.types import OpenEnum

HookFactory: TypeAlias = Callable[[type[Any], Converter], Any]

_PACKAGE: Final = "gemini_batch."
_NO_NAMES: Final[Mapping[str, str]] = {}

# The class whose instances a hook returns as they are.
_PLAIN: Final[Mapping[Any, str]] = {
    (str, structure_str): "str",
    (bool, structure_bool): "bool",
    (int, proto3_int): "int",
    (float, proto3_float): "float",
    (Mapping[str, Any], structure_object): "dict",
}


def is_ours(cls: Any) -> bool:
    """Return True for an attrs class of the package, and for a subclass of one."""
    return (
        isinstance(cls, type)
        and has(cls)
        and any(base.__module__.startswith(_PACKAGE) for base in cls.__mro__)
    )


def register_factories(
    converter: Converter, cls: type[Any], structure: HookFactory, unstructure: HookFactory
) -> None:
    """Register what makes the hooks of one class; a hook of the caller's for it counts more."""
    converter.register_structure_hook_factory(lambda kind: kind is cls, structure)
    converter.register_unstructure_hook_factory(lambda kind: kind is cls, unstructure)


def renames(cls: type[Any], names: Mapping[str, str] = _NO_NAMES) -> dict[str, Any]:
    """Return cattrs' overrides that spell a class's members as the wire does."""
    return {f.name: override(rename=_wire(f.name, names)) for f in fields(cls)}


def _wire(name: str, names: Mapping[str, str]) -> str:
    return names.get(name) or wire_name(name)


def unstructure_hook(
    cls: type[Any], converter: Converter, names: Mapping[str, str] = _NO_NAMES
) -> Any:
    """Return the unstructure hook of a class of ours; defaults are left out.

    Args:
        cls: The class.
        converter: Unstructures the members.
        names: The wire's names of members for which `wire_name` does not give them.
    """

    @cache
    def function() -> Any:
        resolve_types(cls)
        return make_dict_unstructure_fn(
            cls, converter, _cattrs_omit_if_default=True, **renames(cls, names)
        )

    # As the structure hooks: made when first called, of the hooks registered by then.
    return lambda value: function()(value)


class StructureHook:
    """The structure hook of a class of ours.

    Its function is generated when it is first called, of the hooks registered by then.
    """

    def __init__(
        self, cls: type[Any], converter: Converter, names: Mapping[str, str] = _NO_NAMES
    ) -> None:
        """Make it.

        Args:
            cls: The class.
            converter: Structures the members.
            names: The wire's names of members for which `wire_name` does not give them.
        """
        self._cls = cls
        self._converter = converter
        self._names = names
        self.generating = False

    def __call__(self, value: Any, kind: Any) -> Any:
        return self.function(value, kind)

    @cached_property
    def function(self) -> Callable[[Any, Any], Any]:
        """What the hook does."""
        self.generating = True
        try:
            return _Source(self._cls, self._converter, self._names).function()
        finally:
            self.generating = False


class _Source:
    """Writes the function of a structure hook."""

    def __init__(
        self, cls: type[Any], converter: Converter, names: Mapping[str, str]
    ) -> None:
        resolve_types(cls)
        self._cls = cls
        self._converter = converter
        self._names = names
        self._given: dict[str, Any] = {}  # what names in the source stand for

    def function(self) -> Callable[[Any, Any], Any]:
        """Return the function."""
        source = f"""
def structure(value, _):
    # Without this, a list or a text would make a value of nothing but defaults.
    if value.__class__ is not dict:
        raise TypeError(f"expected an object, got {{type(value).__name__}}")
    try:
        get = value.get
        {self._body()}
    except Exception:
        return detailed({{k: v for k, v in value.items() if v is not None}})
"""
        given = {
            **self._given,
            "cls": self._cls,
            "detailed": lambda value: self._detailed(value, self._cls),
            "new": object.__new__,
            "structure_any": self._converter.structure,
        }
        # Written from our own classes alone; attrs and cattrs make functions the same way.
        exec(compile(source, f"<structure {self._cls.__name__}>", "exec"), given)  # noqa: S102
        function: Callable[[Any, Any], Any] = given["structure"]
        return function

    @cached_property
    def _detailed(self) -> Callable[[Any, Any], Any]:
        members = {field.name: self._override(field) for field in fields(self._cls)}
        return make_dict_structure_fn(self._cls, self._converter, **members)

    def _override(self, field: "Attribute[Any]") -> Any:
        kind = optional(field.type) or field.type
        hook = self._hook(kind)
        return override(
            rename=_wire(field.name, self._names),
            struct_hook=lambda value, _: hook(value, kind),
        )

    def _body(self) -> str:
        """Return statements that make a value."""
        members = [(field, self._member(field)) for field in fields(self._cls)]
        if not _only_assigns(self._cls):
            arguments = [f"{field.alias}={made}" for field, made in members]
            return f"return cls({', '.join(arguments)})"
        # Slot by slot, at a third of what calling the class costs.
        slots = [f"made.{field.name} = {made}" for field, made in members]
        setter: Any = self._cls.__setattr__
        frozen = setter is not object.__setattr__
        open_class = self._name(_open_twin(self._cls) if frozen else self._cls)
        close = ["made.__class__ = cls"] if frozen else []
        lines = [f"made = new({open_class})", *slots, *close, "return made"]
        return "\n        ".join(lines)

    def _member(self, field: "Attribute[Any]") -> str:
        wire = _wire(field.name, self._names)
        if field.default is NOTHING:
            return self._expression(field.type, f"value[{wire!r}]")
        # proto3 JSON: null stands for the default, as leaving out does.
        given = self._expression(optional(field.type) or field.type, "v")
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
            item = get_args(kind)[0]
            # One is by far the most frequent number of candidates, parts and modalities.
            single = f"({self._expression(item, f'{value}[0]')},)"
            many = f"tuple([{self._expression(item, 'i')} for i in {value}])"
            whole = f"({single} if len({value}) == 1 else {many})"
            otherwise = f"structure_any({value}, {self._name(kind)})"
            return f"({whole} if {value}.__class__ is list else {otherwise})"
        hook = self._hook(kind)
        made = f"{self._name(hook)}({value}, {self._name(kind)})"
        if hook is structure_str and issubclass(kind, OpenEnum):
            known = self._name(dict(kind._value2member_map_).get)
            return f"({known}({value}) or {made})"
        plain = _PLAIN.get((kind, hook))
        return f"({value} if {value}.__class__ is {plain} else {made})" if plain else made

    def _hook(self, kind: Any) -> Any:
        hook = self._converter.get_structure_hook(kind)
        # One that is being generated just now is of a class that holds itself.
        if isinstance(hook, StructureHook) and not hook.generating:
            return hook.function
        return PROTO3.get(hook, hook)

    def _name(self, thing: Any) -> str:
        name = f"n{len(self._given)}"
        self._given[name] = thing
        return name


def optional(kind: Any) -> Any:
    """Return X for ``X | None``, else None."""
    if get_origin(kind) not in (types.UnionType, Union):
        return None
    options = [option for option in get_args(kind) if option is not type(None)]
    return options[0] if len(options) == 1 else None


def _only_assigns(cls: type[Any]) -> bool:
    """Return True if calling the class does nothing but assign its members."""
    plain = all(f.converter is None and f.validator is None for f in fields(cls))
    own = any(
        hasattr(cls, f"__attrs_{name}__") for name in ("pre_init", "post_init", "init")
    )
    return plain and not own


def _open_twin(cls: type[Any]) -> type[Any]:
    """Return a subclass whose instances can be filled before they become the frozen class's."""
    own = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return type(cls.__name__, (cls,), {"__slots__": (), **own})


PLAIN: Final = (dict, list, tuple, set, str, int, float, bool, bytes, type(None))
"""Python's own types, of which mappings of callers are made."""

_SHIPPED: Final = ("cattrs", "gemini_batch", "msgspec")  # packages


def is_as_shipped(converter: Converter, kinds: tuple[Any, ...]) -> bool:
    """Tell whether no hook of the caller's unstructures values of some types.

    All that they may hold is looked at as well.
    """
    return all(_is_shipped(converter, kind) for kind in _with_members(kinds))


def _is_shipped(converter: Converter, kind: Any) -> bool:
    hook = converter.get_unstructure_hook(kind)
    module = getattr(hook, "__module__", None)
    if has(kind):
        return module == __name__
    if module is None:
        return isinstance(hook, types.FunctionType)  # as cattrs generates them for mappings
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
