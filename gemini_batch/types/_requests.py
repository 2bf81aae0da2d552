"""Requests of a batch: one of these is one row in, and one answer out."""

from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

from gemini_batch.types._content import Content
from gemini_batch.types._enums import HarmBlockThreshold, HarmCategory, TaskType
from gemini_batch.types._quick import maker, quickly_made


@frozen(kw_only=True)
class ThinkingConfig:
    """How much a model may think."""

    thinking_budget: int | None = None
    """Tokens; 0 turns thinking off where the model allows it."""

    include_thoughts: bool | None = None
    thinking_level: str | None = None


@quickly_made
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


@quickly_made
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
    safety_settings: tuple[SafetySetting, ...] | None = None
    tools: tuple[Mapping[str, Any], ...] | None = None
    tool_config: Mapping[str, Any] | None = None
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
        contents = (Content.from_text(text, role="user"),)
        instruction = (
            None if system_instruction is None else Content.from_text(system_instruction)
        )
        if cls is GenerateRequest:
            return _generate_request(contents, key, instruction, generation_config)
        return cls(
            contents=contents,
            key=key,
            system_instruction=instruction,
            generation_config=generation_config,
        )


_generate_request: Final = maker(
    GenerateRequest, "contents", "key", "system_instruction", "generation_config"
)


@quickly_made
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
        output_dimensionality: int | None = None,
    ) -> "EmbedRequest":
        """Return a request to embed `text`."""
        return cls(
            content=Content.from_text(text),
            key=key,
            task_type=task_type,
            output_dimensionality=output_dimensionality,
        )
