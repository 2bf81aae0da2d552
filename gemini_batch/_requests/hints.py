"""What to do about a member that is unknown, misplaced or of the wrong shape."""

import difflib
import json
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from gemini_batch._codec import wire_name
from gemini_batch._requests.messages import MESSAGES, Member, Message
from gemini_batch.types import TaskType

_TEXT_PARTS = '{"parts": [{"text": "…"}]}'
ROW_FORM = '{"key": "…", "request": {"contents": [{"parts": [{"text": "…"}]}]}}'
"""What a row looks like."""

_UNKNOWN = (
    "If the service has learnt it since this release, upload the file yourself and use "
    "create(file_name=…), on Vertex AI create(gcs_uri=…), which does not check rows."
)

_SDK_ONLY = frozenset(
    [
        "httpOptions",
        "automaticFunctionCalling",
        "shouldReturnHttpResponse",
        "automaticContinuation",
        "abortSignal",
    ]
)

_VERTEX_ONLY: Final[Mapping[str, frozenset[str]]] = {
    name: frozenset(members.split())
    for name, members in {
        "GenerateContentRequest": "modelArmorConfig",
        "EmbedContentRequest": "autoTruncate mimeType documentOcr audioTrackExtraction",
        "GenerationConfig": (
            "routingConfig modelSelectionConfig audioTimestamp modelArmorConfig"
            " generationOutputConfig"
        ),
        "FunctionCall": "partialArgs willContinue",
        "FunctionCallingConfig": "streamFunctionCallArguments",
        "SafetySetting": "method",
        "ImageConfig": (
            "personGeneration prominentPeople outputMimeType outputCompressionQuality"
            " imageOutputOptions"
        ),
        "GoogleSearch": "blockingConfidence excludeDomains",
        "GoogleMaps": "groundingTypes",
        "Tool": "retrieval enterpriseWebSearch parallelAiSearch exaAiSearch",
    }.items()
}

_JSON_SCHEMA = frozenset(
    [
        "$schema",
        "$id",
        "$ref",
        "$defs",
        "$anchor",
        "ref",
        "defs",
        "definitions",
        "additionalProperties",
        "oneOf",
        "allOf",
        "not",
        "const",
        "examples",
        "prefixItems",
        "patternProperties",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "uniqueItems",
        "dependentRequired",
        "if",
        "then",
        "else",
    ]
)

# Where a member is found by its name alone. Only messages that stand in one place.
_PLACES: Final[Mapping[str, Mapping[str, str]]] = {
    "GenerateContentRequest": {
        "GenerationConfig": "generationConfig",
        "ThinkingConfig": "generationConfig.thinkingConfig",
        "SpeechConfig": "generationConfig.speechConfig",
        "ImageConfig": "generationConfig.imageConfig",
        "ToolConfig": "toolConfig",
        "Tool": "tools, a list",
        "FunctionCallingConfig": "toolConfig.functionCallingConfig",
    },
    "GenerationConfig": {
        "GenerateContentRequest": "the request, beside contents",
        "ThinkingConfig": "generationConfig.thinkingConfig",
        "SpeechConfig": "generationConfig.speechConfig",
        "ImageConfig": "generationConfig.imageConfig",
        "Tool": "tools, a list beside contents",
    },
    "Content": {"Part": 'a part: {"parts": [{…}]}'},
    "Part": {
        "FileData": "fileData",
        "Blob": "inlineData",
        "Content": "the content that holds the part",
    },
    "ToolConfig": {"FunctionCallingConfig": "toolConfig.functionCallingConfig"},
    "Tool": {"FunctionDeclaration": "functionDeclarations, a list"},
}

# What other APIs and older guides call it.
_ALIASES: Final[Mapping[str, Mapping[str, str]]] = {
    "GenerateContentRequest": {
        "system": "systemInstruction",
        "systemPrompt": "systemInstruction",
        "prompt": "contents",
        "functions": "tools",
    },
    "EmbedContentRequest": {
        "dimensions": "outputDimensionality",
        "text": "content",
        "input": "content",
    },
    "GenerationConfig": {
        "maxTokens": "maxOutputTokens",
        "maxCompletionTokens": "maxOutputTokens",
        "stop": "stopSequences",
        "n": "candidateCount",
        "schema": "responseSchema",
        "jsonSchema": "responseJsonSchema",
        "mimeType": "responseMimeType",
    },
}


_QUOTED: Final = "Write it without quotes."
_MISFITS: Final[Mapping[tuple[str, str], str]] = {
    # What was expected, what is there.
    ("a Content object", "a string"): f"Write {_TEXT_PARTS}.",
    ("a Part object", "a string"): 'Write {"text": "…"}.',
    ("a number", "a string"): _QUOTED,
    ("an integer", "a string"): _QUOTED,
    ("true or false", "a string"): _QUOTED,
    ("a base64 string", "a string"): (
        "Encode the bytes with base64.b64encode, or give bytes in Python."
    ),
    ("a string", "a number"): "Write it in quotes.",
}


def for_unknown(message: Message, spelt: str, value: Any) -> tuple[str | None, str]:
    """Say what to do about a member that `message` does not have.

    Returns:
        The member that was meant, if it is another one of the same message; the remedy.
    """
    name = wire_name(spelt)
    generate = message.name == "GenerateContentRequest"
    if generate and name in {"messages", "body"}:
        return "contents", f"That is another API's form. A row is {ROW_FORM}."
    if generate and name == "config":
        return None, _flattened(value)
    return _by_rule(message, name) or _elsewhere(message, name)


