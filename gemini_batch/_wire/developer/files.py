"""The Files API and its resumable uploads (wire-protocol section 2)."""

from collections.abc import Mapping
from typing import ClassVar

from attrs import evolve, frozen

from gemini_batch._codec import Codec
from gemini_batch._wire.http import (
    Pace,
    Request,
    Response,
    StreamedBody,
)
from gemini_batch._wire.storage_protocols import (
    DEFAULT_GRANULARITY,
    UploadSession,
    UploadState,
)
from gemini_batch._wire.trusted_url import check_own_url
from gemini_batch.errors import NotFoundError, TransportError
from gemini_batch.types import File, Page

MAX_FILE_BYTES = 2_147_483_648
"""Largest file the service takes: https://ai.google.dev/gemini-api/docs/files."""


@frozen(kw_only=True)
class _FilePage:
    files: tuple[File, ...] = ()
    next_page_token: str = ""


@frozen(kw_only=True)
class _FileAnswer:
    file: File | None = None


@frozen(kw_only=True)
class FileContent:
    """The bytes of one file, to be read. Two paths are in use; the guide's comes first."""

    files: "DeveloperFiles"
    name: str
    documented: bool = True

    digest: ClassVar[tuple[str, str] | None] = None
    """The service gives none with a download."""

    def request(self, start: int) -> Request:
        """Ask for the bytes from `start` on."""
        return self.files.download(self.name, start=start, documented=self.documented)

    def opened(self, _headers: Mapping[str, str]) -> "FileContent":
        """Take note of what an answer tells: nothing here."""
        return self

    def missing(self, error: NotFoundError) -> "FileContent":
        """Return where else to look, or raise."""
        if not self.documented:
            raise error
        return evolve(self, documented=False)


class DeveloperFiles:
    """Builds the calls on files and reads their answers. Pure."""

    hash_name = "sha256"
    taken: int | None = None
    """A file of the same name is an error."""

    def __init__(self, codec: Codec, *, base_url: str, version: str) -> None:
        self._codec = codec
        self._base_url = base_url
        self._version = version

    # Requests

    def get(self, name: str) -> Request:
        """Ask for one file's description."""
        return Request(method="GET", path=f"/{self._version}/{name}", idempotent=True)

    def list(self, *, page_size: int, page_token: str | None) -> Request:
        """Ask for one page."""
        query = {"pageSize": str(page_size)}
        if page_token:
            query["pageToken"] = page_token
        return Request(
            method="GET", path=f"/{self._version}/files", query=query, idempotent=True
        )

    def delete(self, name: str) -> Request:
        """Delete one file."""
        return Request(method="DELETE", path=f"/{self._version}/{name}", idempotent=True)

    def download(self, name: str, *, start: int = 0, documented: bool = True) -> Request:
        """Ask for a file's bytes from `start` on.

        The service may ignore the range. `documented` chooses the path of the guide; the
        other one is what google-genai uses.
        """
        headers = {}
        if start:
            headers["Range"] = f"bytes={start}-"
        prefix = "/download" if documented else ""
        return Request(
            method="GET",
            path=f"{prefix}/{self._version}/{name}:download",
            query={"alt": "media"},
            # Ranges count the bytes that travel: they must be the file's own.
            headers={**headers, "Accept-Encoding": "identity"},
            pace=Pace.STREAM,
            idempotent=True,
        )

    def start_upload(
        self, *, name: str, size: int, mime_type: str, display_name: str | None
    ) -> Request:
        """Open a resumable upload. No file exists before its last byte."""
        file = File(name=name, mime_type=mime_type, display_name=display_name)
        return Request(
            method="POST",
            path=f"/upload/{self._version}/files",
            headers={
                "X-Goog-Upload-Protocol": "resumable",
                "X-Goog-Upload-Command": "start",
                "X-Goog-Upload-Header-Content-Length": str(size),
                "X-Goog-Upload-Header-Content-Type": mime_type,
            },
            body=self._codec.dumps({"file": self._codec.unstructure(file)}),
            idempotent=True,
        )

    def upload_chunk(
        self, session: UploadSession, *, offset: int, body: StreamedBody, last: bool
    ) -> Request:
        """Send the bytes at `offset`; `last` finishes the file."""
        return self._upload(
            session,
            {
                "X-Goog-Upload-Command": "upload, finalize" if last else "upload",
                "X-Goog-Upload-Offset": str(offset),
            },
            body,
        )

    def query_upload(self, session: UploadSession) -> Request:
        """Ask how many bytes the service holds."""
        return self._upload(session, {"X-Goog-Upload-Command": "query"}, b"")

    def _upload(
        self, session: UploadSession, headers: Mapping[str, str], body: bytes | StreamedBody
    ) -> Request:
        query = headers["X-Goog-Upload-Command"] == "query"
        return Request(
            method="POST",
            path=f"/upload/{self._version}/files",
            url=session.url,
            headers=headers,
            body=body,
            # A chunk is never repeated blindly: the driver asks what arrived.
            idempotent=query,
            pace=Pace.SHORT if query else Pace.STREAM,
        )

    def content(self, name: str) -> FileContent:
        """Return the content of a file, to be read."""
        return FileContent(files=self, name=name)

    # Answers

    def digest_of(self, file: File) -> str | None:
        """Return the digest of a file's bytes, in hex; None where the service tells none."""
        return file.sha256

    def read_file(self, body: bytes) -> File:
        """Read one file's description."""
        return self._codec.loads(body, File)

    def read_page(self, body: bytes) -> Page[File]:
        """Read one page of a list."""
        page = self._codec.loads(body, _FilePage)
        return Page(items=page.files, next_page_token=page.next_page_token or None)

    def read_session(self, response: Response) -> UploadSession:
        """Read the answer to a start.

        Raises:
            SecurityError: The upload URL is not on the API's own domain.
            TransportError: There is no upload URL.
        """
        url = response.headers.get("x-goog-upload-url", "")
        if not url:
            raise TransportError(
                message="the service opened an upload without giving its URL"
            )
        check_own_url(url, self._base_url)
        granularity = response.headers.get("x-goog-upload-chunk-granularity", "")
        return UploadSession(
            url=url,
            granularity=int(granularity)
            if granularity.isdecimal() and int(granularity)
            else DEFAULT_GRANULARITY,
        )

    def read_upload(self, response: Response) -> UploadState[File]:
        """Read the answer to a chunk or a query."""
        status = response.headers.get("x-goog-upload-status", "").strip().lower()
        received = response.headers.get("x-goog-upload-size-received", "").strip()
        count = int(received) if received.isdecimal() else None
        if status == "final":
            file = (
                self._codec.loads(response.body, _FileAnswer).file
                if response.body
                else None
            )
            return UploadState(status="final", received=count, file=file)
        if status in ("active", "cancelled"):
            return UploadState(
                status="active" if status == "active" else "cancelled", received=count
            )
        raise TransportError(
            message="the answer to an upload does not tell the upload's status"
        )
