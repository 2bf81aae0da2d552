"""Duplicate keys, held against a plain dict."""

import tempfile
import threading
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch._input import key_index
from gemini_batch._input.key_index import Duplicate, KeyIndex
from gemini_batch._requests.checker import EncodedBlock


def block(keys: list[str], first: int = 1) -> EncodedBlock:
    return EncodedBlock(keys=keys, numbers=[*range(first, first + len(keys))])


def expected(batches: Any) -> list[list[Duplicate]]:
    numbers = count(1)
    firsts: dict[str, int] = {}
    found: list[list[Duplicate]] = []
    for batch in batches:
        found.append([])
        for key in batch:
            number = next(numbers)
            first = firsts.setdefault(key, number)
            if first != number:
                found[-1].append(Duplicate(key, number, first))
    return found


def found(batches: Any) -> list[list[Duplicate]]:
    numbers = count(1)
    index = KeyIndex()
    try:
        return [
            index.add(EncodedBlock(keys=batch, numbers=[next(numbers) for _ in batch]))
            for batch in batches
        ]
    finally:
        index.close()


@given(
    st.lists(st.lists(st.sampled_from("abcABC ü\x00") | st.text(), max_size=8), max_size=6)
)
def test_duplicates_are_found_as_a_dict_finds_them(batches: Any) -> None:
    assert found(batches) == expected(batches)


@given(
    st.lists(st.integers(0, 60), max_size=40, unique=True).map(sorted),
    st.integers(1, 5),
    st.lists(st.integers(0, 60), max_size=4),
    st.sampled_from(["k{}", "{:04}", "row-{:09}", "ü{}"]),
)
def test_duplicates_of_keys_in_order_are_found(
    numbers: Any, size: int, late: Any, form: str
) -> None:
    """Keys in order are only noted down, until one comes that is not."""
    keys = [form.format(number) for number in [*numbers, *late]]
    batches = [keys[start : start + size] for start in range(0, len(keys), size)]

    assert found(batches) == expected(batches)


def test_keys_whose_marks_are_equal_are_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_index, "hash", len, raising=False)
    batches = [["b", "a", "cc"], ["d"], ["a", "ee"], ["b", "d", "f"]]

    assert found(batches) == expected(batches)


def test_keys_are_compared_to_the_letter() -> None:
    assert found([["a", "A", "a ", "a\x00", "ä"]]) == [[]]


def test_keys_in_order_need_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_args: Any, **_options: Any) -> None:
        pytest.fail("keys in order were looked up")

    monkeypatch.setattr("sqlite3.connect", connect)

    assert found([[f"doc-{n}" for n in range(95, 105)], ["doc-105", "row-000000001"]]) == [
        [],
        [],
    ]


def test_many_keys_in_order_go_to_a_file_that_nobody_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    index = KeyIndex()
    for first in range(0, 40_000, 1000):
        keys = [f"a-long-key-{number:09}" for number in range(first, first + 1000)]
        assert index.add(block(keys, first + 1)) == []

    assert index.add(block(["a-long-key-000012345"], 50_000)) == [
        Duplicate("a-long-key-000012345", 50_000, 12_346)
    ]
    assert [*tmp_path.iterdir()] == []
    index.close()


def test_an_index_may_be_used_by_one_thread_after_the_other() -> None:
    index = KeyIndex()
    again = []

    for number in (1, 2):
        thread = threading.Thread(
            target=lambda n=number: again.extend(index.add(block(["a"], n)))
        )
        thread.start()
        thread.join()

    assert again == [Duplicate("a", 2, 1)]
    index.close()
    index.close()
