"""Requests of a batch: one of these is one row in, and one answer out."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field, frozen

from gemini_batch.types._content import Content, Part
from gemini_batch.types._enums import HarmBlockThreshold, HarmCategory, TaskType
from gemini_batch.types._parts import PartLike, Parts, few_shot, to_parts
from gemini_batch.types._tools import Tool, ToolConfig


@frozen(kw_only=True)
class ThinkingConfig:
    """How much a model may think."""

    thinking_budget: int | None = None
    """Tokens; 0 turns thinking off where the model allows it."""

    include_thoughts: bool | None = None
    thinking_level: str | None = None


@frozen(kw_only=True)
class GenerationConfig:
    """How answers are made. What is None is not sent, and the service's default holds."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_output_tokens: int | None = None
    """Thinking counts towards it: a small number can leave no room for the answer."""

    stop_sequences: tuple[str, ...] | None = None
    candidate_count: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_mime_type: str | None = None
    """``"application/json"`` for JSON answers."""

    response_schema: Mapping[str, Any] | None = None
    """Schema of the answer in the service's own schema language."""

    response_json_schema: Mapping[str, Any] | None = None
    """Schema of the answer as JSON Schema. Reported to give answers of the wrong shape in
    batch where `response_schema` works (https://github.com/crmne/ruby_llm/issues/894)."""

    response_modalities: tuple[str, ...] | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    media_resolution: str | None = None
    thinking_config: ThinkingConfig | None = None
    speech_config: Mapping[str, Any] | None = None
    image_config: Mapping[str, Any] | None = None
    enable_enhanced_civic_answers: bool | None = None


@frozen(kw_only=True)
class SafetySetting:
    """From which probability on one kind of harm is blocked."""

    category: HarmCategory
    threshold: HarmBlockThreshold


@frozen(kw_only=True)
class GenerateRequest:
    """One generation request of a batch.

    See https://ai.google.dev/api/generate-content for the members.
    """

    contents: tuple[Content, ...]
    key: str | None = None
    """Names the request and its answer; unique in the batch. None has one written."""

    system_instruction: Content | None = None
    generation_config: GenerationConfig | Mapping[str, Any] | None = None
    safety_settings: tuple[SafetySetting | Mapping[str, Any], ...] | None = None
    tools: tuple[Tool | Mapping[str, Any], ...] | None = None
    tool_config: ToolConfig | Mapping[str, Any] | None = None
    cached_content: str | None = None
    """``cachedContents/<id>``. Excludes `system_instruction`, `tools` and `tool_config`."""

    metadata: Mapping[str, Any] | None = None
    """Echoed with the answer; inline requests only."""

    @classmethod
    def from_text(
        cls,
        text: str,
        *,
        key: str | None = None,
        system_instruction: str | None = None,
        generation_config: GenerationConfig | Mapping[str, Any] | None = None,
    ) -> "GenerateRequest":
        """Return a request of a single prompt."""
        return cls(
            contents=(Content.from_text(text, role="user"),),
            key=key,
            system_instruction=(
                None
                if system_instruction is None
                else Content.from_text(system_instruction)
            ),
            generation_config=generation_config,
        )

    @classmethod
    def from_parts(
        cls,
        parts: Parts,
        *,
        key: str | None = None,
        examples: Iterable[tuple[Parts, Parts]] = (),
        system_instruction: str | Content | None = None,
        generation_config: GenerationConfig | Mapping[str, Any] | None = None,
        safety_settings: Iterable[SafetySetting | Mapping[str, Any]] | None = None,
        tools: Iterable[Tool | Mapping[str, Any]] | None = None,
        tool_config: ToolConfig | Mapping[str, Any] | None = None,
        cached_content: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> "GenerateRequest":
        """Return a request of one prompt of several parts, perhaps with examples before it.

        Args:
            parts: Texts, parts, and files that were uploaded, in order. A question about a
                picture is best asked after it.
            key: Names the request and its answer.
            examples: Pairs of a prompt and the answer that should come, as `few_shot` takes
                them.
            system_instruction: What holds for the whole request.
            generation_config: How the answer is made.
            safety_settings: From which probability on harm is blocked.
            tools: What the model may use.
            tool_config: How it is to use them.
            cached_content: ``cachedContents/<id>``. Excludes `system_instruction`, `tools`
                and `tool_config`.
            metadata: Echoed with the answer; inline requests only.

        Raises:
            TypeError: Something is not a part, or an example not a pair.
            ValueError: There are no parts, or a file has no URI.
        """
        if isinstance(system_instruction, str):
            system_instruction = Content.from_text(system_instruction)
        return cls(
            contents=(*few_shot(examples), Content(parts=to_parts(parts), role="user")),
            key=key,
            system_instruction=system_instruction,
            generation_config=generation_config,
            safety_settings=None if safety_settings is None else tuple(safety_settings),
            tools=None if tools is None else tuple(tools),
            tool_config=tool_config,
            cached_content=cached_content,
            metadata=metadata,
        )

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        prompt: str | None = None,
        mime_type: str | None = None,
        key: str | None = None,
        system_instruction: str | None = None,
        generation_config: GenerationConfig | Mapping[str, Any] | None = None,
    ) -> "GenerateRequest":
        """Return a request about one local file, an image or a PDF, that travels inside it.

        For more than one file, or one that was uploaded, see `from_parts`.

        Args:
            path: A file of up to 15 MB. It is read here and now, which blocks.
            prompt: What is asked about it; it comes after the file.
            mime_type: Left out, it is told by the name.
            key: Names the request and its answer.
            system_instruction: What holds for the whole request.
            generation_config: How the answer is made.

        Raises:
            OSError: The file cannot be read.
            ValueError: It is empty or too large, or its name does not tell the MIME type.
        """
        return cls.from_parts(
            _file_parts(path, prompt, mime_type),
            key=key,
            system_instruction=system_instruction,
            generation_config=generation_config,
        )


