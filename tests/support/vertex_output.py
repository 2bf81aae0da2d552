"""Vertex jobs whose results are in Cloud Storage, and what is in there."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import anyio

from gemini_batch import BatchJob, BatchResult, Client
from gemini_batch.testing import Emulator, Fault, ManualClock
from tests.support.rows import MODEL, many

CREATE: Mapping[str, Any] = {"method": "POST", "path": "*/batchPredictionJobs"}
LOOK: Mapping[str, Any] = {"method": "GET", "path": "*/batchPredictionJobs/*"}
LIST: Mapping[str, Any] = {"method": "GET", "path": "/storage/v1/b/*/o"}
READ: Mapping[str, Any] = {"method": "GET", "path": "/storage/v1/b/*/o/*"}
BUCKET = "gs://emulator-bucket"
OUT = f"{BUCKET}/out/job-0001"


async def created(
    client: Client,
    emulator: Emulator,
    data: bytes,
    *,
    model: str = MODEL,
    dest: str | None = None,
    **manner: Any,
) -> BatchJob:
    """Make a job of rows; its output will be as `manner` says."""
    uri = f"{BUCKET}/in/{len(emulator.objects)}.jsonl"
    emulator.objects.put(uri, data)
    if manner:
        emulator.faults.append(Fault(**CREATE, **manner))
    create = client.batches.create if model == MODEL else client.batches.create_embeddings
    return await create(model, gcs_uri=uri, dest=dest)


async def finished(
    client: Client, emulator: Emulator, clock: ManualClock, data: bytes, **options: Any
) -> BatchJob:
    job = await created(client, emulator, data, **options)
    clock.advance(3600)
    return await client.batches.get(job)


async def with_objects(
    client: Client, emulator: Emulator, clock: ManualClock, **objects: bytes
) -> BatchJob:
    """Return a job whose output consists of these objects, named without their ending."""
    job = await finished(client, emulator, clock, many(1))
    folder = folder_of(job)
    emulator.objects.remove(emulator.objects[f"{folder}/predictions.jsonl"])
    for name, data in objects.items():
        emulator.objects.put(f"{folder}/{name}.jsonl", data)
    return job


def folder_of(job: BatchJob) -> str:
    assert job.dest is not None
    assert job.dest.gcs_directory is not None
    return job.dest.gcs_directory


def keys(count: int) -> list[str]:
    return [f"k{n}" for n in range(count)]


def answered(key: str, text: str = "Hello") -> dict[str, Any]:
    """Return a row of an output."""
    answer = {"candidates": [{"content": {"parts": [{"text": text}]}}]}
    return {"key": key, "status": "", "response": answer}


async def read(client: Client, job: BatchJob | str) -> list[BatchResult]:
    return [result async for result in client.batches.results(job)]


async def read_slowly(client: Client, job: BatchJob) -> list[BatchResult]:
    """Take a while over a row now and then."""
    rows = []
    async for result in client.batches.results(job):
        rows.append(result)
        if len(rows) % 10 == 1:
            await anyio.sleep(0.03)
    return rows


async def until(come: Callable[[], bool]) -> None:
    """Wait for something, but not for ever."""
    for _ in range(200):
        if come():
            return
        await anyio.sleep(0.01)


def stored(emulator: Emulator, job: BatchJob) -> list[bytes]:
    """Return the lines of a job's output, in order of the objects."""
    prefix = f"{folder_of(job)}/"
    names = sorted(name for name in emulator.objects if name.startswith(prefix))
    return [line for name in names for line in emulator.objects[name].read().splitlines()]


def lines_of(rows: Iterable[BatchResult]) -> list[bytes]:
    return [r.raw.rstrip(b"\n") for r in rows]
