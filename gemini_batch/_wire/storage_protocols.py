"""What the transfer engine asks of a place for files: the Files API and Cloud Storage alike.

`File` stands for what such a place says of one of its files or objects.
"""

from collections.abc import Mapping
from typing import Generic, Literal, Protocol, Self, TypeVar

from attrs import field, frozen

from gemini_batch._wire.http import (
    Request,
    Response,
    StreamedBody,
)
from gemini_batch.errors import NotFoundError

DEFAULT_GRANULARITY = 262_144

UploadStatus = Literal["active", "final", "cancelled"]


class Stored(Protocol):
    """A file as its place describes it."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def size_bytes(self) -> int | None:
        """Bytes it has."""
        ...


FileT = TypeVar("FileT", bound=Stored)


@frozen(kw_only=True)
class UploadSession:
    """An upload the service has opened."""

    url: str = field(repr=False)
    """Whoever has it can write, so it is kept out of reprs and logs."""

    granularity: int = DEFAULT_GRANULARITY
    """Chunks but the last are multiples of this many bytes."""

    size: int = 0
    """Bytes that were announced."""


@frozen(kw_only=True)
class UploadState(Generic[FileT]):
    """What the service says of an upload."""

    status: UploadStatus
    received: int | None = None
    """Bytes it holds; None where the answer does not tell."""

    file: FileT | None = None
    """The file, once the upload is final."""


class UploadStore(Protocol[FileT]):
    """Builds the calls of a resumable upload and reads their answers. Pure."""

    @property
    def hash_name(self) -> str:
        """Name, in `hashlib`, of the digest it keeps."""
        ...

    @property
    def taken(self) -> int | None:
        """Status that tells of a file of this name, which is ours if its bytes are."""
        ...

    def start_upload(
        self, *, name: str, size: int, mime_type: str, display_name: str | None
    ) -> Request:
        """Open an upload."""
        ...

    def upload_chunk(
        self, session: UploadSession, *, offset: int, body: StreamedBody, last: bool
    ) -> Request:
        """Send the bytes at `offset`; `last` finishes the file."""
        ...

    def query_upload(self, session: UploadSession) -> Request:
        """Ask what the service holds."""
        ...

    def get(self, name: str) -> Request:
        """Ask for a file's description."""
        ...

    def read_session(self, response: Response) -> UploadSession:
        """Read the answer to a start."""
        ...

    def read_upload(self, response: Response) -> UploadState[FileT]:
        """Read the answer to a chunk or a query."""
        ...

    def read_file(self, body: bytes) -> FileT:
        """Read a file's description."""
        ...

    def digest_of(self, file: FileT) -> str | None:
        """Return the digest of a file's bytes, in hex; None where it is not told."""
        ...


class Content(Protocol):
    """The bytes of one file, to be read in one go or in several. Immutable."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        ...

    @property
    def digest(self) -> tuple[str, str] | None:
        """`hashlib` name and hex digest of the whole, where an answer has told it."""
        ...

    def request(self, start: int) -> Request:
        """Ask for the bytes from `start` on. The service may ignore where they begin."""
        ...

    def opened(self, headers: Mapping[str, str]) -> Self:
        """Return the content as an answer to `request` tells of it.

        Raises:
            TransportError: It is not the one of the answer before.
        """
        ...

    def missing(self, error: NotFoundError) -> Self:
        """Return where else to look for what was not found; raise if there is nowhere."""
        ...


class ContentStore(Protocol):
    """A place files can be read from."""

    def content(self, name: str) -> Content:
        """Return the content of a file, to be read."""
        ...


JSONL_MIME_TYPE = "application/jsonl"
