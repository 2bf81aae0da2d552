"""Cloud Storage: objects, resumable uploads, ranged reads (wire-protocol section 4.1)."""

import base64
import re
from collections.abc import Mapping
from urllib.parse import quote

from attrs import evolve, frozen

from gemini_batch._codec import Codec
from gemini_batch._wire.http import (
    Pace,
    Request,
    Response,
    StreamedBody,
)
from gemini_batch._wire.storage_protocols import UploadSession, UploadState
from gemini_batch._wire.trusted_url import check_own_url
from gemini_batch.errors import InputError, NotFoundError, TransportError
from gemini_batch.types import Page, StoredObject

PAGE_SIZE = 1000
"""Most objects on a page of a list."""

_SCHEME = "gs://"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_LONGEST_NAME = 1024  # bytes of UTF-8
_INCOMPLETE = 308
_RANGE = re.compile(r"bytes=0-(\d+)")
_MD5 = re.compile(r"(?:^|,)\s*md5=([A-Za-z0-9+/]{22}==)")


@frozen(kw_only=True)
class ObjectName:
    """Where an object is, or where those of a prefix are."""

    bucket: str
    path: str
    """The object's own name, slashes included; for a prefix, its beginning."""

    def __str__(self) -> str:
        return f"{_SCHEME}{self.bucket}/{self.path}"


@frozen(kw_only=True)
class _ObjectPage:
    items: tuple[StoredObject, ...] = ()
    next_page_token: str = ""


def parse_object(uri: str) -> ObjectName:
    """Return the bucket and the object that ``gs://bucket/object`` names.

    Raises:
        InputError: It names none.
    """
    name = _parse(uri, "an object in Cloud Storage", "gs://bucket/folder/file.jsonl")
    if not name.path or name.path in {".", ".."}:
        raise _wrong(uri, "an object in Cloud Storage", "gs://bucket/folder/file.jsonl")
    return name


def parse_prefix(uri: str) -> ObjectName:
    """Return the bucket and the prefix that ``gs://bucket/prefix`` names; it may be empty.

    Raises:
        InputError: It names no bucket.
    """
    return _parse(uri, "a place in Cloud Storage", "gs://bucket/folder")


def _parse(uri: object, what: str, example: str) -> ObjectName:
    # Callers without a type checker pass all sorts of things; they get the same error.
    text = uri if isinstance(uri, str) else ""
    bucket, _, path = text.removeprefix(_SCHEME).partition("/")
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        raise _wrong(uri, what, example) from None
    fits = size <= _LONGEST_NAME and "\n" not in path and "\r" not in path
    if not text.startswith(_SCHEME) or not _BUCKET.fullmatch(bucket) or not fits:
        raise _wrong(uri, what, example)
    return ObjectName(bucket=bucket, path=path)


def _wrong(uri: object, what: str, example: str) -> InputError:
    return InputError.one(
        f"{uri!r} is not the name of {what}", remedy=f"Names look like {example!r}."
    )


@frozen(kw_only=True)
class ObjectContent:
    """The bytes of one object, to be read: always those of one generation."""

    name: str
    generation: int | None = None
    """None until the first answer has told it."""

    digest: tuple[str, str] | None = None

    def request(self, start: int) -> Request:
        """Ask for the bytes from `start` on."""
        query = {"alt": "media"}
        if self.generation is not None:
            query["generation"] = str(self.generation)
        # Not gzip: the service would send what it stores, of which ranges count the bytes.
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        return Request(
            method="GET",
            path=_path(parse_object(self.name)),
            query=query,
            headers=headers,
            pace=Pace.STREAM,
            idempotent=True,
            service="storage",
        )

    def opened(self, headers: Mapping[str, str]) -> "ObjectContent":
        """Keep to the generation of the first answer.

        Raises:
            TransportError: The answer is of another generation.
        """
        told = headers.get("x-goog-generation", "")
        generation = int(told) if told.isdecimal() else self.generation
        if self.generation is not None and generation != self.generation:
            raise self._changed()
        # What is stored compressed and sent as it was before has no digest that is told.
        plain = headers.get("x-goog-stored-content-encoding", "identity") == "identity"
        match = _MD5.search(headers.get("x-goog-hash", "")) if plain else None
        md5 = base64.b64decode(match[1]).hex() if match else None
        digest = self.digest if md5 is None else ("md5", md5)
        return evolve(self, generation=generation, digest=digest)

    def missing(self, error: NotFoundError) -> "ObjectContent":
        """Tell an object that is not there from one that is not there any more."""
        if self.generation is None:
            raise error
        raise self._changed() from error

    def _changed(self) -> TransportError:
        return TransportError(message=f"{self.name} changed while it was read")


