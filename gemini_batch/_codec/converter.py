"""The client's cattrs converter: values and types on one side, plain JSON values on the other.

It is cattrs' own for msgspec, which reads and writes the JSON below it. The package's classes
have the wire's names and proto3's liberties; callers' classes have neither, and nothing is
coerced to fit them.
"""

from cattrs.preconf.msgspec import MsgspecJsonConverter, make_converter

from gemini_batch._codec.class_hooks import StructureHook, is_ours, unstructure_hook
from gemini_batch._codec.scalar_hooks import register_scalars
from gemini_batch._codec.stored_objects import register_stored_objects
from gemini_batch._codec.structured_output.answer_hooks import register_answers


def build_converter() -> MsgspecJsonConverter:
    """Build a converter. What is registered later is asked first."""
    converter = make_converter()
    register_scalars(converter)
    register_answers(converter)
    converter.register_structure_hook_factory(is_ours, StructureHook)
    converter.register_unstructure_hook_factory(is_ours, unstructure_hook)
    register_stored_objects(converter)
    return converter
