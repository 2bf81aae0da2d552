"""Filters of a list, applied here: this API declares a filter, but nobody has seen it work.

The grammar is the part of Vertex AI's that makes sense for both services, so that a filter
written for one means the same on the other.
"""

import datetime as dt
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from gemini_batch._wire.dialect import Predicate
from gemini_batch.errors import InputError

_TERM = re.compile(
    r"""\s*(?P<field>[a-z_]+)\s*(?P<op><=|>=|!=|=|<|>|:)\s*
        (?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s"()]+))\s*""",
    re.VERBOSE,
)
_AND = re.compile(r"AND\s", re.ASCII)
_REMEDY = (
    'Write terms such as state="running", display_name="nightly", display_name:"night*", '
    'model="gemini-2.5-flash" or create_time>"2026-07-01T00:00:00Z", joined by AND.'
)
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_PREFIX = re.compile(r"^(?:JOB|BATCH)_STATE_")


def read_filter(text: str) -> Predicate:
    """Return the test a filter stands for.

    Raises:
        InputError: It is not in the grammar.
    """
    terms: list[Predicate] = []
    position = 0
    while True:
        match = _TERM.match(text, position)
        if match is None:
            raise _wrong(f"it cannot be read at {text[position : position + 30]!r}")
        terms.append(_term(match))
        position = match.end()
        if position == len(text):
            return lambda job: all(term(job) for term in terms)
        joint = _AND.match(text, position)
        if joint is None:
            raise _wrong(f"only AND joins terms, not {text[position : position + 10]!r}")
        position = joint.end()


def _term(match: re.Match[str]) -> Predicate:
    field, op = match["field"], match["op"]
    quoted = match["quoted"]
    value = match["bare"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    if field == "create_time" and op in _OPERATORS:
        return _created(op, value)
    if field == "display_name" and op == ":":
        return _matching(value)
    if field not in {"state", "display_name", "model"} or op not in {"=", "!="}:
        raise _wrong(f"{field} {op} is not supported")
    return _equal(field, op, value)


def _created(op: str, value: str) -> Predicate:
    try:
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        raise _wrong(f"{value!r} is not a timestamp") from None
    if moment.tzinfo is None:
        raise _wrong(f"{value!r} has no time zone")
    compare = _OPERATORS[op]
    return lambda job: job.create_time is not None and compare(job.create_time, moment)


def _matching(value: str) -> Predicate:
    pattern = re.compile(".*".join(re.escape(part) for part in value.split("*")), re.DOTALL)
    return lambda job: pattern.fullmatch(job.display_name or "") is not None


def _equal(field: str, op: str, value: str) -> Predicate:
    if field == "state":
        value = _PREFIX.sub("", value).lower()
    if field == "model" and "/" not in value:
        value = f"models/{value}"
    compare = _OPERATORS[op]
    return lambda job: compare(getattr(job, field) or "", value)


def _wrong(message: str) -> InputError:
    return InputError.one(message, remedy=_REMEDY, field="filter")