class Gcs:
    """Builds the calls on objects and reads their answers. Pure.

    Objects are named ``gs://bucket/object`` throughout.
    """

    hash_name = "md5"
    taken: int | None = 412
    """Uploads make objects and never replace one."""

    def __init__(self, codec: Codec, *, storage_url: str) -> None:
        self._codec = codec
        self._storage_url = storage_url

    # Requests

    def get(self, name: str) -> Request:
        """Ask for one object's description."""
        path = _path(parse_object(name))
        return Request(method="GET", path=path, idempotent=True, service="storage")

    def list(self, prefix: str, *, page_token: str | None = None) -> Request:
        """Ask for one page of the objects whose names begin with `prefix`."""
        where = parse_prefix(prefix)
        query = {"maxResults": str(PAGE_SIZE)}
        if where.path:
            query["prefix"] = where.path
        if page_token:
            query["pageToken"] = page_token
        return Request(
            method="GET",
            path=f"/storage/v1/b/{where.bucket}/o",
            query=query,
            idempotent=True,
            service="storage",
        )

    def delete(self, name: str) -> Request:
        """Delete one object."""
        path = _path(parse_object(name))
        return Request(method="DELETE", path=path, idempotent=True, service="storage")

    def content(self, name: str) -> ObjectContent:
        """Return the content of an object, to be read."""
        return ObjectContent(name=str(parse_object(name)))

    def start_upload(
        self, *, name: str, size: int, mime_type: str, display_name: str | None
    ) -> Request:
        """Open a resumable upload. No object exists before its last byte."""
        where = parse_object(name)
        shown = {} if display_name is None else {"metadata": {"displayName": display_name}}
        return Request(
            method="POST",
            path=f"/upload{_bucket(where)}",
            query={"uploadType": "resumable", "name": where.path, "ifGenerationMatch": "0"},
            headers={
                "X-Upload-Content-Type": mime_type,
                "X-Upload-Content-Length": str(size),
            },
            body=self._codec.dumps(shown),
            idempotent=True,
            service="storage",
        )

    def upload_chunk(
        self,
        session: UploadSession,
        *,
        offset: int,
        body: StreamedBody,
        last: bool,  # noqa: ARG002 - the service sees it by the size that was announced
    ) -> Request:
        """Send the bytes at `offset`; `last` finishes the object."""
        part = f"{offset}-{offset + body.length - 1}" if body.length else "*"
        return self._upload(session, part, body, pace=Pace.STREAM, idempotent=False)

    def query_upload(self, session: UploadSession) -> Request:
        """Ask how many bytes the service holds."""
        return self._upload(session, "*", b"", pace=Pace.SHORT, idempotent=True)

    def _upload(
        self,
        session: UploadSession,
        part: str,
        body: bytes | StreamedBody,
        *,
        pace: Pace,
        idempotent: bool,
    ) -> Request:
        return Request(
            method="PUT",
            path="/upload/storage/v1",
            url=session.url,
            headers={"Content-Range": f"bytes {part}/{session.size}"},
            body=body,
            idempotent=idempotent,
            pace=pace,
            service="storage",
            answers=frozenset({_INCOMPLETE}),
        )

    # Answers

    def read_file(self, body: bytes) -> StoredObject:
        """Read one object's description."""
        return self._codec.loads(body, StoredObject)

    def read_page(self, body: bytes) -> Page[StoredObject]:
        """Read one page of a list."""
        page = self._codec.loads(body, _ObjectPage)
        return Page(items=page.items, next_page_token=page.next_page_token or None)

    def digest_of(self, file: StoredObject) -> str | None:
        """Return the digest of an object's bytes, in hex; None for composite objects."""
        return file.md5

    def read_session(self, response: Response) -> UploadSession:
        """Read the answer to a start.

        Raises:
            SecurityError: The session's URL is not on the service's own domain.
            TransportError: There is no such URL.
        """
        url = response.headers.get("location", "")
        if not url:
            raise TransportError(
                message="the service opened an upload without giving its URL"
            )
        check_own_url(url, self._storage_url)
        return UploadSession(url=url)

    def read_upload(self, response: Response) -> UploadState[StoredObject]:
        """Read the answer to a chunk or a query."""
        if response.status != _INCOMPLETE:
            return UploadState(status="final", file=self.read_file(response.body))
        held = response.headers.get("range", "")
        if not held:
            return UploadState(status="active", received=0)
        match = _RANGE.fullmatch(held)
        if match is None:
            raise TransportError(
                message="the answer to an upload does not tell how much has arrived"
            )
        return UploadState(status="active", received=int(match[1]) + 1)


def _bucket(name: ObjectName) -> str:
    return f"/storage/v1/b/{name.bucket}/o"


def _path(name: ObjectName) -> str:
    return f"{_bucket(name)}/{quote(name.path, safe='')}"
