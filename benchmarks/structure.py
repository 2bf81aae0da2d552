"""Structuring answers: our generated functions beside cattrs' own, in one run.

    python -m benchmarks.structure

Prints microseconds per answer and their ratio: medians of interleaved rounds, with the spread.
"""

import statistics
import time
from typing import Any

from attrs import has
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn

from gemini_batch._codec.class_hooks import renames
from gemini_batch._codec.converter import build_converter
from gemini_batch._codec.scalar_hooks import register_scalars
from gemini_batch.types import GenerateContentResponse

ROUNDS = 15
ANSWERS = 2_000
RATING = {"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}
ANSWER: dict[str, Any] = {
    "candidates": [
        {
            "content": {"role": "model", "parts": [{"text": "An answer. " * 40}]},
            "finishReason": "STOP",
            "index": 0,
            "safetyRatings": [RATING] * 4,
        }
    ],
    "usageMetadata": {
        "promptTokenCount": 8,
        "candidatesTokenCount": 80,
        "totalTokenCount": 917,
        "thoughtsTokenCount": 829,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 8}],
    },
    "modelVersion": "gemini-2.5-flash",
    "responseId": "6VFkaIDwEPXVjMcP4-XW6Qo",
}


def stock_converter() -> Converter:
    """Return a converter with our scalars, whose classes are left to cattrs."""
    converter = Converter()
    register_scalars(converter)
    converter.register_structure_hook_factory(
        has, lambda cls, c: make_dict_structure_fn(cls, c, **renames(cls))
    )
    return converter


def microseconds(converter: Converter) -> float:
    """Return the time one answer takes."""
    structure = converter.get_structure_hook(GenerateContentResponse)
    started = time.perf_counter()
    for _ in range(ANSWERS):
        structure(ANSWER, GenerateContentResponse)
    return (time.perf_counter() - started) / ANSWERS * 1e6


def main() -> None:
    """Measure both, by turns."""
    peers = {"generated": build_converter(), "cattrs": stock_converter()}
    for converter in peers.values():
        microseconds(converter)
    times: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(ROUNDS):
        for name, converter in peers.items():
            times[name].append(microseconds(converter))
    for name, seen in times.items():
        print(
            f"{name:10} {statistics.median(seen):6.2f} us ({min(seen):.2f}-{max(seen):.2f})"
        )
    pairs = zip(times["cattrs"], times["generated"], strict=True)
    ratios = sorted(theirs / ours for theirs, ours in pairs)
    print(
        f"ratio      {statistics.median(ratios):6.2f}    ({ratios[0]:.2f}-{ratios[-1]:.2f})"
    )


if __name__ == "__main__":
    main()
