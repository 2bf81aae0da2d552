"""An emulator whose time stands still, and a client for it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from gemini_batch.testing import Emulator, ManualClock
from tests.emulator.cloud import Cloud
from tests.emulator.service import Service


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def emulator(clock: ManualClock) -> AsyncIterator[Emulator]:
    async with Emulator(clock=clock) as emulator:
        yield emulator


@pytest.fixture
async def service(emulator: Emulator) -> AsyncIterator[Service]:
    async with aiohttp.ClientSession() as session:
        yield Service(emulator, session)


@pytest.fixture
async def cloud(emulator: Emulator) -> AsyncIterator[Cloud]:
    async with aiohttp.ClientSession() as session:
        yield Cloud(emulator, session)
