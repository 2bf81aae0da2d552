"""Hooks for single values: strict where cattrs coerces."""

import base64
import datetime as dt
import re
import struct
from array import array
from typing import Any, get_origin

from cattrs import Converter

_DIGITS = re.compile(r"-?\d{1,20}", re.ASCII)  # an int64 has no more


def register_leaves(converter: Converter) -> None:
    """Register strict hooks for single values: cattrs' own coerce, so null is ``"None"``."""
    converter.register_structure_hook(str, structure_str)
    converter.register_structure_hook(bool, structure_bool)
    converter.register_structure_hook(int, structure_int)
    converter.register_structure_hook(float, structure_float)
    converter.register_structure_hook(dt.datetime, _structure_datetime)
    # proto3 JSON writes bytes as base64, standard or URL-safe, padded or not.
    converter.register_structure_hook(bytes, _structure_bytes)
    converter.register_unstructure_hook(bytes, lambda v: base64.b64encode(v).decode())
    converter.register_unstructure_hook(dt.datetime, dt.datetime.isoformat)
    converter.register_structure_hook_func(is_array, _structure_vector)
    converter.register_unstructure_hook_func(is_array, list)


def is_array(cls: Any) -> bool:
    """Return True for a vector's type."""
    return cls is array or get_origin(cls) is array


def _wrong(expected: str, value: object) -> TypeError:
    return TypeError(f"expected {expected}, got {type(value).__name__}")


def structure_str(value: object, cls: type[str]) -> str:
    """Take a string; for an enum, its member."""
    # Hooks for a class also serve its subclasses, so `cls` may be one of our enums.
    if isinstance(value, str):
        return cls(value)
    raise _wrong("a string", value)


def structure_object(value: object, _: Any) -> Any:
    """Take a JSON object of the user's own as it is."""
    if isinstance(value, dict):
        return value
    raise _wrong("an object", value)


def structure_bool(value: object, _: type[bool]) -> bool:
    """Take true or false, and nothing that merely counts as such."""
    if isinstance(value, bool):
        return value
    raise _wrong("true or false", value)


def structure_int(value: object, cls: type[int]) -> int:
    """Take a whole number in any of its spellings; for an enum, its member."""
    # proto3 JSON sends 64-bit integers as strings and lets 1.0 stand for 1.
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return cls(int(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return cls(value)
    if isinstance(value, float) and value.is_integer():
        return cls(int(value))
    raise _wrong("an integer", value)


def structure_float(value: object, _: type[float]) -> float:
    """Take a number, or one of the words for what is none."""
    # proto3 JSON has words for what JSON has no numbers for.
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number or value in ("NaN", "Infinity", "-Infinity"):
        return float(value)  # type: ignore[arg-type]
    raise _wrong("a number", value)


def _structure_datetime(value: object, _: type[dt.datetime]) -> dt.datetime:
    # Nine fractional digits are cut to microseconds.
    if not isinstance(value, str):
        raise _wrong("a timestamp", value)
    moment = dt.datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"timestamp without a zone: {value!r}")
    return moment.astimezone(dt.UTC)


def _structure_bytes(value: object, _: type[bytes]) -> bytes:
    if not isinstance(value, str):
        raise _wrong("base64", value)
    standard = value.translate({ord("-"): "+", ord("_"): "/"}).rstrip("=")
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)


def _structure_vector(value: object, _: Any) -> "array[float]":
    if not isinstance(value, list):
        raise _wrong("a list of numbers", value)
    try:
        # More than twice as fast as `array("f", value)`.
        vector = array("f")
        vector.frombytes(struct.pack(f"{len(value)}f", *value))
    except (struct.error, OverflowError):
        return array("f", value)
    return vector
