"""The cattrs converter: our names and Python types on one side, proto3 JSON on the other."""

import base64
import datetime as dt
import re
from array import array
from typing import Any, get_origin

from attrs import has
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn

from gemini_batch._codec._generate import renames, structure_function

_DIGITS = re.compile(r"-?\d{1,20}", re.ASCII)  # an int64 has no more


def build_converter() -> Converter:
    """Build the package's converter. Leaf hooks come first, factories last."""
    converter = Converter(omit_if_default=True)
    register_leaves(converter)

    def unstructure_factory(cls: type[Any], converter: Converter) -> Any:
        # The generator takes every converter setting by default, except this one.
        return make_dict_unstructure_fn(
            cls,
            converter,
            _cattrs_omit_if_default=converter.omit_if_default,
            **renames(cls),
        )

    converter.register_structure_hook_factory(has, structure_function)
    converter.register_unstructure_hook_factory(has, unstructure_factory)
    return converter


def register_leaves(converter: Converter) -> None:
    """Register strict hooks for single values: cattrs' own coerce, so null is ``"None"``."""
    converter.register_structure_hook(str, _structure_str)
    converter.register_structure_hook(bool, _structure_bool)
    converter.register_structure_hook(int, _structure_int)
    converter.register_structure_hook(float, _structure_float)
    converter.register_structure_hook(dt.datetime, _structure_datetime)
    # proto3 JSON writes bytes as base64, standard or URL-safe, padded or not.
    converter.register_structure_hook(bytes, _structure_bytes)
    converter.register_unstructure_hook(bytes, lambda v: base64.b64encode(v).decode())
    converter.register_unstructure_hook(dt.datetime, dt.datetime.isoformat)
    converter.register_structure_hook_func(_is_array, _structure_vector)
    converter.register_unstructure_hook_func(_is_array, list)


def _is_array(cls: Any) -> bool:
    return cls is array or get_origin(cls) is array


def _wrong(expected: str, value: object) -> TypeError:
    return TypeError(f"expected {expected}, got {type(value).__name__}")


def _structure_str(value: object, cls: type[str]) -> str:
    # Hooks for a class also serve its subclasses, so `cls` may be one of our enums.
    if isinstance(value, str):
        return cls(value)
    raise _wrong("a string", value)


def _structure_bool(value: object, _: type[bool]) -> bool:
    if isinstance(value, bool):
        return value
    raise _wrong("true or false", value)


def _structure_int(value: object, _: type[int]) -> int:
    # proto3 JSON sends 64-bit integers as strings and lets 1.0 stand for 1.
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise _wrong("an integer", value)


def _structure_float(value: object, _: type[float]) -> float:
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
    return array("f", value)
