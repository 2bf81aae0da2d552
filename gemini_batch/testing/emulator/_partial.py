"""Partial answers: the members that a request's ``fields`` names, and no others."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import frozen

from gemini_batch.testing.emulator._errors import invalid
from gemini_batch.testing.emulator._web import Call

_TOKEN: Final = re.compile(r"[A-Za-z0-9_*-]+|[(),/]")
_DEEPEST: Final = 20

Mask = Mapping[str, "Mask"]
"""Members to keep, each with what to keep of it; an empty mask keeps all."""


@frozen
class _NoMaskError(Exception):
    pass


def partial(call: Call, value: dict[str, Any]) -> dict[str, Any]:
    """Return the part of an answer that a request asks for; all of it if it does not say.

    Raises:
        Refusal: ``fields`` makes no sense.
    """
    text = call.request.query.get("fields", "")
    if not text:
        return value
    try:
        kept = _kept(_parsed(text), value)
    except _NoMaskError:
        raise invalid(f"Invalid field selection {text[:80]}") from None
    return dict(kept)


def _parsed(text: str) -> Mask:
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != text:
        raise _NoMaskError
    ahead = iter([*tokens, ""])
    mask, end = _selection(ahead, 0)
    if end:
        raise _NoMaskError
    return mask


def _selection(tokens: Iterator[str], depth: int) -> tuple[Mask, str]:
    """Return a mask, and the token that follows it."""
    if depth > _DEEPEST:
        raise _NoMaskError
    mask: dict[str, Mask] = {}
    while True:
        path, sign = [_name(tokens)], next(tokens)
        while sign == "/":
            path.append(_name(tokens))
            sign = next(tokens)
        inside: Mask = {}
        if sign == "(":
            inside, end = _selection(tokens, depth + 1)
            if end != ")":
                raise _NoMaskError
            sign = next(tokens)
        for part in reversed(path[1:]):
            inside = {part: inside}
        mask[path[0]] = inside
        if sign != ",":
            return mask, sign


def _name(tokens: Iterator[str]) -> str:
    name = next(tokens)
    if not name or name in "(),/":
        raise _NoMaskError
    return name


def _kept(mask: Mask, value: Any) -> Any:
    if isinstance(value, list):
        return [_kept(mask, item) for item in value]
    if not isinstance(value, dict) or not mask or "*" in mask:
        return value
    return {name: _kept(mask[name], item) for name, item in value.items() if name in mask}
