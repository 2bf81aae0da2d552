"""Uploads to Cloud Storage: resumable sessions, and bytes in one request."""

import datetime as dt
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from aiohttp import web
from attrs import define, field, frozen

from gemini_batch.testing.emulator.core.address import Address
from gemini_batch.testing.emulator.core.clock import Clock
from gemini_batch.testing.emulator.core.errors import Refusal, invalid
from gemini_batch.testing.emulator.core.file_store import Store, new_id
from gemini_batch.testing.emulator.google_cloud.buckets import Buckets, Sums
from gemini_batch.testing.emulator.google_cloud.storage import (
    check_conditions,
    no_such_bucket,
)
from gemini_batch.testing.emulator.http.delivery import DroppedError
from gemini_batch.testing.emulator.http.request_body import discard, pieces
from gemini_batch.testing.emulator.http.web import (
    Call,
    checked_json,
    checked_query,
    json_answer,
    read_body,
)

GRANULARITY: Final = 256 * 1024
"""Bytes; what a session keeps is a multiple of it, up to its end."""

_JSON_LIMIT: Final = 1 << 20
_LONGEST_NAME: Final = 1024
_SESSION_LIFE: Final = dt.timedelta(days=7)
_RANGE: Final = re.compile(r"bytes (?:([0-9]{1,18})-([0-9]{1,18})|\*)/(?:([0-9]{1,18})|\*)")
_ANNOUNCED: Final = re.compile("[0-9]{1,18}")
_QUERY: Final = (
    "name",
    "uploadId",
    "ifGenerationMatch",
    "ifGenerationNotMatch",
    "projection",
    "userProject",
)


@frozen(kw_only=True)
class _Target:
    """What is to be written."""

    bucket: str
    name: str
    content_type: str
    resource: Mapping[str, Any]
    conditions: Mapping[str, str]


@define(kw_only=True, eq=False)
class _Session:
    target: _Target
    path: Path
    size: int | None
    """Announced bytes, if they were."""

    begun: dt.datetime
    sums: Sums = field(factory=Sums)
    """Of the bytes that are kept."""

    turn: int = 0
    """Counts the requests to the session. A chunk that was cut off may still be on its way
    in when the next request comes; it must not write any more then."""

    resource: dict[str, Any] | None = None
    """The object it became."""


@frozen
class _Chunk:
    """What a ``Content-Range`` says."""

    start: int | None
    """None for a question about what is stored."""

    length: int
    total: int | None

    @property
    def is_last(self) -> bool:
        return self.total is not None and (self.start or 0) + self.length == self.total


