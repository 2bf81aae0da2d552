"""Reads what a job is made of: a stored input file, or requests in the create body."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from gemini_batch.testing.emulator.core.errors import Refusal, invalid
from gemini_batch.testing.emulator.developer.jobs import Kind
from gemini_batch.testing.emulator.messages.rules import (
    Refusals,
    refusals_of_embed,
    refusals_of_generate,
)
from gemini_batch.testing.emulator.messages.validate import (
    DuplicateMemberError,
    check,
    decode,
)
from gemini_batch.testing.emulator.model.usage import enqueued_tokens

_BOM: Final = b"\xef\xbb\xbf"
# The service stops listing bad lines after some; the create answer stays readable.
_MAX_REPORTED: Final = 10

_RULES: Final[Mapping[Kind, tuple[str, Refusals]]] = {
    Kind.GENERATE: ("GenerateRow", refusals_of_generate),
    Kind.EMBED: ("EmbedRow", refusals_of_embed),
}


@frozen
class _BadLineError(Exception):
    text: str


@frozen(kw_only=True)
class _LineChecker:
    kind: Kind
    first_line_of: dict[str, int] = field(factory=dict)

    def check(self, number: int, line: bytes) -> int:
        """Check one line of an input file, and return its tokens.

        Raises:
            _BadLineError: It is not a proper row.
        """
        row = _decoded(number, line)
        message, rules = _RULES[self.kind]
        checked = check(message, row)
        for violation in checked.violations:
            column = _column(line, violation.member)
            raise _BadLineError(f"invalid JSON, near column {column}: {violation.brief}")
        request = checked.value.get("request")
        if request is None:
            raise _BadLineError("missing required field: 'request'")
        key = checked.value.get("key", "")
        if not key:
            raise _BadLineError("missing required field: 'key'")
        first = self.first_line_of.setdefault(key, number)
        if first != number:
            raise _BadLineError(f"duplicate key: '{key}' was used on line {first}")
        for refusal in rules(request):
            raise _BadLineError(refusal.strip())
        return enqueued_tokens(request)


def _column(line: bytes, member: str) -> int:
    text = line.decode(errors="replace")
    quoted = f'"{member}"'
    place = text.find(quoted) if member else -1
    return place + len(quoted) + 1 if place >= 0 else 1


def _decoded(number: int, line: bytes) -> Any:
    if number == 1 and line.startswith(_BOM):
        raise _BadLineError("invalid JSON, near column 1: unexpected byte order mark")
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise _BadLineError(
            f"invalid JSON, near column {error.start + 1}: invalid UTF-8"
        ) from None
    if not text.strip():
        raise _BadLineError("invalid JSON, near column 1: empty line")
    try:
        return decode(text)
    except json.JSONDecodeError as error:
        raise _BadLineError(
            f"invalid JSON, near column {error.colno}: {error.msg[:1].lower()}{error.msg[1:]}"
        ) from None
    except DuplicateMemberError as error:
        column = _column(line, str(error))
        raise _BadLineError(
            f"invalid JSON, near column {column}: field set twice: '{error}'"
        ) from None
    except ValueError as error:
        raise _BadLineError(f"invalid JSON, near column 1: {error}") from None


def count_rows(path: Path, kind: Kind) -> tuple[int, int]:
    """Check an input file as the service does during create. Blocks; run it in a thread.

    Returns:
        How many requests it holds, and how many tokens.

    Raises:
        Refusal: It holds a bad line, or none at all.
    """
    checker = _LineChecker(kind=kind)
    errors: list[str] = []
    number = tokens = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                tokens += checker.check(number, line.removesuffix(b"\n"))
            except _BadLineError as error:
                errors.append(f"Error on line {number}: {error.text}")
                if len(errors) == _MAX_REPORTED:
                    break
    if errors:
        raise invalid("\n".join(errors))
    if not number:
        raise no_requests(kind)
    return number, tokens


def no_requests(kind: Kind) -> Refusal:
    """Refuse a job without a single request."""
    return invalid(
        f"* {kind.value}.input_config: the batch must contain at least one request.\n"
    )


def check_inlined(rows: Sequence[Mapping[str, Any]], kind: Kind) -> int:
    """Apply the rules to requests of a create body, which fit the tables already.

    Returns:
        How many tokens they hold.

    Raises:
        Refusal: One of them breaks a rule, or there are none.
    """
    if not rows:
        raise no_requests(kind)
    _, rules = _RULES[kind]
    for index, row in enumerate(rows):
        where = f"batch.input_config.requests.requests[{index}]"
        if "request" not in row:
            raise invalid(f"* {where}.request: request is not specified\n")
        for refusal in rules(row["request"]):
            raise invalid(f"{where}: {refusal}")
    return sum(enqueued_tokens(row["request"]) for row in rows)


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write inlined requests to the disk, one per line, where their job reads them."""
    with path.open("wb") as file:
        file.writelines(_lines(rows))


def _lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
