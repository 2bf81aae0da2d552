"""Rules on requests that the message tables cannot express."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

_ROLES = frozenset(("user", "model", "function", ""))
_CACHED = (
    "CachedContent can not be used with GenerateContent request setting system_instruction,"
    " tools or tool_config.\n\nProposed fix: move those values to CachedContent from"
    " GenerateContent request."
)
_MAX_TEMPERATURE = 2.0
_MAX_STOP_SEQUENCES = 5
_MAX_DIMENSIONS = 3072


def _bad_parts(content: Mapping[str, Any], where: str) -> Iterator[str]:
    parts = content.get("parts", ())
    if not parts:
        yield f"* {where}.parts: contents.parts must not be empty.\n"
    for index, part in enumerate(parts):
        if not any(member not in _NOT_DATA for member in part):
            yield (
                f"* {where}.parts[{index}].data: required oneof field 'data' must have one"
                " initialized field\n"
            )


_NOT_DATA = frozenset(
    ("thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata")
)


def refusals_of_generate(request: Mapping[str, Any]) -> Iterator[str]:
    """Yield why a generation request is refused when the job is created."""
    contents = request.get("contents", ())
    if not contents:
        yield "* GenerateContentRequest.contents: contents is not specified\n"
    for index, content in enumerate(contents):
        yield from _bad_parts(content, f"GenerateContentRequest.contents[{index}]")
        if content.get("role", "") not in _ROLES:
            yield "Please use a valid role: user, model."
    instruction = request.get("systemInstruction")
    if instruction is not None:
        where = "GenerateContentRequest.system_instruction"
        yield from _bad_parts(instruction, where)
        for index, part in enumerate(instruction.get("parts", ())):
            if part.get("text") == "":
                yield f"* {where}.parts[{index}].text: text must not be empty.\n"
    if request.get("cachedContent") and any(
        member in request for member in ("systemInstruction", "tools", "toolConfig")
    ):
        yield _CACHED


def refusals_of_embed(request: Mapping[str, Any]) -> Iterator[str]:
    """Yield why an embedding request is refused when the job is created."""
    content = request.get("content")
    if content is None:
        yield "* EmbedContentRequest.content: content is not specified\n"
    else:
        yield from _bad_parts(content, "EmbedContentRequest.content")


def _outside(value: Any, low: float, high: float) -> bool:
    return value is not None and not low <= value <= high


def row_is_invalid(request: Mapping[str, Any], model: str) -> bool:
    """Tell whether a request that was let in fails as a row, with code 3."""
    if request.get("model", model) not in {model, model.removeprefix("models/")}:
        return True
    if "content" in request:
        title_misplaced = "title" in request and request.get("taskType") not in {
            "RETRIEVAL_DOCUMENT",
            None,
        }
        return title_misplaced or _outside(
            request.get("outputDimensionality"), 1, _MAX_DIMENSIONS
        )
    config = request.get("generationConfig", {})
    schemas = [name for name in ("responseSchema", "responseJsonSchema") if name in config]
    return (
        _outside(config.get("temperature"), 0.0, _MAX_TEMPERATURE)
        or _outside(config.get("topP"), 0.0, 1.0)
        or _outside(config.get("maxOutputTokens"), 1, 2**31)
        or _outside(config.get("candidateCount"), 1, 1)
        or len(config.get("stopSequences", ())) > _MAX_STOP_SEQUENCES
        or len(schemas) > 1
        or bool(schemas and config.get("responseMimeType") not in _STRUCTURED)
    )


_STRUCTURED = frozenset(("application/json", "text/x.enum"))

Refusals = Callable[[Mapping[str, Any]], Iterator[str]]
"""Rules on one kind of request."""
