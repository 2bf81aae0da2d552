"""Embeddings: unit vectors that depend on the words of a text, and hardly on the rest."""

import hashlib
import math
import re
from array import array
from typing import Final

# Coordinates that one word moves, and how strongly against the noise of the whole text.
_PER_WORD: Final = 16
_NOISE: Final = 0.15 / 32768
_MOST_WORDS: Final = 256


def unit_vector(text: str, size: int) -> list[float]:
    """Return the embedding of `text` in `size` dimensions; its length is 1.

    Texts that share words lie close together, as those of a model do.
    """
    raw = text.encode("utf-8", "replace")
    noise = array("h", hashlib.shake_256(raw).digest(2 * size))
    vector = [number * _NOISE for number in noise]
    words = sorted(set(re.findall(r"\w+", text.lower())))[:_MOST_WORDS]
    for word in words:
        digest = hashlib.shake_256(word.encode("utf-8", "replace")).digest(3 * _PER_WORD)
        for start in range(0, 3 * _PER_WORD, 3):
            place = int.from_bytes(digest[start : start + 2], "big") % size
            vector[place] += 1.0 if digest[start + 2] & 1 else -1.0
    length = math.hypot(*vector) or 1.0
    # Nine decimals are what the service prints of its 32-bit floats.
    return [round(number / length, 9) for number in vector]
