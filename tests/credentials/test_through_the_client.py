"""Tokens as whole clients use them: fetched once for all calls, and sent nowhere else."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from attrs import evolve

from gemini_batch import (
    AuthenticationError,
    BatchJob,
    Client,
    GeminiBatchError,
    Retry,
    SecurityError,
)
from gemini_batch.testing import Emulator, Fault, ManualClock
from tests.support.cloud import TOKEN, StandIn, vertex_at
from tests.support.cutting_proxy import cutting_proxy
from tests.support.looking_service import Service, service_that_looks
from tests.support.rows import MODEL, jsonl, row
from tests.support.settings import QUICK
from tests.support.token_server import service_account_file, token_server
from tests.support.web import everything, serving

ONCE = Retry(attempts=1)
ROWS = "bq://emulator-project.data.asked"
TABLE = "bq://emulator-project.data.told"


async def jobs_of(
    emulator: Emulator, client: Client, clock: ManualClock
) -> tuple[BatchJob, BatchJob]:
    """Return two ended jobs, with results in Cloud Storage and in BigQuery."""
    emulator.objects.put("gs://emulator-bucket/in.jsonl", jsonl(row("a"), row("b")))
    emulator.tables[ROWS] = [row("a")]
    made = [
        await client.batches.create(MODEL, gcs_uri="gs://emulator-bucket/in.jsonl"),
        await client.batches.create(MODEL, bigquery_uri=ROWS, dest=TABLE),
    ]
    clock.advance(3600)
    stored, listed = [await client.batches.get(job) for job in made]
    return stored, listed


async def keys(client: Client, job: BatchJob) -> list[str | None]:
    return [result.key async for result in client.batches.results(job)]


# Once


@pytest.mark.parametrize("held", ["none", "expired"])
async def test_a_thousand_calls_of_all_kinds_cause_one_refresh(
    emulator: Emulator, clock: ManualClock, held: str
) -> None:
    api = emulator.vertex
    async with Client(api) as client:
        stored, listed = await jobs_of(emulator, client, clock)
    emulator.expire_token()
    if held == "none":
        api.credentials.token = None

    # One try of each: a call that is refused for its token alone is sent again.
    async with Client(api, retry=ONCE) as client:
        answers: list[Any] = await asyncio.gather(
            *(client.batches.get(stored) for _ in range(600)),
            *(client.batches.list() for _ in range(200)),
            *(keys(client, stored) for _ in range(100)),
            *(keys(client, listed) for _ in range(100)),
        )

    assert api.credentials.refreshes == 1
    assert [job.name for job in answers[:600]] == [stored.name] * 600
    assert {len(page.items) for page in answers[600:800]} == {2}
    assert {tuple(sorted(found)) for found in answers[800:900]} == {("a", "b")}
    assert answers[900:] == [["a"]] * 100


async def test_a_thousand_calls_ask_a_token_service_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """google-auth itself, found by the environment, against a token service of our own."""
    async with token_server() as tokens, service_that_looks() as service:
        file = service_account_file(tmp_path, tokens.url)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        tokens.gate = asyncio.Event()
        api = evolve(vertex_at(service.url), credentials=None)
        async with Client(api, retry=ONCE) as client, asyncio.TaskGroup() as tasks:
            for _ in range(1000):
                tasks.create_task(client.batches.list())
            while not tokens.asked:
                await asyncio.sleep(0.001)
            # All wait for the one answer.
            assert service.seen == []
            tokens.gate.set()

    assert tokens.tokens == 1
    assert service.tokens == [f"Bearer {TOKEN}1"] * 1000


async def test_a_program_finds_everything_in_the_environment(
    emulator: Emulator, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def token(_: web.Request) -> web.Response:
        return web.json_response(
            {"access_token": "emulator-token", "expires_in": 3600, "token_type": "Bearer"}
        )

    async with serving(everything(token)) as url:
        file = service_account_file(tmp_path, url)
        for name, value in {
            "GOOGLE_GENAI_USE_VERTEXAI": "true",
            "GOOGLE_CLOUD_PROJECT": "emulator-project",
            "GOOGLE_CLOUD_LOCATION": "us-central1",
            "GOOGLE_APPLICATION_CREDENTIALS": str(file),
            "GOOGLE_VERTEX_BASE_URL": emulator.url,
            "STORAGE_EMULATOR_HOST": emulator.url.removeprefix("http://"),
            "BIGQUERY_EMULATOR_HOST": emulator.url,
        }.items():
            monkeypatch.setenv(name, value)

        async with Client(retry=QUICK) as client:
            stored, listed = await jobs_of(emulator, client, clock)
            found = [await keys(client, job) for job in (stored, listed)]

    assert [sorted(one, key=str) for one in found] == [["a", "b"], ["a"]]


async def test_a_thousand_calls_do_not_wait_for_a_token_that_is_still_good(
    emulator: Emulator,
) -> None:
    """The next one is fetched meanwhile, once."""
    gate = threading.Event()
    credentials = StandIn(
        "emulator-token", left=120, lives=3600, renew=lambda _: gate.wait(20)
    )
    api = evolve(emulator.vertex, credentials=credentials)

    async with Client(api, retry=ONCE) as client:
        pages = await asyncio.gather(*(client.batches.list() for _ in range(1000)))
        assert credentials.renewals == 1
        gate.set()

    assert len(pages) == 1000


async def test_a_token_that_runs_out_in_the_middle_of_results(
    emulator: Emulator, clock: ManualClock
) -> None:
    """Of a job with many shards, each of which is asked for."""
    create: dict[str, Any] = {"method": "POST", "path": "*/batchPredictionJobs"}
    async with Client(emulator.vertex, retry=QUICK) as client:
        emulator.faults.append(Fault(**create, shards=8))
        rows = [row(f"k{n}", f"{n}" + "x" * 5000) for n in range(400)]
        job = await client.batches.submit(MODEL, rows)
        clock.advance(3600)
        emulator.faults.append(
            Fault(method="GET", path="/storage/*/o/*", truncate_after=5000, times=6, skip=2)
        )
        found = []
        async for result in client.batches.results(job.name):
            found.append(result.key)
            if len(found) in {1, 150, 300}:
                emulator.expire_token()

    assert sorted(found, key=str) == sorted(f"k{n}" for n in range(400))
    assert 1 <= emulator.vertex.credentials.refreshes <= 3


async def test_a_token_that_runs_out_in_the_middle_of_a_submit(emulator: Emulator) -> None:
    """The create is sent again with the new one: a refusal is no job."""
    async with Client(emulator.vertex, retry=QUICK) as client:
        emulator.faults.append(
            Fault.expired_token(method="POST", path="*/batchPredictionJobs")
        )
        emulator.faults.append(Fault.expired_token(method="POST", path="/upload/*"))
        job = await client.batches.submit(MODEL, [row("a")])

    assert list(emulator.vertex_jobs) == [job.name]
    assert list(emulator.objects) == list(job.source.gcs_uris)


async def test_a_token_that_is_refused_for_good(emulator: Emulator) -> None:
    emulator.faults.append(Fault.expired_token(times=None))

    async with Client(emulator.vertex, retry=QUICK) as client:
        with pytest.raises(AuthenticationError):
            await client.batches.submit(MODEL, [row("a")])

    # Asked once more with a new token, and left at that.
    assert [entry.path for entry in emulator.log].count(emulator.log[0].path) == 2
    assert dict(emulator.objects) == {}
    assert dict(emulator.vertex_jobs) == {}


# Nowhere else


async def test_the_three_services_may_be_at_three_addresses(
    emulator: Emulator, clock: ManualClock
) -> None:
    port = int(emulator.url.rpartition(":")[2])
    async with cutting_proxy(port) as storage, cutting_proxy(port) as bigquery:
        # Nothing is cut; they are addresses, and the emulator tells by which it was asked.
        api = evolve(emulator.vertex, storage_url=storage.url, bigquery_url=bigquery.url)
        async with Client(api, retry=QUICK) as client:
            stored, listed = await jobs_of(emulator, client, clock)
            assert sorted(await keys(client, stored), key=str) == ["a", "b"]
            assert await keys(client, listed) == ["a"]
            await client.batches.submit(MODEL, [row("a")])

    asked = {(entry.path.split("/")[1], entry.headers["Host"]) for entry in emulator.log}
    assert {(path, f"http://{host}") for path, host in asked} == {
        ("v1", emulator.url),
        ("upload", storage.url),
        ("storage", storage.url),
        ("bigquery", bigquery.url),
    }


def calls(
    client: Client, stored: BatchJob, listed: BatchJob
) -> list[Callable[[], Awaitable[Any]]]:
    """Return everything there is to call."""
    batches = client.batches
    return [
        lambda: batches.submit(MODEL, [row("a")]),
        lambda: batches.create(MODEL, gcs_uri="gs://emulator-bucket/in.jsonl"),
        lambda: batches.get(stored),
        lambda: batches.list(),
        lambda: batches.poll(stored, poll_interval=0.001),
        lambda: batches.cancel(stored),
        lambda: batches.delete(stored),
        lambda: keys(client, stored),
        lambda: keys(client, listed),
    ]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_lead_nowhere(
    emulator: Emulator, clock: ManualClock, status: int
) -> None:
    async with (
        service_that_looks() as elsewhere,
        Client(emulator.vertex, retry=QUICK) as client,
    ):
        jobs = await jobs_of(emulator, client, clock)
        emulator.faults.append(Fault.redirect(elsewhere.url, status, times=None))

        for call in calls(client, *jobs):
            with pytest.raises(GeminiBatchError) as caught:
                await call()
            assert elsewhere.url not in str(caught.value)

    assert elsewhere.seen == []


async def session_at(
    emulator: Emulator, clock: ManualClock, elsewhere: Service, path: str
) -> None:
    async with Client(emulator.vertex, retry=QUICK) as client:
        emulator.faults.append(
            Fault(
                method="POST",
                path="/upload/*",
                status=200,
                headers={"Location": f"{elsewhere.url}{path}"},
            )
        )
        with pytest.raises(SecurityError):
            await client.batches.submit(MODEL, [row("a")])


async def test_rows_do_not_go_to_a_session_elsewhere(
    emulator: Emulator, clock: ManualClock
) -> None:
    async with service_that_looks() as elsewhere:
        await session_at(emulator, clock, elsewhere, "/upload/storage/v1/b/x/o?upload_id=1")

    assert elsewhere.seen == []
    assert dict(emulator.vertex_jobs) == {}


async def test_what_answers_say_of_addresses_is_not_followed(
    emulator: Emulator, clock: ManualClock
) -> None:
    """Objects and tables come with links of their own; where they are is known already."""
    async with (
        service_that_looks() as elsewhere,
        Client(emulator.vertex, retry=QUICK) as client,
    ):
        jobs = await jobs_of(emulator, client, clock)
        links = dict.fromkeys(("selfLink", "mediaLink"), f"{elsewhere.url}/x")
        stored = next(uri for uri in emulator.objects if "predictions" in uri)
        name = stored.removeprefix("gs://emulator-bucket/")
        known = emulator.objects[stored]
        item = {
            "name": name,
            "bucket": "emulator-bucket",
            "size": str(known.size),
            "generation": str(known.generation),
            "md5Hash": known.md5_hash,
            **links,
        }
        page = json.dumps({"kind": "storage#objects", "items": [item]}).encode()
        emulator.faults.append(
            Fault(method="GET", path="/storage/v1/b/*/o", status=200, body=page)
        )
        found = [await keys(client, job) for job in jobs]

    assert [sorted(k or "" for k in one) for one in found] == [["a", "b"], ["a"]]
    assert elsewhere.seen == []