class StorageUploads:
    """Everything behind ``/upload/storage/v1``."""

    def __init__(
        self, buckets: Buckets, store: Store, clock: Clock, address: Address
    ) -> None:
        self._buckets = buckets
        self._store = store
        self._clock = clock
        self._address = address
        self._sessions: dict[str, _Session] = {}

    async def start(self, call: Call) -> web.StreamResponse:
        """Answer what begins an upload, or is one."""
        query = checked_query(call, _QUERY)
        if not self._buckets.has_bucket(call.names["bucket"]):
            raise no_such_bucket()
        kind = call.request.query.get("uploadType", "")
        if kind == "resumable":
            return await self._start_session(call, query)
        if kind == "media":
            content_type = call.request.headers.get("Content-Type", "")
            target = self._target(call, query, {}, content_type)
            return await self._store_at_once(call, target, pieces(call))
        if kind == "multipart":
            return await self._store_parts(call, query)
        raise invalid(f"Invalid upload request: uploadType is '{kind[:40]}'.")

    def _target(
        self,
        call: Call,
        query: Mapping[str, str],
        resource: Mapping[str, Any],
        content_type: str,
    ) -> _Target:
        """Return what a request wants to write.

        Raises:
            Refusal: It has no proper name, or a condition does not hold.
        """
        name = query.get("name") or resource.get("name", "")
        if not name:
            raise invalid("Required parameter: name")
        bad = "\n" in name or "\r" in name or name in {".", ".."}
        if bad or len(name.encode()) > _LONGEST_NAME:
            raise invalid(f"Invalid object name: '{name[:80]}'")
        bucket = call.names["bucket"]
        check_conditions(query, self._buckets.find(bucket, name))
        return _Target(
            bucket=bucket,
            name=name,
            content_type=resource.get("contentType")
            or content_type
            or "application/octet-stream",
            resource=resource,
            conditions=query,
        )

    async def _start_session(
        self, call: Call, query: Mapping[str, str]
    ) -> web.StreamResponse:
        headers = call.request.headers
        call.body = await read_body(call, _JSON_LIMIT)
        resource = checked_json("StorageObject", call.body)
        announced = headers.get("X-Upload-Content-Length", "")
        if announced and not _ANNOUNCED.fullmatch(announced):
            raise invalid("X-Upload-Content-Length is not a number.")
        target = self._target(
            call, query, resource, headers.get("X-Upload-Content-Type", "")
        )
        upload_id = new_id(64)
        self._sessions[upload_id] = session = _Session(
            target=target,
            path=self._store.new_path(),
            size=int(announced) if announced else None,
            begun=self._clock.now(),
        )
        session.path.touch()
        location = (
            f"{self._address.seen_by(call.request)}/upload/storage/v1/b/{target.bucket}/o"
            f"?uploadType=resumable&name={quote(target.name, safe='')}"
            f"&upload_id={upload_id}"
        )
        told = {"Location": location, "X-GUploader-UploadID": upload_id}
        return web.Response(headers=told)

    def _session(self, call: Call) -> _Session:
        query = checked_query(call, _QUERY)
        session = self._sessions.get(query.get("uploadId", ""))
        if session is None or call.names["bucket"] != session.target.bucket:
            raise Refusal(404, "Not Found")
        if self._clock.now() > session.begun + _SESSION_LIFE:
            raise Refusal(410, "The upload session has expired.")
        session.turn += 1
        return session

    async def cancel(self, call: Call) -> web.StreamResponse:
        """Answer the end of a session that is not to become an object."""
        session = self._session(call)
        if session.resource is None:
            session.path.unlink(missing_ok=True)
            del self._sessions[call.request.query["upload_id"]]
        return web.Response(status=499)

    async def send(self, call: Call) -> web.StreamResponse:
        """Answer a chunk, or the question what has been stored."""
        session = self._session(call)
        chunk = _chunk_of(call)
        if session.resource is not None:
            await discard(call)
            return json_answer(session.resource)
        problem = _problem(session, chunk)
        if problem:
            # The client is still sending; an answer before its end could be lost.
            await discard(call)
            raise invalid(f"Invalid request. {problem}")
        if chunk.start is None:
            return self._answer_question(call, session, chunk)
        rest = await self._receive(call, session, chunk)
        if rest is None or not chunk.is_last:
            return _incomplete(session)
        _append(session, rest)
        return self._finish(call, session)

    def _answer_question(
        self, call: Call, session: _Session, chunk: _Chunk
    ) -> web.StreamResponse:
        if chunk.total == session.sums.size:
            # With nothing to send this is also how an empty object ends.
            return self._finish(call, session)
        return _incomplete(session)

    async def _receive(self, call: Call, session: _Session, chunk: _Chunk) -> bytes | None:
        """Keep the body in whole units of the granularity.

        Returns:
            What is left over; None if a fault kept less.
        """
        known = session.sums.size - (chunk.start or 0)
        limit = None if call.fault is None else call.fault.keep
        turn, pending, arrived = session.turn, bytearray(), 0
        async with aclosing(pieces(call)) as body:
            async for piece in body:
                if session.turn != turn:
                    raise DroppedError
                fresh = piece if limit is None else piece[: max(0, limit - arrived)]
                # What came again is not kept again.
                pending += fresh[max(0, known - arrived) :]
                arrived += len(piece)
                whole = len(pending) // GRANULARITY * GRANULARITY
                if whole:
                    _append(session, bytes(pending[:whole]))
                    del pending[:whole]
        if session.turn != turn:
            raise DroppedError
        return bytes(pending) if limit is None else None

    def _finish(self, call: Call, session: _Session) -> web.StreamResponse:
        session.resource = self._publish(call, session.target, session.path, session.sums)
        return json_answer(session.resource)

    def _publish(
        self, call: Call, target: _Target, path: Path, sums: Sums
    ) -> dict[str, Any]:
        # Two uploads under one name may have been open at once; the first to end has it.
        check_conditions(target.conditions, self._buckets.find(target.bucket, target.name))
        _check_sums(target, sums)
        stored = self._buckets.add(
            target.bucket,
            target.name,
            path=path,
            sums=sums,
            content_type=target.content_type,
            metadata=target.resource.get("metadata"),
        )
        return stored.resource(self._address.seen_by(call.request))

    async def _store_at_once(
        self, call: Call, target: _Target, body: AsyncIterator[bytes]
    ) -> web.StreamResponse:
        path, sums = self._store.new_path(), Sums()
        try:
            with path.open("wb") as file:
                async for piece in body:
                    file.write(piece)
                    sums.add(piece)
            return json_answer(self._publish(call, target, path, sums))
        except BaseException:
            path.unlink(missing_ok=True)
            raise

    async def _store_parts(
        self, call: Call, query: Mapping[str, str]
    ) -> web.StreamResponse:
        if not call.request.content_type.startswith("multipart/"):
            raise invalid("Invalid multipart request: the Content-Type is not multipart.")
        try:
            parts = aiohttp.MultipartReader(call.request.headers, call.request.content)
            first, resource = await parts.next(), {}
            if isinstance(first, aiohttp.BodyPartReader):
                resource = checked_json("StorageObject", bytes(await first.read()))
            second = await parts.next()
        except ValueError as error:
            raise invalid(f"Invalid multipart request: {error}.") from None
        if not isinstance(second, aiohttp.BodyPartReader):
            raise invalid("Invalid multipart request with 1 mime parts.")
        content_type = second.headers.get("Content-Type", "")
        target = self._target(call, query, resource, content_type)
        return await self._store_at_once(call, target, _part(call, second))


