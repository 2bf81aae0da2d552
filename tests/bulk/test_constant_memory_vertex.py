"""Rows by the ten thousand go to Cloud Storage and come back, and memory does not grow.

The emulator is in a process of its own: what it holds is none of the client's.
"""

import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from gemini_batch import Client
from gemini_batch.types import VertexAI
from tests.support.cloud import StandIn
from tests.support.rows import MODEL, row

pytestmark = [pytest.mark.slow, pytest.mark.bulk, pytest.mark.timeout(300)]

COUNT = 40_000
TEXT = "x" * 1000
MOST = 8_000_000  # bytes; what is staged is five times as much, the results ten times

_EMULATOR = """
import sys
import anyio
from gemini_batch.testing import Emulator, Limits

async def main():
    limits = Limits(pending=0.5, least_running=1, rows_per_second=1e9)
    async with Emulator(limits=limits, speed=600) as emulator:
        print(emulator.url, flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read)

anyio.run(main)
"""


@pytest.fixture
def url() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-c", _EMULATOR],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate(timeout=10)


@asynccontextmanager
async def counted() -> AsyncIterator[None]:
    """See that the block holds little at a time."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST


async def test_many_rows_there_and_back(url: str) -> None:
    api = VertexAI(
        project="emulator-project",
        location="us-central1",
        credentials=StandIn("emulator-token"),
        staging="gs://emulator-bucket/staging",
        base_url=url,
        storage_url=url,
        bigquery_url=url,
    )
    async with Client(api) as client:
        # What is loaded once does not count.
        await client.batches.submit(MODEL, [row("a")])
        async with counted():
            rows = (row(f"k{n}", TEXT) for n in range(COUNT))
            job = await client.batches.submit(MODEL, rows)
        job = await client.batches.poll(job, poll_interval=0.5)
        marks = bytearray(COUNT)
        async with counted():
            async for result in client.batches.results(job):
                marks[int((result.key or "k")[1:])] += 1

    assert marks == b"\x01" * COUNT
