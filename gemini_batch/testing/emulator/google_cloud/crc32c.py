"""CRC-32C, the checksum of Cloud Storage, which the standard library lacks."""

import sys
from array import array
from functools import cache
from typing import Final

# Castagnoli's polynomial, its bits reversed.
_POLYNOMIAL: Final = 0x82F63B78
_ALL: Final = 0xFFFFFFFF


@cache
def _tables() -> tuple[list[int], list[int], list[int]]:
    """Return what a byte does to a sum, a pair of bytes, and a pair followed by another."""
    single = []
    for value in range(1 << 8):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)  # noqa: PLW2901
        single.append(value)
    pair = [0] * (1 << 16)
    for value in range(1 << 16):
        first = single[value & 0xFF] ^ value >> 8
        pair[value] = single[first & 0xFF] ^ first >> 8
    return single, pair, [pair[value & 0xFFFF] ^ value >> 16 for value in pair]


def crc32c(data: bytes, crc: int = 0) -> int:
    """Return the sum of what `crc` is the sum of, followed by `data`."""
    single, near, far = _tables()
    crc ^= _ALL
    whole = len(data) & ~3
    words = array("I", data[:whole])
    if sys.byteorder == "big":
        words.byteswap()
    for word in words:
        mixed = word ^ crc
        crc = far[mixed & 0xFFFF] ^ near[mixed >> 16]
    for byte in data[whole:]:
        crc = single[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ _ALL
