"""Results for tests of sinks, as a job's file would give them."""

import json
from collections.abc import AsyncGenerator, Iterable
from typing import Any

from gemini_batch import BatchResult, JobKind
from gemini_batch._codec import Codec, ResultDecoder

GENERATE = ResultDecoder(Codec(), JobKind.GENERATE)
EMBED = ResultDecoder(Codec(), JobKind.EMBED)
USAGE = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}


def ok(key: str | None, text: str = "fine", index: int = 0) -> BatchResult:
    candidate = {"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}
    return made(
        {"response": {"candidates": [candidate], "usageMetadata": USAGE}}, key, index
    )


def failed(key: str | None, message: str = "no", index: int = 0) -> BatchResult:
    return made({"error": {"code": 13, "message": message}}, key, index)


def vector(key: str, *numbers: float) -> BatchResult:
    row = {"key": key, "response": {"embedding": {"values": list(numbers)}}}
    return EMBED.result(json.dumps(row).encode(), 0)


def made(row: dict[str, Any], key: str | None, index: int = 0) -> BatchResult:
    named = row if key is None else {"key": key, **row}
    return GENERATE.result(json.dumps(named, ensure_ascii=False).encode(), index)


async def stream(
    results: Iterable[BatchResult], error: BaseException | None = None
) -> AsyncGenerator[BatchResult, None]:
    for result in results:
        yield result
    if error is not None:
        raise error
