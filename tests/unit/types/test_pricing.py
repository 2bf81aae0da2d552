"""Prices are the caller's; what is unknown is never taken for free."""

import math

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch import (
    Estimate,
    InputError,
    Price,
    Usage,
    check_cost,
)

PRICE = Price(prompt=1.0, cached=0.25, answer=4.0, thoughts=8.0)
COUNTS = st.integers(0, 10**12)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    cached, answer, thoughts, tool = (draw(COUNTS) for _ in range(4))
    prompt = cached + draw(COUNTS)
    return Usage(
        prompt_token_count=prompt,
        cached_content_token_count=cached,
        candidates_token_count=answer,
        thoughts_token_count=thoughts,
        tool_use_prompt_token_count=tool,
        total_token_count=draw(st.sampled_from([0, prompt + answer + thoughts + tool])),
    )


def known(cost: float | None) -> float:
    assert cost is not None
    return cost


def test_each_kind_has_its_price() -> None:
    usage = Usage(
        prompt_token_count=3_000_000,
        cached_content_token_count=1_000_000,
        candidates_token_count=1_000_000,
        thoughts_token_count=1_000_000,
        tool_use_prompt_token_count=1_000_000,
        total_token_count=6_000_000,
    )

    # Two of three prompts were not cached, and one came from tools.
    assert PRICE.cost(usage) == 3 * 1.0 + 0.25 + 4.0 + 8.0


@given(usages(), usages())
def test_the_cost_of_a_sum_is_the_sum_of_the_costs(one: Usage, other: Usage) -> None:
    total = known(PRICE.cost(one)) + known(PRICE.cost(other))

    assert known(PRICE.cost(one + other)) == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize(
    ("kind", "usage"),
    [
        ("prompt", Usage(prompt_token_count=1)),
        ("prompt", Usage(tool_use_prompt_token_count=1)),
        ("cached", Usage(prompt_token_count=1, cached_content_token_count=1)),
        ("answer", Usage(candidates_token_count=1)),
        ("thoughts", Usage(thoughts_token_count=1)),
    ],
)
def test_a_missing_price_is_unknown_where_there_are_such_tokens(
    kind: str, usage: Usage
) -> None:
    assert evolve(PRICE, **{kind: None}).cost(usage) is None
    assert evolve(PRICE, **{kind: 0.0}).cost(usage) == 0.0
    assert Price(**{kind: 1.0}).cost(usage) == 1e-6


def test_what_was_not_counted_is_unknown() -> None:
    assert PRICE.cost(None) is None
    assert PRICE.cost(Usage(total_token_count=1)) is None
    assert PRICE.cost(Usage(prompt_token_count=1, total_token_count=2)) is None
    assert Price().cost(Usage()) == 0.0  # nothing, at whatever price


@pytest.mark.parametrize("amount", [-1.0, math.inf, math.nan])
def test_a_price_is_a_number_of_0_or_more(amount: float) -> None:
    with pytest.raises(ValueError, match="cached must be a price"):
        Price(cached=amount)


def test_an_estimate_tells_its_ratio_and_that_it_is_one() -> None:
    estimate = PRICE.estimate(requests=10, size=4_001, answer_tokens=100)

    assert estimate == Estimate(
        requests=10,
        size=4_001,
        bytes_per_token=4.0,
        prompt_tokens=1_001,
        answer_tokens=1_000,
        # Answers may be thoughts, which are dearer here.
        cost=(1_001 * 1.0 + 1_000 * 8.0) / 1e6,
    )
    assert str(estimate) == (
        "estimate, not a count: about 1,001 prompt tokens (4,001 bytes at 4 a token), "
        "1,000 answer tokens; cost about 0.0090"
    )


@pytest.mark.parametrize(
    ("price", "answer_tokens", "unseen", "unknown"),
    [
        (Price(answer=1.0, thoughts=1.0), 1, 0, ("a price of prompts",)),
        (Price(prompt=1.0, thoughts=1.0), 1, 0, ("a price of answers",)),
        (Price(prompt=1.0, answer=1.0), 1, 0, ("a price of thoughts",)),
        (PRICE, None, 0, ("the length of answers",)),
        (PRICE, 1, 2, ("the tokens that 2 requests point at",)),
    ],
)
def test_an_estimate_without_what_it_depends_on_has_no_cost(
    price: Price, answer_tokens: int | None, unseen: int, unknown: tuple[str, ...]
) -> None:
    estimate = price.estimate(
        requests=1, size=1, answer_tokens=answer_tokens, unseen=unseen
    )

    assert estimate.cost is None
    assert estimate.unknown == unknown
    assert f"cost unknown without {unknown[0]}" in str(estimate)
    with pytest.raises(InputError, match="the cost is unknown"):
        check_cost(estimate, math.inf)


def test_without_answers_their_price_does_not_matter() -> None:
    estimate = Price(prompt=2.0).estimate(requests=9, size=4_000_000, answer_tokens=0)

    assert estimate.cost == 2.0
    assert check_cost(estimate, 2.0) == 2.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"requests": -1},
        {"size": -1},
        {"answer_tokens": -1},
        {"unseen": -1},
        {"bytes_per_token": 0.0},
        {"bytes_per_token": math.inf},
        {"bytes_per_token": math.nan},
    ],
)
def test_an_estimate_of_nonsense_is_none(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        PRICE.estimate(**{"requests": 1, "size": 1, **wrong})  # type: ignore[arg-type]
