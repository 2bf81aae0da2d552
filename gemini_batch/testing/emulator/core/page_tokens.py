"""Page tokens: opaque to clients, and refused when they are not ours."""

import base64
import binascii
from typing import Final

from gemini_batch.testing.emulator.core.errors import invalid

_PREFIX: Final = b"\n\x0c"
# More than any sequence number: the page after it is the first one.
_PAST_ALL: Final = 1 << 62


def token_after(sequence: int, kind: str) -> str:
    """Return the token of the page that follows the element with this sequence number."""
    return _token(kind, f"{sequence}")


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


def same_page(token: str, kind: str) -> str:
    """Return another token for the page of `token`; an empty one is the first page.

    Raises:
        Refusal: The token was not made for this kind of list.
    """
    if not token:
        return _token(kind, f"{_PAST_ALL}")
    sequence_of(token, kind)
    number = base64.b64decode(token).removeprefix(_PREFIX).decode().partition(":")[2]
    # A zero in front makes it another text: clients stop when a token comes twice.
    return _token(kind, f"0{number}")


def _token(kind: str, number: str) -> str:
    return base64.b64encode(_PREFIX + f"{kind}:{number}".encode()).decode()
