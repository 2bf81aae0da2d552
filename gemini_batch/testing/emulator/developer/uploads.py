"""Resumable uploads: sessions, chunks, queries."""

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from attrs import define, field

from gemini_batch.testing.emulator.core.address import Address
from gemini_batch.testing.emulator.core.clock import Clock
from gemini_batch.testing.emulator.core.errors import Refusal, invalid
from gemini_batch.testing.emulator.core.file_store import Store, StoredFile, new_id
from gemini_batch.testing.emulator.core.limits import Limits
from gemini_batch.testing.emulator.http.delivery import DroppedError
from gemini_batch.testing.emulator.http.request_body import discard, pieces
from gemini_batch.testing.emulator.http.web import (
    Call,
    checked_json,
    checked_query,
    json_answer,
    read_body,
)

_FILE_ID: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_MAX_DISPLAY_NAME: Final = 512
_JSON_LIMIT: Final = 1 << 20
_NUMBER: Final = re.compile(r"0*[0-9]{1,19}")


@define(kw_only=True, eq=False)
class _Session:
    id: str
    path: Path
    name: str
    """``files/…`` as chosen by the client; empty if it left the choice to us."""

    display_name: str
    mime_type: str
    size: int | None
    """Announced bytes, if they were."""

    status: str = "active"
    received: int = 0
    turn: int = 0
    """Counts the requests to the session. A chunk that was cut off may still be on its way
    in when the next request comes; it must not write any more then."""

    digest: Any = field(factory=hashlib.sha256)
    file: StoredFile | None = None


