"""The cattrs converter: our names and Python types on one side, proto3 JSON on the other."""

from collections.abc import Mapping
from typing import Any, get_origin

from attrs import has
from cattrs import Converter

from gemini_batch._codec.class_hooks import structure_function, unstructure_function
from gemini_batch._codec.scalar_hooks import register_leaves, structure_object


def _is_mapping(cls: Any) -> bool:
    return get_origin(cls) is Mapping


def build_converter() -> Converter:
    """Build the package's converter. Leaf hooks come first, factories last."""
    converter = Converter(omit_if_default=True)
    register_leaves(converter)

    # Objects whose members are the user's own, or the service's words.
    converter.register_structure_hook_func(_is_mapping, structure_object)
    converter.register_structure_hook_factory(has, structure_function)
    converter.register_unstructure_hook_factory(has, unstructure_function)
    return converter
