"""Input rows for tests."""

import json
from typing import Any

MODEL = "gemini-2.5-flash"
EMBED_MODEL = "gemini-embedding-001"


def row(key: str, text: str = "Hello", **members: Any) -> dict[str, Any]:
    """Return one generation row."""
    return {"key": key, "request": {"contents": [{"parts": [{"text": text}]}], **members}}


def jsonl(*rows: dict[str, Any]) -> bytes:
    """Return rows as a JSONL file."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def many(count: int, text: str = "Hello") -> bytes:
    """Return `count` rows with keys k0, k1, …"""
    return jsonl(*(row(f"k{n}", f"{text} {n}") for n in range(count)))
