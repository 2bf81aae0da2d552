"""Who gives access tokens: Google's token services and a metadata server, in one."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from attrs import define, field
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.cloud import TOKEN
from tests.support.web import everything, serving


@define
class TokenServer:
    """What was asked for, and what is answered."""

    url: str = ""
    asked: list[tuple[str, dict[str, Any]]] = field(factory=list)
    """Path, and what the request said."""

    fail: list[tuple[int, Any]] = field(factory=list)
    """Statuses and bodies of the next answers."""

    lives: int = 3600
    """Seconds that tokens live."""

    gate: asyncio.Event | None = None
    """Answers wait for it."""

    same: bool = False
    """Whether every token is the first one again."""

    @property
    def tokens(self) -> int:
        """How many tokens have been asked for."""
        return len([path for path, _ in self.asked if not path.endswith("subject")])

    def latest(self) -> str:
        """Return the token given last."""
        return TOKEN if self.same else f"{TOKEN}{self.tokens}"


@asynccontextmanager
async def token_server() -> AsyncIterator[TokenServer]:
    """Serve tokens on a port of its own."""
    server = TokenServer()

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/" or request.path.endswith("project-id"):
            return web.Response(text="project", headers={"Metadata-Flavor": "Google"})
        if request.content_type == "application/json":
            said = await request.json()
        else:
            said = {**request.query, **await request.post()}
        server.asked.append((request.path, dict(said)))
        if "recursive" in said:
            bot = {"email": "bot@project.iam.gserviceaccount.com", "scopes": []}
            return web.json_response(bot)
        if request.path.endswith("subject"):
            return web.json_response({"id_token": "subject-token"})
        if server.gate is not None:
            await server.gate.wait()
        if server.fail:
            status, body = server.fail.pop(0)
            return web.json_response(body, status=status)
        token = server.latest()
        if request.path.endswith("generateAccessToken"):
            return web.json_response(
                {"accessToken": token, "expireTime": "2099-01-01T00:00:00Z"}
            )
        return web.json_response(
            {
                "access_token": token,
                "expires_in": server.lives,
                "token_type": "Bearer",
                "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            },
            headers={"Metadata-Flavor": "Google"},
        )

    async with serving(everything(answer)) as server.url:
        yield server


def service_account_file(folder: Path, url: str) -> Path:
    """Write a service account's key, made for this, whose tokens come from `url`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    return _written(
        folder / "service-account.json",
        {
            "type": "service_account",
            "project_id": "project",
            "private_key_id": "key-1",
            "private_key": text,
            "client_email": "bot@project.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"{url}/token",
        },
    )


def user_file(folder: Path, url: str, **more: Any) -> Path:
    """Write what ``gcloud auth application-default login`` writes, but for the address."""
    return _written(
        folder / "user.json",
        {
            "type": "authorized_user",
            "client_id": "1",
            "client_secret": "client-secret-0123456789-abcdefghij",
            "refresh_token": "refresh-token-0123456789-abcdefghij",
            "token_uri": f"{url}/token",
            **more,
        },
    )


def workload_file(folder: Path, url: str, *, impersonate: bool) -> Path:
    """Write a configuration of workload identity federation, with or without a bot."""
    bot = f"{url}/v1/projects/-/serviceAccounts/bot@p.iam.gserviceaccount.com"
    more = {"service_account_impersonation_url": f"{bot}:generateAccessToken"}
    return _written(
        folder / "workload.json",
        {
            "type": "external_account",
            "audience": "//iam.googleapis.com/projects/1/locations/global/"
            "workloadIdentityPools/pool/providers/provider",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": f"{url}/sts",
            "credential_source": {
                "url": f"{url}/subject",
                "format": {"type": "json", "subject_token_field_name": "id_token"},
            },
            **(more if impersonate else {}),
        },
    )


def _written(path: Path, content: dict[str, Any]) -> Path:
    path.write_text(json.dumps(content))
    return path
