"""How fast a transfer goes, and how long it will take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch import TransferProgress
from gemini_batch._transfer.progress import WINDOW, Rate


def test_a_rate_is_unknown_until_time_has_passed() -> None:
    rate = Rate()

    assert rate.at(5.0, 0) is None
    assert rate.at(5.0, 100) is None
    assert rate.at(7.0, 300) == 150.0


def test_a_rate_is_that_of_the_last_seconds() -> None:
    rate = Rate()
    for second in range(100):
        rate.at(float(second), second * 1000)
    for second in range(100, 100 + int(WINDOW) + 1):
        last = rate.at(float(second), 99_000 + (second - 99) * 10)

    assert last == 10.0


def test_a_standstill_lowers_the_rate() -> None:
    rate = Rate()
    rate.at(0.0, 0)
    rate.at(1.0, 1000)

    assert rate.at(1001.0, 1000) == 0.0
    assert rate.at(1002.0, 2001) == 1.0


def test_going_back_is_no_speed() -> None:
    rate = Rate()
    rate.at(0.0, 0)
    rate.at(1.0, 1000)

    assert rate.at(2.0, 500) is None
    assert rate.at(3.0, 600) == 100.0


@given(
    st.lists(st.tuples(st.floats(0, 100), st.integers(0, 10**9)), min_size=1, max_size=200)
)
def test_few_marks_are_kept_and_no_rate_is_negative(steps: list[tuple[float, int]]) -> None:
    rate, now = Rate(), 0.0
    for pause, done in steps:
        now += pause
        told = rate.at(now, done)

        assert told is None or told >= 0
        assert len(rate._marks) <= 2 * WINDOW + 2


@pytest.mark.parametrize(
    ("done", "total", "rate", "eta"),
    [
        (10, 110, 50.0, 2.0),
        (10, 110, None, None),
        (10, 110, 0.0, None),
        (10, None, 50.0, None),
        (110, 110, None, 0.0),
        (0, 0, None, 0.0),
    ],
)
def test_time_left(
    done: int, total: int | None, rate: float | None, eta: float | None
) -> None:
    assert TransferProgress(done=done, total=total, rate=rate).eta == eta
