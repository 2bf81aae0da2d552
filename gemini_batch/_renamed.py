"""Public names that are gone, each with what to use instead. Goes at 1.0."""

from collections.abc import Callable, Mapping
from functools import wraps
from opcode import opmap
from types import FrameType
from typing import Any, Final, TypeVar

T = TypeVar("T")

NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "gemini_batch": {
        "ApiError": "APIError",
        "Status": "RpcStatus",
        "checking": "gemini_batch.preflight",
        "estimating": "gemini_batch.preflight",
        "UnusableRow": "UnusableResult",
        "sinks": "gemini_batch.write_results",
    },
    "gemini_batch.errors": {"ApiError": "APIError"},
    "gemini_batch.types": {
        "GRPC_CODES": "RpcStatus.reason",
        "Judgement": "BatchResult",
        "Response": "GenerateContentResponse or EmbedContentResponse",
        "RowReader": "BatchResult",
        "Status": "RpcStatus",
        "UnusableRow": "UnusableResult",
        "classify": "BatchResult.outcome",
    },
}
"""Module to old name to what to use instead."""

ATTRIBUTES: Final[Mapping[str, Mapping[str, str]]] = {"APIError": {"reason": "status"}}
"""Class to old attribute to new one."""

ARGUMENTS: Final[Mapping[str, Mapping[str, tuple[type, str]]]] = {
    "APIError": {"reason": (object, "status"), "status": (int, "status_code")}
}
"""Class to old keyword argument to the type that it had, which tells it from a new argument
of the same name, and to the new argument."""


def missing_name(module: str, name: str, asker: FrameType) -> AttributeError | ImportError:
    """Return the error for a name that a module does not have.

    Args:
        module: The module.
        name: The name.
        asker: The frame that asks for it.
    """
    new = NAMES.get(module, {}).get(name)
    hint = "" if new is None else f": use {new}"
    if new is not None and _imports(asker):
        # Python would replace an AttributeError by an ImportError without the new name.
        return ImportError(
            f"cannot import name {name!r} from {module!r}{hint}", name=module
        )
    return AttributeError(f"module {module!r} has no attribute {name!r}{hint}")


def _imports(frame: FrameType) -> bool:
    """True if a frame executes ``from … import …``; not known elsewhere than in CPython."""
    return frame.f_code.co_code[frame.f_lasti] == opmap.get("IMPORT_FROM")


def missing_attribute(value: object, name: str) -> AttributeError:
    """Return the error for an attribute that a value does not have."""
    cls = type(value)
    new = _entries_of(cls, ATTRIBUTES).get(name)
    hint = "" if new is None else f": use {new}"
    return AttributeError(
        f"{cls.__name__!r} object has no attribute {name!r}{hint}", name=name, obj=value
    )


def names_new_arguments(cls: type[T]) -> type[T]:
    """Let the constructor of a class name the new argument where it is given an old one.

    Outermost of the decorators: it wraps the constructor that attrs has written.
    """
    made: Callable[..., None] = cls.__init__

    @wraps(made)
    def checked(self: T, *args: Any, **values: Any) -> None:
        for name, (kind, new) in _entries_of(cls, ARGUMENTS).items():
            if name in values and isinstance(values[name], kind):
                raise TypeError(
                    f"{type(self).__name__}() got {name}={values[name]!r}: use {new}"
                )
        made(self, *args, **values)

    cls.__init__ = checked  # type: ignore[assignment]
    return cls


def _entries_of(cls: type, table: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return what a table has of a class and its bases."""
    entries: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        entries |= table.get(base.__name__, {})
    return entries
