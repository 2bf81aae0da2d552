"""Settings of a client: schedules, limits, and the environment."""

import itertools
from collections.abc import Callable

import pytest

from gemini_batch.types import (
    DeveloperAPI,
    PollSchedule,
    Retry,
    Timeouts,
)


def test_the_default_schedule_grows_to_its_cap() -> None:
    pauses = list(itertools.islice(PollSchedule().pauses(), 12))

    assert pauses[:3] == [2.0, 3.0, 4.5]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 60.0


def test_schedules_of_other_shapes_end_too() -> None:
    assert list(itertools.islice(PollSchedule.fixed(5).pauses(), 3)) == [5, 5, 5]
    shrinking = PollSchedule(initial=8, factor=0.5, cap=60)
    assert list(itertools.islice(shrinking.pauses(), 3)) == [8, 8, 8]
    assert list(itertools.islice(PollSchedule(initial=9, cap=3).pauses(), 2)) == [3, 3]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Timeouts(short=0),
        lambda: Retry(attempts=0),
        lambda: PollSchedule(jitter=1),
        lambda: PollSchedule(jitter=-0.1),
    ],
)
def test_settings_are_checked_when_made(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        make()


def test_the_environment_is_read_when_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ["GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("GOOGLE_GENAI_API_VERSION", raising=False)
    plain = DeveloperAPI()
    assert plain.api_key == ""
    assert plain.base_url == "https://generativelanguage.googleapis.com"
    assert plain.version == "v1beta"

    monkeypatch.setenv("GEMINI_API_KEY", "gemini")
    assert DeveloperAPI().api_key == "gemini"
    monkeypatch.setenv("GOOGLE_API_KEY", "google")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "https://proxy.example/")
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "v1")
    api = DeveloperAPI()
    assert (api.api_key, api.base_url, api.version) == (
        "google",
        "https://proxy.example",
        "v1",
    )
    assert "google" not in repr(api)
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "beta")
    assert DeveloperAPI().version == "v1beta"
