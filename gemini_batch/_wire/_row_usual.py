"""Requests of the usual shape that were read, but not looked at: whether they are sound.

Whatever is refused here raises `Unusual`; what is wrong with it, the walk tells.
"""

from typing import Any

from gemini_batch._codec._inputs import (
    Unusual,
    UsualContent,
    UsualEmbed,
    UsualGenerate,
    UsualPart,
)
from gemini_batch._wire import _row_rules
from gemini_batch._wire._row_writers import refuse
from gemini_batch._wire._shapes import is_base64


def lone_text(request: UsualGenerate) -> UsualPart | None:
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


def check_cached(request: UsualGenerate) -> None:
    """Refuse cached content beside what it excludes."""
    excluded = (request.system_instruction, request.tools, request.tool_config)
    if any(member is not None for member in excluded):
        raise Unusual
    if request.cached_content.__class__ is not str:
        raise Unusual


def check_content(content: UsualContent) -> None:
    """Refuse a content unless each part holds one thing, and that as it must be."""
    if not content.parts:
        raise Unusual
    for part in content.parts:
        blob, file = part.inline_data, part.file_data
        if blob is None and file is None:
            if part.text is None:
                raise Unusual
            continue
        held = [member for member in (part.text, blob, file) if member is not None]
        if len(held) > 1 or (
            blob is not None and (blob.data is None or not is_base64(blob.data))
        ):
            raise Unusual


def check_embed(request: UsualEmbed) -> None:
    """Refuse an embedding request that the rules or its content forbid."""
    check_content(request.content)
    members: dict[str, Any] = {"content": request.content, "taskType": request.task_type}
    if request.title is not None:
        members["title"] = request.title
    if request.output_dimensionality is not None:
        members["outputDimensionality"] = request.output_dimensionality
    _row_rules.check_embed(members, None, refuse)
