"""Parts that many rows share: a config, a schema, tools. Their text is made once and spliced.

Whether a part is the same as before is told in one of two ways. Plain values are known by a
snapshot of all they hold, so that it does not matter who changes them, or when. Values of ours
are known by their identity, but only those of frozen classes with nothing in them that could
change.
"""

import marshal
from collections.abc import Callable, Sized
from typing import Any, Final

from attrs import fields

from gemini_batch._codec.codec import JSON_ERRORS
from gemini_batch._codec.request_structs import Uncommon, decode_plain, encode_plain
from gemini_batch.types import GenerationConfig, OpenEnum, SafetySetting, ThinkingConfig

_VERSION: Final = 2  # of marshal's format; the last in which equal values look the same
_MOST_BYTES: Final = 524_288  # of snapshots and texts
_MOST_VALUES: Final = 64
_FROZEN: Final = (GenerationConfig, ThinkingConfig, SafetySetting)
_LEAVES: Final = (str, int, float, bool, type(None))


class Shared:
    """Remembers the JSON text of parts, within bounds; when it is full it starts afresh."""

    def __init__(self) -> None:
        self.texts: dict[tuple[Any, Any], bytes] = {}
        """What was made of texts and of plain values, by slot and by all they hold. Slots of
        one name are of one kind: what is held there are texts, or JSON text, or snapshots."""
        self.values: dict[int, tuple[Any, bytes]] = {}
        """Values of ours by identity, with their text; it is empty if they can change. They
        are held, because the id of a value that is gone is given to another."""
        self._bytes = 0
        self._last: dict[object, Any] = {}

    def tree(self, slot: object, value: Any, make: Callable[[Any], Any]) -> bytes:
        """Return the text of what `make` makes of plain values.

        Args:
            slot: What the values are for. What is made of equal ones is the same there.
            value: Dicts, lists and tuples of Python's own texts and numbers.
            make: Makes what is to be written.

        Raises:
            Uncommon: There is something else in them, or it cannot be written.
        """
        snapshot = snapshot_of(value)
        if snapshot is None:
            raise Uncommon
        text = self.texts.get((slot, snapshot))
        if text is None:
            # In a snapshot, bytes look like other buffers: neither are remembered.
            if not is_plain(value):
                raise Uncommon
            text = encoded(make(value))
            self.keep(slot, snapshot, text)
        return text

    def read(self, slot: str, text: bytes, make: Callable[[Any], Any]) -> bytes:
        """Return the text of what `make` makes of what JSON text says.

        Args:
            slot: What it is for, as in `tree`.
            text: The text.
            make: Makes what is to be written.

        Raises:
            Uncommon: It is no JSON text, or what it says cannot be written.
        """
        known = self.texts.get((slot, text))
        if known is None:
            try:
                value = decode_plain(text)
            except JSON_ERRORS:
                raise Uncommon from None
            known = encoded(make(value))
            self.keep(slot, text, known)
        return known

    def note(self, slot: object, value: Any, text: bytes) -> None:
        """Remember the text of a value of ours, if it is there twice running in a slot."""
        if self._last.get(slot) is not value:
            self._last[slot] = value
        elif id(value) not in self.values:
            if len(self.values) >= _MOST_VALUES:
                self.values.clear()
            self.values[id(value)] = (value, text if is_frozen(value) else b"")

    def keep(self, slot: object, held: Sized, text: bytes) -> None:
        """Remember what was made in a slot of a text, or of a snapshot of values."""
        size = len(held) + len(text)
        if self._bytes + size > _MOST_BYTES:
            self.texts.clear()
            self._bytes = 0
        if size <= _MOST_BYTES:
            self.texts[slot, held] = text
            self._bytes += size


def snapshot_of(value: Any) -> bytes | None:
    """Return bytes that tell plain values apart by all they hold, and by their types.

    None if there is something in them that is not of Python's own types, subclasses excluded.
    Sets and bytes may be; other buffers look like bytes.
    """
    try:
        return marshal.dumps(value, _VERSION)
    except ValueError:
        return None


def encoded(value: Any) -> bytes:
    """Return the JSON text of canonical values.

    Raises:
        Uncommon: They cannot be written: a text is no Unicode, a number is no Python number.
    """
    try:
        return encode_plain(value)
    except (TypeError, ValueError):
        raise Uncommon from None


def is_plain(value: Any) -> bool:
    """Tell whether values are of JSON's types as Python has them, subclasses excluded."""
    cls = value.__class__
    if cls is dict:
        return all(key.__class__ is str and is_plain(item) for key, item in value.items())
    if cls is list or cls is tuple:
        return all(map(is_plain, value))
    return cls in _LEAVES


def is_frozen(value: Any) -> bool:
    """Tell whether a value, and all it holds, stays as it is."""
    cls = value.__class__
    if cls is tuple:
        return all(map(is_frozen, value))
    if cls in _FROZEN:
        return all(is_frozen(getattr(value, field.name)) for field in fields(cls))
    return cls in _LEAVES or issubclass(cls, OpenEnum)
