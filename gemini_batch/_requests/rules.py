"""Rules on requests that the message tables cannot express (wire-protocol 1.7 and 1.14)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from gemini_batch._requests import hints
from gemini_batch._requests.messages import PART_DATA
from gemini_batch._requests.normalize import (
    BAD,
    Path,
    Report,
    path_text,
)
from gemini_batch.types import TaskType

SCHEMAS: Final = ("responseSchema", "responseJsonSchema")
_WITH_SCHEMA: Final = frozenset({"application/json", "text/x.enum"})
_NOT_WITH_CACHE: Final = ("systemInstruction", "tools", "toolConfig")
_DOCUMENT: Final = "RETRIEVAL_DOCUMENT"
_TASKS: Final = frozenset(task.value for task in TaskType)

Clean = Mapping[str, Any]
"""A message in canonical form; what was reported is `BAD`."""


def after_message(report: Report) -> Callable[[str, Clean, Path], None]:
    """Return the check of a single message, for the walker to call after each."""
    checks = {"Content": _content, "Part": _part, "Blob": _blob}

    def check(name: str, clean: Clean, path: Path) -> None:
        rule = checks.get(name)
        if rule is not None:
            rule(clean, path, report)

    return check


def _content(clean: Clean, path: Path, report: Report) -> None:
    if not clean.get("parts"):
        report(
            path_text((path, ".parts")),
            "the content has no parts",
            'Write [{"text": "…"}].',
        )


def _part(clean: Clean, path: Path, report: Report) -> None:
    data = [name for name in clean if name in PART_DATA]
    if len(data) == 1:
        return
    if data:
        report(
            path_text(path),
            f"a part holds one thing, this one {len(data)}: {', '.join(data)}",
            "Make a part of each.",
        )
    elif "audioTranscription" not in clean:
        report(
            path_text(path),
            "the part holds nothing",
            'Give it text, as in {"text": "…"}, or data.',
        )


def _blob(clean: Clean, path: Path, report: Report) -> None:
    if "data" not in clean:
        report(
            path_text((path, ".data")),
            "there is no data",
            "Give the bytes in base64; to point at a file, use fileData.",
        )


def check_generate(
    clean: Clean, path: Path, report: Report, *, default_instruction: bool
) -> None:
    """Check a generation request as a whole, defaults applied.

    Args:
        clean: The request.
        path: Where it stands.
        report: Takes what is wrong.
        default_instruction: Whether its system instruction is not its own.
    """
    if not clean.get("contents"):
        report(
            path_text((path, ".contents")),
            "there are no contents",
            'Write [{"parts": [{"text": "…"}]}].',
        )
    _instruction(clean.get("systemInstruction"), (path, ".systemInstruction"), report)
    config = clean.get("generationConfig")
    if isinstance(config, dict):
        check_config(config, (path, ".generationConfig"), report)
    if clean.get("cachedContent"):
        _cached(clean, path, report, default_instruction=default_instruction)


def _instruction(content: Any, path: Path, report: Report) -> None:
    parts = content.get("parts") if isinstance(content, dict) else None
    for index, part in enumerate(parts if isinstance(parts, list) else ()):
        if isinstance(part, dict) and part.get("text") == "":
            report(
                path_text(((path, ".parts"), f"[{index}].text")),
                "the text of a system instruction must not be empty",
                "Leave systemInstruction out.",
            )


def check_instruction(clean: Any, path: Path, report: Report) -> None:
    """Check a system instruction."""
    _instruction(clean, path, report)


def check_config(config: Clean, path: Path, report: Report) -> None:
    """Check a generation config, defaults applied."""
    schemas = [name for name in SCHEMAS if config.get(name) is not None]
    if len(schemas) > 1:
        report(
            path_text((path, f".{SCHEMAS[1]}")),
            "responseSchema and responseJsonSchema exclude each other",
            "Keep one.",
        )
    mime_type = config.get("responseMimeType")
    if schemas and mime_type is not BAD and mime_type not in _WITH_SCHEMA:
        report(
            path_text((path, ".responseMimeType")),
            f"{schemas[0]} needs responseMimeType, but it is {mime_type or 'not set'}",
            'Set it to "application/json".',
        )


def _cached(clean: Clean, path: Path, report: Report, *, default_instruction: bool) -> None:
    if default_instruction:
        report(
            path_text((path, ".cachedContent")),
            "the default system_instruction cannot be applied to a request with cachedContent",
            "Put the instruction into the cached content, or give it in the other rows alone.",
        )
    own = [
        name
        for name in _NOT_WITH_CACHE
        if clean.get(name) and not (default_instruction and name == "systemInstruction")
    ]
    if own:
        report(
            path_text((path, ".cachedContent")),
            f"a request with cachedContent must not have {', '.join(own)}",
            "Put them into the cached content when you create it.",
        )


def check_embed(clean: Clean, path: Path, report: Report) -> None:
    """Check an embedding request as a whole."""
    if "content" not in clean:
        report(
            path_text((path, ".content")),
            "there is no content",
            'Write {"parts": [{"text": "…"}]}.',
        )
    task = clean.get("taskType")
    # One that was born after this release must pass; a slip of the pen must not.
    unknown = isinstance(task, str) and str(task) not in _TASKS
    meant = hints.close_task(str(task)) if unknown else None
    if meant is not None:
        report(
            path_text((path, ".taskType")),
            f"there is no task type {str(task)!r}",
            f"Did you mean {meant!r}?",
        )
    elif "title" in clean and task is not BAD and task != _DOCUMENT:
        report(
            path_text((path, ".title")),
            f"a title goes with taskType {_DOCUMENT} only",
            f"Set taskType to {_DOCUMENT}, or remove the title.",
        )
    size = clean.get("outputDimensionality")
    if isinstance(size, int) and size < 1:
        report(
            path_text((path, ".outputDimensionality")),
            f"the number of dimensions must be positive, not {size}",
            "Leave it out for the model's own.",
        )
