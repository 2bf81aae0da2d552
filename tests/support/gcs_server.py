"""A Cloud Storage of our own for faults: it keeps what the protocol says, and no more."""

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from attrs import define, field

from tests.support.web import serving

QUANTUM = 262_144
"""Bytes of which the service keeps multiples of what arrives of an unfinished upload."""


@define
class Held:
    """One generation of an object."""

    data: bytes
    generation: int
    content_type: str = "application/octet-stream"
    md5: bool = True


@define
class Session:
    """An upload that is open."""

    key: str
    size: int
    content_type: str
    data: bytearray = field(factory=bytearray)
    finished: bool = False


@define
class GcsServer:
    """What the service holds, and what goes wrong next."""

    url: str = ""
    objects: dict[str, Held] = field(factory=dict)
    sessions: dict[str, Session] = field(factory=dict)
    log: list[tuple[str, str, Any]] = field(factory=list)
    """Method, kind of call, and what it said of ranges or generations."""

    fail: dict[str, list[int]] = field(factory=dict)
    """Statuses to answer the next calls of a kind with."""

    take: list[int] = field(factory=list)
    """Bytes to take of the next chunks; what else they hold is not kept."""

    cut_reads: list[int] = field(factory=list)
    """Bytes after which the next reads break off."""

    finish_unheard: int = 0
    """Uploads that are finished without an answer."""

    stored_as: bytes | None = None
    """What is stored instead of what is sent."""

    after_read: list[tuple[str, Held]] = field(factory=list)
    """What objects become once the next reads have ended."""

    pins: bool = True
    """Whether a generation that is asked for is heeded."""

    generations: int = 1_751_371_200_000_000

    def put(self, key: str, data: bytes, **facts: Any) -> Held:
        """Store an object."""
        self.generations += 1
        held = self.objects[key] = Held(data, self.generations, **facts)
        return held

    def calls(self, kind: str) -> list[Any]:
        """Return what calls of a kind said."""
        return [said for _, known, said in self.log if known == kind]


def resource(key: str, held: Held) -> dict[str, Any]:
    bucket, _, name = key.partition("/")
    digest = base64.b64encode(hashlib.md5(held.data).digest()).decode()
    return {
        "kind": "storage#object",
        "bucket": bucket,
        "name": name,
        "generation": str(held.generation),
        "size": str(len(held.data)),
        "contentType": held.content_type,
        **({"md5Hash": digest} if held.md5 else {}),
    }


def refusal(status: int, message: str = "no") -> web.Response:
    return web.json_response({"error": {"code": status, "message": message}}, status=status)


