"""Choices that look random and are the same in every run."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class SeededRandom:
    """A stream of numbers that depends on nothing but a seed.

    Args:
        seed: Any text.
    """

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode("utf-8", "replace")
        self._block = b""
        self._turn = 0

    def below(self, bound: int) -> int:
        """Return a number from 0 up to, not including, `bound`."""
        if len(self._block) < 4:  # noqa: PLR2004 - bytes of one number
            turn = self._turn.to_bytes(4, "big")
            self._block = hashlib.blake2b(turn + self._seed).digest()
            self._turn += 1
        number = int.from_bytes(self._block[:4], "big")
        self._block = self._block[4:]
        return number % bound

    def among(self, choices: Sequence[T]) -> T:
        """Return one of `choices`."""
        return choices[self.below(len(choices))]
