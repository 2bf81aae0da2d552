"""What stands around a request in a row: its key, its metadata, and what does not belong."""

from typing import Any, Final

from attrs import frozen

from gemini_batch._codec.results.vertex_decoder import KEY_LABEL
from gemini_batch._requests import hints
from gemini_batch._requests.normalize import Normalizer, Path, Report

_FOREIGN: Final = ("body", "messages")
_OWN: Final = frozenset({"key", "request", "metadata"})
_OTHER_NAMES: Final = frozenset({"custom_id", "customId", "id"})
_METADATA: Final = (
    "Metadata travels only with create(inlined_requests=…), which the Gemini Developer API "
    "has; elsewhere the key is all that comes back."
)


def written_key(number: int) -> str:
    """Return the key of a row that comes without, from its position."""
    return f"row-{number:09d}"


@frozen(kw_only=True)
class Envelope:
    """A row taken apart; of no use once something was reported."""

    key: str
    metadata: dict[str, Any] | None
    """Inline metadata without the key."""

    body: Any
    """The request, not yet checked."""

    path: Path
    """Where the request stands in the row."""


@frozen(kw_only=True)
class EnvelopeReader:
    """Takes rows apart, whether they have an envelope or not."""

    report: Report
    allow_metadata: bool
    """Whether rows may have metadata beside their key."""

    def read(
        self, row: dict[Any, Any], number: int, normalizer: Normalizer
    ) -> Envelope | None:
        """Take a row apart; None if there is nothing in it to check further.

        Args:
            row: The row.
            number: Its position from 1, which gives a key to rows without one.
            normalizer: Looks at metadata.
        """
        path: Path = None
        if "request" in row:
            body, path = row["request"], (None, ".request")
            self._refuse(row.keys() - _OWN)
        else:
            for name in _FOREIGN:
                if name in row and not {"contents", "content"} & row.keys():
                    self.report(
                        name,
                        "this is a row for another API",
                        f"A row is {hints.ROW_FORM}.",
                    )
                    return None
            self._refuse(row.keys() & _OTHER_NAMES)
            # A bare request; its key may stand beside its contents.
            outside = _OWN | _OTHER_NAMES
            body = {name: item for name, item in row.items() if name not in outside}
        metadata = row.get("metadata")
        if metadata is not None:
            metadata = self._metadata(metadata, normalizer)
        key = self._key(row.get("key"), metadata)
        if key is None:
            key = written_key(number)
        return Envelope(key=key, metadata=metadata, body=body, path=path)

    def _refuse(self, names: set[Any]) -> None:
        for name in sorted(map(str, names)):
            self.report(name, f"a row has no member {name!r}", hints.for_envelope(name))

    def _metadata(self, value: Any, normalizer: Normalizer) -> dict[str, Any] | None:
        if not self.allow_metadata:
            self.report("metadata", "rows of a file have no metadata", _METADATA)
        elif not isinstance(value, dict):
            kind = hints.json_type(value)
            self.report("metadata", f"expected an object, got {kind}", _METADATA)
        else:
            normalizer.own(value, (None, ".metadata"))
            return dict(value)
        return None

    def _key(self, key: Any, metadata: dict[str, Any] | None) -> Any:
        inner = None if metadata is None else metadata.pop("key", None)
        field = "key"
        # No more than texts are compared: what else may be there has its own idea of equality.
        if key is None:
            key, field = inner, "metadata.key"
        elif (
            inner is not None
            and isinstance(key, str)
            and not (isinstance(inner, str) and inner == key)
        ):
            self.report("metadata.key", f"the row has another key: {key!r}", "Keep one.")
        if key is not None and not isinstance(key, str):
            remedy = (
                f'Write it in quotes: "{key}".'
                if isinstance(key, int)
                else "Write a string."
            )
            kind = hints.json_type(key)
            self.report(field, f"a key is a string, not {kind}", remedy)
        elif key == "":
            self.report(field, "the key is empty", "Leave it out to have one written.")
        return key


_KEYS: Final = ("key", "custom_id", "id")
"""Members that are read as the key of a result, in this order."""


@frozen(kw_only=True)
class StoredEnvelopeReader(EnvelopeReader):
    """Takes rows apart to which nothing is added, on their way to Vertex AI.

    A request without an envelope, and a row without a key, are wrong: nobody writes what they
    lack. Whatever else a row has beside its request comes back with the answer.
    """

    def read(
        self, row: dict[Any, Any], number: int, normalizer: Normalizer
    ) -> Envelope | None:
        """Take a row apart; None if there is nothing in it to check further."""
        if "request" not in row:
            self.report(
                "request", "the row does not have it", f"A row is {hints.ROW_FORM}."
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
        return super().read({"key": key, "request": request}, number, normalizer)


def _key_of(row: dict[Any, Any], request: Any) -> str | None:
    """Return what the result of a row will be named by."""
    for name in _KEYS:
        value = row.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool):
            return str(value)
    labels = request.get("labels") if isinstance(request, dict) else None
    label = labels.get(KEY_LABEL) if isinstance(labels, dict) else None
    return label if isinstance(label, str) else None
