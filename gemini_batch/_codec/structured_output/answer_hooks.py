"""Structure hooks of callers' own types: attrs classes, dataclasses, pydantic models.

cattrs coerces where it can; an answer that was coerced is an answer that did not fit. The hooks
here take objects for classes, lists for collections, and hold values against the constraints
that their annotations name.
"""

import datetime as dt
import decimal
import uuid
from collections import abc
from dataclasses import is_dataclass
from typing import Annotated, Any, Final, get_args, get_origin

import attrs
import msgspec
from cattrs import Converter
from cattrs.cols import list_structure_factory

from gemini_batch._codec.scalar_hooks import structure_object

COLLECTIONS: Final[abc.Mapping[Any, Any]] = {
    list: list,
    set: set,
    frozenset: frozenset,
    abc.Sequence: tuple,
    abc.Set: frozenset,
    tuple: tuple,
}
"""Types of collections, and what is made for them."""

_TEXTS: Final = (dt.date, dt.time, dt.timedelta, uuid.UUID, decimal.Decimal)
_CONSTRAINED: Final = (str, int, float)


def register_answers(converter: Converter) -> None:
    """Register the hooks of callers' own types. Their names are left as they are."""
    for kind in _TEXTS:
        converter.register_structure_hook(kind, msgspec.convert)
    converter.register_structure_hook_factory(_has_members, _object)
    converter.register_structure_hook_factory(is_collection, _collection)
    converter.register_structure_hook_func(is_model, _model)
    converter.register_structure_hook_factory(_is_constrained, _constrained)


def is_model(cls: Any) -> bool:
    """Return True for a pydantic model, without knowing pydantic."""
    return hasattr(cls, "model_json_schema") and hasattr(cls, "model_validate_json")


def is_collection(cls: Any) -> bool:
    """Return True for a collection of items of one type."""
    args = get_args(cls)
    if get_origin(cls) is tuple:
        return len(args) > 0 and all(arg in {args[0], ...} for arg in args[1:])
    return get_origin(cls) in COLLECTIONS


def fixed_length(cls: Any) -> int | None:
    """Return how many items a tuple's type names; None if it is of any length."""
    args = get_args(cls)
    return len(args) if get_origin(cls) is tuple and args[-1] is not ... else None


def shell_of(cls: Any) -> Any:
    """Return the type whose constraints are checked for `cls`; None if it takes none."""
    if is_collection(cls):
        return list
    return cls if cls in _CONSTRAINED else None


def _has_members(cls: Any) -> bool:
    return attrs.has(cls) or is_dataclass(get_origin(cls) or cls)


def _object(cls: Any, converter: Converter) -> Any:
    if attrs.has(cls):
        # cattrs leaves names in quotes as they are where they stand inside of a list.
        attrs.resolve_types(get_origin(cls) or cls)
    inner = converter.gen_structure_attrs_fromdict(cls)

    def structure(value: object, kind: Any) -> Any:
        # Without this, a list or a text would make a value of nothing but defaults.
        return inner(structure_object(value, kind), kind)

    return structure


def _collection(cls: Any, converter: Converter) -> Any:
    of_items: Any = list[get_args(cls)[0]]  # type: ignore[misc]
    items = list_structure_factory(of_items, converter)
    make = COLLECTIONS[get_origin(cls)]
    length = fixed_length(cls)

    def structure(value: object, _: Any) -> Any:
        # Without this, a text would be a list of letters. Tuples are what unstructuring leaves.
        if not isinstance(value, list | tuple):
            raise TypeError(f"expected a list, got {type(value).__name__}")
        if length is not None and len(value) != length:
            raise ValueError(f"expected {length} items, got {len(value)}")
        return make(items(value, list))

    return structure


def _model(value: object, cls: Any) -> Any:
    try:
        return cls.model_validate_json(msgspec.json.encode(value))
    except ValueError as exc:
        # pydantic's own text takes a paragraph per member.
        errors: list[Any] = getattr(exc, "errors", list)()
        said = [f"{_path(e['loc'])}: {e['msg']}" for e in errors]
        raise ValueError("; ".join(said) or str(exc)) from exc


def _path(steps: abc.Iterable[str | int]) -> str:
    whole = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps)
    return whole.removeprefix(".") or "the whole"


def _is_constrained(cls: Any) -> bool:
    if get_origin(cls) is not Annotated:
        return False
    kind, *notes = get_args(cls)
    metas = any(isinstance(note, msgspec.Meta) for note in notes)
    return metas and shell_of(kind) is not None


def _constrained(cls: Any, converter: Converter) -> Any:
    kind, *notes = get_args(cls)
    metas = [note for note in notes if isinstance(note, msgspec.Meta)]
    shell = shell_of(kind)
    checked: Any = Annotated[(shell, *metas)]
    inner = converter.get_structure_hook(kind)

    def structure(value: object, _: Any) -> Any:
        made = inner(value, kind)
        # Of a collection the length alone is held against them, before a set drops items.
        msgspec.convert(value if shell is list else made, checked)
        return made

    return structure
