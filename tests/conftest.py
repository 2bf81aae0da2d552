"""What every test shares."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """The SDK runs on asyncio only, because aiohttp does."""
    return "asyncio"
