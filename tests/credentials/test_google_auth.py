"""google-auth itself, of every kind, against token services of our own."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gemini_batch import CredentialsError, Retry, TransportError
from gemini_batch._transport.google_credentials import SCOPE, scoped
from gemini_batch._wire.http import Request
from tests.faults.test_secrets import texts_of
from tests.support.cloud import TOKEN, StandIn, open_transport, vertex_at
from tests.support.looking_service import Service, service_that_looks
from tests.support.settings import QUICK
from tests.support.token_server import (
    TokenServer,
    service_account_file,
    token_server,
    user_file,
    workload_file,
)

GET = Request(method="GET", path="/v1/x", idempotent=True)
POST = Request(method="POST", path="/v1/x", idempotent=False, body=b"{}")
ADC = "GOOGLE_APPLICATION_CREDENTIALS"


@pytest.fixture
async def tokens() -> AsyncIterator[TokenServer]:
    async with token_server() as tokens:
        yield tokens


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with service_that_looks() as service:
        yield service


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of this machine's are found."""
    monkeypatch.delenv(ADC, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("GOOGLE_CLOUD_QUOTA_PROJECT", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)


async def call(service: Service, times: int = 1, retry: Retry = QUICK) -> None:
    """Send with Application Default Credentials."""
    from attrs import evolve

    vertex = evolve(vertex_at(service.url), credentials=None)
    async with open_transport(vertex, retry) as transport:
        await asyncio.gather(*(transport.send(POST) for _ in range(times)))


async def test_a_service_account(
    tokens: TokenServer,
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ADC, str(service_account_file(tmp_path, tokens.url)))

    await call(service, times=1000)

    assert tokens.tokens == 1
    ((path, said),) = tokens.asked
    assert path == "/token"
    assert said["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert set(service.tokens) == {f"Bearer {TOKEN}1"}
    assert len(service.seen) == 1000


async def test_a_service_account_that_is_given_asks_for_our_scope(
    tokens: TokenServer, service: Service, tmp_path: Path
) -> None:
    from google.oauth2 import service_account

    path = service_account_file(tmp_path, tokens.url)
    given = service_account.Credentials.from_service_account_file(  # type: ignore[no-untyped-call]
        str(path), quota_project_id="payer"
    )

    async with open_transport(vertex_at(service.url, given)) as transport:
        await transport.send(GET)

    assert scoped(given).scopes == [SCOPE]
    assert given.token is None  # the caller's own is left alone
    assert service.seen[0]["x-goog-user-project"] == "payer"


async def test_a_user_and_the_quota_project(
    tokens: TokenServer,
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = user_file(tmp_path, tokens.url, quota_project_id="payer")
    given = _user(path)
    async with open_transport(vertex_at(service.url, given)) as transport:
        await transport.send(GET)

    ((_, said),) = tokens.asked
    assert said["grant_type"] == "refresh_token"
    assert service.tokens == [f"Bearer {TOKEN}1"]
    assert service.seen[0]["x-goog-user-project"] == "payer"


def _user(path: Path) -> Any:
    from google.oauth2.credentials import Credentials

    said = json.loads(path.read_text())
    return Credentials(  # type: ignore[no-untyped-call]
        None,
        refresh_token=said["refresh_token"],
        token_uri=said["token_uri"],
        client_id=said["client_id"],
        client_secret=said["client_secret"],
        quota_project_id=said.get("quota_project_id"),
    )


@pytest.mark.parametrize("impersonate", [False, True])
async def test_workload_identity_federation(
    tokens: TokenServer, service: Service, tmp_path: Path, impersonate: bool
) -> None:
    from google.auth.identity_pool import Credentials

    path = workload_file(tmp_path, tokens.url, impersonate=impersonate)
    given = Credentials.from_file(str(path))  # type: ignore[no-untyped-call]

    async with open_transport(vertex_at(service.url, given)) as transport:
        await asyncio.gather(*(transport.send(GET) for _ in range(50)))

    asked = [path for path, _ in tokens.asked]
    assert asked[:2] == ["/subject", "/sts"]
    assert len(asked) == (3 if impersonate else 2)
    assert set(service.tokens) == {f"Bearer {tokens.latest()}"}


async def test_workforce_identity_federation_by_default(
    tokens: TokenServer,
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a workload, google-auth would ask a service of Google's for the project's name."""
    path = workload_file(tmp_path, tokens.url, impersonate=False)
    audience = "//iam.googleapis.com/locations/global/workforcePools/pool/providers/p"
    path.write_text(json.dumps({**json.loads(path.read_text()), "audience": audience}))
    monkeypatch.setenv(ADC, str(path))

    await call(service, times=50)

    assert [path for path, _ in tokens.asked] == ["/subject", "/sts"]
    assert set(service.tokens) == {f"Bearer {tokens.latest()}"}


async def test_impersonation(tokens: TokenServer, service: Service, tmp_path: Path) -> None:
    from google.auth.impersonated_credentials import Credentials

    given = Credentials(  # type: ignore[no-untyped-call]
        source_credentials=_user(user_file(tmp_path, tokens.url)),
        target_principal="bot@project.iam.gserviceaccount.com",
        target_scopes=[SCOPE],
        iam_endpoint_override=f"{tokens.url}/v1/bot:generateAccessToken",
    )

    async with open_transport(vertex_at(service.url, given)) as transport:
        await transport.send(GET)

    assert [path for path, _ in tokens.asked] == ["/token", "/v1/bot:generateAccessToken"]
    assert service.tokens == [f"Bearer {tokens.latest()}"]


async def test_a_metadata_server(
    tokens: TokenServer, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    from google.auth.compute_engine import _metadata

    host = tokens.url.removeprefix("http://")
    # The one is read when google-auth is imported, the other when it is called.
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", host)
    monkeypatch.setattr(_metadata, "_NO_GCE_CHECK", False)
    monkeypatch.setenv("GCE_METADATA_IP", host)

    await call(service, times=20)

    asked = [path for path, _ in tokens.asked]
    assert asked[-1].endswith("/service-accounts/default/token")
    assert set(service.tokens) == {f"Bearer {tokens.latest()}"}


async def test_a_token_that_was_fetched_on_the_way_is_used(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """google-auth has one already where it has asked for the project's name."""
    found = StandIn(left=3600)
    found.valid = True
    monkeypatch.setattr("google.auth.default", lambda **_: (found, "project"))

    await call(service)

    assert found.renewals == 0
    assert service.tokens == [f"Bearer {TOKEN}"]


async def test_there_are_none(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    from google.auth.compute_engine import _metadata

    monkeypatch.setattr(_metadata, "_NO_GCE_CHECK", True)

    with pytest.raises(CredentialsError, match="default credentials were not found"):
        await call(service)

    assert service.seen == []


async def test_a_token_service_that_fails_for_a_while(
    tokens: TokenServer,
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda _: None)
    monkeypatch.setenv(ADC, str(service_account_file(tmp_path, tokens.url)))
    tokens.fail = [(503, {"error": "unavailable"})] * 4

    await call(service)

    assert tokens.tokens == 5
    assert len(service.seen) == 1


async def test_a_token_service_that_cannot_be_reached(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ADC, str(service_account_file(tmp_path, "http://127.0.0.1:1")))

    with pytest.raises(TransportError, match="no access token could be had"):
        await call(service, retry=Retry(attempts=1))


SECRETS = (
    "refresh-token-0123456789-abcdefghij",
    "client-secret-0123456789-abcdefghij",
    TOKEN,
)


@pytest.mark.parametrize(
    "answer",
    [
        (400, {"error": "invalid_grant", "error_description": "Token has been revoked."}),
        (400, {"error": "invalid_grant", "error_description": f"bad {SECRETS[0]}"}),
        (401, {"said": SECRETS}),
        (200, {"refresh_token": SECRETS[0], "id_token": TOKEN}),
        (200, SECRETS[0]),
        (503, SECRETS[0]),
    ],
)
async def test_no_secret_shows(
    tokens: TokenServer,
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    answer: tuple[int, object],
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda _: None)
    tokens.fail = [answer] * 9
    given = _user(user_file(tmp_path, tokens.url))

    async with open_transport(
        vertex_at(service.url, given), Retry(attempts=1)
    ) as transport:
        with pytest.raises((CredentialsError, TransportError)) as caught:
            await transport.send(GET)
        shown = [repr(transport), repr(vars(transport)), repr(vars(transport._auth))]

    shown += texts_of(caught.value)
    for record in caplog.records:
        shown += [record.getMessage(), repr(record.args)]
    for text in shown:
        for secret in SECRETS:
            assert secret not in text
    if "revoked" in str(answer):
        assert "invalid_grant: Token has been revoked." in str(caught.value)


async def test_a_token_shows_nowhere(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    vertex = vertex_at(service.url)
    async with open_transport(vertex) as transport:
        await transport.send(GET)
        shown = [
            repr(vertex),
            repr(transport),
            repr(vars(transport)),
            repr(vars(transport._auth)),
            repr(await transport._auth.get_headers()),
        ]
    shown += [record.getMessage() for record in caplog.records]

    assert service.tokens == [f"Bearer {TOKEN}"]
    for text in shown:
        assert TOKEN not in text


async def test_without_google_auth_the_error_says_what_to_install(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "google.auth", None)

    with pytest.raises(CredentialsError, match=r"pip install 'gemini-batch\[vertex\]'"):
        await call(service)

    assert service.seen == []


def test_google_auth_is_loaded_only_when_it_is_used() -> None:
    code = (
        "import sys\n"
        "import gemini_batch.client, gemini_batch._transport\n"
        "from gemini_batch.types import VertexAI\n"
        "VertexAI(project='project', location='us-central1')\n"
        "assert not [m for m in sys.modules if m.startswith('google.')], 'loaded'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