def _by_rule(message: Message, name: str) -> tuple[None, str] | None:
    if name in _SDK_ONLY:
        return None, "It is an option of google-genai itself and is never sent: remove it."
    if message.name == "EmbedContentRequest" and name in {"embedContentConfig", "config"}:
        return None, "Its members belong beside content."
    if name in _VERTEX_ONLY.get(message.name, ()):
        return None, "Only Vertex AI has it: remove it."
    if message.name == "Schema" and name in _JSON_SCHEMA:
        return None, (
            "This is the service's own schema language; a JSON Schema goes into "
            "responseJsonSchema (or parametersJsonSchema of a function)."
        )
    return None


def _elsewhere(message: Message, name: str) -> tuple[str | None, str]:
    places = _places(message, name)
    if places:
        return None, f"It belongs in {' or '.join(places)}."
    alias = _ALIASES.get(message.name, {}).get(name)
    if alias is not None:
        return alias, f"It is called {alias!r} here."
    if message.name == "GenerateContentRequest" and name in _ALIASES["GenerationConfig"]:
        meant = _ALIASES["GenerationConfig"][name]
        return None, f"It is called {meant!r} here and belongs in generationConfig."
    known = {member.lower(): member for member in message.names}
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.75)
    if close:
        return known[close[0]], f"Did you mean {known[close[0]]!r}?"
    return None, _UNKNOWN


@lru_cache(64)  # the rows of a job mostly have the same
def close_task(task: str) -> str | None:
    """Return the task type that an unknown one is a slip of; None if it is like none."""
    spelt = task.strip().upper().replace("-", "_").replace(" ", "_")
    # Near enough for two letters swapped, too far for another word.
    close = difflib.get_close_matches(spelt, list(TaskType), n=1, cutoff=0.88)
    return str(close[0]) if close else None


def _places(message: Message, name: str) -> list[str]:
    return [
        place
        for other, place in _PLACES.get(message.name, {}).items()
        if name in MESSAGES[other].members
    ]


def _flattened(config: Any) -> str:
    """Say where each member of google-genai's flattened ``config`` goes."""
    request, generation = MESSAGES["GenerateContentRequest"], MESSAGES["GenerationConfig"]
    beside, inside, out = [], [], []
    for spelt in _names(config):
        name = wire_name(str(spelt))
        if name in generation.members:
            inside.append(name)
        elif name in request.members:
            beside.append(name)
        else:
            out.append(name)
    pairs = (
        (inside, "into generationConfig "),
        (beside, "beside contents "),
        (out, "out of the row "),
    )
    moves = "; ".join(head + ", ".join(names) for names, head in pairs if names)
    return (
        "It is google-genai's flattened form. Its members go elsewhere"
        f"{': ' + moves if moves else ''}."
    )


def _names(value: Any) -> list[Any]:
    return list(value) if isinstance(value, dict) else []


def for_envelope(spelt: str) -> str:
    """Say what to do about a member beside ``key`` and ``request``."""
    name = wire_name(spelt)
    if name in {"customId", "id"}:
        return 'A row is named by "key".'
    for message, place in (
        ("GenerateContentRequest", "request"),
        ("EmbedContentRequest", "request"),
        ("GenerationConfig", "request.generationConfig"),
    ):
        if name in MESSAGES[message].members:
            return f"It belongs in {place}."
    return f'A row has "key" and "request". {_UNKNOWN}'


def for_lone(member: Member, value: Any) -> str:
    """Say what to do about a single value where a list is due."""
    kind = member.kind.name if isinstance(member.kind, Message) else ""
    if kind == "Content" and isinstance(value, str):
        return f"Use GenerateRequest.from_text(…), or write [{_TEXT_PARTS}]."
    if kind == "Part" and isinstance(value, str):
        return 'Write [{"text": "…"}].'
    return "Put it into a list: […]."


def for_misfit(expected: str, value: Any) -> str:
    """Say what to do about a value of the wrong shape."""
    return _MISFITS.get((expected, json_type(value)), "")


def json_type(value: Any) -> str:
    """Name the JSON type of a value; the Python type where JSON has none."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    names = {
        "a number": int | float,
        "a string": str,
        "an object": dict,
        "a list": list | tuple,
    }
    for name, cls in names.items():
        if isinstance(value, cls):
            return name
    return f"a Python {type(value).__name__}"


_ONE_OBJECT = "Every line is one whole JSON object, without a comma or list around it."


def why_not_json(line: bytes, error: Exception) -> tuple[str, str]:
    """Return what is wrong with a line that could not be decoded, and the remedy.

    Args:
        line: The line.
        error: What the decoder said, for faults only it sees.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError as exc:
        return f"not UTF-8 at byte offset {exc.start}", "Save the text again as UTF-8."
    try:
        # The fast decoder says less about faults than this one.
        json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as exc:
        return f"not JSON at column {exc.pos + 1}: {exc.msg}", _remedy(text.strip())
    except (ValueError, RecursionError) as exc:
        return f"not JSON: {exc}", _ONE_OBJECT
    return f"not JSON: {error.__cause__ or error}", _ONE_OBJECT


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _remedy(text: str) -> str:
    if text.startswith(("{'", "{b'")):
        return "This is Python's own notation: write rows with json.dumps."
    if text.startswith(("{", "[")):
        return _ONE_OBJECT
    return "For a plain prompt, use GenerateRequest.from_text(…)."
