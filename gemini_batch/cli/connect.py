"""The client of a command: of the real service, or of an emulator."""

import os
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from attrs import evolve, frozen

from gemini_batch import (
    Client,
    DeveloperAPI,
    GeminiBatchError,
    InputError,
    Retry,
    SecurityError,
    Timeouts,
    TransportError,
    VertexAI,
)
from gemini_batch.cli.display.screen import Screen
from gemini_batch.cli.options import Common
from gemini_batch.client import api_from_environment
from gemini_batch.testing import Emulator
from gemini_batch.testing.emulator.google_cloud.project import PROJECT
from gemini_batch.testing.emulator.google_cloud.tokens import (
    StandInCredentials,
    Tokens,
)
from gemini_batch.testing.emulator.google_cloud_apis import BUCKET

DEFAULT_PORT: Final = 8765
EMULATOR_KEY: Final = "emulator-key"
EMULATOR_PROJECT: Final = PROJECT
EMULATOR_BUCKET: Final = BUCKET
EMULATOR_TOKEN: Final = Tokens().current
EMULATOR_VARIABLE: Final = "GEMINI_BATCH_EMULATOR"


@frozen(kw_only=True)
class Connection:
    """An open client, and how its service is reached."""

    client: Client
    embedded: bool = False
    """True for an emulator inside this process, whose jobs end with it."""

    flags: str = ""
    """Options that a further command needs to reach the same service."""


def api_of(common: Common) -> DeveloperAPI | VertexAI:
    """Return the service that the options name, or else the environment.

    Raises:
        InputError: The options contradict each other, or are not valid.
        CredentialsError: The environment names no service.
    """
    named = {
        name: value
        for name, value in (
            ("project", common.project),
            ("location", common.location),
            ("staging", common.staging),
        )
        if value is not None
    }
    if common.vertex is False and named:
        raise InputError.one(
            "the Gemini Developer API does not have it",
            remedy="Leave --no-vertex out to use Vertex AI.",
            field=f"--{next(iter(named))}",
        )
    try:
        if common.vertex or named:
            return VertexAI(**named)
        return api_from_environment() if common.vertex is None else DeveloperAPI()
    except ValueError as exc:
        raise InputError.one(
            f"{exc}", remedy="It is read from the options, or else from the environment."
        ) from exc


def emulated(api: DeveloperAPI | VertexAI, url: str) -> DeveloperAPI | VertexAI:
    """Return the settings for the emulator at `url` in place of `api`."""
    if isinstance(api, DeveloperAPI):
        return DeveloperAPI(api_key=EMULATOR_KEY, base_url=url, version="v1beta")
    return evolve(
        api,
        project=EMULATOR_PROJECT,
        staging=f"gs://{EMULATOR_BUCKET}/staging",
        credentials=StandInCredentials(Tokens()),
        base_url=url,
        storage_url=url,
        bigquery_url=url,
        version="v1",
    )


@asynccontextmanager
async def connect(common: Common, screen: Screen) -> AsyncIterator[Connection]:
    """Open a client for the service that the options and the environment name."""
    if not common.emulator:
        async with Client(api_of(common)) as client:
            yield Connection(client=client, flags=_flags(common))
        return
    url = os.environ.get(EMULATOR_VARIABLE) or f"http://127.0.0.1:{DEFAULT_PORT}"
    api = api_of(common)
    why = await _why_not(url)
    if why is None:
        async with Client(emulated(api, url)) as client:
            yield Connection(client=client, flags=_flags(common))
        return
    screen.remark(
        (f"{why}: using one inside this command; its jobs and files end with it.", "dim")
    )
    async with (
        Emulator(api_key=EMULATOR_KEY) as emulator,
        Client(emulated(api, emulator.url)) as client,
    ):
        yield Connection(client=client, embedded=True)


def _flags(common: Common) -> str:
    """Return the options a further command needs in the same environment."""
    flags = ["--emulator"] if common.emulator else []
    if common.vertex is False:
        flags.append("--no-vertex")
    elif common.vertex or common.project or common.location or common.staging:
        flags.append("--vertex")
    for name, value in (("project", common.project), ("location", common.location)):
        if value is not None:
            flags.append(f"--{name} {shlex.quote(value)}")
    return "".join(f" {flag}" for flag in flags)


async def _why_not(url: str) -> str | None:
    """Return why no emulator can be used at `url`; None if there is one."""
    api = DeveloperAPI(api_key=EMULATOR_KEY, base_url=url, version="v1beta")
    once = Retry(attempts=1, timeout=2.0)
    quick = Timeouts(connect=1.0, short=2.0)
    try:
        async with Client(api, retry=once, timeouts=quick) as client:
            await client.files.list(page_size=1)
    except SecurityError:
        raise
    except TransportError:
        return f"No emulator runs at {url}"
    except GeminiBatchError:
        return f"Something else than an emulator answers at {url}"
    return None
