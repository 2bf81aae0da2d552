"""Objects of Cloud Storage: sent, read, listed and deleted by their ``gs://`` names."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager

from gemini_batch._transfer.download import Download, open_download
from gemini_batch._transfer.progress import OnProgress
from gemini_batch._transfer.upload import UPLOADS_AT_ONCE, Upload
from gemini_batch._transfer.upload_source import Source
from gemini_batch._transport import FifoLimiter, Transport
from gemini_batch._wire.gcs import Gcs, parse_object
from gemini_batch.errors import NotFoundError
from gemini_batch.types import StoredObject


class Objects:
    """The objects that a client's credentials open."""

    def __init__(self, transport: Transport, wire: Gcs) -> None:
        self._transport = transport
        self._wire = wire
        self.turns = FifoLimiter(UPLOADS_AT_ONCE)
        """Whoever uploads takes one, so that memory is bounded."""

    def name_of(self, uri: str) -> str:
        """Return the name of an object, once it is one.

        Raises:
            InputError: It is none.
        """
        return str(parse_object(uri))

    async def upload(
        self,
        source: Source,
        name: str,
        *,
        mime_type: str,
        on_progress: OnProgress | None = None,
    ) -> StoredObject:
        """Make an object of `source`; one that is there and has the same bytes will do.

        Raises:
            ConflictError: There is an object of this name with other bytes.
            InputError: The source changed on the way, or `name` is none.
            TransportError: The service could not be reached, or stored other bytes.
        """
        upload = Upload(
            self._transport,
            self._wire,
            source,
            name=name,
            mime_type=mime_type,
            display_name=None,
            on_progress=on_progress,
        )
        return await upload.run()

    def open_download(self, name: str) -> AbstractAsyncContextManager[Download]:
        """Open an object's bytes, all of one generation, as an async iterator."""
        return open_download(self._transport, self._wire, name)

    async def get(self, name: str) -> StoredObject:
        """Return an object's description as it is now."""
        answer = await self._transport.send(self._wire.get(name))
        return self._wire.read_file(answer.body)

    async def list_all(self, prefix: str) -> AsyncGenerator[StoredObject, None]:
        """Iterate over the objects whose names begin with `prefix`, in their order."""
        token: str | None = None
        while True:
            request = self._wire.list(prefix, page_token=token)
            page = self._wire.read_page((await self._transport.send(request)).body)
            for item in page.items:
                yield item
            token = page.next_page_token
            if token is None:
                return

    async def delete(self, name: str) -> None:
        """Delete an object. That it is gone already is no error once an answer was lost."""
        try:
            await self._transport.send(self._wire.delete(name))
        except NotFoundError as exc:
            if exc.tries == 1:
                raise
