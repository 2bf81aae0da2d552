"""Seeing what would be sent, without a key, a network or a cost."""

import os
from typing import TYPE_CHECKING, Any

from gemini_batch._codec import Codec
from gemini_batch._transfer.prepare import InputReport, bounds_of, check_path
from gemini_batch.types import DeveloperAPI, VertexAI

if TYPE_CHECKING:
    from gemini_batch._wire._dialect import Dialect

__all__ = ["InputReport", "check_input", "response_schema"]


async def check_input(
    path: str | os.PathLike[str],
    *,
    model: str | None = None,
    api: DeveloperAPI | VertexAI | None = None,
) -> InputReport:
    """Check a JSONL file as `client.batches.submit` does, and send nothing.

    `client.batches.check` does the same for a client, and for rows in Google Cloud.

    Args:
        path: The file.
        model: The model the job would be for; rows that name another are problems.
        api: The API the job would be made on, as `Client` takes it; it needs no key and no
            project. Left out, the one the environment asks for.

    Raises:
        InputError: With file, line, field and remedy of every problem.
    """
    if api is None:
        # It has more to load than a check that is told.
        from gemini_batch.client import api_from_environment  # noqa: PLC0415

        api = api_from_environment()
    codec = Codec()
    wire = _dialect_of(api, codec)
    full = None if model is None else wire.model_name(model)
    rules = wire.row_rules(full or "")
    return await check_path(
        path,
        codec=codec,
        model=full,
        flavour=rules.flavour,
        **bounds_of(rules),
    )


def response_schema(cls: Any, *, as_json_schema: bool = False) -> dict[str, Any]:
    """Return the schema that `client.batches.submit` sends for a ``response_type``.

    To be looked at, or to be put into requests that each have a type of their own, as
    `GenerationConfig.response_schema` beside ``response_mime_type="application/json"``.

    Args:
        cls: The type.
        as_json_schema: Return JSON Schema, for `GenerationConfig.response_json_schema`.

    Raises:
        InputError: The type has members that have no place in a schema; all are told, each
            with its path.
    """
    codec = Codec()
    return codec.response_json_schema(cls) if as_json_schema else codec.response_schema(cls)


def _dialect_of(api: DeveloperAPI | VertexAI, codec: Codec) -> "Dialect":
    """Return how `api` is spoken to. Of the two only the one that is used is loaded."""
    if isinstance(api, VertexAI):
        from gemini_batch._wire.vertex import VertexBatches  # noqa: PLC0415

        return VertexBatches(codec, api)
    from gemini_batch._wire.developer import DeveloperBatches  # noqa: PLC0415

    return DeveloperBatches(codec, api.version)
