"""How a command reaches a service: the real one, or an emulator."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from attrs import frozen

from gemini_batch import (
    Client,
    DeveloperAPI,
    GeminiBatchError,
    Retry,
    SecurityError,
    Timeouts,
    TransportError,
)
from gemini_batch.cli._options import Common
from gemini_batch.cli._screen import Screen
from gemini_batch.testing import Emulator

DEFAULT_PORT: Final = 8765
EMULATOR_KEY: Final = "emulator-key"
EMULATOR_VARIABLE: Final = "GEMINI_BATCH_EMULATOR"


@frozen(kw_only=True)
class Connection:
    """An open client, and what a person should know of the other side."""

    client: Client
    embedded: bool = False
    """True for an emulator inside this process, whose jobs end with it."""

    flags: str = ""
    """What a further command needs to reach the same service."""


@asynccontextmanager
async def connect(common: Common, screen: Screen) -> AsyncIterator[Connection]:
    """Open a client on what the options and the environment say."""
    if not common.emulator:
        async with Client() as client:
            yield Connection(client=client)
        return
    url = os.environ.get(EMULATOR_VARIABLE) or f"http://127.0.0.1:{DEFAULT_PORT}"
    api = DeveloperAPI(api_key=EMULATOR_KEY, base_url=url, version="v1beta")
    why = await _why_not(api)
    if why is None:
        async with Client(api) as client:
            yield Connection(client=client, flags=" --emulator")
        return
    screen.remark(
        (f"{why}: using one inside this command; its jobs and files end with it.", "dim")
    )
    async with Emulator() as emulator, Client(emulator.api) as client:
        yield Connection(client=client, embedded=True)


async def _why_not(api: DeveloperAPI) -> str | None:
    """Return why `api` is no emulator to talk to; None if it is one."""
    once = Retry(attempts=1, timeout=2.0)
    quick = Timeouts(connect=1.0, short=2.0)
    try:
        async with Client(api, retry=once, timeouts=quick) as client:
            await client.files.list(page_size=1)
    except SecurityError:
        raise
    except TransportError:
        return f"No emulator runs at {api.base_url}"
    except GeminiBatchError:
        return f"Something else than an emulator answers at {api.base_url}"
    return None
