"""google-genai's two clients behind one spelling."""

import inspect
import io
import json
from collections.abc import AsyncIterable, Iterable
from typing import Any

from attrs import frozen

VERSION = "3.6.1"  # as pinned in pyproject.toml
MIB = 1 << 20


@frozen(kw_only=True)
class Genai:
    """One of the clients, and how to wait for it.

    ``await genai(genai.api.batches.get(name=…))`` is a call of either.
    """

    kind: str
    """``sync`` or ``async``."""

    api: Any
    """``Client`` or ``Client.aio``."""

    async def __call__(self, result: Any) -> Any:
        """Return what a call returned, once it is there."""
        return await result if inspect.isawaitable(result) else result

    async def all(self, pager: Any) -> list[Any]:
        """Return every element of every page."""
        found = await self(pager)
        if isinstance(found, AsyncIterable):
            return [element async for element in found]
        assert isinstance(found, Iterable)
        return list(found)

    async def upload(self, rows: bytes, **config: Any) -> Any:
        """Upload rows, as from memory."""
        options = {"mime_type": "jsonl", **config}
        return await self(self.api.files.upload(file=io.BytesIO(rows), config=options))


def generate_rows(*prompts: str) -> bytes:
    """Return an input file: keys are ``r0``, ``r1``, …"""
    return _lines({"contents": [{"parts": [{"text": prompt}]}]} for prompt in prompts)


def embed_rows(*texts: str, size: int) -> bytes:
    """Return an input file of embeddings; keys are ``r0``, ``r1``, …"""
    return _lines(
        {"content": {"parts": [{"text": text}]}, "outputDimensionality": size}
        for text in texts
    )


def _lines(requests: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(
        json.dumps({"key": f"r{index}", "request": request}).encode() + b"\n"
        for index, request in enumerate(requests)
    )


def read_rows(results: bytes) -> dict[str, Any]:
    """Return the rows of a result file by key."""
    rows = [json.loads(line) for line in results.splitlines()]
    assert len(rows) == len({row["key"] for row in rows})
    return {row["key"]: row for row in rows}
