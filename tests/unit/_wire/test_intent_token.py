"""Tokens ride in the display name, and callers never see them there."""

from hypothesis import given
from hypothesis import strategies as st

from gemini_batch._wire.intent_token import (
    new_token,
    split_display_name,
    token_of_key,
    wire_display_name,
)


@given(st.none() | st.text())
def test_the_callers_text_comes_back(label: str | None) -> None:
    token = new_token()

    assert split_display_name(wire_display_name(label, token)) == (label, token)


@given(st.text(), st.text())
def test_equal_keys_have_equal_tokens(first: str, second: str) -> None:
    assert (token_of_key(first) == token_of_key(second)) == (first == second)


def test_tokens_are_unique_and_fit_a_label() -> None:
    tokens = {new_token() for _ in range(1000)}

    assert len(tokens) == 1000
    assert all(len(token) == 28 and token.islower() and token.isalnum() for token in tokens)


def test_tokens_sort_by_time() -> None:
    import time

    first = new_token()
    time.sleep(0.002)

    assert first < new_token()


def test_names_of_others_are_left_alone() -> None:
    for name in [None, "Nightly", "a--b", "ellmer-1783003258", "x--gb123"]:
        assert split_display_name(name) == (name, None)
    assert split_display_name("") == ("", None)
