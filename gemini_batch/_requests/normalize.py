"""Brings a request to its canonical form: names in camelCase, members in one order.

Everything that does not fit is reported with its path; what is the user's own (arguments of
functions, JSON schemas, labels) passes untouched.
"""

import base64
import binascii
import math
import re
from collections.abc import Callable
from typing import Any, Final

from gemini_batch._requests import hints
from gemini_batch._requests.messages import (
    Form,
    Member,
    Message,
    Scalar,
)

Path = tuple["Path", str] | None
"""Where a value stands, innermost last. Spelt out only when there is something to say."""

Report = Callable[[str, str, str], None]
"""Takes the field, what is wrong with it, and the remedy."""

BAD: Final = object()
"""Stands in for a member that was reported, so that it is not reported as missing, too."""

MAX_DEPTH: Final = 100
"""Levels of messages. JSON parsers of protocol buffers stop there, and so does the service."""

_INTEGER = re.compile(r"-?[0-9]{1,19}")

INT64: Final = 2**63
"""Integers are smaller than it, and not smaller than its negative."""

EXACT: Final = 2**53
"""Whole floats below it are the same number as an int."""


def path_text(path: Path) -> str:
    """Spell a path out: ``request.contents[0].parts``."""
    names = []
    while path is not None:
        path, name = path
        names.append(name)
    return "".join(names[::-1]).removeprefix(".")


