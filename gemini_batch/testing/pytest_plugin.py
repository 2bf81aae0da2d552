"""Fixtures for pytest; they come with the package, and need no configuration.

- ``gemini_emulator``: a running `Emulator`, new for each test. It answers in a thread of
  its own, so it serves any program: this client in any event loop, Google's SDKs, blocking
  ones included, and other processes. Steer it from the test: ``script``, ``answers``,
  ``faults``, ``log``, ``clock.advance``.
- ``gemini_client``: a `Client` for it, not open yet, because a fixture cannot know the
  event loop of the test: ``async with gemini_client as client:``. It works under anyio's
  plugin and pytest-asyncio in each mode, and in ``asyncio.run``. Its pauses between tries
  are short.
- ``gemini_emulator_options``: override it to give the `Emulator` arguments of your own.
  With ``clock``, ``limits`` or ``speed`` among them jobs live as usual: ``{"clock":
  ManualClock()}`` for a test that turns the time itself. Otherwise they end before the
  first look.

A program that makes its own client finds the emulator by the environment::

    monkeypatch.setenv("GEMINI_API_KEY", gemini_emulator.api.api_key)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", gemini_emulator.url)

pytest loads this module in every run, whether the fixtures are used or not: what is behind
them is imported by the fixtures themselves.
"""

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini_batch import Client
    from gemini_batch.testing import Emulator


@pytest.fixture
def gemini_emulator_options() -> dict[str, Any]:
    """Arguments of the `Emulator` behind `gemini_emulator`; override it to set some."""
    return {}


@pytest.fixture
def gemini_emulator(gemini_emulator_options: dict[str, Any]) -> "Iterator[Emulator]":
    """Run an offline Gemini batch service for this test; jobs end at the first look."""
    from gemini_batch.testing._fixtures import serving  # noqa: PLC0415 - see above

    with serving(gemini_emulator_options) as emulator:
        yield emulator


@pytest.fixture
def gemini_client(gemini_emulator: "Emulator") -> "Client":
    """Make a `gemini_batch.Client` of `gemini_emulator`; open it with ``async with``."""
    from gemini_batch.testing._fixtures import client_of  # noqa: PLC0415 - see above

    return client_of(gemini_emulator)
