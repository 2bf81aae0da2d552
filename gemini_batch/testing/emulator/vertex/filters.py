"""The filter of a list call: a small language (AIP-160) that the server evaluates."""

import datetime as dt
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from attrs import define, frozen

from gemini_batch.testing.emulator.core.errors import invalid
from gemini_batch.testing.emulator.vertex.jobs import STATES

Facts = Mapping[str, Any]
"""What a filter looks at: texts by field, a moment as ``create_time``, and a mapping as
``labels``."""

Filter = Callable[[Facts], bool]

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<operator><=|>=|!=|=|<|>|:)
      | (?P<mark>[()-])
      | (?P<word>[^\s()"'=!<>:]+)
    )""",
    re.VERBOSE,
)
_TEXTS: Final = frozenset(("display_name", "model_display_name"))
_COMPARED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_KEYWORDS: Final = frozenset(("AND", "OR", "NOT"))
_DEEPEST: Final = 50


@frozen
class _Token:
    kind: str
    text: str


def parse_filter(text: str) -> Filter:
    """Return what tells whether a job passes a filter.

    Raises:
        Refusal: It is not in the grammar, or a field does not know such a comparison.
    """
    parser = _Parser(text, _tokens_of(text))
    found = parser.expression(0)
    if parser.ahead is not None:
        parser.complain()
    return found


def _tokens_of(text: str) -> list[_Token]:
    tokens, place, end = [], 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise invalid(f'Invalid filter: "{text[:200]}", at position {place}.')
        tokens.append(_Token(match.lastgroup or "", match[match.lastgroup or 0]))
        place = match.end()
    return tokens


@define
class _Parser:
    source: str
    tokens: list[_Token]
    place: int = 0

    @property
    def ahead(self) -> _Token | None:
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def complain(self, reason: str = "") -> NoReturn:
        near = self.ahead.text if self.ahead is not None else "the end"
        why = reason or f"unexpected {near}"
        raise invalid(f'Invalid filter: "{self.source[:200]}": {why}.')

    def _take(self, kind: str, *texts: str) -> str | None:
        """Take the next token if it is of this kind and one of these texts."""
        token = self.ahead
        if token is None or token.kind != kind or (texts and token.text not in texts):
            return None
        self.place += 1
        return token.text

    def expression(self, depth: int) -> Filter:
        # OR binds closer than AND, and two restrictions in a row are both meant.
        parts = [self._choice(depth)]
        while self.ahead is not None and self.ahead.text != ")":
            self._take("word", "AND")
            parts.append(self._choice(depth))
        return lambda facts: all(part(facts) for part in parts)

    def _choice(self, depth: int) -> Filter:
        parts = [self._term(depth)]
        while self._take("word", "OR"):
            parts.append(self._term(depth))
        return lambda facts: any(part(facts) for part in parts)

    def _term(self, depth: int) -> Filter:
        if depth > _DEEPEST:
            self.complain("it is nested too deep")
        if self._take("word", "NOT") or self._take("mark", "-"):
            denied = self._term(depth + 1)
            return lambda facts: not denied(facts)
        if self._take("mark", "("):
            inside = self.expression(depth + 1)
            if not self._take("mark", ")"):
                self.complain()
            return inside
        return self._restriction()

    def _restriction(self) -> Filter:
        name = self._take("word")
        if name is None or name in _KEYWORDS:
            self.complain()
        sign = self._take("operator")
        if sign is None:
            self.complain()
        value = self._value()
        if name.startswith("labels."):
            return self._label(name.removeprefix("labels."), sign, value)
        if name in _TEXTS:
            return self._text(name, sign, value)
        if name == "state":
            return self._state(sign, value)
        if name == "create_time":
            return self._moment(sign, value)
        return self.complain(f"unknown field {name}")

    def _value(self) -> str:
        quoted = self._take("text")
        if quoted is not None:
            return re.sub(r"\\(.)", r"\1", quoted[1:-1])
        word = self._take("word")
        if word is None or word in _KEYWORDS:
            self.complain()
        return word

    def _unsupported(self, name: str, sign: str) -> NoReturn:
        self.complain(f"operator {sign} is not supported for {name}")

    def _label(self, key: str, sign: str, value: str) -> Filter:
        if sign == ":":
            if value != "*":
                self._unsupported("labels", sign)
            return lambda facts: key in facts["labels"]
        if sign == "=":
            return lambda facts: facts["labels"].get(key) == value
        if sign == "!=":
            return lambda facts: facts["labels"].get(key) != value
        return self._unsupported("labels", sign)

    def _text(self, name: str, sign: str, value: str) -> Filter:
        if sign == ":" and name == "display_name":
            pattern = re.compile(".*".join(map(re.escape, value.split("*"))), re.DOTALL)
            return lambda facts: pattern.fullmatch(facts[name]) is not None
        if sign not in {"=", "!="}:
            self._unsupported(name, sign)
        compare = _COMPARED[sign]
        return lambda facts: compare(facts[name], value)

    def _state(self, sign: str, value: str) -> Filter:
        if value not in STATES:
            self.complain(f"{value} is no state")
        if sign not in {"=", "!="}:
            self._unsupported("state", sign)
        compare = _COMPARED[sign]
        return lambda facts: compare(facts["state"], value)

    def _moment(self, sign: str, value: str) -> Filter:
        if sign not in _COMPARED:
            self._unsupported("create_time", sign)
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError:
            self.complain(f"{value} is no timestamp")
        if moment.tzinfo is None:
            self.complain(f"{value} has no time zone")
        compare = _COMPARED[sign]
        return lambda facts: compare(facts["create_time"], moment)
