"""A result as one flat record."""

import re
from typing import Any, Final

from gemini_batch._codec.request_structs import decode_plain, encode_plain
from gemini_batch.types import BatchResult, RpcStatus, Usage

COLUMNS: Final = (
    "key",
    "outcome",
    "text",
    "embedding",
    "response",
    "error_code",
    "error_reason",
    "error",
    "prompt_tokens",
    "cached_tokens",
    "answer_tokens",
    "thoughts_tokens",
    "tool_prompt_tokens",
    "total_tokens",
    "metadata",
)
"""Columns of a table of results. ``response`` and ``metadata`` are JSON text."""

# Legal in JSON, but taken as the end of a line or as a command by programs that show it.
_RISKY: Final = re.compile("[\x7f-\x9f\u2028\u2029]")
_COUNTS: Final = (
    "prompt_token_count",
    "cached_content_token_count",
    "candidates_token_count",
    "thoughts_token_count",
    "tool_use_prompt_token_count",
    "total_token_count",
)
_NOTHING_COUNTED: Final = (None,) * len(_COUNTS)
_NO_ERROR: Final = (None, None, None)


def flat_line(result: BatchResult) -> bytes:
    """Return a result as a line of JSON: members that say nothing are left out."""
    row: dict[str, Any] = {"key": result.key, "outcome": str(result.outcome)}
    if result.key is None:
        row["index"] = result.index
    text, vector, response = _answer(result)
    if text is not None:
        row["text"] = text
    elif vector is not None:
        row["embedding"] = vector
    elif response is not None:
        row["response"] = response
    if result.error is not None:
        row["error"] = _error(result.error)
    if result.usage is not None:
        row["usage"] = counts_of(result.usage)
    metadata = _metadata(result)
    if metadata:
        row["metadata"] = metadata
    line = encode_plain(row)
    if not line.isascii() or b"\x7f" in line:
        line = escaped(line.decode()).encode()
    return line + b"\n"


def escaped(text: str) -> str:
    """Return JSON text in which nothing ends a line or steers a terminal."""
    return _RISKY.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def record(result: BatchResult) -> tuple[Any, ...]:
    """Return a result as values of `COLUMNS`; None where there is nothing to say."""
    text, vector, response = _answer(result)
    error, usage, metadata = result.error, result.usage, _metadata(result)
    said = (
        _NO_ERROR
        if error is None
        else (error.code or None, error.reason or None, error.message)
    )
    counts = (
        _NOTHING_COUNTED
        if usage is None
        else tuple(int(getattr(usage, name)) for name in _COUNTS)
    )
    return (
        result.key,
        str(result.outcome),
        text,
        vector,
        None if response is None else encode_plain(response).decode(),
        *said,
        *counts,
        encode_plain(metadata).decode() if metadata else None,
    )


def _answer(result: BatchResult) -> tuple[str | None, list[float] | None, Any]:
    """Return text, vector, or the response as the service words it; one of them at most."""
    if result.text is not None:
        return result.text, None, None
    if result.embedding is not None:
        return None, result.embedding.tolist(), None
    if result.ok:
        # Neither text nor vector, such as a call or an image: nothing is lost.
        return None, None, decode_plain(result.raw).get("response")
    return None, None, None


def _error(error: RpcStatus) -> dict[str, Any]:
    known: dict[str, Any] = (
        {"code": error.code, "reason": error.reason} if error.code else {}
    )
    return {**known, "message": error.message}


def counts_of(usage: Usage) -> dict[str, int]:
    """Return the counts of tokens that are not zero."""
    counts = {name: int(getattr(usage, name)) for name in _COUNTS}
    return {name: count for name, count in counts.items() if count}


def _metadata(result: BatchResult) -> dict[str, Any]:
    return {name: value for name, value in result.metadata.items() if name != "key"}
