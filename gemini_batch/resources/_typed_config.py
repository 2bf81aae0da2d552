"""The generation config of a job whose answers are of the caller's own type."""

from collections.abc import Mapping
from typing import Any, Final

from gemini_batch._codec import Codec, wire_name
from gemini_batch._wire._row_rules import SCHEMAS
from gemini_batch.errors import InputError

_MIME: Final = "responseMimeType"
_JSON: Final = "application/json"


def typed_config(
    codec: Codec, config: Any, response_type: Any, *, as_json_schema: bool
) -> Any:
    """Return the config that asks for answers of `response_type`; `config` itself for None.

    Args:
        codec: Makes the schema.
        config: What the caller gave.
        response_type: The type.
        as_json_schema: Whether the schema is sent as JSON Schema.

    Raises:
        InputError: The type has no schema, or the config contradicts it.
    """
    if response_type is None:
        if as_json_schema:
            raise InputError.one(
                "there is no response_type whose schema it could be",
                remedy="Give a response_type, or leave it out.",
                field="as_json_schema",
            )
        return config
    given = {} if config is None else codec.unstructure(config)
    if not isinstance(given, Mapping):
        return config  # whose own check says what is wrong with it
    name = SCHEMAS[1] if as_json_schema else SCHEMAS[0]
    make = codec.response_json_schema if as_json_schema else codec.response_schema
    own = {wire_name(str(n)): value for n, value in given.items() if value is not None}
    for member in SCHEMAS:
        if member in own:
            raise InputError.one(
                f"generation_config has a {member} of its own",
                remedy="Leave one of the two out.",
                field="response_type",
            )
    if own.get(_MIME, _JSON) != _JSON:
        raise InputError.one(
            f"its answers are JSON, but {_MIME} in generation_config is {own[_MIME]}",
            remedy=f"Leave {_MIME} out.",
            field="response_type",
        )
    mime_type = {} if _MIME in own else {_MIME: _JSON}
    return {**given, **mime_type, name: make(response_type)}
