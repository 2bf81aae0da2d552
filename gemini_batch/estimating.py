"""What input would cost, before anything is sent; and a guard that lets nothing unknown by."""

import os
import re
from typing import Final

from gemini_batch._transfer._input_lines import LineReader
from gemini_batch._transfer._local import in_thread
from gemini_batch._wire.rows import MAX_ROW_BYTES
from gemini_batch.checking import check_input
from gemini_batch.errors import InputError
from gemini_batch.types import DeveloperAPI, Estimate, JobKind, Price, VertexAI
from gemini_batch.types._price import BYTES_PER_TOKEN

__all__ = ["check_cost", "estimate_input"]

# A quote inside a text has a backslash before it, so that none of these is the end of one.
_POINTS: Final = re.compile(
    rb'"(?:fileData|file_data|cachedContent|cached_content)"\s*:\s*["{]'
).search


async def estimate_input(
    path: str | os.PathLike[str],
    *,
    price: Price,
    answer_tokens: int | None = None,
    bytes_per_token: float = BYTES_PER_TOKEN,
    model: str | None = None,
    api: DeveloperAPI | VertexAI | None = None,
) -> Estimate:
    """Check a JSONL file as `check_input` does, and guess what it would cost. Nothing is sent.

    Defaults that `submit` would add to each row are not in it: a long system instruction
    belongs into the rows, or its tokens into the caller's own sum.

    Args:
        path: The file.
        price: The caller's.
        answer_tokens: Tokens to expect of one answer, thinking included; left out, the cost
            is unknown unless the rows embed, which has no answers.
        bytes_per_token: Bytes of input to a token, about.
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
        unseen=await _pointing(path),
    )


def check_cost(estimate: Estimate, max_cost: float) -> float:
    """Return the estimated cost, if it is known and not above `max_cost`.

    Raises:
        InputError: It is above, or unknown: what is not known may be anything.
    """
    cost = estimate.cost
    if cost is None:
        raise InputError.one(
            f"the cost is unknown without {', '.join(estimate.unknown)}",
            remedy="State what is missing (what is free has the price 0), or set no limit.",
            field="max_cost",
        )
    # So that a limit that is not a number lets nothing by.
    if not cost <= max_cost:
        raise InputError.one(
            f"the estimated cost is {cost:,.4f}, above the limit of {max_cost:,.4f}",
            remedy=f"Send less, or raise the limit. This is an {estimate}.",
            field="max_cost",
        )
    return cost


async def _pointing(path: str | os.PathLike[str]) -> int:
    """Return how many rows point at content elsewhere."""
    reader = LineReader(path, max_line_bytes=MAX_ROW_BYTES)

    def hop() -> int | None:
        lines = reader.block()
        if lines is None:
            return None
        return sum(1 for _, line in lines if line is not None and _POINTS(line))

    count = 0
    while (more := await in_thread(hop)) is not None:
        count += more
    return count
