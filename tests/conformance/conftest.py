"""Foreign clients and the process they talk to."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.conformance.genai import Genai
from tests.conformance.stage import Stage

# What the environment may hold that changes where Google's client goes.
_FOREIGN = (
    "GOOGLE_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_GEMINI_BASE_URL",
    "GOOGLE_GENAI_API_VERSION",
    "GOOGLE_GENAI_USE_VERTEXAI",
    "GOOGLE_GENAI_USE_ENTERPRISE",
    "GOOGLE_VERTEX_BASE_URL",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_LOCATION",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
)


@pytest.fixture(scope="session")
def theatre() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture
def stage(request: pytest.FixtureRequest, theatre: Stage) -> Stage:
    """A fresh emulator in the other process, its clock standing still."""
    theatre.open(**_options(request, "limits"))
    return theatre


def _options(request: pytest.FixtureRequest, marker: str) -> dict[str, Any]:
    """Return what a test asks for with a marker."""
    found = request.node.get_closest_marker(marker)
    return {} if found is None else dict(found.kwargs)


@pytest.fixture(params=["sync", "async"])
async def genai(
    request: pytest.FixtureRequest, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Genai]:
    """google-genai, as most programs use it: retries off, API version its own default."""
    from google.genai import Client

    for name in _FOREIGN:
        monkeypatch.delenv(name, raising=False)
    http_options: Any = {"base_url": stage.url, **_options(request, "http_options")}
    client = Client(api_key=stage.key, http_options=http_options)
    yield Genai(kind=request.param, api=client if request.param == "sync" else client.aio)
    await client.aio.aclose()
    client.close()


@pytest.fixture(params=["sync", "async"])
async def vertex(
    request: pytest.FixtureRequest, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Genai]:
    """google-genai in Vertex mode, with a token the emulator takes."""
    from google.genai import Client
    from google.oauth2.credentials import Credentials

    for name in _FOREIGN:
        monkeypatch.delenv(name, raising=False)
    client = Client(
        vertexai=True,
        project="emulator-project",
        location="us-central1",
        credentials=Credentials(token="emulator-token"),  # type: ignore[no-untyped-call]
        http_options={"base_url": stage.url},
    )
    yield Genai(kind=request.param, api=client if request.param == "sync" else client.aio)
    await client.aio.aclose()
    client.close()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "http_options(**options): further http_options of google-genai's client"
    )
    config.addinivalue_line("markers", "limits(**limits): members of the emulator's Limits")
