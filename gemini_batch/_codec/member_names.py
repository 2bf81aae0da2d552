"""How a name is spelt in Python and on the wire."""

import re
from functools import lru_cache

_WORD = re.compile(r"(?<=[a-z0-9])([A-Z])")


@lru_cache(maxsize=1024)
def wire_name(name: str) -> str:
    """Return the camelCase spelling of a snake_case name: ``size_bytes`` → ``sizeBytes``."""
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


@lru_cache(maxsize=1024)
def snake_name(name: str) -> str:
    """Return the snake_case spelling of a camelCase name."""
    return _WORD.sub(r"_\1", name).lower()
