"""The limit on the cost of a job, checked before anything is sent."""

from gemini_batch import (
    DeveloperAPI,
    InputError,
    Price,
    VertexAI,
    check_cost,
    estimate_input,
)
from gemini_batch.cli.display.screen import Screen
from gemini_batch.cli.uris import is_stored

_KINDS = ("prompt", "cached", "answer", "thoughts")


async def check_limit(
    input_: str,
    max_cost: float | None,
    *,
    price: tuple[str, ...],
    answer_tokens: int | None,
    defaults: dict[str, object],
    model: str,
    api: DeveloperAPI | VertexAI,
    screen: Screen,
) -> None:
    """Show what the input will cost, about, if the cost has a limit.

    Raises:
        InputError: The cost is above `max_cost`, or unknown; or options do not go together.
    """
    if max_cost is None:
        if price or answer_tokens is not None:
            raise InputError.one(
                "it is used for a limit on the cost only",
                remedy="Set the limit with --max-cost.",
                field="--price" if price else "--answer-tokens",
            )
        return
    if is_stored(input_):
        raise InputError.one(
            "the cost of input at gs:// or bq:// cannot be estimated",
            remedy="Leave the limit out, or give a local file.",
            file=input_,
            field="--max-cost",
        )
    for name, value in defaults.items():
        if value is not None:
            raise InputError.one(
                "the estimate covers the requests of the file only, without it",
                remedy="Put it into the requests, or leave the limit out.",
                field=f"--{name.replace('_', '-')}",
            )
    estimate = await estimate_input(
        input_, price=_read_price(price), answer_tokens=answer_tokens, model=model, api=api
    )
    check_cost(estimate, max_cost)
    screen.remark(str(estimate))


def _read_price(prices: tuple[str, ...]) -> Price:
    """Read the values of ``--price``."""
    amounts: dict[str, float] = {}
    for text in prices:
        kind, _, amount = text.partition("=")
        try:
            amounts[kind] = float(amount)
            Price(**amounts)
        except (TypeError, ValueError):
            raise InputError.one(
                f"{text!r} is not a price of {', '.join(_KINDS)}",
                remedy="Give the price of a million tokens, as in --price prompt=0.15.",
                field="--price",
            ) from None
    return Price(**amounts)
