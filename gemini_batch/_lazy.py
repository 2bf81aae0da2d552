"""Public names that are loaded when they are first asked for (PEP 562)."""

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
        names: What is public.
        homes: The modules in it where these are looked for, in this order: from cheap to
            dear.
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
        # The next look finds it without coming here.
        setattr(modules[package], name, found)
        return found

    return load
