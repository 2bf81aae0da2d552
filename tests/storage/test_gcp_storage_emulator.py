"""The same engine against a Cloud Storage we did not write, in a process of its own.

It has neither generations nor preconditions, and keeps of a request that breaks off what has
arrived of it; so these tests are of uploads, status queries, ranges and lists.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Iterator

import pytest

from gemini_batch import NotFoundError
from gemini_batch._transfer import upload
from gemini_batch._transfer.cloud_storage import Objects
from gemini_batch._transfer.upload_source import Source
from gemini_batch.types import VertexAI
from tests.support.cloud import open_objects
from tests.support.cutting_proxy import Cuts, cutting_proxy
from tests.support.gcp_storage import BUCKET, gcp_storage, wipe

NAME = f"gs://{BUCKET}/staging/in put+ü.jsonl"
JSONL = "application/jsonl"
QUANTUM = 262_144
SEED = 20261122


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with gcp_storage(tmp_path_factory.mktemp("gcp") / "log") as port:
        yield port


@pytest.fixture
def port(service: int) -> int:
    wipe(service)
    return service


@pytest.fixture
async def objects(port: int) -> AsyncIterator[Objects]:
    async with open_objects(f"http://127.0.0.1:{port}") as objects:
        yield objects


async def read_all(objects: Objects, name: str = NAME) -> bytes:
    async with objects.open_download(name) as pieces:
        return b"".join([piece async for piece in pieces])


def source(data: bytes) -> Source:
    return Source(size=len(data), data=data)


@pytest.mark.parametrize("size", [0, 1, QUANTUM, 3 * QUANTUM + 5])
async def test_there_and_back(objects: Objects, size: int) -> None:
    data = os.urandom(size)

    stored = await objects.upload(source(data), NAME, mime_type=JSONL)

    assert (stored.name, stored.size_bytes) == (NAME, size)
    assert await objects.get(NAME) == stored
    assert await read_all(objects) == data


async def test_in_chunks(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    data = os.urandom(5 * QUANTUM + 5)
    monkeypatch.setattr(
        upload.Upload.__init__,
        "__kwdefaults__",
        {"on_progress": None, "chunk_size": QUANTUM},
    )

    await objects.upload(source(data), NAME, mime_type=JSONL)

    assert await read_all(objects) == data


async def test_lists_and_deletes(objects: Objects) -> None:
    for name in ("out/a", "out/b", "other"):
        await objects.upload(
            source(name.encode()), f"gs://{BUCKET}/{name}", mime_type=JSONL
        )

    names = [item.name async for item in objects.list_all(f"gs://{BUCKET}/out/")]
    assert sorted(names) == [f"gs://{BUCKET}/out/a", f"gs://{BUCKET}/out/b"]

    await objects.delete(names[0])
    with pytest.raises(NotFoundError):
        await objects.get(names[0])
    with pytest.raises(NotFoundError):
        await read_all(objects, names[0])


async def test_the_environment_leads_there(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"127.0.0.1:{port}")
    api = VertexAI(project="project", location="us-central1")

    assert api.storage_url == f"http://127.0.0.1:{port}"
    async with open_objects(api.storage_url) as objects:
        await objects.upload(source(b"x"), NAME, mime_type=JSONL)
        assert await read_all(objects) == b"x"


async def upload_cut(cuts: Cuts, data: bytes, name: str) -> None:
    """Upload over connections of which none is used twice, so that each is cut in turn."""
    async with open_objects(cuts.url) as objects:
        await objects.upload(source(data), name, mime_type=JSONL)


@pytest.mark.parametrize("seed", range(12))
async def test_an_upload_cut_after_any_byte(port: int, seed: int) -> None:
    """Of the start, of the bytes, of a query: what is stored at the end is what was sent."""
    rng = random.Random(SEED + seed)
    data = rng.randbytes(2 * QUANTUM + rng.randrange(QUANTUM))
    async with cutting_proxy(port) as cuts:
        # The emulator speaks HTTP/1.0: each request has a connection of its own.
        cuts.up = [None, rng.randrange(300, len(data))]
        if seed % 2:
            cuts.up += [rng.randrange(1, 200), None, rng.randrange(300, QUANTUM)]
        await upload_cut(cuts, data, NAME)
        made = cuts.made

    assert made >= 1
    async with open_objects(f"http://127.0.0.1:{port}") as objects:
        assert await read_all(objects) == data


@pytest.mark.parametrize("after", [0, 1, 17, 60, 200])
@pytest.mark.parametrize("which", [0, 1])
async def test_answers_cut_after_any_byte(port: int, which: int, after: int) -> None:
    data = os.urandom(QUANTUM + 3)
    async with cutting_proxy(port) as cuts:
        cuts.down = [None] * which + [after]
        await upload_cut(cuts, data, NAME)
        assert cuts.made == 1

    async with open_objects(f"http://127.0.0.1:{port}") as objects:
        assert await read_all(objects) == data


@pytest.mark.parametrize("seed", range(8))
async def test_a_read_cut_after_any_byte(port: int, objects: Objects, seed: int) -> None:
    rng = random.Random(SEED + seed)
    data = rng.randbytes(3 * QUANTUM + 5)
    await objects.upload(source(data), NAME, mime_type=JSONL)
    async with cutting_proxy(port) as cuts:
        cuts.down = [rng.randrange(len(data)), rng.randrange(600), rng.randrange(QUANTUM)]
        async with open_objects(cuts.url) as through:
            assert await asyncio.wait_for(read_all(through), 20) == data
        assert cuts.made >= 2
