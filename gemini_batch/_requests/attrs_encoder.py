"""Functions that bring values of ours to canonical form, generated per class.

Unstructuring a value and walking the result along the message tables looks at every member
twice. A generated function reads each member once, in canonical order, and takes only what is
exactly of the declared type; for anything else it raises `Uncommon`, and the walk says what is
wrong with the row, if something is.
"""

import binascii
import math
import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, Union, get_args, get_origin

from attrs import NOTHING, Attribute, fields, has, resolve_types

from gemini_batch._codec import wire_name
from gemini_batch._codec.request_structs import Uncommon
from gemini_batch._requests.messages import (
    MESSAGES,
    Form,
    Member,
    Message,
    Scalar,
)
from gemini_batch._requests.normalize import EXACT, INT64
from gemini_batch._requests.rules import after_message
from gemini_batch.types import OpenEnum

Splice = Callable[[Member, Any, int], Any]
"""Writes a member that is a mapping, or a tuple of mappings, in a message at a depth."""

Write = Callable[[Any, Splice], dict[str, Any]]
"""Returns the canonical form of a value, ready to be encoded."""

_SCALARS: Final[Mapping[tuple[Any, Any], tuple[str, str]]] = {
    # What the value ``v`` must be, and what is written of it.
    (str, Scalar.STRING): ("v.__class__ is str", "v"),
    (str, Scalar.ENUM): ("v.__class__ is str", "v"),
    (bool, Scalar.BOOLEAN): ("v.__class__ is bool", "v"),
    (int, Scalar.INTEGER): (f"v.__class__ is int and {-INT64} <= v < {INT64}", "v"),
    (float, Scalar.NUMBER): (
        "v.__class__ is float or v.__class__ is int",
        "v if -EXACT < v < EXACT and v % 1 else number(v)",
    ),
    (bytes, Scalar.BYTES): ("v.__class__ is bytes", "base64(v)"),
}
_MANY: Final = "v.__class__ is tuple or v.__class__ is list"
_ANY: Final = "True"  # what writes it looks for itself
_EMPTY: Final = ("", b"", ())
_CHUNK: Final = 786_432  # bytes; base64 joins where they are a multiple of three
_DOUBTS: Final = {
    # When the rule on a message has to be asked; else it holds.
    "Content": "'parts' not in out",
    "Part": "len(out) != 1 or 'text' not in out",
    "Blob": "'data' not in out",
}


def refuse(_field: str, _message: str, _remedy: str) -> None:
    """Stand in for a report: what is wrong is told by the walk."""
    raise Uncommon


@cache
def writer(cls: type[Any], message: str, depth: int) -> Write:
    """Generate the function for a class of ours.

    Args:
        cls: The class. What `message` has no member for is left out.
        message: Name of the message it is on the wire.
        depth: Messages around it.

    Raises:
        TypeError: A member has a type or default that is not provided for.
    """
    resolve_types(cls)
    source = _Source(depth)
    known = {wire_name(field.name): field for field in fields(cls)}
    members = [member for member in MESSAGES[message].names if member in known]
    lines = [
        "def write(value, splice):",
        f"    if value.__class__ is not {source.name(cls)}: raise Uncommon",
        "    out = {}",
    ]
    for member in members:
        lines += source.member(known[member], MESSAGES[message].members[member])
    if message in _DOUBTS:
        lines.append(f"    if {_DOUBTS[message]}: after({message!r}, out, None)")
    lines.append("    return out")
    write: Write = source.compiled(lines, "write")
    return write


class _Source:
    """Writes a function, and keeps what the names in it stand for."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._names: dict[str, Any] = {
            "Uncommon": Uncommon,
            "after": after_message(refuse),
            "EXACT": EXACT,
            "base64": _base64,
            "number": _number,
            "texts": _texts,
        }

    def compiled(self, lines: list[str], name: str) -> Any:
        # Written from our own classes and tables alone.
        exec(compile("\n".join(lines), f"<{name}>", "exec"), self._names)  # noqa: S102
        return self._names[name]

    def name(self, thing: Any) -> str:
        name = f"n{len(self._names)}"
        self._names[name] = thing
        return name

    def member(self, field: "Attribute[Any]", member: Member) -> list[str]:
        """Write lines that take a member of ``value`` over into ``out``."""
        fits, written = self._taken(_given(field.type), member)
        read = f"    v = value.{field.name}"
        check = f"if not ({fits}): raise Uncommon"
        write = f"out[{member.name!r}] = {written}"
        if field.default is None:
            return [read, "    if v is not None:", f"        {check}", f"        {write}"]
        if field.default is NOTHING:
            return [read, f"    {check}", f"    {write}"]
        if field.default in _EMPTY:
            return [read, f"    {check}", f"    if v: {write}"]
        raise TypeError(f"no way to leave out {field.name}")

    def _taken(self, kind: Any, member: Member) -> tuple[str, str]:
        """Return expressions of ``v``: what it must be, and what is written of it."""
        one, item = member.form is Form.ONE, _item(kind)
        if one and (kind, member.kind) in _SCALARS:
            return _SCALARS[kind, member.kind]
        if Mapping in (get_origin(kind), get_origin(item)):
            # The caller's own mapping, or several.
            return _ANY, f"splice({self.name(member)}, v, {self._depth})"
        if one and member.kind is Scalar.ENUM and issubclass(kind, OpenEnum):
            return f"v.__class__ is {self.name(kind)} or v.__class__ is str", "v"
        if one and isinstance(member.kind, Message) and has(kind):
            return _ANY, f"{self._writer(kind, member.kind)}(v, splice)"
        if not one and isinstance(member.kind, Message) and has(item):
            return _MANY, f"[{self._writer(item, member.kind)}(i, splice) for i in v]"
        if not one and (item, member.kind) in ((str, Scalar.STRING), (str, Scalar.ENUM)):
            return _MANY, "texts(v)"
        raise TypeError(f"no way to write {member.name}: {kind}")

    def _writer(self, cls: Any, message: Message) -> str:
        return self.name(writer(cls, message.name, self._depth + 1))


def _given(kind: Any) -> Any:
    """Return X for ``X | None``, and anything else as it is."""
    if get_origin(kind) in (types.UnionType, Union):
        options = [option for option in get_args(kind) if option is not type(None)]
        if len(options) == 1:
            return options[0]
    return kind


def _item(kind: Any) -> Any:
    """Return X for ``tuple[X, ...]``, else None."""
    return get_args(kind)[0] if get_origin(kind) is tuple else None


def _number(value: float) -> float:
    if value.__class__ is int:
        return value
    if not math.isfinite(value):
        raise Uncommon
    return int(value) if value.is_integer() and abs(value) < EXACT else value


def _texts(values: Any) -> Any:
    for value in values:
        if value.__class__ is not str:
            raise Uncommon
    return values


def _base64(data: bytes) -> str:
    if len(data) <= _CHUNK:
        return binascii.b2a_base64(data, newline=False).decode()
    # Nothing else runs during a call, not even the event loop: large media take several.
    view = memoryview(data)
    return "".join(
        binascii.b2a_base64(view[at : at + _CHUNK], newline=False).decode()
        for at in range(0, len(data), _CHUNK)
    )
