"""Token counts, near enough to be useful: about four characters to a token."""

from collections.abc import Mapping
from typing import Any, Final

from gemini_batch.testing.emulator.core.seeded_random import SeededRandom
from gemini_batch.testing.emulator.model.texts import count_tokens

_MEDIA_TOKENS: Final = 258
_CACHED_TOKENS: Final = 2048
_MODALITIES: Final = {"image": "IMAGE", "audio": "AUDIO", "video": "VIDEO"}


def _modality(part: Mapping[str, Any]) -> str | None:
    media = part.get("inlineData") or part.get("fileData")
    if media is None:
        return None
    family = str(media.get("mimeType", "")).partition("/")[0]
    return _MODALITIES.get(family, "DOCUMENT")


def prompt_usage(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of ``usageMetadata`` that the prompt decides."""
    contents = [*request["contents"], request.get("systemInstruction", {})]
    counts = {"TEXT": 0}
    for content in contents:
        for part in content.get("parts", ()):
            modality = _modality(part)
            if modality is None:
                text = part.get("text")
                counts["TEXT"] += count_tokens(str(part) if text is None else text)
            else:
                counts[modality] = counts.get(modality, 0) + _MEDIA_TOKENS
    usage: dict[str, Any] = {}
    if request.get("cachedContent"):
        counts["TEXT"] += _CACHED_TOKENS
        usage["cachedContentTokenCount"] = _CACHED_TOKENS
        usage["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": _CACHED_TOKENS}]
    total = sum(counts.values())
    details = [
        {"modality": modality, "tokenCount": count}
        for modality, count in counts.items()
        if count
    ]
    return {
        "promptTokenCount": total,
        "totalTokenCount": total,
        "promptTokensDetails": details,
        **usage,
    }


def enqueued_tokens(request: Mapping[str, Any]) -> int:
    """Return what a request of either kind counts against the enqueued tokens."""
    if "contents" in request:
        return int(prompt_usage(request)["promptTokenCount"])
    parts = request["content"].get("parts", ())
    return sum(count_tokens(part.get("text", "")) for part in parts)


def thoughts_of(config: Mapping[str, Any], prompt: str, model: str) -> int:
    """Return how many tokens the model spends on thinking."""
    thinking = config.get("thinkingConfig", {})
    budget = thinking.get("thinkingBudget", -1)
    # The small models think only when asked to.
    lazy = "lite" in model and budget < 0
    if budget == 0 or lazy or not ("2.5" in model or model.startswith("gemini-3")):
        return 0
    spent = 24 + SeededRandom(prompt).below(200)
    return min(spent, budget) if budget > 0 else spent
