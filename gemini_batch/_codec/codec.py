"""One object that turns bytes into values and back; each client has its own."""

from functools import cache
from typing import Any, TypeVar

import msgspec
from cattrs import transform_error
from cattrs.v import format_exception

from gemini_batch._codec.converter import build_converter
from gemini_batch._codec.structured_output.response_schema import (
    response_json_schema,
    response_schema,
)
from gemini_batch.errors import DecodeError, InputError

T = TypeVar("T")

_QUOTED = 80  # characters of a bad document shown in an error
JSON_ERRORS = (msgspec.MsgspecError, ValueError, RecursionError)
"""What msgspec raises for a document that is not JSON, not UTF-8, or nested too deeply."""


class Codec:
    """Reads and writes JSON, and holds the client's converter."""

    def __init__(self) -> None:
        self.converter = build_converter()
        """Structures and unstructures all values. The API's own hooks are registered on it,
        then those of the caller."""
        self._members = msgspec.json.Decoder(dict[str, msgspec.Raw])
        self._items = msgspec.json.Decoder(list[msgspec.Raw])

    def __reduce__(self) -> Any:
        # Generated functions cannot be pickled. What was pickled is read by the package's hooks.
        return (_unpickled, ())

    def loads(self, data: bytes, cls: type[T]) -> T:
        """Structure a JSON document into `cls`.

        Raises:
            DecodeError: It is not JSON, or does not fit; the message has the path.
        """
        return self.structure(self.decode(data), cls)

    def decode(self, data: bytes) -> Any:
        """Return a JSON document as plain Python values."""
        try:
            return msgspec.json.decode(data)
        except JSON_ERRORS as exc:
            raise not_json(data, exc) from exc

    def structure(self, value: Any, cls: type[T]) -> T:
        """Structure plain Python values into `cls`.

        Raises:
            DecodeError: They do not fit; the message has the path.
        """
        try:
            return self.converter.structure(value, cls)
        except Exception as exc:  # cattrs raises groups as well as what hooks raise
            raise misfit(exc, cls) from exc

    def unstructure(self, value: Any) -> Any:
        """Return `value` as plain Python values in the wire's spelling, defaults left out."""
        return self.converter.unstructure(value)

    def dumps(self, value: Any) -> bytes:
        """Return the JSON text of plain Python values.

        Raises:
            TypeError: Something in it has no place in JSON.
        """
        return msgspec.json.encode(value, enc_hook=_as_plain)

    def members(self, data: bytes) -> dict[str, bytes]:
        """Cut a JSON object into its members without decoding them."""
        try:
            members = self._members.decode(data).items()
            # null means "left out", here as everywhere in proto3 JSON.
            return {k: bytes(v) for k, v in members if bytes(v) != b"null"}
        except JSON_ERRORS as exc:
            raise not_json(data, exc) from exc

    def items(self, data: bytes) -> list[bytes]:
        """Cut a JSON list into its items without decoding them."""
        try:
            return [bytes(item) for item in self._items.decode(data)]
        except JSON_ERRORS as exc:
            raise not_json(data, exc) from exc

    def parse_answer(self, text: str, cls: type[T] | None) -> T:
        """Structure a JSON answer of the model into the caller's `cls`.

        Raises:
            DecodeError: It is not JSON, or does not fit; the message has the path.
            InputError: There is no `cls`.
        """
        if cls is None:
            raise InputError.one(
                "no type of the answer is given",
                remedy="Call parsed(Cls), or results(job, response_type=Cls).",
                field="cls",
            )
        return self.loads(text.encode(), cls)

    def check_answer_type(self, cls: Any) -> None:
        """Check that answers can be read as the caller's `cls`.

        Raises:
            InputError: They cannot.
        """
        try:
            self.converter.get_structure_hook(cls)
        except Exception as exc:  # cattrs raises several, and so do annotations
            raise InputError.one(
                f"no answer can be read as it: {exc}",
                remedy="Take an attrs class, a dataclass, a pydantic model, or a list or "
                "union of such.",
                field="response_type",
            ) from exc

    def response_schema(self, cls: Any) -> dict[str, Any]:
        """Return the schema of answers of the caller's `cls`, in the service's language.

        Raises:
            InputError: Something in it has no place there.
        """
        return response_schema(cls, self.converter)

    def response_json_schema(self, cls: Any) -> dict[str, Any]:
        """Return the schema of answers of the caller's `cls`, as JSON Schema.

        Raises:
            InputError: Something in it has none.
        """
        return response_json_schema(cls, self.converter)


@cache
def _unpickled() -> Codec:
    return Codec()


def _as_plain(value: Any) -> Any:
    # Numbers and texts of numpy and the like are subclasses that msgspec does not take.
    for cls in (str, int, float):
        if isinstance(value, cls):
            return cls(value)
    raise TypeError(f"a {type(value).__name__} has no place in JSON")


def _describe(exc: BaseException, cls: type | None) -> str:
    # Our hooks say what they expected and got; cattrs would leave out the latter.
    if type(exc) in (TypeError, ValueError, msgspec.ValidationError, Exception):
        return str(exc)
    return format_exception(exc, cls)


def misfit(exc: Exception, cls: Any) -> DecodeError:
    """Return the error for values that do not fit a class; the message has their paths."""
    message = "; ".join(transform_error(exc, format_exception=_describe))
    name = getattr(cls, "__name__", None) or str(cls)
    return DecodeError(message=f"{name}: {message}")


def not_json(data: bytes, exc: BaseException) -> DecodeError:
    """Return the error for bytes that are not JSON."""
    start = data[:_QUOTED].decode(errors="replace")
    return DecodeError(message=f"expected JSON: {exc}; the text begins {start!r}")
