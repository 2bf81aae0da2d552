"""Lazy loading of public names (PEP 562)."""

from collections.abc import Callable, Sequence
from importlib import import_module
from sys import _getframe, modules
from typing import Any


def loader(
    package: str, names: Sequence[str], homes: Sequence[str]
) -> Callable[[str], Any]:
    """Return a package's ``__getattr__``.

    Args:
        package: Its name.
        names: Its public names.
        homes: Modules of the package that are searched for a name, in this order: those that
            load fast first.
    """

    def load(name: str) -> Any:
        if name not in names:
            renamed = import_module("gemini_batch._renamed")
            raise renamed.missing_name(package, name, _getframe(1))
        if name in homes:
            return import_module(f"{package}.{name}")
        for home in homes:
            found = getattr(import_module(f"{package}.{home}"), name, None)
            if found is not None:
                break
        # The next access finds it without this function.
        setattr(modules[package], name, found)
        return found

    return load
