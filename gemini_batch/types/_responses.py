"""Answers of the model, as the service words them.

These are slotted but not frozen: they are built by the million.
"""

import datetime as dt
from array import array
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import define, field

from gemini_batch.types._content import Content
from gemini_batch.types._enums import (
    BlockReason,
    FinishReason,
    HarmCategory,
    HarmProbability,
    Modality,
)

if TYPE_CHECKING:
    FloatArray = array[float]
else:  # not subscriptable before Python 3.12
    FloatArray = array


@define(kw_only=True)
class SafetyRating:
    """How harmful a filter found some content."""

    category: HarmCategory = HarmCategory.UNSPECIFIED
    probability: HarmProbability = HarmProbability.UNSPECIFIED
    blocked: bool = False
    probability_score: float | None = None
    severity: str | None = None
    severity_score: float | None = None


@define(kw_only=True)
class PromptFeedback:
    """What the filters said of the prompt."""

    block_reason: BlockReason | None = None
    """Set if the prompt was refused; there are no candidates then."""

    block_reason_message: str | None = None
    safety_ratings: tuple[SafetyRating, ...] = ()


@define(kw_only=True)
class Candidate:
    """One answer to a prompt."""

    content: Content | None = None
    finish_reason: FinishReason | None = None
    finish_message: str | None = None
    index: int = 0
    safety_ratings: tuple[SafetyRating, ...] = ()
    token_count: int | None = None
    avg_logprobs: float | None = None
    citation_metadata: Mapping[str, Any] | None = None
    """Sources the answer repeats, as the service words them."""

    grounding_metadata: Mapping[str, Any] | None = None
    """What the answer rests on, as the service words it."""

    grounding_attributions: tuple[Mapping[str, Any], ...] | None = None
    url_context_metadata: Mapping[str, Any] | None = None
    logprobs_result: Mapping[str, Any] | None = None


@define(kw_only=True)
class ModalityTokenCount:
    """Tokens of one kind of content."""

    modality: Modality = Modality.UNSPECIFIED
    token_count: int = 0


@define(kw_only=True)
class Usage:
    """Tokens counted for one request."""

    prompt_token_count: int = 0
    """Prompt, cached part included."""

    cached_content_token_count: int = 0
    candidates_token_count: int = 0
    """Answer, without thinking."""

    thoughts_token_count: int = 0
    tool_use_prompt_token_count: int = 0
    total_token_count: int = 0
    prompt_tokens_details: tuple[ModalityTokenCount, ...] = ()
    cache_tokens_details: tuple[ModalityTokenCount, ...] = ()
    candidates_tokens_details: tuple[ModalityTokenCount, ...] = ()
    tool_use_prompt_tokens_details: tuple[ModalityTokenCount, ...] = ()
    service_tier: str | None = None
    """Spelt ``"standard"`` or ``"SERVICE_TIER_STANDARD"``, by destination."""

    traffic_type: str | None = None

    def __add__(self, other: object) -> "Usage":
        """Return what both count together; tier and traffic type where they are the same."""
        if not isinstance(other, Usage):
            return NotImplemented
        total = Usage(
            service_tier=self.service_tier
            if self.service_tier == other.service_tier
            else None,
            traffic_type=self.traffic_type
            if self.traffic_type == other.traffic_type
            else None,
        )
        count_in(total, self)
        count_in(total, other)
        return total


def count_in(total: Usage, more: Usage) -> None:
    """Add to `total`, in place, what `more` counts; its tier and traffic type are left."""
    total.prompt_token_count += more.prompt_token_count
    total.cached_content_token_count += more.cached_content_token_count
    total.candidates_token_count += more.candidates_token_count
    total.thoughts_token_count += more.thoughts_token_count
    total.tool_use_prompt_token_count += more.tool_use_prompt_token_count
    total.total_token_count += more.total_token_count
    # Written out, and skipped where there is nothing: this is done for every row of a tally.
    if more.prompt_tokens_details:
        total.prompt_tokens_details = _joined(
            total.prompt_tokens_details, more.prompt_tokens_details
        )
    if more.cache_tokens_details:
        total.cache_tokens_details = _joined(
            total.cache_tokens_details, more.cache_tokens_details
        )
    if more.candidates_tokens_details:
        total.candidates_tokens_details = _joined(
            total.candidates_tokens_details, more.candidates_tokens_details
        )
    if more.tool_use_prompt_tokens_details:
        total.tool_use_prompt_tokens_details = _joined(
            total.tool_use_prompt_tokens_details, more.tool_use_prompt_tokens_details
        )


def _joined(
    total: tuple[ModalityTokenCount, ...], more: tuple[ModalityTokenCount, ...]
) -> tuple[ModalityTokenCount, ...]:
    """Return `total`, whose counts are raised by those of `more`, with kinds it has not."""
    for one in more:
        for known in total:
            if known.modality == one.modality:
                known.token_count += one.token_count
                break
        else:
            new = ModalityTokenCount(modality=one.modality, token_count=one.token_count)
            total = (*total, new)
    return total


@define(kw_only=True)
class ModelStatus:
    """What the service says of the model that answered."""

    message: str | None = None
    model_stage: str | None = None
    retirement_time: dt.datetime | None = None


@define(kw_only=True)
class GenerateContentResponse:
    """The answer to one generation request.

    See https://ai.google.dev/api/generate-content.
    """

    candidates: tuple[Candidate, ...] = ()
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: Usage | None = None
    model_version: str | None = None
    response_id: str | None = None
    create_time: dt.datetime | None = None
    model_status: ModelStatus | None = None

    @property
    def text(self) -> str | None:
        """Text of the first candidate, thoughts left out; None if it has no text."""
        content = self.candidates[0].content if self.candidates else None
        if content is None:
            return None
        texts = [p.text for p in content.parts if p.text is not None and not p.thought]
        return "".join(texts) if texts else None


@define(kw_only=True)
class ContentEmbedding:
    """A vector."""

    values: FloatArray = field(
        factory=lambda: array("f"), repr=lambda v: f"<{len(v)} floats>"
    )
    """32-bit floats, as the service computes them."""

    shape: tuple[int, ...] | None = None
    statistics: Mapping[str, Any] | None = None


@define(kw_only=True)
class EmbedContentResponse:
    """The answer to one embedding request."""

    embedding: ContentEmbedding | None = None
    usage_metadata: Usage | None = None
    token_count: int = 0
    """Tokens of the text, as ``gemini-embedding-001`` tells them; newer models use
    `usage_metadata`."""
