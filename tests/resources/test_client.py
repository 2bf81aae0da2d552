"""The client: what it opens it closes, and what it borrows it leaves alone."""

import gc
import os
import warnings

import aiohttp
import anyio
import pytest
from attrs import evolve

from gemini_batch import Client, CredentialsError, DeveloperAPI, SecurityError, VertexAI
from gemini_batch.client import api_from_environment
from gemini_batch.testing import Emulator, ManualClock
from gemini_batch.types import Usage
from tests.support.rows import MODEL, row

ENVIRONMENT = [
    "GOOGLE_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_GEMINI_BASE_URL",
    "GOOGLE_GENAI_API_VERSION",
    "GOOGLE_GENAI_USE_VERTEXAI",
    "GOOGLE_GENAI_USE_ENTERPRISE",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_LOCATION",
    "GOOGLE_VERTEX_BASE_URL",
    "STORAGE_EMULATOR_HOST",
    "BIGQUERY_EMULATOR_HOST",
]


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


async def test_the_environment_is_enough(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "emulator-key")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", emulator.url)
    client = Client()
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)

    async with client:
        assert [job async for job in client.batches.list_all()] == []

    assert emulator.log[0].headers["User-Agent"].startswith("gemini-batch/")


async def test_a_session_of_its_own_is_closed(emulator: Emulator) -> None:
    async with Client(emulator.api) as client:
        await client.batches.list()
        session = client._owned
        assert "open" in repr(client)
    assert session is not None
    assert session.closed
    assert "closed" in repr(client)
    await client.aclose()


async def test_a_borrowed_session_stays_open(emulator: Emulator) -> None:
    """Its own settings do not matter: ours are restated with each request."""
    async with aiohttp.ClientSession(
        raise_for_status=True, timeout=aiohttp.ClientTimeout(total=1e-9)
    ) as session:
        async with Client(emulator.api, session=session) as client:
            await client.batches.list()
        assert not session.closed


async def test_a_client_can_be_opened_again_but_not_twice(emulator: Emulator) -> None:
    client = Client(emulator.api)
    with pytest.raises(RuntimeError, match="open the client first"):
        client.batches.list_all()
    async with client:
        with pytest.raises(RuntimeError, match="open already"):
            await client.__aenter__()
    async with client:
        await client.files.list()


async def test_a_client_that_is_never_opened_leaves_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Client(DeveloperAPI(api_key="k"))
        gc.collect()


@pytest.mark.parametrize("key", ["", "two words", "new\nline", "schlüssel"])
def test_what_cannot_be_a_key_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        Client(DeveloperAPI(api_key=key))

    assert not key or key not in str(caught.value)


def test_without_a_key_the_error_says_what_to_set() -> None:
    with pytest.raises(CredentialsError, match="GEMINI_API_KEY"):
        Client()


@pytest.mark.parametrize(
    "name", ["GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_ENTERPRISE"]
)
@pytest.mark.parametrize(
    ("value", "vertex"), [("True", True), ("1", True), ("false", False), ("", False)]
)
def test_the_environment_chooses_the_api(
    name: str, value: str, vertex: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "k")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "europe-west4")
    monkeypatch.setenv(name, value)
    expected = VertexAI(project="p", location="europe-west4") if vertex else DeveloperAPI()

    assert api_from_environment() == expected
    assert expected.base_url in repr(Client())


def test_enterprise_overrides_vertex(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "k")
    monkeypatch.setenv("GOOGLE_GENAI_USE_ENTERPRISE", "0")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "1")

    assert isinstance(api_from_environment(), DeveloperAPI)


def test_without_a_project_the_error_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "k")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "1")

    with pytest.raises(CredentialsError, match="GOOGLE_CLOUD_PROJECT"):
        Client()


@pytest.mark.parametrize("which", ["base_url", "storage_url", "bigquery_url"])
def test_a_token_does_not_travel_unprotected(which: str) -> None:
    with pytest.raises(SecurityError, match="token"):
        Client(evolve(VertexAI(project="p"), **{which: "http://10.0.0.1"}))


@pytest.mark.parametrize(
    "url",
    [
        "http://generativelanguage.googleapis.com",
        "http://10.0.0.1",
        "ftp://localhost",
        "localhost:8080",
        "https://",
        "https://user:pw@host",
        "https://user@host",
        "https://host?x=1",
        "https://host#x",
    ],
)
def test_addresses_that_would_give_the_key_away_are_refused(url: str) -> None:
    with pytest.raises(SecurityError):
        Client(DeveloperAPI(api_key="k", base_url=url))


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:1",
        "http://127.0.0.5:1",
        "http://[::1]:1",
        "https://proxy.example/x",
    ],
)
def test_loopback_and_https_are_accepted(url: str) -> None:
    Client(DeveloperAPI(api_key="k", base_url=url))


def test_nothing_public_is_missing() -> None:
    import gemini_batch

    assert len(set(gemini_batch.__all__)) == len(gemini_batch.__all__)
    for name in gemini_batch.__all__:
        assert getattr(gemini_batch, name) is not None
    assert os.environ.get("GEMINI_API_KEY") is None


async def test_hooks_of_the_callers_own_are_used(
    emulator: Emulator, clock: ManualClock
) -> None:
    client = Client(emulator.api)
    client.converter.register_structure_hook(Usage, lambda *_: Usage(total_token_count=-1))
    async with client:
        job = await client.batches.create(MODEL, inlined_requests=[row("a")])
        clock.advance(3600)
        [result] = [result async for result in client.batches.results(job.name)]

    assert result.usage == Usage(total_token_count=-1)


async def test_a_client_that_sent_nothing_closes_its_session_too(
    emulator: Emulator,
) -> None:
    with anyio.CancelScope() as scope:
        async with Client(emulator.api) as client:
            session = client._owned
            scope.cancel()

    assert session is not None
    assert session.closed


async def test_a_client_that_was_cancelled_closes_its_session(emulator: Emulator) -> None:
    with anyio.CancelScope() as scope:
        async with Client(emulator.api) as client:
            await client.batches.list()
            session = client._owned
            scope.cancel()

    assert session is not None
    assert session.closed
