"""The client: owns or borrows a session, and holds the resources."""

import os
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias

import anyio

from gemini_batch._codec import Codec
from gemini_batch._transport import Transport, check_api, open_session
from gemini_batch.resources import Batches, Files
from gemini_batch.resources.batches.staging import Stores
from gemini_batch.types import DeveloperAPI, Retry, Timeouts, VertexAI

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from gemini_batch._codec import Converter
    from gemini_batch.resources.objects import Objects

Resources: TypeAlias = tuple[Batches, Files, Stores]

_YES = {"1", "true"}
_CLOSING_SECONDS = 5.0


class Client:
    """Batch jobs, files and objects of one service, through one session.

    ::

        async with Client() as client:
            job = await client.batches.submit("gemini-2.5-flash", "input.jsonl")

    Runs on asyncio. Nothing is opened before ``async with``, and nothing outlives it.
    """

    def __init__(
        self,
        api: DeveloperAPI | VertexAI | None = None,
        *,
        session: "ClientSession | None" = None,
        retry: Retry | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        """Make a client; no I/O happens here.

        Args:
            api: Which service, and how to get in; left out, read from the environment, as
                `api_from_environment` does.
            session: An open session to borrow, with its proxies and middlewares. It is
                never closed. Left out, the client has its own.
            retry: How often calls are tried again.
            timeouts: Limits on single exchanges.

        Raises:
            CredentialsError: There is no key; for Vertex AI, no project.
            SecurityError: The key or a token would travel unprotected.
            ValueError: The environment names what can be no project or location.
        """
        if api is None:
            api = api_from_environment()
        check_api(api)
        self._api = api
        self._borrowed = session
        self._owned: ClientSession | None = None
        self._retry = retry or Retry()
        self._timeouts = timeouts or Timeouts()
        self._codec = Codec()
        self._open_resources = _opener(api, self._codec)
        self._resources: Resources | None = None
        self._transport: Transport | None = None

    async def __aenter__(self) -> Self:
        if self._resources is not None:
            raise RuntimeError("this client is open already")
        session = self._borrowed
        if session is None:
            session = self._owned = open_session()
        transport = Transport(
            session,
            api=self._api,
            codec=self._codec,
            retry=self._retry,
            timeouts=self._timeouts,
        )
        self._transport = transport
        self._resources = self._open_resources(transport)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close what the client opened. ``async with`` does this."""
        self._resources = None
        transport = self._transport
        if transport is None:
            return
        await transport.tasks.aclose()
        session, self._owned = self._owned, None
        if session is None:
            return
        if transport.idle:
            # Nothing was ever open: there is nothing to wait for.
            await session.close()
            return
        # Also when everything around is being cancelled, but not for ever.
        with anyio.move_on_after(_CLOSING_SECONDS, shield=True):
            await session.close()

    @property
    def converter(self) -> "Converter":
        """The cattrs converter that structures and unstructures all of this client's values.

        A hook of yours is called in place of the package's, for a class of the package or one
        of your own, and may wrap what ``get_structure_hook`` returns. Register hooks before the
        first call, those of members first: a hook that was made or got knows no later ones.
        What is read is the service's own JSON: of a `BatchJob` the Developer API's operation or
        Vertex AI's job. `BatchResult.text` alone is read without the converter, unless the
        answer was asked for before.
        """
        return self._codec.converter

    @property
    def batches(self) -> Batches:
        """Batch jobs."""
        return self._open()[0]

    @property
    def files(self) -> Files:
        """Files. Vertex AI has none: every call says so, and what there is instead."""
        return self._open()[1]

    @property
    def objects(self) -> "Objects":
        """Objects of Cloud Storage. The Developer API has none: every call says so."""
        return self._open()[2].objects

    def _open(self) -> Resources:
        if self._resources is None:
            raise RuntimeError("open the client first: async with Client() as client: ...")
        return self._resources

    def __repr__(self) -> str:
        state = "closed" if self._resources is None else "open"
        return f"<Client of {self._api.base_url}, {state}>"


def api_from_environment() -> DeveloperAPI | VertexAI:
    """Return the API that the environment asks for, as Google's own SDKs read it.

    ``GOOGLE_GENAI_USE_ENTERPRISE``, or else ``GOOGLE_GENAI_USE_VERTEXAI``, is ``true`` or
    ``1`` for Vertex AI.
    """
    for name in ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI"):
        value = os.environ.get(name)
        if value is not None:
            # The first of the two that is set decides.
            return VertexAI() if value.lower() in _YES else DeveloperAPI()
    return DeveloperAPI()


def _opener(api: DeveloperAPI | VertexAI, codec: Codec) -> Callable[[Transport], Resources]:
    """Return what makes the resources; only what the one API needs is loaded.

    The API's hooks are registered here, before a caller can register theirs.
    """
    if isinstance(api, VertexAI):
        from gemini_batch._wire.vertex.batches import VertexBatches  # noqa: PLC0415
        from gemini_batch.resources.batches.vertex_staging import NoFiles, VertexStores  # noqa: PLC0415

        vertex = VertexBatches(codec, api)

        def open_vertex(transport: Transport) -> Resources:
            places = VertexStores(transport, codec, vertex, storage_url=api.storage_url)
            return Batches(transport, codec, vertex, places), NoFiles(), places

        return open_vertex
    from gemini_batch._wire.developer.batches import DeveloperBatches  # noqa: PLC0415
    from gemini_batch._wire.developer.files import DeveloperFiles  # noqa: PLC0415
    from gemini_batch.resources.batches.staging import DeveloperStores  # noqa: PLC0415

    developer = DeveloperBatches(codec, api.version)
    wire = DeveloperFiles(codec, base_url=api.base_url, version=api.version)

    def open_developer(transport: Transport) -> Resources:
        files = Files(transport, wire)
        stores = DeveloperStores(files, wire)
        return Batches(transport, codec, developer, stores), files, stores

    return open_developer
