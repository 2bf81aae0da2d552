"""Rows of the usual shape, written without a walk.

What is written here is what would be written after the walk, of rows that the walk would find
sound. All others are left to it: nothing is reported from here.
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from attrs import fields

from gemini_batch._codec import Codec
from gemini_batch._codec.request_structs import (
    CommonContent,
    CommonEmbed,
    CommonGenerate,
    CommonPart,
    CommonRequest,
    Encoded,
    Uncommon,
    common_line,
    common_mapping,
    encode_plain,
)
from gemini_batch._requests import rules
from gemini_batch._requests.attrs_encoder import Write, refuse, writer
from gemini_batch._requests.defaults import Defaults
from gemini_batch._requests.encoded import AFTER, BEFORE, BETWEEN
from gemini_batch._requests.envelope import written_key
from gemini_batch._requests.messages import MESSAGES, Member, Message
from gemini_batch._requests.normalize import Normalizer, is_base64
from gemini_batch._requests.shared_parts import Shared, encoded, snapshot_of
from gemini_batch._requests.text_requests import (
    STARTS,
    content_text,
    request_texts,
    start,
    text_content,
)
from gemini_batch.types import (
    Content,
    EmbedRequest,
    GenerateRequest,
    GenerationConfig,
    JobKind,
    SafetySetting,
    ThinkingConfig,
    Tool,
    ToolConfig,
)

Made: TypeAlias = tuple[str, bytes, bytes | None]
"""Key, line of a file, and text of the metadata beside the key."""

_CONFIG: Final = MESSAGES["GenerationConfig"]
_CONTENT: Final = MESSAGES["Content"]
_MEMBERS: Final = MESSAGES["GenerateContentRequest"].members
_TOOLS: Final = _MEMBERS["tools"]
_TOOL_CONFIG: Final = _MEMBERS["toolConfig"]
_SAFETY: Final = _MEMBERS["safetySettings"]
_SHORT: Final = 65_536  # characters


def _holds(cls: type[Any], *, but: str = "") -> Callable[[Any], tuple[Any, ...]]:
    """Return a function that reads all members of a value but one: half an `attrgetter`'s cost."""
    read = [f"value.{field.name}" for field in fields(cls) if field.name != but]
    # Written from our own classes alone.
    reader: Callable[[Any], tuple[Any, ...]] = eval(f"lambda value: ({', '.join(read)},)")  # noqa: S307
    return reader


_thinking: Final = _holds(ThinkingConfig)
_held: Final = _holds(GenerationConfig, but="thinking_config")


