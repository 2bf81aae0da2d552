"""Every scenario in this folder runs on both APIs, word for word."""

from collections.abc import AsyncIterator

import pytest

from gemini_batch import Client
from gemini_batch.testing import Emulator, Limits, ManualClock
from tests.apis.sides import KEY, Developer, Side, Vertex
from tests.support.settings import QUICK

SIDES = {"developer": Developer, "vertex": Vertex}


@pytest.fixture
async def emulator(clock: ManualClock) -> AsyncIterator[Emulator]:
    limits = Limits(lag=0.001, partial_output=True)
    async with Emulator(clock=clock, api_key=KEY, limits=limits) as emulator:
        yield emulator


@pytest.fixture(params=SIDES)
def side(request: pytest.FixtureRequest, emulator: Emulator, clock: ManualClock) -> Side:
    return SIDES[request.param](emulator, clock)


@pytest.fixture
async def client(side: Side) -> AsyncIterator[Client]:
    async with Client(side.settings, retry=QUICK) as client:
        yield client
