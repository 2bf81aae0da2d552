"""Where an API keeps rows: requests on their way to a job, and results."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gemini_batch._wire.developer.files import DeveloperFiles
from gemini_batch._wire.storage_protocols import ContentStore
from gemini_batch.errors import GeminiBatchError
from gemini_batch.resources.files import Files, OnProgress
from gemini_batch.types import File, JobSource

if TYPE_CHECKING:
    from gemini_batch._wire.bigquery import BigQuery
    from gemini_batch._wire.gcs import Gcs
    from gemini_batch.resources.objects import Objects


class Staged(Protocol):
    """A place for the requests of one job."""

    async def put(self, path: Path, *, on_progress: OnProgress | None) -> JobSource:
        """Store a file of requests, and return it as a job's source."""
        ...

    async def remove(self) -> None:
        """Remove what was stored, if it is no good to anybody. That it fails is no error."""
        ...


class Stores(Protocol):
    """The places that the jobs of one API read from and write to."""

    @property
    def files(self) -> ContentStore | None:
        """The Files API."""
        ...

    @property
    def gcs(self) -> "Gcs | None":
        """Cloud Storage."""
        ...

    @property
    def objects(self) -> "Objects":
        """Objects of Cloud Storage; those of an API that has none refuse all calls."""
        ...

    @property
    def bigquery(self) -> "BigQuery | None":
        """BigQuery."""
        ...

    def staged(self, token: str, *, display_name: str | None, is_shared: bool) -> Staged:
        """Return the place for the requests of the job with this token.

        Args:
            token: The job's own.
            display_name: The caller's own text.
            is_shared: Whether another call may have the same token.

        Raises:
            InputError: There is none.
        """
        ...


class DeveloperStores:
    """The Files API has both."""

    gcs = None
    bigquery = None

    def __init__(self, files: Files, wire: DeveloperFiles) -> None:
        self._files = files
        self.files: ContentStore = wire

    @cached_property
    def objects(self) -> "Objects":
        """There are none."""
        from gemini_batch.resources.objects import Objects  # noqa: PLC0415 - seldom asked for

        return Objects(None)

    def staged(
        self,
        token: str,  # noqa: ARG002 - each upload has a name of its own
        *,
        display_name: str | None,
        is_shared: bool,  # noqa: ARG002
    ) -> "StagedFile":
        """Return the place for the requests of one job."""
        return StagedFile(self._files, display_name or "gemini-batch input")


class StagedFile:
    """An uploaded file of requests."""

    def __init__(self, files: Files, display_name: str) -> None:
        self._files = files
        self._display_name = display_name
        self._file: File | None = None

    async def put(self, path: Path, *, on_progress: OnProgress | None) -> JobSource:
        """Upload a file of requests, and return it as a job's source."""
        self._file = await self._files.upload(
            path, display_name=self._display_name, on_progress=on_progress
        )
        return JobSource(file_name=self._file.name)

    async def remove(self) -> None:
        """Remove it: nobody else knows it, and it counts against the project's storage."""
        if self._file is None:
            return
        try:
            await self._files.delete(self._file)
        except GeminiBatchError:
            return  # it expires by itself in 48 hours
