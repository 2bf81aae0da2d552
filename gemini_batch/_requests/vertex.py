"""Requests as Vertex AI takes them in rows (wire-protocol 3.5 and 3.8)."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from gemini_batch._codec import snake_name
from gemini_batch._requests import rules
from gemini_batch._requests.api_rules import ApiRules, Request
from gemini_batch._requests.messages import _TABLES, Message, _compile
from gemini_batch._requests.normalize import (
    BAD,
    Path,
    Report,
    path_text,
)
from gemini_batch._requests.rules import Clean
from gemini_batch.types import JobKind

_EMBED_OPTIONS: Final = {
    "taskType": "enum",
    "title": "string",
    "outputDimensionality": "integer",
    "autoTruncate": "boolean",
    "documentOcr": "boolean",
    "audioTrackExtraction": "boolean",
}
_MORE: Final[Mapping[str, Mapping[str, str]]] = {
    "GenerateContentRequest": {"modelArmorConfig": "struct", "outputConfig": "struct"},
    "GenerationConfig": {
        "routingConfig": "struct",
        "modelConfig": "struct",
        "audioTimestamp": "boolean",
    },
    "EmbedContentRequest": {**_EMBED_OPTIONS, "embedContentConfig": "EmbedContentConfig"},
    "EmbedContentConfig": _EMBED_OPTIONS,
    "FunctionCall": {"partialArgs": "value", "willContinue": "boolean"},
    "FunctionCallingConfig": {"streamFunctionCallArguments": "boolean"},
    "SafetySetting": {"method": "enum"},
    "ImageConfig": {
        "personGeneration": "enum",
        "prominentPeople": "enum",
        "imageOutputOptions": "ImageOutputOptions",
    },
    "ImageOutputOptions": {"mimeType": "string", "compressionQuality": "integer"},
    "GoogleSearch": {"blockingConfidence": "enum", "excludeDomains": "[string]"},
    "GoogleMaps": {"groundingTypes": "struct"},
    "Tool": {
        "retrieval": "struct",
        "enterpriseWebSearch": "struct",
        "parallelAiSearch": "struct",
        "exaAiSearch": "struct",
    },
}
"""What Vertex AI has beside the common members; from the converters of Google's own SDK."""

_DEVELOPER_ONLY: Final[Mapping[str, frozenset[str]]] = {
    "GenerateContentRequest": frozenset({"store"}),
    "GenerationConfig": frozenset({"enableEnhancedCivicAnswers"}),
    "Part": frozenset({"toolCall", "toolResponse", "partMetadata"}),
    "FunctionResponse": frozenset({"willContinue"}),
    "FunctionResponsePart": frozenset({"mediaProcessing"}),
    "Tool": frozenset({"fileSearch"}),
    "ToolConfig": frozenset({"includeServerSideToolInvocations"}),
    "McpServer": frozenset({"name"}),
    "ReplicatedVoiceConfig": frozenset({"consentAudio"}),
}
"""Members that Google's own SDK refuses on Vertex AI."""

MESSAGES: Final[Mapping[str, Message]] = _compile(
    {
        name: {**_TABLES.get(name, {}), **_MORE.get(name, {})}
        for name in [*_TABLES, *(_MORE.keys() - _TABLES.keys())]
    }
)

_YOUTUBE: Final = re.compile(
    r"https://(?:(?:www\.|m\.)?youtube\.com|youtu\.be)/\S+", re.ASCII
)
_LEGACY: Final = re.compile(r"text-embedding-00\d|text-multilingual-embedding-\d+")


def is_legacy_embedding(model: str) -> bool:
    """True for the older embedding models, whose input lines are of another form.

    Nothing is known to bring a key through them, so `submit` must not write rows for them.
    """
    bare = model.rpartition("/")[2].partition("@")[0]
    return _LEGACY.fullmatch(bare) is not None


def _full_model(model: str) -> str:
    bare = model.removeprefix("models/")
    return model if "/" in bare else f"publishers/google/models/{bare}"


def _after(report: Report) -> Callable[[str, Clean, Path], None]:
    common = rules.after_message(report)

    def check(name: str, clean: Clean, path: Path) -> None:
        common(name, clean, path)
        for member in sorted(_DEVELOPER_ONLY.get(name, frozenset()) & clean.keys()):
            report(
                path_text((path, f".{member}")),
                f"{name} has no member {member!r} on Vertex AI",
                "Only the Gemini Developer API has it: remove it.",
            )
        if name == "FileData":
            _file_data(clean, path, report)

    return check


def _file_data(clean: Clean, path: Path, report: Report) -> None:
    uri = clean.get("fileUri")
    if uri is BAD or (isinstance(uri, str) and uri.startswith("gs://")):
        return
    if not isinstance(uri, str) or not _YOUTUBE.fullmatch(uri):
        report(
            path_text((path, ".fileUri")),
            "Vertex AI reads files from Cloud Storage, and public videos on YouTube"
            if uri
            else "there is no fileUri",
            "Copy the file to a bucket, and write 'gs://bucket/object'.",
        )


def _check(kind: JobKind, clean: Request, path: Path, report: Report) -> Request:
    if kind == JobKind.EMBED:
        return _flat(clean, path, report)
    if clean.get("cachedContent"):
        report(
            path_text((path, ".cachedContent")),
            "batch jobs on Vertex AI take no explicit cache",
            "Remove it; what rows have in common at their start is cached by itself.",
        )
    labels = clean.get("labels")
    if isinstance(labels, dict):
        for name, value in labels.items():
            for text in (name, value):
                wrong = wrong_with_label(text)
                if wrong is not None:
                    report(
                        path_text(((path, ".labels"), f".{name}")), f"{text!r} {wrong}", ""
                    )
    return clean


def _flat(clean: Request, path: Path, report: Report) -> Request:
    """Return an embedding request with its options beside the content."""
    options = clean.get("embedContentConfig")
    if not isinstance(options, dict):
        return clean
    for name in options:
        if name in clean:
            report(
                path_text((path, f".{name}")),
                "it is also in embedContentConfig",
                "Keep one.",
            )
    rest = {name: item for name, item in clean.items() if name != "embedContentConfig"}
    return {**options, **rest}


def _sent(kind: JobKind, clean: Request) -> dict[str, Any]:
    # The job names the model; a row has no place for it.
    if kind != JobKind.EMBED:
        return {name: item for name, item in clean.items() if name != "model"}
    # As the guide writes it, in snake case: no other form was seen.
    options = {snake_name(name): clean[name] for name in _EMBED_OPTIONS if name in clean}
    sent = {"content": clean["content"]}
    return {**sent, "embed_content_config": options} if options else sent


VERTEX: Final = ApiRules(
    generate=MESSAGES["GenerateContentRequest"],
    embed=MESSAGES["EmbedContentRequest"],
    config=MESSAGES["GenerationConfig"],
    content=MESSAGES["Content"],
    full_model=_full_model,
    after=_after,
    check=_check,
    sent=_sent,
)
"""Rows of Vertex AI."""


MAX_LABEL: Final = 64
"""Characters of a label's name and of its value."""


def wrong_with_label(text: object) -> str | None:
    """Say what keeps a text from being a label's name or value; None if nothing does."""
    if not isinstance(text, str):
        return "is not a string"
    if len(text) > MAX_LABEL:
        return f"has more than {MAX_LABEL} characters"
    if all(c in "_-" or (c.isalnum() and c == c.lower()) for c in text):
        return None
    return "may have lower-case letters, digits, '_' and '-' only"
