"""Objects over HTTP: sent once, whole, and read as one generation, whatever breaks."""

import gc
import hashlib
import os
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gemini_batch import (
    APIError,
    ConflictError,
    InputError,
    NotFoundError,
    SecurityError,
    TransferProgress,
    TransportError,
)
from gemini_batch._codec import Codec
from gemini_batch._transfer import upload
from gemini_batch._transfer.cloud_storage import Objects
from gemini_batch._transfer.read_ahead import ReadAhead
from gemini_batch._transfer.upload_source import Source
from gemini_batch._wire.gcs import Gcs
from gemini_batch.types import StoredObject
from tests.support.cloud import open_objects, open_transport, vertex_at
from tests.support.gcs_server import QUANTUM, GcsServer, Held, gcs_server

NAME = "gs://bucket/staging/in put+%2F#ü.jsonl"
KEY = NAME.removeprefix("gs://")
JSONL = "application/jsonl"
SEED = 20261122


@pytest.fixture
async def server() -> AsyncIterator[GcsServer]:
    async with gcs_server() as server:
        yield server


@pytest.fixture
async def objects(server: GcsServer) -> AsyncIterator[Objects]:
    async with open_objects(server.url) as objects:
        yield objects


def source(data: bytes) -> Source:
    return Source(size=len(data), data=data)


async def read_all(objects: Objects, name: str = NAME) -> bytes:
    async with objects.open_download(name) as pieces:
        return b"".join([piece async for piece in pieces])


async def test_an_object_goes_in_one_request(server: GcsServer, objects: Objects) -> None:
    data = os.urandom(2 * QUANTUM + 7)
    seen: list[TransferProgress] = []

    stored = await objects.upload(
        source(data), NAME, mime_type=JSONL, on_progress=seen.append
    )

    assert server.objects[KEY].data == data
    assert server.objects[KEY].content_type == JSONL
    assert stored == StoredObject(
        name=NAME,
        generation=server.objects[KEY].generation,
        size_bytes=len(data),
        md5=hashlib.md5(data).hexdigest(),
    )
    assert stored == await objects.get(NAME)
    assert [kind for _, kind, _ in server.log] == ["start", "chunk", "get"]
    assert (seen[0].done, seen[-1].done, seen[-1].total) == (0, len(data), len(data))


async def test_an_empty_object(server: GcsServer, objects: Objects) -> None:
    stored = await objects.upload(source(b""), NAME, mime_type=JSONL)

    assert (stored.size_bytes, server.objects[KEY].data) == (0, b"")
    assert server.calls("query") == ["*/0"]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("kind", ["start", "chunk", "query"])