class _Routes:
    def __init__(self, server: GcsServer) -> None:
        self.server = server

    def note(self, request: web.Request, kind: str, said: Any) -> web.Response | None:
        self.server.log.append((request.method, kind, said))
        waiting = self.server.fail.get(kind)
        return refusal(waiting.pop(0)) if waiting else None

    async def start(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        assert query["uploadType"] == "resumable"
        assert request.headers["Authorization"].startswith("Bearer ")
        await request.json()
        key = f"{request.match_info['bucket']}/{query['name']}"
        if bad := self.note(request, "start", key):
            return bad
        if query.get("ifGenerationMatch") == "0" and key in self.server.objects:
            return refusal(412, "conditionNotMet")
        number = f"s{len(self.server.sessions)}"
        self.server.sessions[number] = Session(
            key,
            int(request.headers["X-Upload-Content-Length"]),
            request.headers["X-Upload-Content-Type"],
        )
        where = f"{self.server.url}/upload/session?upload_id={number}"
        return web.Response(headers={"Location": where})

    async def chunk(self, request: web.Request) -> web.StreamResponse:
        assert "Authorization" not in request.headers
        told = request.headers["Content-Range"].removeprefix("bytes ")
        part, _, total = told.partition("/")
        kind = "query" if part == "*" else "chunk"
        if bad := self.note(request, kind, told):
            return bad
        session = self.server.sessions.get(request.query["upload_id"])
        if session is None:
            return refusal(404)
        assert int(total) == session.size
        if kind == "chunk":
            start, end = map(int, part.split("-"))
            if start > len(session.data):
                return refusal(400, "there is a gap")
            del session.data[start:]
            try:
                async for piece in request.content.iter_any():
                    session.data += piece
            finally:
                whole = len(session.data) == end + 1
                assert len(session.data) <= end + 1
                if not whole:
                    del session.data[len(session.data) // QUANTUM * QUANTUM :]
            assert end + 1 == session.size or (end + 1 - start) % QUANTUM == 0
            if self.server.take:
                del session.data[start + self.server.take.pop(0) :]
        return self._answer(request, session)

    def _answer(self, request: web.Request, session: Session) -> web.StreamResponse:
        server = self.server
        if len(session.data) < session.size:
            held = {"Range": f"bytes=0-{len(session.data) - 1}"} if session.data else {}
            return web.Response(status=308, headers=held)
        if not session.finished:
            if session.key in server.objects:
                return refusal(412, "conditionNotMet")
            data = bytes(session.data) if server.stored_as is None else server.stored_as
            server.put(session.key, data, content_type=session.content_type)
            session.finished = True
        if server.finish_unheard:
            server.finish_unheard -= 1
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(resource(session.key, server.objects[session.key]))

    async def list(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        if bad := self.note(request, "list", query.get("prefix")):
            return bad
        prefix = f"{request.match_info['bucket']}/{query.get('prefix', '')}"
        keys = sorted(key for key in self.server.objects if key.startswith(prefix))
        first = int(query.get("pageToken", "0"))
        page: dict[str, Any] = {"kind": "storage#objects"}
        if chosen := keys[first : first + 2]:
            page["items"] = [resource(key, self.server.objects[key]) for key in chosen]
        if first + 2 < len(keys):
            page["nextPageToken"] = str(first + 2)
        return web.json_response(page)

    async def object(self, request: web.Request) -> web.StreamResponse:
        key = f"{request.match_info['bucket']}/{request.match_info['name']}"
        held = self.server.objects.get(key)
        if request.query.get("alt") == "media":
            return await self._media(request, key, held)
        if bad := self.note(request, request.method.lower(), key):
            return bad
        if held is None:
            return refusal(404)
        if request.method == "DELETE":
            del self.server.objects[key]
            return web.Response(status=204)
        return web.json_response(resource(key, held))

    async def _media(
        self, request: web.Request, key: str, held: Held | None
    ) -> web.StreamResponse:
        server = self.server
        asked = request.query.get("generation")
        told = request.headers.get("Range")
        if bad := self.note(request, "media", (told, asked)):
            return bad
        if held is None or (server.pins and asked not in {None, str(held.generation)}):
            return refusal(404, "No such object")
        start = int(told.removeprefix("bytes=").rstrip("-")) if told else 0
        size = len(held.data)
        if told and start >= size:
            return refusal(416)
        digest = base64.b64encode(hashlib.md5(held.data).digest()).decode()
        answer = web.StreamResponse(status=206 if told else 200)
        answer.headers["X-Goog-Generation"] = str(held.generation)
        answer.headers.add("X-Goog-Hash", "crc32c=AAAAAA==")
        answer.headers.add("X-Goog-Hash", f"md5={digest}")
        answer.content_length = size - start
        if told:
            answer.headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        await answer.prepare(request)
        rest = held.data[start:]
        cut = server.cut_reads.pop(0) if server.cut_reads else None
        if server.stored_as is not None:
            rest = server.stored_as[start:]
        if cut is not None and cut < len(rest):
            await answer.write(rest[:cut])
            if server.after_read:
                changed, other = server.after_read.pop(0)
                server.objects[changed] = other
            assert request.transport is not None
            request.transport.close()
            return answer
        await answer.write(rest)
        return answer


@asynccontextmanager
async def gcs_server() -> AsyncIterator[GcsServer]:
    """Serve a Cloud Storage on a port of its own."""
    server = GcsServer()
    routes = _Routes(server)
    bucket = "/storage/v1/b/{bucket}/o"
    paths = [
        web.post(f"/upload{bucket}", routes.start),
        web.put("/upload/session", routes.chunk),
        web.get(bucket, routes.list),
        web.get(f"{bucket}/{{name:.+}}", routes.object),
        web.delete(f"{bucket}/{{name:.+}}", routes.object),
    ]
    async with serving(paths) as server.url:
        yield server
