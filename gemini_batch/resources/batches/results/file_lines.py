"""Lines of results, and those of a file of the Developer API."""

from collections.abc import Iterable
from typing import Protocol

from gemini_batch._io.lines import LineSplitter
from gemini_batch._transfer.read_ahead import ReadAhead
from gemini_batch._transport import Transport
from gemini_batch._wire.storage_protocols import ContentStore
from gemini_batch.errors import (
    NotFoundError,
    PermissionDeniedError,
    ResultsUnavailableError,
)
from gemini_batch.types import BatchJob


class Lines(Protocol):
    """The rows of a job, a line each."""

    async def read(self) -> Iterable[bytes] | None:
        """Return the next lines, perhaps none yet; None at the end."""
        ...

    async def aclose(self) -> None:
        """Stop fetching. Leaves no task, connection or temporary file."""
        ...


class FileLines:
    """The lines of a result file."""

    def __init__(
        self, transport: Transport, files: ContentStore, job: BatchJob, name: str
    ) -> None:
        self._reader = ReadAhead(transport, files, name)
        self._splitter = LineSplitter()
        self._job = job
        self._name = name

    async def read(self) -> Iterable[bytes] | None:
        """Return the lines that the next piece completes; None at the end.

        Raises:
            ResultsUnavailableError: The file is gone.
        """
        try:
            piece = await self._reader.read()
        except (NotFoundError, PermissionDeniedError) as exc:
            # The service does not tell a file that has expired from one of somebody else.
            raise ResultsUnavailableError(
                reason="expired", job=self._job, location=self._name
            ) from exc
        if piece:
            return self._splitter.feed(piece)
        # What follows the last newline is a line, too.
        rest = self._splitter.finish()
        return (rest,) if rest else None

    async def aclose(self) -> None:
        """Stop fetching."""
        await self._reader.aclose()
