"""Credentials and a way to Cloud Storage for tests, without google-auth."""

import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from gemini_batch import Retry, Timeouts
from gemini_batch._codec import Codec
from gemini_batch._transfer.cloud_storage import Objects
from gemini_batch._transport import Transport, check_api, open_session
from gemini_batch._wire.gcs import Gcs
from gemini_batch.types import VertexAI
from tests.support.settings import QUICK

TOKEN = "ya29.PLANTED-0123456789-abcdefghijklmnopqrstuv"


class StandIn:
    """Looks like google-auth's credentials; counts how often it is renewed."""

    def __init__(
        self,
        token: str | None = TOKEN,
        *,
        left: float | None = None,
        lives: float | None = None,
        renew: Callable[["StandIn"], object] | None = None,
        quota_project_id: str | None = None,
    ) -> None:
        self.token = token
        self.expiry = None if left is None else expiry_in(left)
        self.valid = False
        self.quota_project_id = quota_project_id
        self.renewals = 0
        self._lives = lives
        self._renew = renew

    def refresh(self, request: Any) -> None:
        self.renewals += 1
        if self._renew is not None:
            self._renew(self)
        self.token = f"{TOKEN}{self.renewals}"
        self.expiry = None if self._lives is None else expiry_in(self._lives)


def expiry_in(seconds: float) -> dt.datetime:
    """Return a moment as google-auth writes it: UTC that does not say so."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(seconds=seconds)


def vertex_at(url: str, credentials: Any = None) -> VertexAI:
    """Return a Vertex AI whose three services are at one address."""
    return VertexAI(
        project="project",
        location="us-central1",
        credentials=StandIn() if credentials is None else credentials,
        base_url=url,
        storage_url=url,
        bigquery_url=url,
    )


@asynccontextmanager
async def open_transport(api: VertexAI, retry: Retry = QUICK) -> AsyncIterator[Transport]:
    """Open a transport of its own session."""
    check_api(api)
    async with open_session() as session:
        transport = Transport(
            session, api=api, codec=Codec(), retry=retry, timeouts=Timeouts(read=5)
        )
        try:
            yield transport
        finally:
            await transport.tasks.aclose()


@asynccontextmanager
async def open_objects(url: str, retry: Retry = QUICK) -> AsyncIterator[Objects]:
    """Open a way to the objects at an address."""
    async with open_transport(vertex_at(url), retry) as transport:
        yield Objects(transport, Gcs(Codec(), storage_url=url))
