"""Objects of Cloud Storage: store rows, look after what is stored, download results."""

import os
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from gemini_batch._transfer.download import Download
from gemini_batch._transfer.local import (
    Given,
    local_source,
    mime_type_of,
    write_beside,
)
from gemini_batch._transfer.progress import OnProgress
from gemini_batch.errors import InputError
from gemini_batch.types import ErrorCode, StoredObject

if TYPE_CHECKING:
    from gemini_batch._transfer import cloud_storage

__all__ = ["Objects", "refuse"]


class Objects:
    """Objects of Cloud Storage, with the credentials of a client of Vertex AI.

    They are named ``gs://bucket/object``. An upload never replaces one.
    """

    def __init__(self, store: "cloud_storage.Objects | None") -> None:
        """Make it.

        Args:
            store: Reaches them; None on an API that has none.
        """
        self._store = store

    async def upload(
        self,
        source: Given,
        uri: str,
        *,
        mime_type: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> StoredObject:
        """Make an object, and return it once the service has it whole.

        There is no object before its last byte. The upload goes on after any failure where
        the service says it stands, and what is stored is compared by digest. Memory is
        constant, whatever the size: four uploads at a time send, those of `submit` included,
        and further ones wait for their turn.

        An object of this name that has the same bytes is taken for the outcome of an earlier
        try.

        Args:
            source: A path; or the bytes; or an async iterable of bytes, which is written to
                a temporary file first, because an upload may have to go back.
            uri: ``gs://bucket/object``.
            mime_type: Left out, told by the object's ending, else ``application/jsonl``.
            on_progress: Called with a `TransferProgress` about every megabyte, and awaited
                if it returns an awaitable. What it raises ends the upload.

        Raises:
            InputError: The source cannot be uploaded, or the name is none; nothing was sent.
            ConflictError: There is an object of this name with other bytes.
            NotFoundError: There is no such bucket.
            TransportError: The service could not be reached, or stored other bytes.
        """
        store = self._reached()
        name = store.name_of(uri)
        async with local_source(source) as local, store.turns:
            return await store.upload(
                local,
                name,
                mime_type=mime_type or mime_type_of(name),
                on_progress=on_progress,
            )

    async def get(self, uri: str | StoredObject) -> StoredObject:
        """Return an object's description as it is now.

        Raises:
            NotFoundError: There is no such object.
        """
        return await self._reached().get(_name(uri))

    def list_all(self, prefix: str) -> AsyncGenerator[StoredObject, None]:
        """Iterate over the objects whose names begin with ``gs://bucket/prefix``, sorted.

        Pages are fetched as the loop reaches them.
        """
        return self._reached().list_all(prefix)

    async def delete(self, uri: str | StoredObject) -> None:
        """Delete an object. That it is gone already is no error once an answer was lost.

        Raises:
            NotFoundError: There is no such object.
        """
        await self._reached().delete(_name(uri))

    def open_download(
        self, uri: str | StoredObject
    ) -> AbstractAsyncContextManager[Download]:
        """Open an object's content, as an async context manager of an async iterator of bytes.

        All of it is of one generation, compared by digest at its end. A connection that
        breaks is opened again where it broke.
        """
        return self._reached().open_download(_name(uri))

    async def download(
        self,
        uri: str | StoredObject,
        path: str | os.PathLike[str],
        *,
        on_progress: OnProgress | None = None,
    ) -> Path:
        """Download an object to `path` and return the path.

        It is written beside the target and renamed at the end: the target is whole or not
        there, and a file of that name is replaced.

        Raises:
            InputError: The target's folder does not exist, or the target is no file.
            NotFoundError: There is no such object.
            TransportError: It broke off again and again, or changed meanwhile.
        """
        return await write_beside(path, self.open_download(uri), on_progress)

    def _reached(self) -> "cloud_storage.Objects":
        if self._store is None:
            refuse(field="objects")
        return self._store


def refuse(*, field: str | None = None, file: str | None = None) -> NoReturn:
    """Refuse what is in Google Cloud, on an API that reaches none of it.

    Args:
        field: What was called.
        file: What was asked for.

    Raises:
        InputError: Always.
    """
    raise InputError.one(
        "the Gemini Developer API does not have it",
        code=ErrorCode.NEEDS_VERTEX_AI,
        remedy="It belongs to Vertex AI. Files are in client.files here.",
        field=field,
        file=file,
    )


def _name(uri: str | StoredObject) -> str:
    return uri.name if isinstance(uri, StoredObject) else uri
