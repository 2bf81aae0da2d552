"""Whole clients against a Cloud Storage we did not write.

Jobs are run by our emulator, which reads and writes its own buckets: what the client stages
is carried there, and what the job writes is carried back, by other means than the client's.
"""

import json
import random
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from attrs import evolve

from gemini_batch import (
    BatchJob,
    Client,
    EmbedRequest,
    InputError,
    JobFailedError,
    Outcome,
    RateLimitError,
    ResultsUnavailableError,
)
from gemini_batch.testing import Emulator, Fault, ManualClock
from tests.support.cutting_proxy import Cuts, cutting_proxy
from tests.support.gcp_storage import BUCKET, gcp_storage, wipe
from tests.support.rows import EMBED_MODEL, MODEL, jsonl, row
from tests.support.settings import QUICK

SEED = 20261123
STAGING = f"gs://{BUCKET}/staging/in put+ü"
CREATE: dict[str, Any] = {"method": "POST", "path": "*/batchPredictionJobs"}
PATIENT = evolve(QUICK, attempts=8)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with gcp_storage(tmp_path_factory.mktemp("gcp") / "log") as port:
        yield port


@pytest.fixture
def port(service: int) -> int:
    wipe(service)
    return service


@asynccontextmanager
async def client_at(emulator: Emulator, storage_url: str) -> AsyncIterator[Client]:
    api = evolve(emulator.vertex, storage_url=storage_url, staging=STAGING)
    async with Client(api, retry=PATIENT) as client:
        yield client


@pytest.fixture
async def client(emulator: Emulator, port: int) -> AsyncIterator[Client]:
    async with client_at(emulator, f"http://127.0.0.1:{port}") as client:
        yield client


def url_of(port: int, uri: str, query: str) -> str:
    name = quote(uri.removeprefix(f"gs://{BUCKET}/"), safe="")
    return f"http://127.0.0.1:{port}/{query.format(bucket=BUCKET, name=name)}"


def stored(port: int, uri: str) -> bytes:
    """Return what is in the other emulator."""
    url = url_of(port, uri, "download/storage/v1/b/{bucket}/o/{name}?alt=media")
    with urllib.request.urlopen(url) as answer:
        data: bytes = answer.read()
    return data


def store(port: int, uri: str, data: bytes) -> None:
    """Put something into the other emulator."""
    query = "upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}"
    headers = {"Content-Type": "application/octet-stream"}
    request = urllib.request.Request(url_of(port, uri, query), data, headers)
    urllib.request.urlopen(request).close()


async def run(
    emulator: Emulator, client: Client, port: int, clock: ManualClock, job: BatchJob
) -> BatchJob:
    """Let a job end that was submitted, with its rows and results in the other emulator."""
    for uri in job.source.gcs_uris:
        emulator.objects.put(uri, stored(port, uri))
    before = set(emulator.objects)
    clock.advance(3600)
    job = await client.batches.get(job)
    for uri in set(emulator.objects) - before:
        store(port, uri, emulator.objects[uri].read())
    return job


async def read(client: Client, job: BatchJob) -> dict[str | None, Any]:
    results = [result async for result in client.batches.results(job)]
    assert len({result.key for result in results}) == len(results)
    return {result.key: result for result in results}


