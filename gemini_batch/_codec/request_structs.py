"""Input rows: JSON text of what is known to be plain, and rows of the usual shape read by it.

The decoders here know the members that nearly all rows have, in camelCase. Whatever has others
does not fit, and is read member by member elsewhere; so nothing has to be reported from here.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from gemini_batch._codec.codec import JSON_ERRORS
from gemini_batch.types import JobKind

_encoder: Final = msgspec.json.Encoder()

encode_plain: Final[Callable[[Any], bytes]] = _encoder.encode
"""Return the JSON text of values of Python's own types.

Raises:
    TypeError: Something is of another type, be it a subclass.
    ValueError: A text is no Unicode.
"""

encode_lines: Final[Callable[[Any], bytes]] = _encoder.encode_lines
"""Return the JSON text of several such values, a newline after each."""

decode_plain: Final[Callable[[bytes], Any]] = msgspec.json.Decoder().decode
"""Return the values of Python's own types that JSON text says."""

decode_text: Final[Callable[[bytes], str]] = msgspec.json.Decoder(str).decode
"""Return the text that JSON text is, if it is one."""

Encoded: TypeAlias = msgspec.Raw
"""JSON text that is written as it stands, inside values that are encoded."""


_MOST: Final = 2**63 - 1


class Uncommon(Exception):  # noqa: N818 - no error: something else reads the row
    """A row is not of the usual shape."""


class _Shape(
    msgspec.Struct, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    pass


class CommonBlob(_Shape):
    """Inline data; base64 that nobody has looked at."""

    mime_type: str | None = None
    display_name: str | None = None
    data: str | None = None


class CommonFile(_Shape):
    """A file the service has."""

    mime_type: str | None = None
    display_name: str | None = None
    file_uri: str | None = None


class CommonPart(_Shape):
    """A part; nobody has looked whether it holds exactly one thing."""

    text: str | None = None
    inline_data: CommonBlob | None = None
    file_data: CommonFile | None = None
    thought: bool | None = None


class CommonContent(_Shape):
    """A content, members in canonical order as in all of these."""

    role: str | None = None
    parts: list[CommonPart] | None = None


class CommonGenerate(_Shape, kw_only=True):
    """A generation request. Members of type Any are not looked at."""

    contents: list[CommonContent]
    system_instruction: Any = None
    tools: Any = None
    tool_config: Any = None
    safety_settings: Any = None
    generation_config: Any = None
    cached_content: Any = None
    # The service's own guides mix both spellings here.
    snake_instruction: Any = msgspec.field(default=None, name="system_instruction")
    snake_config: Any = msgspec.field(default=None, name="generation_config")


class _GenerateLine(CommonGenerate, kw_only=True):
    """The same, of which what rows share stays text: that is known again at less cost."""

    # msgspec takes no `Raw | None`; what is null in the line is the text of it.
    system_instruction: msgspec.Raw = None  # type: ignore[assignment]
    generation_config: msgspec.Raw = None  # type: ignore[assignment]
    snake_instruction: msgspec.Raw = msgspec.field(default=None, name="system_instruction")  # type: ignore[assignment]
    snake_config: msgspec.Raw = msgspec.field(default=None, name="generation_config")  # type: ignore[assignment]


class CommonEmbed(_Shape, kw_only=True):
    """An embedding request."""

    content: CommonContent
    task_type: str | None = None
    title: str | None = None
    output_dimensionality: Annotated[int, msgspec.Meta(le=_MOST)] | None = None


class _GenerateRow(_Shape, kw_only=True):
    key: str | None = None
    request: CommonGenerate
    metadata: Any = None


class _GenerateRowLine(_GenerateRow, kw_only=True):
    request: _GenerateLine


class _EmbedRow(_Shape, kw_only=True):
    key: str | None = None
    request: CommonEmbed
    metadata: Any = None


class _BareGenerate(CommonGenerate):
    key: str | None = None


class _BareGenerateLine(_GenerateLine):
    key: str | None = None


class _BareEmbed(CommonEmbed):
    key: str | None = None


CommonRequest: TypeAlias = CommonGenerate | CommonEmbed

CommonRow: TypeAlias = tuple[str | None, Any, CommonRequest]
"""Key, metadata and request of a row."""

_ENVELOPED: Final = {JobKind.GENERATE: _GenerateRow, JobKind.EMBED: _EmbedRow}
_BARE: Final = {JobKind.GENERATE: _BareGenerate, JobKind.EMBED: _BareEmbed}
_LINES: Final[dict[JobKind, msgspec.json.Decoder[Any]]] = {
    JobKind.GENERATE: msgspec.json.Decoder(_GenerateRowLine),
    JobKind.EMBED: msgspec.json.Decoder(_EmbedRow),
}
_BARE_LINES: Final[dict[JobKind, msgspec.json.Decoder[Any]]] = {
    JobKind.GENERATE: msgspec.json.Decoder(_BareGenerateLine),
    JobKind.EMBED: msgspec.json.Decoder(_BareEmbed),
}


def common_line(line: bytes, kind: JobKind) -> CommonRow:
    """Read a row of the usual shape from a line of JSON.

    Instruction and config of a generation request are `Encoded`, as they stand there.

    Raises:
        Uncommon: It is another row, or none.
    """
    try:
        row = _LINES[kind].decode(line)
    except JSON_ERRORS:
        return _bare_line(line, kind)
    return row.key, row.metadata, row.request


def _bare_line(line: bytes, kind: JobKind) -> CommonRow:
    if b'"request"' in line:
        raise Uncommon
    try:
        return _bare(_BARE_LINES[kind].decode(line))
    except JSON_ERRORS:
        raise Uncommon from None


def common_mapping(value: Mapping[str, Any], kind: JobKind) -> CommonRow:
    """Read a row of the usual shape from plain values: what `marshal` takes, and no more.

    Raises:
        Uncommon: It is another row, or none.
    """
    try:
        if "request" in value:
            row = msgspec.convert(value, _ENVELOPED[kind])
            return row.key, row.metadata, row.request
        return _bare(msgspec.convert(value, _BARE[kind]))
    except JSON_ERRORS:
        raise Uncommon from None


def _bare(row: Any) -> CommonRow:
    # Not part of the request.
    key, row.key = row.key, None
    return key, None, row
