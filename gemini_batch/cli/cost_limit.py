"""A limit on what input may cost, held before anything is sent."""

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


async def hold_cost(
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
    """Say what the input will cost, about; refuse it above `max_cost`, and if it is unknown.

    Raises:
        InputError: It is, or options do not go together.
    """
    if max_cost is None:
        if price or answer_tokens is not None:
            raise InputError.one(
                "it is for a limit on the cost",
                remedy="Set the limit with --max-cost.",
                field="--price" if price else "--answer-tokens",
            )
        return
    if is_stored(input_):
        raise InputError.one(
            "what rows that are stored already will cost is not known here",
            remedy="Leave the limit out, or give a file of this machine.",
            file=input_,
            field="--max-cost",
        )
    for name, value in defaults.items():
        if value is not None:
            raise InputError.one(
                "the estimate is of the rows alone, and each would have it beside",
                remedy="Put it into the rows, or leave the limit out.",
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
                f"{text!r} is no price of {', '.join(_KINDS)}",
                remedy="Write what a million tokens cost, as in --price prompt=0.15.",
                field="--price",
            ) from None
    return Price(**amounts)