def _file_parts(
    path: str | os.PathLike[str], text: str | None, mime_type: str | None
) -> list[PartLike]:
    file = Part.from_file(path, mime_type=mime_type)
    return [file] if text is None else [file, text]


@frozen(kw_only=True)
class EmbedRequest:
    """One embedding request of a batch: one content in, one vector out."""

    content: Content
    key: str | None = None
    """Names the request and its answer; unique in the batch. None has one written."""

    task_type: TaskType | None = None
    title: str | None = None
    """Title of the text; only with task type RETRIEVAL_DOCUMENT."""

    output_dimensionality: int | None = None
    """Numbers per vector; None for the model's own."""

    metadata: Mapping[str, Any] | None = field(default=None)
    """Echoed with the answer; inline requests only."""

    @classmethod
    def from_text(
        cls,
        text: str,
        *,
        key: str | None = None,
        task_type: TaskType | None = None,
        title: str | None = None,
        output_dimensionality: int | None = None,
    ) -> "EmbedRequest":
        """Return a request to embed `text`."""
        return cls(
            content=Content.from_text(text),
            key=key,
            task_type=task_type,
            title=title,
            output_dimensionality=output_dimensionality,
        )

    @classmethod
    def from_parts(
        cls,
        parts: Parts,
        *,
        key: str | None = None,
        task_type: TaskType | None = None,
        title: str | None = None,
        output_dimensionality: int | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> "EmbedRequest":
        """Return a request to embed several parts as one, where the model takes them.

        Args:
            parts: Texts, parts, and files that were uploaded, in order.
            key: Names the request and its answer.
            task_type: What the embedding is for.
            title: Title of a document; only with task type RETRIEVAL_DOCUMENT.
            output_dimensionality: Numbers per vector; None for the model's own.
            metadata: Echoed with the answer; inline requests only.

        Raises:
            TypeError: Something is not a part.
            ValueError: There are no parts, or a file has no URI.
        """
        return cls(
            content=Content(parts=to_parts(parts)),
            key=key,
            task_type=task_type,
            title=title,
            output_dimensionality=output_dimensionality,
            metadata=metadata,
        )

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        text: str | None = None,
        mime_type: str | None = None,
        key: str | None = None,
        task_type: TaskType | None = None,
        output_dimensionality: int | None = None,
    ) -> "EmbedRequest":
        """Return a request to embed a local file, with a model that takes more than text.

        Args:
            path: A file of up to 15 MB. It is read here and now, which blocks.
            text: What is embedded together with it.
            mime_type: Left out, it is told by the name.
            key: Names the request and its answer.
            task_type: What the embedding is for.
            output_dimensionality: Numbers per vector; None for the model's own.

        Raises:
            OSError: The file cannot be read.
            ValueError: It is empty or too large, or its name does not tell the MIME type.
        """
        return cls.from_parts(
            _file_parts(path, text, mime_type),
            key=key,
            task_type=task_type,
            output_dimensionality=output_dimensionality,
        )
