"""Cloud Storage beside uploads: buckets, and objects read, listed and deleted."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import web
from anyio.to_thread import run_sync
from attrs import frozen

from gemini_batch.testing.emulator.core.address import Address
from gemini_batch.testing.emulator.core.clock import Clock, stamp
from gemini_batch.testing.emulator.core.errors import Refusal, invalid
from gemini_batch.testing.emulator.core.file_store import Store
from gemini_batch.testing.emulator.google_cloud.buckets import (
    Buckets,
    StoredObject,
    sums_of,
)
from gemini_batch.testing.emulator.http.byte_ranges import send_file
from gemini_batch.testing.emulator.http.field_masks import OBJECT, OBJECTS, partial
from gemini_batch.testing.emulator.http.web import (
    Call,
    checked_json,
    checked_query,
    json_answer,
    read_body,
)

_JSON_LIMIT: Final = 1 << 20
_MOST: Final = 1000
_TOKEN: Final = b"\n"
_CONDITIONS: Final = ("generation", "ifGenerationMatch", "ifGenerationNotMatch")
_LIST: Final = (
    "prefix",
    "delimiter",
    "maxResults",
    "pageToken",
    "startOffset",
    "endOffset",
    "projection",
    "versions",
    "userProject",
)


def no_such_bucket() -> Refusal:
    """Refuse a bucket that does not exist."""
    return Refusal(404, "The specified bucket does not exist.")


def no_such_object(bucket: str, name: str) -> Refusal:
    """Refuse an object that does not exist, or no longer in that generation."""
    return Refusal(404, f"No such object: {bucket}/{name}")


def whole_number(query: Mapping[str, str], name: str) -> int | None:
    """Return a parameter that is a whole number; None if it was not sent.

    Raises:
        Refusal: It is something else.
    """
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 20):  # noqa: PLR2004
        raise invalid(f"Invalid value for {name}: '{text[:40]}'.")
    return int(text)


def check_conditions(query: Mapping[str, str], found: StoredObject | None) -> None:
    """Check what a request says about the generation of its object.

    Raises:
        Refusal: 412, it does not hold.
    """
    current = 0 if found is None else found.generation
    wanted = whole_number(query, "ifGenerationMatch")
    unwanted = whole_number(query, "ifGenerationNotMatch")
    if (wanted is not None and wanted != current) or unwanted == current:
        raise Refusal(412)


def name_in_path(call: Call) -> str:
    """Return the object name that a path ends with.

    Raises:
        Refusal: 404, a slash in it is not encoded.
    """
    raw = call.request.rel_url.raw_path.rpartition("/o/")[2]
    if "/" in raw:
        raise Refusal(404, "Not Found")
    return unquote(raw)


@frozen(kw_only=True)
class Storage:
    """Everything behind ``/storage/v1``."""

    buckets: Buckets
    store: Store
    clock: Clock
    address: Address

    def _bucket(self, call: Call) -> str:
        bucket = call.names["bucket"]
        if not self.buckets.has_bucket(bucket):
            raise no_such_bucket()
        return bucket

    async def get_bucket(self, call: Call) -> web.StreamResponse:
        """Answer ``buckets.get``."""
        checked_query(call, ("projection", "userProject"))
        return json_answer(self._bucket_resource(call, self._bucket(call)))

    async def insert_bucket(self, call: Call) -> web.StreamResponse:
        """Answer ``buckets.insert``."""
        checked_query(call, ("project", "projection", "userProject"))
        call.body = await read_body(call, _JSON_LIMIT)
        name = checked_json("StorageBucket", call.body).get("name", "")
        if not name:
            raise invalid("Required parameter: name")
        if self.buckets.has_bucket(name):
            raise Refusal(
                409, "Your previous request to create the named bucket succeeded."
            )
        self.buckets.add_bucket(name)
        return json_answer(self._bucket_resource(call, name))

    def _bucket_resource(self, call: Call, name: str) -> dict[str, Any]:
        return {
            "kind": "storage#bucket",
            "id": name,
            "selfLink": f"{self.address.seen_by(call.request)}/storage/v1/b/{name}",
            "name": name,
            "location": "US-CENTRAL1",
            "locationType": "region",
            "storageClass": "STANDARD",
            "metageneration": "1",
            "timeCreated": stamp(self.clock.now(), digits=3),
        }

    async def _find(self, call: Call, query: Mapping[str, str]) -> StoredObject:
        bucket, name = self._bucket(call), name_in_path(call)
        found = self.buckets.find(bucket, name)
        if found is not None and call.fault is not None and call.fault.replace_object:
            found = await self._replaced(found)
        generation = whole_number(query, "generation")
        if found is None or generation not in {None, found.generation}:
            raise no_such_object(bucket, name)
        check_conditions(query, found)
        return found

    async def _replaced(self, found: StoredObject) -> StoredObject:
        """Write an object once more, as another program may."""
        path = self.store.new_path()
        self.store.link(found.path, path)
        sums = await run_sync(sums_of, path)
        return self.buckets.add(
            found.bucket,
            found.name,
            path=path,
            sums=sums,
            content_type=found.content_type,
            metadata=found.metadata,
        )

    async def get(self, call: Call) -> web.StreamResponse:
        """Answer ``objects.get``: the record, or with ``alt=media`` the bytes."""
        query = checked_query(call, (*_CONDITIONS, "projection", "userProject"))
        found = await self._find(call, query)
        if call.request.query.get("alt", "json") != "media":
            value = found.resource(self.address.seen_by(call.request))
            return json_answer(partial(call, value, OBJECT))
        headers = {
            "ETag": f"{found.generation}",
            "X-Goog-Generation": f"{found.generation}",
            "X-Goog-Metageneration": "1",
            "X-Goog-Hash": f"crc32c={found.crc32c},md5={found.md5_hash}",
            "X-Goog-Storage-Class": "STANDARD",
            "X-Goog-Stored-Content-Length": f"{found.size}",
        }
        return await send_file(call, found.path, found.size, found.content_type, headers)

    async def delete(self, call: Call) -> web.StreamResponse:
        """Answer ``objects.delete``."""
        query = checked_query(call, (*_CONDITIONS, "userProject"))
        self.buckets.remove(await self._find(call, query))
        return web.Response(status=204)

    async def list(self, call: Call) -> web.StreamResponse:
        """Answer ``objects.list``: by name, folded at the delimiter if one is given."""
        query = checked_query(call, _LIST)
        size = min(whole_number(query, "maxResults") or _MOST, _MOST)
        after = _name_of(query["pageToken"]) if query.get("pageToken") else ""
        if call.fault is not None and call.fault.empty_page:
            token = _same_place(query.get("pageToken", ""))
            return json_answer({"kind": "storage#objects", "nextPageToken": token})
        items: list[StoredObject] = []
        prefixes: list[str] = []
        last = ""
        more = False
        for known, folded in self._matching(self._bucket(call), query):
            entry = folded or known.name
            if entry <= after or entry == last:
                continue
            if len(items) + len(prefixes) == size:
                more = True
                break
            last = entry
            if folded:
                prefixes.append(folded)
            else:
                items.append(known)
        url = self.address.seen_by(call.request)
        answer: dict[str, Any] = {"kind": "storage#objects"}
        if more:
            answer["nextPageToken"] = _token_of(last)
        if prefixes:
            answer["prefixes"] = prefixes
        if items:
            answer["items"] = [known.resource(url) for known in items]
        return json_answer(partial(call, answer, OBJECTS))

    def _matching(
        self, bucket: str, query: Mapping[str, str]
    ) -> Iterator[tuple[StoredObject, str]]:
        """Yield the objects asked for, each with the prefix it is folded into, if any."""
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        first, end = query.get("startOffset", ""), query.get("endOffset")
        for known in self.buckets.sorted(bucket):
            name = known.name
            if not name.startswith(prefix) or name < first or (end and name >= end):
                continue
            head, cut, _ = name[len(prefix) :].partition(delimiter or "\0")
            yield known, prefix + head + cut if cut and delimiter else ""


def _token_of(name: str) -> str:
    return base64.b64encode(_TOKEN + name.encode()).decode()


def _same_place(token: str) -> str:
    """Return another token for a place: clients stop when one comes twice."""
    return base64.b64encode(_TOKEN + (base64.b64decode(token) or _TOKEN)).decode()


def _name_of(token: str) -> str:
    try:
        raw = base64.b64decode(token, validate=True)
        if raw.startswith(_TOKEN):
            # No name has a line feed in it.
            return raw.lstrip(_TOKEN).decode()
    except (binascii.Error, ValueError):
        pass
    raise invalid(f"Invalid value for pageToken: '{token[:40]}'.")
