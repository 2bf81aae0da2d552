"""Structure hooks for single values: strict, and for numbers as proto3 JSON spells them.

cattrs' own hooks coerce: null becomes the text ``"None"``, ``"false"`` becomes True. These
refuse what is of another type. The strict ones hold for types of callers; in the package's own
types the generated hooks put a lenient one in place of each strict number.
"""

import base64
import datetime as dt
import struct
from array import array
from collections.abc import Mapping
from typing import Any, Final, get_origin

from cattrs import Converter

_LONGEST: Final = 20  # characters of an int64


def register_scalars(converter: Converter) -> None:
    """Register the strict hooks, and how bytes, moments and vectors are written."""
    converter.register_structure_hook(str, structure_str)
    converter.register_structure_hook(bool, structure_bool)
    converter.register_structure_hook(int, structure_int)
    converter.register_structure_hook(float, structure_float)
    converter.register_structure_hook(dt.datetime, structure_datetime)
    # proto3 JSON writes bytes as base64, standard or URL-safe, padded or not.
    converter.register_structure_hook(bytes, structure_bytes)
    converter.register_unstructure_hook(dt.datetime, dt.datetime.isoformat)
    # Objects whose members are the user's own, or the service's words.
    converter.register_structure_hook_func(is_free_object, structure_object)
    converter.register_structure_hook_func(is_vector, structure_vector)
    converter.register_unstructure_hook_func(is_vector, list)


def is_vector(cls: Any) -> bool:
    """Return True for a vector's type."""
    return cls is array or get_origin(cls) is array


def is_free_object(cls: Any) -> bool:
    """Return True for the type of an object whose members may be anything."""
    return bool(cls == Mapping[str, Any])


def _wrong(expected: str, value: object) -> TypeError:
    return TypeError(f"expected {expected}, got {type(value).__name__}")


def structure_str(value: object, cls: type[str]) -> str:
    """Take a string; for an enum, its member."""
    # Hooks for a class also serve its subclasses, so `cls` may be one of our enums.
    if isinstance(value, str):
        return cls(value)
    raise _wrong("a string", value)


def structure_object(value: object, _: Any) -> Any:
    """Take a JSON object as it is."""
    if isinstance(value, dict):
        return value
    raise _wrong("an object", value)


def structure_bool(value: object, _: type[bool]) -> bool:
    """Take true or false, and nothing that merely counts as such."""
    if isinstance(value, bool):
        return value
    raise _wrong("true or false", value)


def structure_int(value: object, cls: type[int]) -> int:
    """Take a whole number; for an enum, its member."""
    if isinstance(value, int) and not isinstance(value, bool):
        return cls(value)
    raise _wrong("an integer", value)


def structure_float(value: object, _: type[float]) -> float:
    """Take a number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise _wrong("a number", value)


def proto3_int(value: object, cls: type[int]) -> int:
    """Take a whole number in any of proto3's spellings: ``"1"`` and ``1.0`` stand for 1."""
    if isinstance(value, str) and len(value) <= _LONGEST:
        digits = value.removeprefix("-")
        if digits.isdigit() and digits.isascii():
            return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return structure_int(value, cls)


def proto3_float(value: object, cls: type[float]) -> float:
    """Take a number, or one of proto3's words for what JSON has no numbers for."""
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    return structure_float(value, cls)


PROTO3: Final[Mapping[Any, Any]] = {
    structure_int: proto3_int,
    structure_float: proto3_float,
}
"""The lenient hooks, by the strict ones that they stand in for."""


def structure_datetime(value: object, _: type[dt.datetime]) -> dt.datetime:
    """Take a timestamp with a zone, and return it in UTC, cut to microseconds."""
    if not isinstance(value, str):
        raise _wrong("a timestamp", value)
    moment = dt.datetime.fromisoformat(value)
    if moment.tzinfo is dt.UTC:
        return moment
    if moment.tzinfo is None:
        raise ValueError(f"timestamp without a zone: {value!r}")
    return moment.astimezone(dt.UTC)


def structure_bytes(value: object, _: type[bytes]) -> bytes:
    """Take base64 in any of its spellings."""
    if not isinstance(value, str):
        raise _wrong("base64", value)
    standard = value.translate({ord("-"): "+", ord("_"): "/"}).rstrip("=")
    return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)


def structure_vector(value: object, _: Any) -> "array[float]":
    """Take a list of numbers as an array of 32-bit floats."""
    if not isinstance(value, list):
        raise _wrong("a list of numbers", value)
    try:
        # More than twice as fast as `array("f", value)`.
        vector = array("f")
        vector.frombytes(struct.pack(f"{len(value)}f", *value))
    except (struct.error, OverflowError):
        return array("f", value)
    return vector
