"""Where Vertex AI keeps rows: Cloud Storage and BigQuery."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import anyio

from gemini_batch._codec import Codec
from gemini_batch._io.threads import in_thread
from gemini_batch._transfer.upload_source import Source
from gemini_batch._transport import Transport
from gemini_batch._wire.storage_protocols import JSONL_MIME_TYPE
from gemini_batch._wire.vertex.batches import VertexBatches
from gemini_batch.errors import ConflictError, GeminiBatchError, InputError
from gemini_batch.resources.files import Files, OnProgress
from gemini_batch.types import ErrorCode, JobSource

if TYPE_CHECKING:
    from gemini_batch._transfer import cloud_storage
    from gemini_batch._wire.bigquery import BigQuery
    from gemini_batch._wire.gcs import Gcs
    from gemini_batch.resources.objects import Objects

_CLEANUP_SECONDS = 5.0


class VertexStores:
    """Cloud Storage and BigQuery, with the credentials of one client."""

    files = None

    def __init__(
        self, transport: Transport, codec: Codec, wire: VertexBatches, *, storage_url: str
    ) -> None:
        self._transport = transport
        self._codec = codec
        self._wire = wire
        self._storage_url = storage_url

    # Loaded by the calls that have to do with rows, so that a client is ready soon.

    @cached_property
    def gcs(self) -> "Gcs":
        """Cloud Storage."""
        from gemini_batch._wire.gcs import Gcs  # noqa: PLC0415 - see above

        return Gcs(self._codec, storage_url=self._storage_url)

    @cached_property
    def _store(self) -> "cloud_storage.Objects":
        from gemini_batch._transfer import cloud_storage  # noqa: PLC0415 - see above

        return cloud_storage.Objects(self._transport, self.gcs)

    @cached_property
    def objects(self) -> "Objects":
        """Objects of Cloud Storage."""
        from gemini_batch.resources.objects import Objects  # noqa: PLC0415 - see above

        return Objects(self._store)

    @cached_property
    def bigquery(self) -> "BigQuery":
        """BigQuery."""
        from gemini_batch._wire.bigquery import BigQuery  # noqa: PLC0415 - see above

        return BigQuery(self._codec)

    def staged(
        self,
        token: str,
        *,
        display_name: str | None,  # noqa: ARG002 - the name tells whose they are
        is_shared: bool,
    ) -> "StagedObject":
        """Return the place for the requests of the job with this token.

        Raises:
            InputError: There is no staging prefix.
        """
        uri = self._wire.staged_input(token)
        return StagedObject(self._store, uri, is_shared=is_shared)


class StagedObject:
    """An object of requests, below the staging prefix."""

    def __init__(
        self, objects: "cloud_storage.Objects", uri: str, *, is_shared: bool
    ) -> None:
        self._objects = objects
        self._uri = uri
        self._is_shared = is_shared

    async def put(self, path: Path, *, on_progress: OnProgress | None) -> JobSource:
        """Store a file of requests, and return it as a job's source.

        Raises:
            InputError: Other requests are staged under the same idempotency key.
        """
        source = Source(size=(await in_thread(path.stat)).st_size, path=path)
        async with self._objects.turns:
            await self._upload(source, on_progress)
        return JobSource(gcs_uris=(self._uri,))

    async def _upload(self, source: Source, on_progress: OnProgress | None) -> None:
        try:
            await self._objects.upload(
                source, self._uri, mime_type=JSONL_MIME_TYPE, on_progress=on_progress
            )
        except ConflictError as exc:
            raise InputError.one(
                f"{self._uri} has other requests, staged for it by an earlier call",
                remedy="Use another key for other requests; or delete that object, if no job "
                "reads it.",
                field="idempotency_key",
            ) from exc
        except BaseException:
            # Its last byte may have arrived all the same. Objects do not expire.
            with anyio.move_on_after(_CLEANUP_SECONDS, shield=True):
                await self.remove()
            raise

    async def remove(self) -> None:
        """Remove it, unless another call may count on it or go on with it later."""
        if self._is_shared:
            return
        try:
            await self._objects.delete(self._uri)
        except GeminiBatchError:
            return  # perhaps it never was


class NoFiles(Files):
    """Stands for the Files API on Vertex AI, which has none: every call says so."""

    def __init__(self) -> None:
        """Make it; there is nothing to reach."""

    async def _refused(self, *_: Any, **__: Any) -> NoReturn:
        _refuse()

    def _refused_at_once(self, *_: Any, **__: Any) -> NoReturn:
        _refuse()

    upload = get = list = delete = download = _refused
    list_all = open_download = _refused_at_once


def _refuse() -> NoReturn:
    raise InputError.one(
        "Vertex AI does not have it",
        code=ErrorCode.NEEDS_DEVELOPER_API,
        remedy="It belongs to the Gemini Developer API. Files are in Cloud Storage here: "
        "client.objects reaches them, create() takes their gs:// URIs, and submit() stages "
        "requests itself.",
        field="files",
    )
