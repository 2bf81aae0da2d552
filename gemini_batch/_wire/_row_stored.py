"""What stands around a request in a row that is stored already, and read as it is."""

from typing import Any, Final

from attrs import frozen

from gemini_batch._codec._vertex_rows import KEY_LABEL
from gemini_batch._wire import _remedies
from gemini_batch._wire._row_envelope import Envelope, EnvelopeReader
from gemini_batch._wire._shapes import Shaper

_KEYS: Final = ("key", "custom_id", "id")
"""Members that are read as the key of a result, in this order."""


@frozen(kw_only=True)
class StoredEnvelopeReader(EnvelopeReader):
    """Takes rows apart to which nothing is added, on their way to Vertex AI.

    A request without an envelope, and a row without a key, are wrong: nobody writes what they
    lack. Whatever else a row has beside its request comes back with the answer.
    """

    def read(self, row: dict[Any, Any], number: int, shaper: Shaper) -> Envelope | None:
        """Take a row apart; None if there is nothing in it to check further."""
        if "request" not in row:
            self.report(
                "request", "the row does not have it", f"A row is {_remedies.ROW_FORM}."
            )
            return None
        request = row["request"]
        key = _key_of(row, request)
        if key is None:
            self.report(
                "key",
                "the row has none",
                "Write one into it, and another into each row: it is what answers are matched "
                "by.",
            )
        return super().read({"key": key, "request": request}, number, shaper)


def _key_of(row: dict[Any, Any], request: Any) -> str | None:
    """Return what the result of a row will be named by."""
    for name in _KEYS:
        value = row.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool):
            return str(value)
    labels = request.get("labels") if isinstance(request, dict) else None
    label = labels.get(KEY_LABEL) if isinstance(labels, dict) else None
    return label if isinstance(label, str) else None