class Uploads:
    """Everything behind ``/upload/…/files``."""

    def __init__(
        self, store: Store, clock: Clock, limits: Limits, address: Address
    ) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits
        self._address = address
        self._sessions: dict[str, _Session] = {}

    async def handle(self, call: Call) -> web.StreamResponse:
        """Answer one request of the upload protocol."""
        query = checked_query(call, ("uploadId",))
        command = call.request.headers.get("X-Goog-Upload-Command", "")
        commands = {part.strip() for part in command.lower().split(",")} - {""}
        upload_id = query.get("uploadId")
        if upload_id is None:
            return await self._start(call, commands)
        session = self._sessions.get(upload_id)
        if session is None:
            raise Refusal(404, "Upload session not found.")
        session.turn += 1
        if commands == {"query"}:
            return self._status(session)
        if commands == {"cancel"}:
            return self._cancel(session)
        if commands and commands <= {"upload", "finalize"}:
            return await self._chunk(call, session, commands)
        raise self._complaint(session, f"Invalid upload command: '{command}'.")

    async def _start(self, call: Call, commands: set[str]) -> web.StreamResponse:
        headers = call.request.headers
        if headers.get("X-Goog-Upload-Protocol", "") != "resumable":
            raise invalid("Upload protocol is not supported; use 'resumable'.")
        if commands != {"start"}:
            raise invalid("An upload begins with the command 'start'.")
        body = await read_body(call, _JSON_LIMIT)
        call.body = body
        file = checked_json("CreateFileRequest", body).get("file", {})
        session = self._new_session(file, headers)
        self._sessions[session.id] = session
        return web.Response(headers=self._start_headers(call, session))

    def _new_session(self, file: Mapping[str, Any], headers: Mapping[str, str]) -> _Session:
        name = file.get("name", "")
        if name and not _FILE_ID.fullmatch(name.removeprefix("files/")):
            raise invalid(_bad_name(name))
        if name and not name.startswith("files/"):
            name = f"files/{name}"
        self._claim(name)
        if len(file.get("displayName", "")) > _MAX_DISPLAY_NAME:
            raise invalid(
                "* CreateFileRequest.file.display_name: display_name must be no more than"
                " 512 characters in length.\n"
            )
        announced = headers.get("X-Goog-Upload-Header-Content-Length", "")
        if announced and not _NUMBER.fullmatch(announced):
            raise invalid("X-Goog-Upload-Header-Content-Length is not a number.")
        size = int(announced.lstrip("0") or "0") if announced else None
        if (size or 0) > self._limits.max_file_bytes:
            raise invalid(f"File size exceeds {self._limits.max_file_bytes} bytes.")
        mime_type = headers.get("X-Goog-Upload-Header-Content-Type", "")
        session = _Session(
            id=new_id(64),
            path=self._store.new_path(),
            name=name,
            display_name=file.get("displayName", ""),
            mime_type=mime_type or file.get("mimeType", "") or "application/octet-stream",
            size=size,
        )
        session.path.touch()
        return session

    def _claim(self, name: str) -> None:
        """Make sure that a name is free; one whose file has expired is.

        Raises:
            Refusal: It is taken.
        """
        file = self._store.get(name)
        if file is None:
            return
        if file.expire_time > self._clock.now():
            raise _name_taken(name)
        self._store.remove(name)

    def _start_headers(self, call: Call, session: _Session) -> dict[str, str]:
        url = (
            f"{self._address.seen_by(call.request)}/upload/{call.version}/files"
            f"?upload_id={session.id}"
            "&upload_protocol=resumable"
        )
        return {
            "X-Goog-Upload-Status": "active",
            "X-Goog-Upload-URL": url,
            "X-Goog-Upload-Control-URL": url,
            "X-Goog-Upload-Chunk-Granularity": str(self._limits.granularity),
            "X-GUploader-UploadID": session.id,
        }

    def _headers(self, session: _Session) -> dict[str, str]:
        headers = {"X-Goog-Upload-Status": session.status}
        if session.status == "active":
            headers["X-Goog-Upload-Chunk-Granularity"] = str(self._limits.granularity)
        return headers

    def _status(self, session: _Session) -> web.StreamResponse:
        received = {"X-Goog-Upload-Size-Received": str(session.received)}
        return web.Response(headers={**self._headers(session), **received})

    def _cancel(self, session: _Session) -> web.StreamResponse:
        if session.status == "active":
            session.status = "cancelled"
            session.path.unlink(missing_ok=True)
        return web.Response(headers=self._headers(session))

    def _complaint(self, session: _Session, message: str) -> Refusal:
        headers = self._headers(session)
        headers["X-Goog-Upload-Size-Received"] = str(session.received)
        return Refusal(400, message, headers=headers)

    async def _chunk(
        self, call: Call, session: _Session, commands: set[str]
    ) -> web.StreamResponse:
        problem = self._problem(call, session, commands)
        if problem:
            # The client is still sending; an answer before its end could be lost.
            await discard(call)
            raise self._complaint(session, problem)
        rest = await self._receive(call, session)
        if "finalize" not in commands:
            if rest:
                raise self._complaint(
                    session,
                    "Chunk size must be a multiple of the granularity"
                    f" ({self._limits.granularity} bytes) unless it is the last.",
                )
            return web.Response(headers=self._headers(session))
        if session.size is not None and session.received + len(rest) != session.size:
            raise self._complaint(
                session,
                f"Upload has {session.received + len(rest)} bytes, but {session.size} were"
                " announced.",
            )
        _append(session, rest)
        return self._finish(call, session)

    def _problem(self, call: Call, session: _Session, commands: set[str]) -> str:
        if session.status != "active":
            return f"Upload is not active: {session.status}."
        offset = call.request.headers.get("X-Goog-Upload-Offset", "")
        if commands != {"finalize"} or offset:
            if not _NUMBER.fullmatch(offset):
                return "X-Goog-Upload-Offset is missing or not a number."
            if int(offset.lstrip("0") or "0") != session.received:
                return f"Invalid upload offset: {offset}, expected {session.received}."
        length = call.request.content_length or 0
        limit = self._limits.max_file_bytes if session.size is None else session.size
        if session.received + length > limit:
            return f"Upload exceeds its announced size of {limit} bytes."
        if "finalize" not in commands and length % self._limits.granularity:
            return (
                f"Chunk size must be a multiple of the granularity"
                f" ({self._limits.granularity} bytes) unless it is the last."
            )
        return ""

    async def _receive(self, call: Call, session: _Session) -> bytes:
        """Store the body in whole units of the granularity; return what is left over."""
        unit = self._limits.granularity
        turn = session.turn
        limit = self._limits.max_file_bytes if session.size is None else session.size
        pending = bytearray()
        async for piece in pieces(call):
            if session.turn != turn:
                raise DroppedError
            pending += piece
            whole = len(pending) // unit * unit
            if session.received + whole > limit:
                await discard(call)
                raise self._complaint(session, f"Upload exceeds {limit} bytes.")
            if whole:
                _append(session, bytes(pending[:whole]))
                del pending[:whole]
        if session.turn != turn:
            raise DroppedError
        return bytes(pending)

    def _finish(self, call: Call, session: _Session) -> web.StreamResponse:
        # Two uploads under one name may have been open at once; the first to end has it.
        self._claim(session.name)
        now = self._clock.now()
        session.status = "final"
        session.file = StoredFile(
            name=session.name or f"files/{new_id(12)}",
            path=session.path,
            size=session.received,
            sha256=session.digest.hexdigest(),
            mime_type=session.mime_type,
            display_name=session.display_name,
            create_time=now,
            expire_time=now + dt.timedelta(seconds=self._limits.file_retention),
        )
        self._store.add(session.file)
        resource = session.file.resource(self._address.seen_by(call.request))
        return json_answer({"file": resource}, headers=self._headers(session))


def _append(session: _Session, data: bytes) -> None:
    with session.path.open("ab") as file:
        file.write(data)
    session.digest.update(data)
    session.received += len(data)


def _bad_name(name: str) -> str:
    file_id = name.removeprefix("files/")
    if len(file_id) > 40:  # noqa: PLR2004 - the rule itself
        reason = "cannot be more than 40 characters"
    else:
        reason = (
            "can only contain lowercase alphanumeric characters or dashes (-), and cannot"
            " start or end with a dash"
        )
    return f"* CreateFileRequest.file.name: File ID (name excluding 'files/') {reason}.\n"


def _name_taken(name: str) -> Refusal:
    return Refusal(409, f"The file {name} already exists.")
