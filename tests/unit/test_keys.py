"""Duplicate keys, held against a plain dict."""

import threading
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gemini_batch._transfer._keys import KeyIndex
from gemini_batch._wire.rows import Row


def row(key: str, number: int) -> Row:
    return Row(key=key, request=b"{}", number=number)


@given(
    st.lists(st.lists(st.sampled_from("abcABC ü\x00") | st.text(), max_size=8), max_size=6)
)
def test_duplicates_are_found_as_a_dict_finds_them(batches: Any) -> None:
    numbers = count(1)
    firsts: dict[str, int] = {}
    index = KeyIndex()
    for batch in batches:
        rows = [row(key, next(numbers)) for key in batch]
        expected = []
        for each in rows:
            first = firsts.setdefault(each.key, each.number)
            if first != each.number:
                expected.append((each, first))

        assert index.add(rows) == expected
    index.close()


def test_keys_are_compared_to_the_letter() -> None:
    index = KeyIndex()

    assert (
        index.add([row("a", 1), row("A", 2), row("a ", 3), row("a\x00", 4), row("ä", 5)])
        == []
    )
    index.close()


def test_an_index_may_be_used_by_one_thread_after_the_other() -> None:
    index = KeyIndex()
    found = []

    for number in (1, 2):
        thread = threading.Thread(
            target=lambda n=number: found.extend(index.add([row("a", n)]))
        )
        thread.start()
        thread.join()

    assert found == [(row("a", 2), 1)]
    index.close()
    index.close()
