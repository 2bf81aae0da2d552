"""The intent token: how a job is found again whose create was left without an answer.

The token rides at the end of the display name, the only text on a job that a client chooses
(wire-protocol 7.4). Callers never see it there: it is taken off again when a job is read.
"""

import hashlib
import re
import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower-case
_LENGTH = 26
_MARK = "gb"
_NAME = re.compile(
    rf"^(?:(?P<label>.*)--)?(?P<token>{_MARK}[{_ALPHABET}]{{{_LENGTH}}})$", re.DOTALL
)


def new_token() -> str:
    """Return a fresh token: sortable by time, unique without a word to anybody (a ULID)."""
    milliseconds = time.time_ns() // 1_000_000
    return _encode((milliseconds << 80) | secrets.randbits(80))


def token_of_key(idempotency_key: str) -> str:
    """Return the token of a caller's own key: equal for equal keys."""
    digest = hashlib.sha256(b"gemini_batch intent\0" + idempotency_key.encode()).digest()
    return _encode(int.from_bytes(digest[:16], "big"))


def _encode(number: int) -> str:
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return _MARK + "".join(reversed(digits))


def wire_display_name(label: str | None, token: str) -> str:
    """Return the display name that carries both the caller's text and the token."""
    return token if label is None else f"{label}--{token}"


def split_display_name(display_name: str | None) -> tuple[str | None, str | None]:
    """Return the caller's text and the token; None for what is not there."""
    match = _NAME.match(display_name or "")
    return (match["label"], match["token"]) if match else (display_name, None)