class FastCheck:
    """Writes rows. Every method raises `Uncommon` for one that has to be walked."""

    def __init__(self, codec: Codec, defaults: Defaults, *, allow_metadata: bool) -> None:
        self._defaults = defaults
        self._allow_metadata = allow_metadata
        self._default_config = _written(codec, defaults.config)
        self._default_instruction = _written(codec, defaults.instruction)
        self._shared = Shared()
        after = rules.after_message(refuse)
        self._normalizer = Normalizer(refuse, trusted=False, after=after)
        self._write_content = writer(Content, "Content", 1)
        self._write_config = writer(GenerationConfig, "GenerationConfig", 1)
        self._write_safety = writer(SafetySetting, "SafetySetting", 1)
        self._write_tool = writer(Tool, "Tool", 1)
        self._write_tool_config = writer(ToolConfig, "ToolConfig", 1)
        self._write_embed = writer(EmbedRequest, "EmbedContentRequest", 0)

    def generate(self, value: GenerateRequest, number: int, *, soon: bool = False) -> Made:
        """Write a typed generation request; where it is to be soon, only what is short."""
        texts = request_texts(value)
        if texts is None:
            if soon:
                raise Uncommon
            return self._any_generate(value, number)
        # Nearly all requests come here, and calls are what costs: hence so few of them.
        role, text, told_by, told = texts
        config = value.generation_config
        if soon and (len(text) > _SHORT or (told and len(told) > _SHORT)):
            raise Uncommon
        instruction = settings = b""
        if told is not None:
            instruction = self._shared.texts.get((told_by, told)) or self._told(
                told_by, told
            )
        if config is not None:
            known = self._shared.values.get(id(config))
            settings = (known and known[1]) or self._config(config, soon=soon)
        return self._text_row(value.key, number, role, text, (instruction, settings))

    def embed(self, value: EmbedRequest, number: int) -> Made:
        """Write a typed embedding request."""
        request = self._write_embed(value, self._splice)
        rules.check_embed(request, None, refuse)
        return self._row(value.key, value.metadata, number, request)

    def mapping(self, value: dict[str, Any], number: int, kind: JobKind) -> Made:
        """Write a request that is a mapping, of Python's own types alone."""
        return self._usual(*common_mapping(value, kind), number)

    def line(self, line: bytes, number: int, kind: JobKind) -> Made:
        """Write a request that is a line of JSON."""
        return self._usual(*common_line(line, kind), number)

    # Typed requests

    def _any_generate(self, value: GenerateRequest, number: int) -> Made:
        contents: Any = value.contents
        if contents.__class__ is not tuple and contents.__class__ is not list:
            raise Uncommon
        written: list[Any] = [self._write_content(each, self._splice) for each in contents]
        request = CommonGenerate(
            contents=written,
            cached_content=value.cached_content,
        )
        if value.system_instruction is not None:
            request.system_instruction = Encoded(
                self._instruction(value.system_instruction)
            )
        safety = value.safety_settings
        if safety is not None:
            request.safety_settings = Encoded(self._known(safety) or self._safety(safety))
        config = value.generation_config
        if config is not None:
            request.generation_config = Encoded(self._known(config) or self._config(config))
        if value.tools is not None:
            tools = self._each(_TOOLS, value.tools, Tool, self._write_tool)
            request.tools = Encoded(tools)
        if value.tool_config is not None:
            request.tool_config = self._tool_config(value.tool_config)
        return self._generation(value.key, value.metadata, number, request)

    def _instruction(self, content: Content) -> bytes:
        lone = content_text(content)
        if lone is not None:
            return self._shared.texts.get(lone) or self._told(*lone)
        written = self._write_content(content, self._splice)
        rules.check_instruction(written, None, refuse)
        return encoded(written)

    def _told(self, role: str | None, text: str) -> bytes:
        if not text:
            raise Uncommon
        content = text_content(role, text)
        self._shared.keep(role, text, content)
        return content

    def _known(self, value: object) -> bytes:
        known = self._shared.values.get(id(value))
        return b"" if known is None else known[1]

    def _config(self, config: Any, *, soon: bool = False) -> bytes:
        if config.__class__ is not GenerationConfig:
            if soon:
                raise Uncommon
            return self._shared.tree(_CONFIG, config, self._plain_config)
        # What it holds is told faster than it is written.
        held = _held(config)
        thinking = config.thinking_config
        if thinking is not None:
            if thinking.__class__ is not ThinkingConfig:
                raise Uncommon
            held += _thinking(thinking)
        snapshot = snapshot_of(held)
        if snapshot is None:
            raise Uncommon
        text = self._shared.texts.get((GenerationConfig, snapshot))
        if text is None:
            if soon and _holds_mappings(config):
                raise Uncommon
            written = self._write_config(config, self._splice)
            text = encoded(self._completed(written))
            self._shared.keep(GenerationConfig, snapshot, text)
        self._shared.note(GenerationConfig, config, text)
        return text

    def _safety(self, settings: Any) -> bytes:
        text = self._each(_SAFETY, settings, SafetySetting, self._write_safety)
        self._shared.note(SafetySetting, settings, text)
        return text

    def _tool_config(self, config: Any) -> Encoded:
        if config.__class__ is not ToolConfig:
            return self._splice(_TOOL_CONFIG, config, 0)
        return Encoded(encoded(self._write_tool_config(config, self._splice)))

    def _each(self, member: Member, values: Any, cls: type[Any], write: Write) -> bytes:
        """Write values that are all of a class of ours, or all mappings."""
        if values.__class__ is not tuple and values.__class__ is not list:
            raise Uncommon
        if values and values[0].__class__ is cls:
            return encoded([write(value, self._splice) for value in values])
        return self._member(member, values, 0)

    # Plain requests

    def _usual(
        self, key: str | None, metadata: Any, request: CommonRequest, number: int
    ) -> Made:
        if isinstance(request, CommonEmbed):
            check_embed(request)
            return self._row(key, metadata, number, request)
        instruction = self._plain(
            _CONTENT,
            request.system_instruction,
            request.snake_instruction,
            self._plain_instruction,
        )
        settings = self._plain(
            _CONFIG, request.generation_config, request.snake_config, self._plain_config
        )
        lone = None if metadata is not None else lone_text(request)
        if lone is not None and lone.text is not None:
            return self._text_row(
                key, number, request.contents[0].role, lone.text, (instruction, settings)
            )
        for content in request.contents:
            check_content(content)
        request.snake_instruction = request.snake_config = None
        request.system_instruction = Encoded(instruction) if instruction else None
        request.generation_config = Encoded(settings) if settings else None
        if request.safety_settings is not None:
            request.safety_settings = self._splice(_SAFETY, request.safety_settings, 0)
        if request.tools is not None:
            request.tools = self._splice(_TOOLS, request.tools, 0)
        if request.tool_config is not None:
            request.tool_config = self._splice(_TOOL_CONFIG, request.tool_config, 0)
        return self._generation(key, metadata, number, request)

    def _plain(
        self, message: Message, value: Any, snake: Any, make: Callable[[Any], Any]
    ) -> bytes:
        """Return the text of a member that may go by either of two names; empty if by none."""
        if snake is not None:
            if value is not None:
                raise Uncommon
            value = snake
        if value is None:
            return b""
        if value.__class__ is not Encoded:
            return self._shared.tree(message, value, make)
        text = bytes(value)
        return b"" if text == b"null" else self._shared.read(message.name, text, make)

    def _plain_instruction(self, value: Any) -> Any:
        instruction = self._normalizer.message(_CONTENT, value, None, 1)
        rules.check_instruction(instruction, None, refuse)
        return instruction

    def _plain_config(self, config: Any) -> Any:
        return self._completed(self._normalizer.message(_CONFIG, config, None, 1))

    # All requests

    def _text_row(
        self,
        key: str | None,
        number: int,
        role: str | None,
        text: str,
        shared: tuple[bytes, bytes],
    ) -> Made:
        """Write a request that is one text, with the texts of instruction and config."""
        if key is None:
            key = written_key(number)
        elif key.__class__ is not str or not key:
            raise Uncommon
        tail = self._shared.texts.get(shared)
        try:
            pieces = (
                BEFORE,
                encode_plain(key),
                STARTS.get(role) or start(role),
                encode_plain(text),
                tail or self._tail(*shared),
            )
        except ValueError:
            raise Uncommon from None
        return key, b"".join(pieces), None

    def _tail(self, instruction: bytes, settings: bytes) -> bytes:
        """Return what follows the text of a request, which mostly is what followed others."""
        pieces = [b"}]}]"]
        if instruction:
            pieces += (b',"systemInstruction":', instruction)
        elif self._default_instruction is not None:
            pieces += (b',"systemInstruction":', bytes(self._default_instruction))
        if settings:
            pieces += (b',"generationConfig":', settings)
        elif self._default_config is not None:
            pieces += (b',"generationConfig":', bytes(self._default_config))
        tail = b"".join((*pieces, b"}}\n"))
        self._shared.keep(instruction, settings, tail)
        return tail

    def _generation(
        self, key: str | None, metadata: Any, number: int, request: CommonGenerate
    ) -> Made:
        """Write a request whose cached content and lack of things were not looked at."""
        if not request.contents:
            raise Uncommon
        if request.system_instruction is None:
            request.system_instruction = self._default_instruction
        if request.generation_config is None:
            request.generation_config = self._default_config
        if request.cached_content is not None:
            check_cached(request)
        return self._row(key, metadata, number, request)

    def _row(self, key: str | None, metadata: Any, number: int, request: Any) -> Made:
        extra = None
        if metadata is not None:
            key, extra = self._metadata(key, metadata)
        if key is None:
            key = written_key(number)
        elif key.__class__ is not str or not key:
            raise Uncommon
        try:
            line = (BEFORE, encode_plain(key), BETWEEN, encode_plain(request), AFTER)
        except (TypeError, ValueError):
            raise Uncommon from None
        return key, b"".join(line), extra

    def _metadata(self, key: str | None, metadata: Any) -> tuple[str | None, bytes | None]:
        if not self._allow_metadata or metadata.__class__ is not dict:
            raise Uncommon
        self._normalizer.own(metadata, None)
        rest = dict(metadata)
        inner = rest.pop("key", None)
        if key is None:
            key = inner
        elif inner is not None and (inner.__class__ is not str or inner != key):
            raise Uncommon
        return key, encoded(rest) if rest else None

    def _completed(self, config: dict[str, Any]) -> dict[str, Any]:
        complete = self._defaults.completed(config)
        rules.check_config(complete, None, refuse)
        return complete

    def _member(self, member: Member, value: Any, depth: int) -> bytes:
        return self._shared.tree(
            member, value, lambda plain: self._normalizer.member(member, plain, None, depth)
        )

    def _splice(self, member: Member, value: Any, depth: int) -> Encoded:
        return Encoded(self._member(member, value, depth))


