"""Checks and cost estimates of input, before anything is sent: no key, no network."""

import os
import re
from typing import TYPE_CHECKING, Any, Final

from gemini_batch._codec import Codec
from gemini_batch._input.check import InputReport, bounds_of, check_path
from gemini_batch._io.input_file import LineReader
from gemini_batch._io.threads import in_thread
from gemini_batch._requests.checker import MAX_REQUEST_BYTES
from gemini_batch.errors import InputError
from gemini_batch.types import DeveloperAPI, ErrorCode, Estimate, JobKind, Price, VertexAI
from gemini_batch.types._pricing import BYTES_PER_TOKEN

if TYPE_CHECKING:
    from gemini_batch._wire.dialect import Dialect

__all__ = ["InputReport", "check_cost", "check_input", "estimate_input", "response_schema"]

# A quote inside a text has a backslash before it, so these match members only.
_REFERENCE: Final = re.compile(
    rb'"(?:fileData|file_data|cachedContent|cached_content)"\s*:\s*["{]'
).search


async def check_input(
    path: str | os.PathLike[str],
    *,
    model: str | None = None,
    api: DeveloperAPI | VertexAI | None = None,
) -> InputReport:
    """Check a JSONL file as `client.batches.submit` does, and send nothing.

    `client.batches.check` does the same with a client, also for input in Google Cloud.

    Args:
        path: The file.
        model: The model of the job; requests that name another are problems.
        api: The API of the job, as `Client` takes it; it needs no key and no project. Left
            out, the one that the environment asks for.

    Raises:
        InputError: With file, line, field and remedy of every problem.
    """
    if api is None:
        # Loads more than a check for a given API needs.
        from gemini_batch.client import api_from_environment  # noqa: PLC0415

        api = api_from_environment()
    codec = Codec()
    wire = _dialect_of(api, codec)
    full = None if model is None else wire.model_name(model)
    rules = wire.input_rules(full or "")
    return await check_path(
        path,
        codec=codec,
        model=full,
        api_rules=rules.api_rules,
        **bounds_of(rules),
    )


def response_schema(cls: Any, *, as_json_schema: bool = False) -> dict[str, Any]:
    """Return the schema that `client.batches.submit` sends for a ``response_type``.

    Use it to see the schema, or for requests that each have a type of their own: as
    `GenerationConfig.response_schema`, with ``response_mime_type="application/json"``.

    Args:
        cls: The type.
        as_json_schema: Return JSON Schema, for `GenerationConfig.response_json_schema`.

    Raises:
        InputError: The type has members that a schema cannot express; all are listed, each
            with its path.
    """
    codec = Codec()
    return codec.response_json_schema(cls) if as_json_schema else codec.response_schema(cls)


def _dialect_of(api: DeveloperAPI | VertexAI, codec: Codec) -> "Dialect":
    """Return the dialect of `api`. Only the one that is used is loaded."""
    if isinstance(api, VertexAI):
        from gemini_batch._wire.vertex.batches import VertexBatches  # noqa: PLC0415

        return VertexBatches(codec, api)
    from gemini_batch._wire.developer.batches import DeveloperBatches  # noqa: PLC0415

    return DeveloperBatches(codec, api.version)


async def estimate_input(
    path: str | os.PathLike[str],
    *,
    price: Price,
    answer_tokens: int | None = None,
    bytes_per_token: float = BYTES_PER_TOKEN,
    model: str | None = None,
    api: DeveloperAPI | VertexAI | None = None,
) -> Estimate:
    """Check a JSONL file as `check_input` does, and estimate its cost. Nothing is sent.

    Defaults that `submit` would add to each request are not included: put a long system
    instruction into the requests, or add its tokens yourself.

    Args:
        path: The file.
        price: Your price per million tokens.
        answer_tokens: Expected tokens of one answer, thinking included; left out, the cost is
            unknown, except for requests that embed, which have no answers.
        bytes_per_token: Bytes of input per token, about.
        model: As with `check_input`.
        api: As with `check_input`.

    Raises:
        InputError: With file, line, field and remedy of every problem.
        ValueError: A number is negative, or the ratio not positive.
    """
    report = await check_input(path, model=model, api=api)
    return price.estimate(
        requests=report.count,
        size=report.size,
        answer_tokens=0 if report.kind == JobKind.EMBED else answer_tokens,
        bytes_per_token=bytes_per_token,
        unseen=await _references(path),
    )


def check_cost(estimate: Estimate, max_cost: float) -> float:
    """Return the estimated cost, if it is known and not above `max_cost`.

    Raises:
        InputError: It is above, or unknown.
    """
    cost = estimate.cost
    if cost is None:
        raise InputError.one(
            f"the cost is unknown without {', '.join(estimate.unknown)}",
            remedy="Give what is missing (what is free has the price 0), or set no limit.",
            field="max_cost",
            code=ErrorCode.UNKNOWN_COST,
        )
    # Written so that a limit of NaN refuses every cost.
    if not cost <= max_cost:
        raise InputError.one(
            f"the estimated cost is {cost:,.4f}, above the limit of {max_cost:,.4f}",
            remedy=f"Send less, or raise the limit. This is an {estimate}.",
            field="max_cost",
            code=ErrorCode.COST_ABOVE_LIMIT,
        )
    return cost


async def _references(path: str | os.PathLike[str]) -> int:
    """Return how many requests refer to files or cached content."""
    reader = LineReader(path, max_line_bytes=MAX_REQUEST_BYTES)

    def read_some() -> int | None:
        lines = reader.block()
        if lines is None:
            return None
        return sum(1 for _, line in lines if line is not None and _REFERENCE(line))

    count = 0
    while (more := await in_thread(read_some)) is not None:
        count += more
    return count
