"""Rows are put in order whatever order they come in, in bounded memory."""

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch.resources.batches.results.external_sort import ResultSorter

ROWS = st.lists(
    st.tuples(st.integers(0, 10**6), st.binary(max_size=40)),
    unique_by=lambda row: row[0],
    max_size=60,
)


@given(ROWS, st.sampled_from([1, 250, 1_000, 10**6]))
def test_rows_come_out_in_order_whatever_is_held(
    rows: list[tuple[int, bytes]], held: int
) -> None:
    sorter = ResultSorter(held_bytes=held)
    for index, (position, row) in enumerate(rows):
        sorter.add(position, index, row)

    found = list(sorter.merged())

    assert found == sorted((place, i, row) for i, (place, row) in enumerate(rows))
    sorter.close()


def test_rows_longer_than_what_is_read_at_once_are_whole() -> None:
    sorter = ResultSorter(held_bytes=1)
    rows = [bytes([n]) * (3 << 20) for n in range(3)]
    for position in (2, 0, 1):
        sorter.add(position, position, rows[position])

    assert [row for _, _, row in sorter.merged()] == rows
    sorter.close()


def test_a_sorter_that_is_closed_half_way_leaves_nothing_open() -> None:
    sorter = ResultSorter(held_bytes=1)
    for position in (1, 0):
        sorter.add(position, 0, b"x")
    merged = sorter.merged()
    next(merged)

    sorter.close()
    sorter.close()

    with pytest.raises(ValueError, match="closed"):
        list(merged)


@pytest.mark.parametrize("shuffled", [False, True])
def test_memory_does_not_grow_with_the_rows(shuffled: bool) -> None:
    positions = list(range(20_000))
    if shuffled:
        random.Random(1).shuffle(positions)
    tracemalloc.start()
    try:
        sorter = ResultSorter(held_bytes=500_000)
        for position in positions:
            sorter.add(position, position, b"%d" % position * 200)
        count = sum(1 for _ in sorter.merged())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        sorter.close()

    # They are 20 MB in all.
    assert count == 20_000
    assert peak < 5_000_000
