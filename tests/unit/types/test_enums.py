"""Enums that keep values the service adds after a release."""

import pickle

import pytest

from gemini_batch.types import (
    FinishReason,
    JobState,
)


def test_an_unknown_enum_value_survives() -> None:
    state = JobState("frozen")

    assert state == "frozen"
    assert type(state) is JobState
    assert not state.is_known
    assert not state.is_terminal
    assert hash(state) == hash("frozen")
    assert pickle.loads(pickle.dumps(state)) == state
    assert JobState("frozen") not in JobState.__members__.values()


def test_a_known_enum_value_is_the_member() -> None:
    assert FinishReason("STOP") is FinishReason.STOP
    assert FinishReason.STOP.is_known


def test_an_enum_is_made_of_strings_only() -> None:
    with pytest.raises(ValueError, match="3 is not a valid JobState"):
        JobState(3)  # type: ignore[arg-type]