async def _part(call: Call, part: aiohttp.BodyPartReader) -> AsyncIterator[bytes]:
    while piece := await part.read_chunk():
        call.received += len(piece)
        yield bytes(piece)


def _append(session: _Session, data: bytes) -> None:
    with session.path.open("ab") as file:
        file.write(data)
    session.sums.add(data)


def _incomplete(session: _Session) -> web.Response:
    """Return the answer that more is to come. Without ``Range`` nothing is stored yet."""
    size = session.sums.size
    headers = {"Range": f"bytes=0-{size - 1}"} if size else {}
    return web.Response(status=308, headers=headers)


def _chunk_of(call: Call) -> _Chunk:
    """Return what a request says of its body.

    Raises:
        Refusal: It makes no sense.
    """
    length = call.request.content_length
    header = call.request.headers.get("Content-Range")
    if header is None:
        if length is None:
            raise Refusal(411, "Length Required")
        return _Chunk(0, length, length)
    told = _RANGE.fullmatch(header)
    if told is None:
        raise invalid(f"Failed to parse Content-Range header: '{header[:80]}'.")
    total = None if told[3] is None else int(told[3])
    if told[1] is None:
        if length:
            raise invalid(
                f"Invalid request. There were {length} byte(s) in the request body. There"
                " should have been none according to the Content-Range header."
            )
        return _Chunk(None, 0, total)
    first, last = int(told[1]), int(told[2])
    size = last + 1 - first
    if length is not None and length != size:
        raise invalid(
            f"Invalid request. There were {length} byte(s) in the request body. There"
            f" should have been {size} byte(s) (starting at offset {first} and ending at"
            f" offset {last}) according to the Content-Range header."
        )
    return _Chunk(first, size, total)


def _problem(session: _Session, chunk: _Chunk) -> str:
    """Return why a chunk cannot be taken; empty if it can."""
    if session.size is not None and chunk.total not in {None, session.size}:
        return (
            f"The total size {chunk.total} differs from the {session.size} byte(s) of the"
            " X-Upload-Content-Length header."
        )
    if chunk.start is None:
        return ""
    end = chunk.start + chunk.length
    if chunk.length <= 0 or end > (chunk.total if chunk.total is not None else end):
        return "The Content-Range header lies outside of its total size."
    if chunk.start > session.sums.size:
        return (
            f"According to the Content-Range header, the upload offset is {chunk.start}"
            f" byte(s), which exceeds already uploaded size of {session.sums.size} byte(s)."
        )
    if not chunk.is_last and chunk.length < GRANULARITY:
        return (
            "The number of bytes uploaded is required to be equal or greater than"
            f" {GRANULARITY}, except for the final request (it's recommended to be the"
            f" exact multiple of {GRANULARITY}). The received request contained"
            f" {chunk.length} bytes, which does not meet this requirement."
        )
    return ""


def _check_sums(target: _Target, sums: Sums) -> None:
    """Check the bytes against the checksums that came with their metadata.

    Raises:
        Refusal: They are other bytes.
    """
    found = {"crc32c": sums.crc32c, "md5Hash": sums.md5_hash}
    for member, word in (("crc32c", "CRC32C"), ("md5Hash", "MD5 hash")):
        told = target.resource.get(member)
        if told not in {None, found[member]}:
            raise invalid(
                f'Provided {word} "{told}" doesn\'t match calculated {word}'
                f' "{found[member]}".'
            )