async def test_there_and_back(
    emulator: Emulator, client: Client, port: int, clock: ManualClock, tmp_path: Path
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(
        jsonl(
            row("ok ü"),
            row("blocked", "[emulator:block]"),
            row("error", "[emulator:error:13]"),
            row("empty", "[emulator:empty]"),
        )
    )

    job = await client.batches.submit(MODEL, path)
    (uri,) = job.source.gcs_uris
    assert uri.startswith(f"{STAGING}/")
    assert len(stored(port, uri).splitlines()) == 4
    results = await read(client, await run(emulator, client, port, clock, job))

    assert {key: result.outcome for key, result in results.items()} == {
        "ok ü": Outcome.OK,
        "blocked": Outcome.BLOCKED,
        "error": Outcome.ERROR,
        "empty": Outcome.EMPTY,
    }


async def test_embeddings(
    emulator: Emulator, client: Client, port: int, clock: ManualClock
) -> None:
    requests = [EmbedRequest.from_text("x", key="a", output_dimensionality=4)]
    job = await client.batches.submit(EMBED_MODEL, requests)

    results = await read(client, await run(emulator, client, port, clock, job))

    assert len(results["a"].embedding) == 4


@pytest.mark.parametrize("shards", [0, 3])
async def test_thousands_of_rows(
    emulator: Emulator, client: Client, port: int, clock: ManualClock, shards: int
) -> None:
    emulator.faults.append(Fault(**CREATE, shards=shards, incremental=True))
    job = await client.batches.submit(MODEL, (row(f"k{n}", f"Hi {n}") for n in range(2000)))

    results = await read(client, await run(emulator, client, port, clock, job))

    assert results.keys() == {f"k{n}" for n in range(2000)}
    assert all(result.ok for result in results.values())


async def test_what_is_refused_leaves_nothing(
    emulator: Emulator, client: Client, port: int
) -> None:
    emulator.faults.append(Fault(**CREATE, status=429, times=99))

    with pytest.raises(RateLimitError):
        await client.batches.submit(MODEL, [row("a")])

    assert names(port) == []


async def test_results_that_have_been_deleted(
    emulator: Emulator, client: Client, port: int, clock: ManualClock
) -> None:
    job = await client.batches.submit(MODEL, [row("a")])
    job = await run(emulator, client, port, clock, job)
    wipe(port)

    with pytest.raises(ResultsUnavailableError):
        await read(client, job)


async def test_a_job_that_was_cancelled_in_the_queue_has_none(
    emulator: Emulator, client: Client, port: int, clock: ManualClock
) -> None:
    job = await client.batches.submit(MODEL, [row("a")])
    await client.batches.cancel(job)
    clock.advance(5)

    with pytest.raises(JobFailedError):
        await read(client, job)


async def test_objects_and_their_rows(client: Client, port: int, tmp_path: Path) -> None:
    uri = f"gs://{BUCKET}/in put+ü/rows.jsonl"
    rows = [row(f"k{n}", "x" * 1000) for n in range(400)]

    stored_ = await client.objects.upload(jsonl(*rows), uri)
    listed = [item async for item in client.objects.list_all(f"gs://{BUCKET}/in put")]
    report = await client.batches.check(uri)
    await client.objects.download(uri, tmp_path / "out")
    store(port, uri, jsonl(*rows, row("k7")))
    with pytest.raises(InputError, match=r"rows\.jsonl:401: key: the key 'k7' was used on"):
        await client.batches.check(uri)
    await client.objects.delete(uri)

    assert [item.name for item in listed] == [stored_.name] == [uri]
    assert (report.count, report.size) == (400, stored_.size_bytes)
    assert (tmp_path / "out").read_bytes() == jsonl(*rows)
    assert names(port) == []


def names(port: int) -> list[str]:
    url = f"http://127.0.0.1:{port}/storage/v1/b/{BUCKET}/o"
    with urllib.request.urlopen(url) as answer:
        return [item["name"] for item in json.load(answer).get("items", ())]


@pytest.fixture
async def cuts(port: int) -> AsyncIterator[Cuts]:
    async with cutting_proxy(port) as cuts:
        yield cuts


@pytest.mark.parametrize("seed", range(8))
async def test_rows_and_results_cut_after_any_byte(
    emulator: Emulator, port: int, clock: ManualClock, cuts: Cuts, seed: int
) -> None:
    rng = random.Random(SEED + seed)
    requests = [row(f"k{n}", f"{n} " + "x" * 1000) for n in range(400)]
    async with client_at(emulator, cuts.url) as client:
        # The other emulator speaks HTTP/1.0: each request has a connection of its own. One
        # cut in its head is not passed on, so not all of them end in the middle of an upload.
        cuts.up = [rng.randrange(500), None, rng.randrange(600, 400_000)]
        cuts.down = [None, rng.choice([None, rng.randrange(300)])]
        job = await client.batches.submit(MODEL, requests)
        (uri,) = job.source.gcs_uris
        assert [json.loads(line) for line in stored(port, uri).splitlines()] == requests
        job = await run(emulator, client, port, clock, job)
        made = cuts.made
        cuts.up = []
        cuts.down = [rng.randrange(400), *(rng.randrange(800_000) for _ in range(3))]

        results = await read(client, job)

    assert results.keys() == {f"k{n}" for n in range(400)}
    assert all(result.ok for result in results.values())
    assert made >= 1
    assert cuts.made > made
