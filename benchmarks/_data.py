"""Input that every side of a job is given: made by arithmetic, the same on every machine."""

import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

_PLAIN: Final = (
    "the answer depends on how often a batch of rows is read and what becomes of it when "
    "nobody asks why; caf\u00e9, na\u00efve, a \\ and "
    'a \t and a "quoted" word make it like text that people write'
)
_WIDE: Final = "\u201cwhy\u201d; \u6771\u4eac, \u043c\u0438\u0440, \U0001f680"
"""Words of one body in ten: a single one makes a decoded text two or four times as large."""

_BODIES: Final = 997  # a prime, so that blocks of any size hold different bodies
_CATEGORIES: Final = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
_KEY_BYTES: Final = len('{"key":"row-000000000","response":')

INSTRUCTION: Final = (
    "You are a careful editor. Answer in one paragraph of plain text, keep names as they "
    "are written, and say so when the question cannot be answered from what is given. Do not "
    "repeat the question, and do not mention these rules."
)
CONFIG: Final[dict[str, Any]] = {
    "temperature": 0.2,
    "topP": 0.95,
    "topK": 40,
    "maxOutputTokens": 1024,
    "candidateCount": 1,
    "stopSequences": ["END"],
}


def key(index: int) -> str:
    """Return the key of a row."""
    return f"row-{index:09d}"


@cache
def prompts() -> tuple[str, ...]:
    """Return the texts that rows of input ask, of about 500 bytes each, in turn."""
    rng = random.Random(1)
    return tuple(_text(rng, 515, wide=not number % 10) for number in range(_BODIES))


def _text(rng: random.Random, length: int, *, wide: bool) -> str:
    known = f"{_PLAIN} {_WIDE}".split(" ") if wide else _PLAIN.split(" ")
    words: list[str] = []
    held = 0
    while held < length:
        words.append(rng.choice(known))
        held += len(words[-1].encode()) + 1
    return " ".join(words)


@cache
def _answers(*, lean: bool) -> tuple[bytes, ...]:
    rng = random.Random(2)
    return tuple(
        _json(_answer(rng, lean=lean, wide=not number % 10)) for number in range(_BODIES)
    )


def _answer(rng: random.Random, *, lean: bool, wide: bool) -> dict[str, Any]:
    """Return an answer of members that google-genai knows.

    Args:
        rng: Where it comes from.
        lean: Of about 1 kB, with what current models send. Left out, of about 1.5 kB, with
            safety ratings and token counts of the answer by modality as well.
        wide: Whether its text has wide letters.
    """
    asked, said, thought = (rng.randrange(9, 999) for _ in range(3))
    length = rng.randrange(395, 795) if lean else rng.randrange(540, 960)
    candidate: dict[str, Any] = {
        "content": {"parts": [{"text": _text(rng, length, wide=wide)}], "role": "model"},
        "finishReason": "STOP",
        "index": 0,
    }
    usage: dict[str, Any] = {
        "promptTokenCount": asked,
        "candidatesTokenCount": said,
        "totalTokenCount": asked + said + thought,
        "thoughtsTokenCount": thought,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": asked}],
    }
    if not lean:
        candidate["safetyRatings"] = [
            {"category": f"HARM_CATEGORY_{category}", "probability": "NEGLIGIBLE"}
            for category in _CATEGORIES
        ]
        usage["candidatesTokensDetails"] = [{"modality": "TEXT", "tokenCount": said}]
    return {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": "gemini-2.5-flash",
        "responseId": f"{rng.getrandbits(128):032x}",
    }


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@cache
def answers(*, lean: bool = False) -> tuple[dict[str, Any], ...]:
    """Return the answers that result files hold in turn, decoded."""
    return tuple(json.loads(answer) for answer in _answers(lean=lean))


def result_rows(
    count: int, *, lean: bool = False, shuffled: bool = False
) -> Iterator[bytes]:
    """Yield lines of a result file.

    Args:
        count: How many.
        lean: Leave out what current models do not send: about 1 kB a line, in place of 1.5.
        shuffled: In no order; left out, in that of their keys.
    """
    answers = _answers(lean=lean)
    order = list(range(count)) if shuffled else range(count)
    if isinstance(order, list):
        random.Random(4).shuffle(order)
    for index in order:
        yield b'{"key":"%s","response":%s}\n' % (
            key(index).encode(),
            answers[index % _BODIES],
        )


def result_bytes(count: int, *, lean: bool = False) -> int:
    """Return the size of a result file of `count` rows."""
    answers = _answers(lean=lean)
    whole, rest = divmod(count, _BODIES)
    bodies = whole * sum(map(len, answers)) + sum(map(len, answers[:rest]))
    return bodies + count * (_KEY_BYTES + len("}\n"))


def vector_rows(count: int, dimensions: int) -> Iterator[bytes]:
    """Yield lines of a result file of embeddings."""
    rng = random.Random(3)
    vectors = []
    for _ in range(min(count, 61)):
        values = [round(rng.gauss(0, dimensions**-0.5), 9) for _ in range(dimensions)]
        vectors.append(_json({"tokenCount": "17", "embedding": {"values": values}}))
    for index in range(count):
        yield b'{"key":"%s","response":%s}\n' % (
            key(index).encode(),
            vectors[index % len(vectors)],
        )


def write_rows(path: Path, rows: Iterator[bytes]) -> None:
    """Write a file of rows, whole or not at all; leave one that is there."""
    if path.exists():
        return
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.writelines(rows)
    part.rename(path)
