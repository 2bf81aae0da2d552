"""One object that turns bytes into values and back; each client has its own."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from gemini_batch.errors import DecodeError, InputError

if TYPE_CHECKING:
    from cattrs import Converter

    from gemini_batch._codec.response_structs import Mirror

T = TypeVar("T")

_QUOTED = 80  # characters of a bad document shown in an error
JSON_ERRORS = (msgspec.MsgspecError, ValueError, RecursionError)
"""What msgspec raises for a document that is not JSON, not UTF-8, or nested too deeply."""


class Codec:
    """Reads and writes the wire's JSON. Holds the converter; keeps no other state."""

    def __init__(self) -> None:
        self._mirrors: dict[type[Any], Mirror | None] = {}
        self._members = msgspec.json.Decoder(dict[str, msgspec.Raw])
        self._items = msgspec.json.Decoder(list[msgspec.Raw])

    def __reduce__(self) -> tuple[type["Codec"], tuple[()]]:
        # Generated functions cannot be pickled; a result that holds a codec can this way.
        return (Codec, ())

    # Made when first used, and cattrs loaded then: the state of a job needs neither.

    @cached_property
    def converter(self) -> "Converter":
        """The converter of the wire's types. Hooks are registered before it is first used."""
        from gemini_batch._codec.converter import build_converter  # noqa: PLC0415

        return build_converter()

    @cached_property
    def _answers(self) -> "Converter":
        """For callers' own types: their names are left as they are."""
        from gemini_batch._codec.structured_output.answer_hooks import answer_converter  # noqa: PLC0415

        return answer_converter()

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
        """Structure plain Python values into `cls`."""
        return _structure(self.converter, value, cls)

    def mirror(self, cls: type[Any]) -> "Mirror | None":
        """Return what decodes `cls` in one pass; None if its hook is not the package's own."""
        if cls not in self._mirrors:
            from gemini_batch._codec.response_structs import mirror_of  # noqa: PLC0415

            self._mirrors[cls] = mirror_of(cls, self.converter)
        return self._mirrors[cls]

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
                "nobody said what the answer is to be",
                remedy="Say parsed(Cls), or ask for results(job, response_type=Cls).",
                field="cls",
            )
        return _structure(self._answers, self.decode(text.encode()), cls)

    def check_answer_type(self, cls: Any) -> None:
        """Check that answers can be read as the caller's `cls`.

        Raises:
            InputError: They cannot.
        """
        try:
            self._answers.get_structure_hook(cls)
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
        from gemini_batch._codec.structured_output.response_schema import response_schema  # noqa: PLC0415

        return response_schema(cls, self._answers)

    def response_json_schema(self, cls: Any) -> dict[str, Any]:
        """Return the schema of answers of the caller's `cls`, as JSON Schema.

        Raises:
            InputError: Something in it has none.
        """
        from gemini_batch._codec.structured_output.response_schema import (  # noqa: PLC0415
            response_json_schema,
        )

        return response_json_schema(cls, self._answers)


def _structure(converter: "Converter", value: Any, cls: type[T]) -> T:
    try:
        return converter.structure(value, cls)
    except Exception as exc:  # cattrs raises groups as well as what hooks raise
        from cattrs import transform_error  # noqa: PLC0415

        message = "; ".join(transform_error(exc, format_exception=_say))
        name = getattr(cls, "__name__", None) or str(cls)
        raise DecodeError(message=f"{name}: {message}") from exc


def _as_plain(value: Any) -> Any:
    # Numbers and texts of numpy and the like are subclasses that msgspec does not take.
    for cls in (str, int, float):
        if isinstance(value, cls):
            return cls(value)
    raise TypeError(f"a {type(value).__name__} has no place in JSON")


def _say(exc: BaseException, cls: type | None) -> str:
    # Our hooks say what they expected and got; cattrs would leave out the latter.
    if type(exc) in (TypeError, ValueError, msgspec.ValidationError, Exception):
        return str(exc)
    from cattrs.v import format_exception  # noqa: PLC0415

    return format_exception(exc, cls)


def not_json(data: bytes, exc: BaseException) -> DecodeError:
    start = data[:_QUOTED].decode(errors="replace")
    return DecodeError(message=f"expected JSON: {exc}; the text begins {start!r}")
