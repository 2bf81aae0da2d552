"""The annotations of every public class can be read: converters and documentation need them."""

import inspect
import typing
from typing import Any

import attrs
import pytest

import gemini_batch
from gemini_batch import types

PUBLIC = {
    **{name: getattr(types, name) for name in types.__all__},
    **{name: getattr(gemini_batch, name) for name in gemini_batch.__all__},
}
CLASSES = [cls for cls in PUBLIC.values() if inspect.isclass(cls) and attrs.has(cls)]


def test_there_are_many() -> None:
    assert len(CLASSES) > 50
    assert types.BatchJob in CLASSES


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_annotations_are_resolved(cls: type[Any]) -> None:
    attrs.resolve_types(cls)

    for field in attrs.fields(cls):
        assert not isinstance(field.type, str)
        assert not any(isinstance(kind, typing.ForwardRef) for kind in kinds(field.type))


def kinds(kind: Any) -> list[Any]:
    """Return a type and all that it is made of."""
    return [kind, *(inner for arg in typing.get_args(kind) for inner in kinds(arg))]