class Normalizer:
    """Walks values along the message tables."""

    def __init__(
        self,
        report: Report,
        *,
        trusted: bool,
        after: Callable[[str, dict[str, Any], Path], None],
    ) -> None:
        """Create a walker.

        Args:
            report: Takes what is wrong.
            trusted: Whether values come from JSON text, so that what is the user's own needs
                no look.
            after: Called with each message once it is canonical.
        """
        self._report = report
        self._trusted = trusted
        self._after = after
        self._readers = {
            Scalar.STRING: self._string,
            Scalar.ENUM: self._string,
            Scalar.NUMBER: self._number,
            Scalar.INTEGER: self._integer,
            Scalar.BOOLEAN: self._boolean,
            Scalar.BYTES: self._bytes,
            Scalar.STRUCT: self._struct,
            Scalar.VALUE: self._value,
        }

    def message(self, message: Message, value: Any, path: Path, depth: int = 0) -> Any:
        """Return a message in canonical form; `BAD` if it is not even an object."""
        if not isinstance(value, dict):
            return self._misfit(f"a {message.name} object", value, path)
        if depth > MAX_DEPTH:
            self._say(path, f"nested deeper than {MAX_DEPTH} levels", "Flatten it.")
            return BAD
        clean: dict[str, Any] = {}
        members = message.members
        place, ordered = -1, True
        for spelt, item in value.items():
            member = members.get(spelt)
            if member is None:
                self._unknown(message, spelt, item, path, clean)
                continue
            # In the JSON form of protocol buffers, null means "not sent".
            if item is None and member.kind is not Scalar.VALUE:
                continue
            name = member.name
            if name in clean and clean[name] is not BAD:
                self._say(
                    (path, f".{spelt}"), f"{name} is there in two spellings", "Keep one."
                )
                continue
            ordered = ordered and member.place > place
            place = member.place
            clean[name] = self.member(member, item, (path, f".{name}"), depth)
        if not ordered:
            clean = {name: clean[name] for name in message.names if name in clean}
        self._after(message.name, clean, path)
        return clean

    def member(self, member: Member, value: Any, path: Path, depth: int) -> Any:
        """Return the value of a member in canonical form, in a message `depth` levels down."""
        if member.form is Form.LIST:
            if not isinstance(value, list | tuple):
                return self._not_a_list(member, value, path)
            return [
                self._single(member.kind, item, (path, f"[{index}]"), depth)
                for index, item in enumerate(value)
            ]
        if member.form is Form.MAP:
            if not isinstance(value, dict):
                return self._misfit("an object", value, path)
            for key in value:
                if not isinstance(key, str):
                    self._misfit("names that are strings", key, path)
            return {
                key: self._single(member.kind, item, (path, f".{key}"), depth)
                for key, item in value.items()
            }
        return self._single(member.kind, value, path, depth)

    def _single(self, kind: Scalar | Message, value: Any, path: Path, depth: int) -> Any:
        if isinstance(kind, Message):
            return self.message(kind, value, path, depth + 1)
        return self._readers[kind](value, path)

    def _string(self, value: Any, path: Path) -> Any:
        return value if isinstance(value, str) else self._misfit("a string", value, path)

    def _boolean(self, value: Any, path: Path) -> Any:
        return (
            value if isinstance(value, bool) else self._misfit("true or false", value, path)
        )

    def _bytes(self, value: Any, path: Path) -> Any:
        if isinstance(value, str) and is_base64(value):
            return value
        return self._misfit("a base64 string", value, path)

    def _struct(self, value: Any, path: Path) -> Any:
        if not isinstance(value, dict):
            return self._misfit("an object", value, path)
        return self._value(value, path)

    def _value(self, value: Any, path: Path) -> Any:
        self.own(value, path)
        return value

    def _number(self, value: Any, path: Path) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self._misfit("a number", value, path)
        if isinstance(value, float):
            if not math.isfinite(value):
                return self._misfit("a finite number", value, path)
            if value.is_integer() and abs(value) < EXACT:
                return int(value)
        return value

    def _integer(self, value: Any, path: Path) -> Any:
        number = value
        # proto3 JSON writes 64-bit integers as strings and lets 1.0 stand for 1.
        if (isinstance(value, str) and _INTEGER.fullmatch(value)) or (
            isinstance(value, float) and value.is_integer()
        ):
            number = int(value)
        if isinstance(number, bool) or not isinstance(number, int):
            return self._misfit("an integer", value, path)
        if not -INT64 <= number < INT64:
            return self._misfit("an integer of 64 bits", value, path)
        return number

    def own(self, value: Any, path: Path) -> None:
        """Look for what JSON cannot say in a value of the user's own."""
        if not self._trusted:
            self._own(value, path, 0)

    def _own(self, value: Any, path: Path, depth: int) -> None:
        if value is None or isinstance(value, str | bool | int):
            return
        if depth > MAX_DEPTH:
            self._say(path, f"nested deeper than {MAX_DEPTH} levels", "Flatten it.")
        elif isinstance(value, float):
            if not math.isfinite(value):
                self._misfit("a finite number", value, path)
        elif isinstance(value, dict):
            for key, item in value.items():
                if not isinstance(key, str):
                    self._misfit("names that are strings", key, path)
                self._own(item, (path, f".{key}"), depth + 1)
        elif isinstance(value, list | tuple):
            for index, item in enumerate(value):
                self._own(item, (path, f"[{index}]"), depth + 1)
        else:
            self._misfit("a JSON value", value, path)

    def _unknown(
        self, message: Message, spelt: Any, value: Any, path: Path, clean: dict[str, Any]
    ) -> None:
        name = spelt if isinstance(spelt, str) else repr(spelt)
        meant, remedy = hints.for_unknown(message, name, value)
        if meant is not None:
            clean.setdefault(meant, BAD)
        self._say((path, f".{name}"), f"{message.name} has no member {name!r}", remedy)

    def _not_a_list(self, member: Member, value: Any, path: Path) -> Any:
        remedy = hints.for_lone(member, value)
        self._say(path, f"expected a list, got {hints.json_type(value)}", remedy)
        return BAD

    def _misfit(self, expected: str, value: Any, path: Path) -> Any:
        remedy = hints.for_misfit(expected, value)
        self._say(path, f"expected {expected}, got {hints.json_type(value)}", remedy)
        return BAD

    def _say(self, path: Path, message: str, remedy: str) -> None:
        self._report(path_text(path), message, remedy)


def is_base64(text: str) -> bool:
    """Tell whether a text is base64 as the service reads it."""
    # Standard and URL-safe, padded or not: proto3 JSON reads all four.
    try:
        binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        standard = text.translate({ord("-"): "+", ord("_"): "/"}).rstrip("=")
        try:
            base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
        except ValueError:
            return False
    return True
