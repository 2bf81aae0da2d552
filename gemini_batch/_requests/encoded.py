"""Rows as they are sent: a line of an input file, or an inline request."""

from typing import Final

from attrs import define, field

from gemini_batch._codec.request_structs import decode_text, encode_plain

BEFORE: Final = b'{"key":'
BETWEEN: Final = b',"request":'
AFTER: Final = b"}\n"


@define(kw_only=True)
class EncodedRequest:
    """A checked request, encoded. Not frozen, because rows are made by the million."""

    key: str
    request: bytes
    """JSON text of the request in canonical form."""

    metadata: bytes | None = None
    """JSON text of the inline metadata beside the key; None if there is none."""

    number: int
    """Line or position in the input, from 1."""

    @classmethod
    def from_line(cls, line: bytes, number: int) -> "EncodedRequest":
        """Take a line apart that `file_line` made."""
        head, request = cut_line(line)
        return cls(key=decode_text(head), request=request, number=number)

    def file_line(self) -> bytes:
        """Return the row as a line of an input file, newline included."""
        return b"".join((BEFORE, encode_plain(self.key), BETWEEN, self.request, AFTER))

    def inline_row(self) -> bytes:
        """Return the row as an inline request."""
        rest = b"}" if self.metadata is None else b"," + self.metadata[1:]
        key = encode_plain(self.key)
        return b'{"request":%b,"metadata":{"key":%b%b}' % (self.request, key, rest)


def cut_line(line: bytes) -> tuple[bytes, bytes]:
    """Return the texts of key and request of a line as it is sent."""
    # What stands between cannot stand in a key: there, every quote has a backslash before it.
    key, _, request = line.partition(BETWEEN)
    return key.removeprefix(BEFORE), request.removesuffix(AFTER)


_SHORTEST: Final = EncodedRequest(key="", request=b"", number=0)

INLINE_EXTRA: Final = len(_SHORTEST.inline_row()) + 1 - len(_SHORTEST.file_line())
"""Bytes that a row takes more among inline requests than as a line of a file."""


@define
class EncodedBlock:
    """Some checked rows."""

    keys: list[str] = field(factory=list)
    numbers: list[int] = field(factory=list)
    """Lines or positions in the input, from 1."""

    lines: list[bytes] = field(factory=list)

    def add(self, row: EncodedRequest | None) -> None:
        """Take a row, unless it is wrong."""
        if row is not None:
            self.keys.append(row.key)
            self.numbers.append(row.number)
            self.lines.append(row.file_line())

    def with_those_of(self, other: "EncodedBlock") -> "EncodedBlock":
        """Return the rows of both, in order of their numbers."""
        if not (self.keys and other.keys):
            return self if self.keys else other
        rows = [
            *zip(self.numbers, self.keys, self.lines, strict=True),
            *zip(other.numbers, other.keys, other.lines, strict=True),
        ]
        rows.sort()
        numbers, keys, lines = zip(*rows, strict=True)
        return EncodedBlock(list(keys), list(numbers), list(lines))
