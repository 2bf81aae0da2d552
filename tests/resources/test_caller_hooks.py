"""Hooks of the caller's are called for what only one of the APIs has."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from gemini_batch import Client
from gemini_batch.testing import Emulator, ManualClock
from gemini_batch.types import (
    BatchJob,
    Candidate,
    File,
    JobDestination,
    JobSource,
    StoredObject,
    WebhookConfig,
)
from tests.support.rows import MODEL, row
from tests.support.settings import QUICK

ASKED = "bq://emulator-project.data.asked"
TOLD = "bq://emulator-project.data.told"


def counting(client: Client, cls: type[Any]) -> Callable[[], int]:
    """Wrap the hook of a class; return what tells how often it was called."""
    inner = client.converter.get_structure_hook(cls)
    calls = []

    def hook(value: Any, kind: Any) -> Any:
        calls.append(value)
        return inner(value, kind)

    client.converter.register_structure_hook(cls, hook)
    return lambda: len(calls)


async def test_results_of_a_table(emulator: Emulator, clock: ManualClock) -> None:
    async with Client(emulator.vertex, retry=QUICK) as client:
        candidates = counting(client, Candidate)
        emulator.tables[ASKED] = [row("a"), row("b")]
        job = await client.batches.create(MODEL, bigquery_uri=ASKED, dest=TOLD)
        clock.advance(3600)

        results = [r async for r in client.batches.results(await client.batches.get(job))]

    assert all(r.ok for r in results)
    assert (len(results), candidates()) == (2, 2)


async def test_files(emulator: Emulator) -> None:
    async with Client(emulator.api, retry=QUICK) as client:
        files = counting(client, File)

        file = await client.files.upload(b"{}")
        await client.files.get(file)
        listed = [each async for each in client.files.list_all()]

    assert listed == [file]
    assert files() >= 3


async def test_objects(emulator: Emulator) -> None:
    async with Client(emulator.vertex, retry=QUICK) as client:
        objects = counting(client, StoredObject)

        stored = await client.objects.upload(b"{}", "gs://emulator-bucket/a.jsonl")
        listed = [each async for each in client.objects.list_all("gs://emulator-bucket/")]

    assert listed == [stored]
    assert objects() == 2


async def test_a_webhook_goes_out(emulator: Emulator) -> None:
    async with Client(emulator.api, retry=QUICK) as client:
        client.converter.register_unstructure_hook(
            WebhookConfig, lambda _: {"uris": ["https://h.example/mine"]}
        )

        job = await client.batches.create(
            MODEL,
            inlined_requests=[row("a")],
            webhook=WebhookConfig(uris=("https://h.example/x",)),
        )

    assert job.webhook == WebhookConfig(uris=("https://h.example/mine",))


async def test_a_source_and_a_destination_go_out(emulator: Emulator) -> None:
    async with Client(emulator.vertex, retry=QUICK) as client:
        seen: list[Any] = []
        for cls in (JobSource, JobDestination):
            inner = client.converter.get_unstructure_hook(cls)

            def hook(value: Any, inner: Callable[[Any], Any] = inner) -> Any:
                seen.append(value)
                return inner(value)

            client.converter.register_unstructure_hook(cls, hook)
        emulator.tables[ASKED] = [row("a")]

        job = await client.batches.create(MODEL, bigquery_uri=ASKED, dest=TOLD)

    assert seen == [JobSource(bigquery_uri=ASKED), JobDestination(bigquery_uri=TOLD)]
    assert (job.source, job.dest) == tuple(seen)


@pytest.mark.parametrize("api", ["api", "vertex"])
async def test_a_job_can_be_kept_as_json(
    emulator: Emulator, clock: ManualClock, api: str
) -> None:
    """What `unstructure` gives is what the service sent, as far as it is read."""
    async with Client(getattr(emulator, api), retry=QUICK) as client:
        if api == "api":
            job = await client.batches.submit(MODEL, [row("a")], display_name="mine")
        else:
            emulator.tables[ASKED] = [row("a")]
            job = await client.batches.create(MODEL, bigquery_uri=ASKED, dest=TOLD)
        clock.advance(3600)
        job = await client.batches.get(job)

        kept = json.dumps(client.converter.unstructure(job))
        again = client.converter.structure(json.loads(kept), BatchJob)

    assert again.dest is not None
    assert job.dest is not None
    assert [r.key for r in again.dest.inlined_responses or ()] == [
        r.key for r in job.dest.inlined_responses or ()
    ]
    assert json.dumps(client.converter.unstructure(again)) == kept
