"""Classes of tests that the converter takes for the package's own."""

from typing import TypeVar

T = TypeVar("T")


def own_class(cls: type[T]) -> type[T]:
    """Let a class have the wire's names and proto3's liberties, as the package's have."""
    cls.__module__ = "gemini_batch.tests"
    return cls