async def test_passing_failures_of_an_upload(
    server: GcsServer,
    objects: Objects,
    status: int,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(upload, "CHUNK", QUANTUM)
    data = os.urandom(3 * QUANTUM + 1)
    server.fail = {"chunk": [503], kind: [status, status]}

    await objects.upload(source(data), NAME, mime_type=JSONL)

    assert server.objects[KEY].data == data


async def test_a_308_with_less_than_was_sent(
    server: GcsServer, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a first request, of chunks, and nothing at all."""
    monkeypatch.setattr(upload, "CHUNK", 2 * QUANTUM)
    data = os.urandom(6 * QUANTUM + 5)
    server.take = [QUANTUM + 100, 0, 3, 2 * QUANTUM]

    await objects.upload(source(data), NAME, mime_type=JSONL)

    assert server.objects[KEY].data == data
    starts = [int(said.partition("-")[0]) for said in server.calls("chunk")]
    assert starts[:4] == [0, QUANTUM + 100, QUANTUM + 100, QUANTUM + 103]


async def test_a_service_that_never_takes_anything(
    server: GcsServer, objects: Objects
) -> None:
    server.take = [0] * 99

    with pytest.raises(TransportError):
        await objects.upload(source(b"x" * 10), NAME, mime_type=JSONL)

    assert server.objects == {}


async def test_a_session_that_is_lost_is_opened_anew(
    server: GcsServer, objects: Objects
) -> None:
    data = os.urandom(QUANTUM + 1)
    server.fail = {"chunk": [503, 410], "query": [404]}

    await objects.upload(source(data), NAME, mime_type=JSONL)

    assert server.objects[KEY].data == data
    assert len(server.calls("start")) == 3


async def test_an_upload_whose_last_answer_was_lost_is_found(
    server: GcsServer, objects: Objects
) -> None:
    data = os.urandom(QUANTUM)
    server.finish_unheard = 1

    stored = await objects.upload(source(data), NAME, mime_type=JSONL)

    assert stored.generation == server.objects[KEY].generation
    assert [kind for _, kind, _ in server.log] == ["start", "chunk", "query"]


async def test_a_repeated_upload_is_found_and_not_doubled(
    server: GcsServer, objects: Objects
) -> None:
    data = os.urandom(3 * QUANTUM)
    first = await objects.upload(source(data), NAME, mime_type=JSONL)
    seen: list[TransferProgress] = []

    second = await objects.upload(
        source(data), NAME, mime_type=JSONL, on_progress=seen.append
    )

    assert first == second
    assert len(server.calls("chunk")) == 1
    assert seen[-1].done == len(data)


async def test_an_upload_that_somebody_else_finishes_first(
    server: GcsServer, objects: Objects
) -> None:
    """The precondition fails with the last byte."""
    data = os.urandom(QUANTUM + 9)

    stored = await objects.upload(
        source(data),
        NAME,
        mime_type=JSONL,
        # It is called first when the session is open.
        on_progress=lambda _: server.objects.setdefault(KEY, Held(data, 7)),
    )

    assert stored.generation == 7
    assert server.sessions["s0"].finished is False


@pytest.mark.parametrize(
    "other",
    [
        Held(b"y" * 10, 7),
        Held(b"x" * 9, 7),
        # The same bytes, but nothing tells.
        Held(b"x" * 10, 7, md5=False),
    ],
)
async def test_a_name_that_has_other_bytes(
    server: GcsServer, objects: Objects, other: Held
) -> None:
    server.objects[KEY] = other

    with pytest.raises(ConflictError, match="is there already, and has other bytes") as e:
        await objects.upload(source(b"x" * 10), NAME, mime_type=JSONL)

    assert e.value.status_code == 412
    assert server.objects[KEY] is other


async def test_a_name_that_is_taken_and_may_not_be_read(
    server: GcsServer, objects: Objects
) -> None:
    server.put(KEY, b"x")
    server.fail = {"get": [403]}

    with pytest.raises(APIError) as caught:
        await objects.upload(source(b"x"), NAME, mime_type=JSONL)

    assert caught.value.status_code == 412


async def test_bytes_that_were_stored_wrongly(server: GcsServer, objects: Objects) -> None:
    server.stored_as = b"other bytes"

    with pytest.raises(TransportError, match="stored other bytes"):
        await objects.upload(source(b"their bytes"), NAME, mime_type=JSONL)


async def test_an_upload_elsewhere_is_refused() -> None:
    async with gcs_server() as server, open_objects(server.url) as objects:
        server.url = "https://storage.example.com"

        with pytest.raises(SecurityError, match=r"storage\.example\.com"):
            await objects.upload(source(b"x"), NAME, mime_type=JSONL)

        assert server.calls("chunk") == []


@pytest.mark.parametrize("name", ["gs://bucket", "gs://bucket/", "bucket/x", "s3://b/x"])
async def test_a_name_that_is_none(objects: Objects, server: GcsServer, name: str) -> None:
    with pytest.raises(InputError, match="Names look like"):
        await objects.upload(source(b"x"), name, mime_type=JSONL)

    assert server.log == []


# Reading


async def test_a_read_is_pinned_to_its_generation(
    server: GcsServer, objects: Objects
) -> None:
    data = os.urandom(3 * QUANTUM)
    held = server.put(KEY, data)
    server.cut_reads = [0, 1, QUANTUM]

    assert await read_all(objects) == data

    pin = str(held.generation)
    # Nothing may have arrived of an answer that breaks off early, not even its head.
    assert server.calls("media")[0] == (None, None)
    assert server.calls("media")[-1] == (f"bytes={QUANTUM + 1}-", pin)


@pytest.mark.parametrize("pins", [True, False])
@pytest.mark.parametrize("size", [2 * QUANTUM, QUANTUM])
async def test_an_object_that_changes_between_two_ranges(
    server: GcsServer, objects: Objects, pins: bool, size: int
) -> None:
    """Also where the service heeds no generation, and where the sizes are the same."""
    server.put(KEY, os.urandom(2 * QUANTUM))
    server.pins = pins
    server.cut_reads = [QUANTUM // 2]
    server.after_read = [(KEY, Held(os.urandom(size), 99))]

    with pytest.raises(TransportError, match="changed while it was read"):
        await read_all(objects)


async def test_an_object_that_is_not_there(server: GcsServer, objects: Objects) -> None:
    with pytest.raises(NotFoundError):
        await read_all(objects)

    assert len(server.log) == 1


async def test_bytes_that_arrive_wrongly(server: GcsServer, objects: Objects) -> None:
    server.put(KEY, b"their bytes")
    server.stored_as = b"other bytes"

    with pytest.raises(TransportError, match="other bytes arrived"):
        await read_all(objects)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_passing_failures_of_a_read(
    server: GcsServer, objects: Objects, status: int
) -> None:
    data = os.urandom(QUANTUM)
    server.put(KEY, data)
    server.cut_reads = [1000]
    server.fail = {"media": [status, status]}

    assert await read_all(objects) == data


async def test_reading_ahead_keeps_the_generation_and_the_digest(
    server: GcsServer,
) -> None:
    """The connection is closed and opened again while its consumer is away."""
    data = os.urandom(4 * QUANTUM)
    held = server.put(KEY, data)
    async with open_transport(vertex_at(server.url)) as transport:
        wire = Gcs(Codec(), storage_url=server.url)
        reader = ReadAhead(transport, wire, NAME, ahead=1, patience=0.001)
        try:
            pieces = [await reader.read()]
            while piece := await reader.read():
                pieces.append(piece)
        finally:
            await reader.aclose()

    assert b"".join(pieces) == data
    asked = server.calls("media")
    assert asked[0] == (None, None)
    assert {pin for _, pin in asked[1:]} <= {str(held.generation)}


# Lists


async def test_objects_are_listed_page_by_page(server: GcsServer, objects: Objects) -> None:
    for number in range(5):
        server.put(f"bucket/out/{number}", bytes(number))
    server.put("bucket/other", b"x")

    listed = [item async for item in objects.list_all("gs://bucket/out/")]
    whole = [item.name async for item in objects.list_all("gs://bucket")]
    none = [item async for item in objects.list_all("gs://bucket/none")]

    assert [(o.name, o.size_bytes) for o in listed] == [
        (f"gs://bucket/out/{number}", number) for number in range(5)
    ]
    assert len(whole) == 6
    assert none == []


async def test_an_object_is_deleted_once(server: GcsServer, objects: Objects) -> None:
    server.put(KEY, b"x")

    await objects.delete(NAME)

    assert server.objects == {}
    with pytest.raises(NotFoundError):
        await objects.delete(NAME)
    server.fail = {"delete": [503]}
    await objects.delete(NAME)


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_goes_wrong_the_bytes_are_the_same(
    server: GcsServer, objects: Objects, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "CHUNK", QUANTUM)
    rng = random.Random(SEED + seed)
    data = rng.randbytes(5 * QUANTUM + rng.randrange(QUANTUM))
    server.take = [rng.randrange(QUANTUM) for _ in range(6)]
    server.fail = {
        "chunk": [rng.choice([500, 503]) for _ in range(2)],
        "query": [503],
        "media": [503],
        "start": [503],
    }
    server.finish_unheard = 1
    server.cut_reads = [rng.randrange(2 * QUANTUM) for _ in range(4)]

    await objects.upload(source(data), NAME, mime_type=JSONL)

    assert server.objects[KEY].data == data
    assert await read_all(objects) == data
    gc.collect()


async def test_a_file_that_shrank_is_not_taken_for_what_is_there(
    server: GcsServer, objects: Objects, tmp_path: Path
) -> None:
    """Nothing of it has been sent, so its digest is made only now."""
    server.put(KEY, b"x" * 10)
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"x" * 5)

    with pytest.raises(InputError, match="it had 10 bytes when the upload began"):
        await objects.upload(Source(size=10, path=path), NAME, mime_type=JSONL)
