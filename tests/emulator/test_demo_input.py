"""The input of the demonstration, run through the emulator."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from gemini_batch.testing import ManualClock
from tests.emulator.service import Service

INPUT = Path(__file__).parents[2] / "gemini_batch/cli/demo_input.jsonl"


def _rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in INPUT.read_text().splitlines()]


def test_it_holds_what_the_demonstration_shows() -> None:
    rows = _rows()
    requests = {row["key"]: row["request"] for row in rows}
    configs = {
        key: request.get("generationConfig", {}) for key, request in requests.items()
    }

    assert len(rows) == len(requests) == 300
    assert [key for key, config in configs.items() if "responseSchema" in config] == [
        "recipe-json"
    ]
    assert [key for key, request in requests.items() if "inlineData" in str(request)] == [
        "image-caption"
    ]
    assert configs["cut-short"] == {
        "maxOutputTokens": 8,
        "thinkingConfig": {"thinkingBudget": 0},
    }


async def test_all_but_two_of_its_requests_are_answered(
    service: Service, clock: ManualClock
) -> None:
    file = await service.upload(INPUT.read_bytes())
    created = await service.create({"inputConfig": {"fileName": file["name"]}})
    assert created.status == 200, created.body
    clock.advance(60)
    job = await service.get(created.json["name"])
    lines = (await service.download(job["response"]["responsesFile"])).body.splitlines()
    results = {row["key"]: row["response"] for row in map(json.loads, lines)}

    ends = Counter(
        result["candidates"][0]["finishReason"] if "candidates" in result else "blocked"
        for result in results.values()
    )
    assert ends == {"STOP": 298, "blocked": 1, "MAX_TOKENS": 1}
    assert "promptFeedback" in results["refused-by-safety"]
    recipe = json.loads(
        results["recipe-json"]["candidates"][0]["content"]["parts"][0]["text"]
    )
    assert {"title", "servings", "ingredients", "steps"} <= recipe.keys()
    image = results["image-caption"]["usageMetadata"]["promptTokensDetails"]
    assert {"modality": "IMAGE", "tokenCount": 258} in image