def _holds_mappings(config: GenerationConfig) -> bool:
    mappings = (
        config.response_schema,
        config.response_json_schema,
        config.speech_config,
        config.image_config,
    )
    return any(mapping is not None for mapping in mappings)


def _written(codec: Codec, value: dict[str, Any] | None) -> Encoded | None:
    try:
        return None if value is None else Encoded(codec.dumps(value))
    except (TypeError, ValueError):
        raise Uncommon from None


def lone_text(request: CommonGenerate) -> CommonPart | None:
    """Return the part of a request that has but one, of text, besides what many share."""
    contents = request.contents
    if len(contents) != 1 or not contents[0].parts or len(contents[0].parts) != 1:
        return None
    part = contents[0].parts[0]
    if (
        part.inline_data is not None
        or part.file_data is not None
        or part.thought is not None
    ):
        return None
    others = request.tools, request.tool_config, request.safety_settings
    return part if others == (None, None, None) and request.cached_content is None else None


def check_cached(request: CommonGenerate) -> None:
    """Refuse cached content beside what it excludes."""
    excluded = (request.system_instruction, request.tools, request.tool_config)
    if any(member is not None for member in excluded):
        raise Uncommon
    if request.cached_content.__class__ is not str:
        raise Uncommon


def check_content(content: CommonContent) -> None:
    """Refuse a content unless each part holds one thing, and that as it must be."""
    if not content.parts:
        raise Uncommon
    for part in content.parts:
        blob, file = part.inline_data, part.file_data
        if blob is None and file is None:
            if part.text is None:
                raise Uncommon
            continue
        held = [member for member in (part.text, blob, file) if member is not None]
        if len(held) > 1 or (
            blob is not None and (blob.data is None or not is_base64(blob.data))
        ):
            raise Uncommon


def check_embed(request: CommonEmbed) -> None:
    """Refuse an embedding request that the rules or its content forbid."""
    check_content(request.content)
    members: dict[str, Any] = {"content": request.content, "taskType": request.task_type}
    if request.title is not None:
        members["title"] = request.title
    if request.output_dimensionality is not None:
        members["outputDimensionality"] = request.output_dimensionality
    rules.check_embed(members, None, refuse)
