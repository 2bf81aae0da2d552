"""Page tokens: opaque to clients, and refused when they are not ours."""

import base64
import binascii
from typing import Final

from gemini_batch.testing.emulator._errors import invalid

_PREFIX: Final = b"\n\x0c"


def token_after(sequence: int, kind: str) -> str:
    """Return the token of the page that follows the element with this sequence number."""
    raw = _PREFIX + f"{kind}:{sequence}".encode()
    return base64.b64encode(raw).decode()


def sequence_of(token: str, kind: str) -> int:
    """Return the sequence number a token stands for.

    Raises:
        Refusal: It was not made by `token_after` for this kind of list.
    """
    try:
        raw = base64.b64decode(token, validate=True)
        head, _, number = raw.removeprefix(_PREFIX).decode().partition(":")
        if head == kind:
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise invalid(f"Invalid page token: {token[:40]}")
