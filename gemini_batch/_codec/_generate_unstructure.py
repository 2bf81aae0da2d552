"""Unstructure hooks of our own value types, and whether they are still ours.

Rows are written by functions that do not call these hooks but do what they do. Where a caller
has registered a hook of theirs, that is not known, and the hooks are called after all.
"""

from functools import cache
from types import FunctionType
from typing import Any, Final, get_args

from attrs import fields, has, resolve_types
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn

from gemini_batch._codec._generate import renames

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
