"""What every test shares: an emulator whose clock the test turns, and a quick client."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import settings

from gemini_batch import Client
from gemini_batch.testing import Emulator, Limits, ManualClock
from tests.support.conformance_count import (
    pytest_runtest_logreport,
    pytest_terminal_summary,
)
from tests.support.settings import QUICK

__all__ = ["pytest_runtest_logreport", "pytest_terminal_summary"]

# How long an example takes says something of the machine, not of the code.
settings.register_profile("patient", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=10)  # scripts/test-fast
settings.load_profile("patient")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def emulator(clock: ManualClock) -> AsyncIterator[Emulator]:
    async with Emulator(clock=clock, limits=Limits(lag=0.001)) as emulator:
        yield emulator


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[Client]:
    async with Client(emulator.api, retry=QUICK) as client:
        yield client


@pytest.fixture
def anyio_backend() -> str:
    """The SDK runs on asyncio only, because aiohttp does."""
    return "asyncio"
