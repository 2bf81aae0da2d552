"""Filters of a list on Vertex AI, where the service applies them.

A filter in the grammar that both APIs share means the same on both. On the wire the display
name has a token at its end and a model its full name, which the caller does not know of: so
the service is asked for a little more than was meant, and the rest is done here. Any other
filter is the caller's own, and goes to the service as it is.
"""

import re
from collections.abc import Callable
from typing import Final

from gemini_batch._wire._dialect import Predicate, Search
from gemini_batch._wire._vertex_names import same_model
from gemini_batch._wire.filters import _AND, _PREFIX, _TERM, read_filter
from gemini_batch.errors import InputError

_PLAIN: Final = re.compile(r"[^\"\\*]*")


def read_search(text: str, full_model: Callable[[str], str]) -> Search:
    """Return what a caller's filter stands for.

    Args:
        text: The filter.
        full_model: Gives the full name of a model.

    Raises:
        InputError: It names a model that is none.
    """
    try:
        read_filter(text)
    except InputError:
        # The service knows more terms than the two APIs share, and says what is wrong.
        return Search(sent=text, keeps=lambda _: True)
    sent: list[str] = []
    here: list[Predicate] = []
    position = 0
    while (match := _TERM.match(text, position)) is not None:
        field, op = match["field"], match["op"]
        value = match["bare"]
        if value is None:
            value = re.sub(r"\\(.)", r"\1", match["quoted"])
        if field == "model":
            here.append(_of_model(op, full_model(value)))
        else:
            here.append(read_filter(f"{field}{op}{quoted(value)}"))
        asked = _asked(field, op, value)
        if asked is not None:
            sent.append(asked)
        joint = _AND.match(text, match.end())
        position = len(text) if joint is None else joint.end()
    return Search(
        sent=" AND ".join(sent) or None,
        keeps=lambda job: all(term(job) for term in here),
    )


def _of_model(op: str, model: str) -> Predicate:
    return lambda job: same_model(job.model, model) is (op == "=")


def _asked(field: str, op: str, value: str) -> str | None:
    """Return a term that holds for every job that the caller's term holds for."""
    if field == "create_time":
        return f"create_time{op}{quoted(value)}"
    if field == "state":
        return f'state{op}"JOB_STATE_{_PREFIX.sub("", value).upper()}"'
    if field == "display_name" and op in {"=", ":"}:
        # With the token at its end the name is longer than the caller knows it.
        stem = value.removesuffix("*") if op == ":" else value
        if stem and _PLAIN.fullmatch(stem):
            return f'display_name:"{stem}*"'
    return None


def quoted(text: str) -> str:
    """Return a text as a string of the filter's grammar."""
    escaped = re.sub(r'(["\\])', r"\\\1", text)
    return f'"{escaped}"'
