"""Filters of a list on Vertex AI, where the service applies them.

A term in the grammar that both APIs share means the same on both. On the wire the display
name has a token at its end and a model its full name, which the caller does not know of: so
the service is asked for a little more than was meant, and the rest is done here. Terms that
the service alone knows, such as labels, go to it as they are; so does any filter that is more
than terms joined by AND.
"""

import re
from collections.abc import Callable
from typing import Final

from gemini_batch._wire.dialect import Predicate, Search
from gemini_batch._wire.filters import _AND, _PREFIX, _TERM, read_filter
from gemini_batch._wire.vertex.names import same_model
from gemini_batch.errors import InputError
from gemini_batch.types import JobState

_PLAIN: Final = re.compile(r"[^\"\\*]*")
_SERVICE: Final = re.compile(
    r"""\s*(?P<term>(?:labels\.[\w-]+|model_display_name)\s*(?:!=|=|:)\s*
        (?:"(?:[^"\\]|\\.)*"|[^\s"()]+))\s*""",
    re.VERBOSE,
)


def read_search(text: str, full_model: Callable[[str], str]) -> Search:
    """Return what a caller's filter stands for.

    Args:
        text: The filter.
        full_model: Gives the full name of a model.

    Raises:
        InputError: It names a model that is none.
    """
    # The service knows more than terms joined by AND, and says what is wrong.
    callers_own = Search(sent=text, keeps=lambda _: True)
    sent: list[str] = []
    here: list[Predicate] = []
    for match in _terms(text):
        if match.re is _SERVICE:
            sent.append(match["term"])
            continue
        field, op = match["field"], match["op"]
        value = match["bare"]
        if value is None:
            value = re.sub(r"\\(.)", r"\1", match["quoted"])
        if field == "model" and op in {"=", "!="}:
            here.append(_of_model(op, full_model(value)))
        else:
            try:
                here.append(read_filter(f"{field}{op}{quoted(value)}"))
            except InputError:
                return callers_own
        asked = _asked(field, op, value)
        if asked is not None:
            sent.append(asked)
    if not here and not sent:
        return callers_own
    return Search(
        sent=" AND ".join(sent) or None,
        keeps=lambda job: all(term(job) for term in here),
    )


def _terms(text: str) -> list[re.Match[str]]:
    """Return the terms that a filter joins by AND; none if it is something else."""
    found: list[re.Match[str]] = []
    position = 0
    while True:
        match = _SERVICE.match(text, position) or _TERM.match(text, position)
        if match is None:
            return []
        found.append(match)
        if match.end() == len(text):
            return found
        joint = _AND.match(text, match.end())
        if joint is None:
            return []
        position = joint.end()


def _of_model(op: str, model: str) -> Predicate:
    return lambda job: same_model(job.model, model) is (op == "=")


def _asked(field: str, op: str, value: str) -> str | None:
    """Return a term that holds for every job that the caller's term holds for."""
    if field == "create_time":
        return f"create_time{op}{quoted(value)}"
    if field == "state":
        state = JobState(_PREFIX.sub("", value).lower())
        # The service refuses a state that it does not have; so no job is in it.
        return f'state{op}"JOB_STATE_{state.upper()}"' if state.is_known else None
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
