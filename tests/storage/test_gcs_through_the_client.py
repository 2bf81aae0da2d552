"""Whatever happens to Cloud Storage: the rows that are staged, and the results that are read,
are the same to the byte, and one job is paid.
"""

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import evolve

from gemini_batch import BatchJob, Client, InputError, SecurityError, TransportError
from gemini_batch.testing import Emulator, Fault, ManualClock
from tests.support.cutting_proxy import Cuts, cutting_proxy
from tests.support.rows import MODEL, jsonl, row
from tests.support.settings import QUICK

Which = dict[str, Any]
UNIT = 256 * 1024
SEED = 20261123
ROWS = [row(f"k{n}", f"{n} " + "x" * 1000) for n in range(830)]
STAGED = jsonl(*ROWS).replace(b'": ', b'":').replace(b', "', b',"')
SIZE = len(STAGED)
PATIENT = evolve(QUICK, attempts=8)
# aiohttp sends a PUT once more by itself when its connection is cut.
TRIES = 2

START: Which = {"method": "POST", "path": "/upload/storage/*"}
SEND: Which = {"method": "PUT", "path": "/upload/storage/*"}
LIST: Which = {"method": "GET", "path": "/storage/v1/b/*/o"}
READ: Which = {"method": "GET", "path": "/storage/v1/b/*/o/*"}


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[Client]:
    async with Client(emulator.vertex, retry=PATIENT) as client:
        yield client


@asynccontextmanager
async def through_a_proxy(emulator: Emulator) -> AsyncIterator[tuple[Client, Cuts]]:
    """Give a client whose way to Cloud Storage, and no other, may be cut."""
    port = int(emulator.url.rpartition(":")[2])
    async with cutting_proxy(port) as cuts:
        api = evolve(emulator.vertex, storage_url=cuts.url)
        async with Client(api, retry=PATIENT) as client:
            yield client, cuts


def staged(emulator: Emulator) -> Mapping[str, bytes]:
    """Return what has been staged, by the last part of its name."""
    return {uri.rpartition("/")[2]: known.read() for uri, known in emulator.objects.items()}


async def check_submit(emulator: Emulator, client: Client) -> None:
    """Submit the rows, and see that they are staged once, whole, for one job."""
    job = await client.batches.submit(MODEL, ROWS)

    assert staged(emulator) == {"input.jsonl": STAGED}
    assert list(emulator.vertex_jobs) == [job.name]
    assert list(emulator.objects) == list(job.source.gcs_uris)


async def ended(
    emulator: Emulator, client: Client, clock: ManualClock, count: int = 300
) -> BatchJob:
    """Return an ended job of some of the rows."""
    uri = "gs://emulator-bucket/in.jsonl"
    emulator.objects.put(uri, jsonl(*ROWS[:count]))
    job = await client.batches.create(MODEL, gcs_uri=uri)
    clock.advance(3600)
    return await client.batches.get(job)


def written(emulator: Emulator, job: BatchJob) -> list[bytes]:
    """Return the rows of a job's results as they are stored, sorted."""
    assert job.dest is not None
    folder = f"{job.dest.gcs_directory}/"
    return sorted(
        line
        for uri, known in emulator.objects.items()
        if uri.startswith(folder) and "incremental" not in uri
        for line in known.read().splitlines()
    )


async def check_results(emulator: Emulator, client: Client, job: BatchJob) -> None:
    """Read the results, and see that they are the stored ones, each once."""
    results = [result async for result in client.batches.results(job)]

    assert sorted(result.raw for result in results) == written(emulator, job)
    assert {result.key for result in results} == {f"k{n}" for n in range(len(results))}
    assert [result.index for result in results] == list(range(len(results)))


def test_the_rows_are_several_units() -> None:
    assert SIZE > 3 * UNIT + 1000


# Staging


@pytest.mark.parametrize("cut", [0, 1, UNIT - 1, UNIT, UNIT + 1, 2 * UNIT, SIZE - 1, SIZE])
async def test_an_upload_that_is_cut_off(
    emulator: Emulator, client: Client, cut: int
) -> None:
    emulator.faults.append(Fault(**SEND, drop_body_after=cut, times=TRIES))

    await check_submit(emulator, client)


@pytest.mark.parametrize("kept", [0, 10, UNIT, 2 * UNIT + 1, SIZE - 1])
async def test_a_308_with_less_than_was_sent(
    emulator: Emulator, client: Client, kept: int
) -> None:
    emulator.faults.append(Fault(**SEND, keep=kept))

    await check_submit(emulator, client)


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("which", [START, SEND])
async def test_a_status_instead_of_an_answer(
    emulator: Emulator, client: Client, which: Which, status: int
) -> None:
    emulator.faults.append(Fault(**which, status=status, times=2))

    await check_submit(emulator, client)


async def test_a_status_in_the_middle(emulator: Emulator, client: Client) -> None:
    """Cut, then neither the query nor the rest is answered at first."""
    emulator.faults += [
        Fault(**SEND, drop_body_after=UNIT + 7, times=TRIES),
        Fault(**SEND, status=503),
        Fault(**SEND, skip=1, status=503),
        Fault(**SEND, skip=1, keep=100),
    ]

    await check_submit(emulator, client)


@pytest.mark.parametrize("which", [START, SEND])
@pytest.mark.parametrize("times", [1, TRIES])
async def test_an_answer_that_is_lost(
    emulator: Emulator, client: Client, which: Which, times: int
) -> None:
    emulator.faults.append(Fault(**which, drop="after", times=times))

    await check_submit(emulator, client)


@pytest.mark.parametrize("status", [404, 410])
async def test_a_session_that_is_lost(
    emulator: Emulator, client: Client, status: int
) -> None:
    emulator.faults += [
        Fault(**SEND, keep=UNIT),
        Fault(**SEND, status=status, times=2),
    ]

    await check_submit(emulator, client)


@pytest.mark.parametrize("shift", [-UNIT, UNIT])
async def test_a_session_that_is_wrong_about_itself(
    emulator: Emulator, client: Client, shift: int
) -> None:
    emulator.faults += [
        Fault(**SEND, drop_body_after=UNIT + 5, times=TRIES),
        Fault(**SEND, received_shift=shift),
    ]

    await check_submit(emulator, client)


@pytest.mark.parametrize("seed", range(10))
async def test_an_upload_cut_after_any_byte(emulator: Emulator, seed: int) -> None:
    """Of the start, of the bytes, of a query, and of the answers to each."""
    rng = random.Random(SEED + seed)
    async with through_a_proxy(emulator) as (client, cuts):
        # A connection is used until it is cut: positions are counted over all its requests.
        cuts.up = [rng.randrange(SIZE + 900) for _ in range(4)]
        cuts.down = [rng.choice([None, rng.randrange(1200)]) for _ in range(4)]

        await check_submit(emulator, client)

        assert cuts.made >= 1


@pytest.mark.parametrize("after", [0, 1, 17, 60, 200, 400, 600])
@pytest.mark.parametrize("first", [0, 1])
async def test_answers_to_an_upload_cut_after_any_byte(
    emulator: Emulator, first: int, after: int
) -> None:
    async with through_a_proxy(emulator) as (client, cuts):
        cuts.down = [None] * first + [after, after]
        if first:
            cuts.up = [3000]

        await check_submit(emulator, client)

        assert cuts.made >= 1


async def test_an_upload_that_never_gets_through_makes_no_job(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(Fault(**SEND, status=503, times=None))

    with pytest.raises(Exception, match="503"):
        await client.batches.submit(MODEL, ROWS)

    assert dict(emulator.vertex_jobs) == {}
    assert staged(emulator) == {}


async def test_a_service_that_is_not_reached_leaves_no_rows(emulator: Emulator) -> None:
    """No job was made of them, and objects do not expire."""
    nowhere = evolve(emulator.vertex, base_url="http://127.0.0.1:1")
    async with Client(nowhere, retry=QUICK) as client:
        with pytest.raises(TransportError) as caught:
            await client.batches.submit(MODEL, ROWS[:3])

    assert not caught.value.maybe_received
    assert staged(emulator) == {}


async def test_a_repeated_submit_uses_what_is_staged_already(
    emulator: Emulator, client: Client
) -> None:
    """The first call staged its rows and got no further."""
    emulator.faults.append(Fault(method="POST", path="*/batchPredictionJobs", status=503))
    with pytest.raises(Exception, match="unknown whether a job"):
        await client.batches.submit(MODEL, ROWS, idempotency_key="x")
    assert staged(emulator) == {"input.jsonl": STAGED}
    (before,) = emulator.objects.values()

    job = await client.batches.submit(MODEL, ROWS, idempotency_key="x")

    assert list(emulator.objects.values()) == [before]
    assert list(emulator.vertex_jobs) == [job.name]


async def test_other_rows_under_the_same_key_are_refused(
    emulator: Emulator, client: Client
) -> None:
    """What is staged under a key stays: a job that may exist reads it."""
    emulator.faults.append(Fault(method="POST", path="*/batchPredictionJobs", status=503))
    with pytest.raises(Exception, match="unknown whether a job"):
        await client.batches.submit(MODEL, ROWS, idempotency_key="x")

    with pytest.raises(InputError, match=r"input\.jsonl has other requests"):
        await client.batches.submit(MODEL, ROWS[:-1], idempotency_key="x")

    assert staged(emulator) == {"input.jsonl": STAGED}
    assert dict(emulator.vertex_jobs) == {}


# Results


@pytest.mark.parametrize("times", [1, 3])
async def test_results_that_are_cut_off(
    emulator: Emulator, client: Client, clock: ManualClock, times: int
) -> None:
    job = await ended(emulator, client, clock)
    for cut in (0, 1, UNIT - 1, UNIT, UNIT + 1, 500_000):
        emulator.faults.append(Fault(**READ, truncate_after=cut, times=times))

        await check_results(emulator, client, job)

        emulator.faults.clear()


async def test_results_that_are_cut_off_after_each_byte(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await ended(emulator, client, clock, count=2)
    size = sum(len(line) + 1 for line in written(emulator, job))
    for cut in range(0, size, 7):
        emulator.faults.append(Fault(**READ, truncate_after=cut))

        await check_results(emulator, client, job)

        assert emulator.faults == []


@pytest.mark.parametrize("which", [LIST, READ])
@pytest.mark.parametrize("status", [429, 503])
async def test_results_that_are_refused_for_a_while(
    emulator: Emulator,
    client: Client,
    clock: ManualClock,
    which: Which,
    status: int,
) -> None:
    job = await ended(emulator, client, clock)
    emulator.faults += [
        Fault(**which, status=status, times=2),
        Fault(**READ, truncate_after=100_000),
        Fault(**READ, status=status, times=2),
    ]

    await check_results(emulator, client, job)


@pytest.mark.parametrize("seed", range(10))
async def test_results_cut_after_any_byte(
    emulator: Emulator, clock: ManualClock, seed: int
) -> None:
    """Of the list, of the heads, of the rows; over connections that are cut in turn."""
    rng = random.Random(SEED + seed)
    async with through_a_proxy(emulator) as (client, cuts):
        job = await ended(emulator, client, clock)
        cuts.down = [rng.randrange(1500), rng.randrange(1_000_000), rng.randrange(UNIT)]
        cuts.up = [rng.choice([None, rng.randrange(600)]) for _ in range(3)]

        await check_results(emulator, client, job)

        assert cuts.made >= 1


@pytest.mark.parametrize("shards", [2, 7])
@pytest.mark.parametrize("seed", range(3))
async def test_shards_that_are_cut_off_in_turn(
    emulator: Emulator, client: Client, clock: ManualClock, shards: int, seed: int
) -> None:
    rng = random.Random(SEED + seed)
    create: Which = {"method": "POST", "path": "*/batchPredictionJobs"}
    emulator.faults.append(Fault(**create, shards=shards, incremental=True))
    job = await ended(emulator, client, clock)
    for _ in range(6):
        emulator.faults.append(
            Fault(**READ, truncate_after=rng.randrange(100_000), skip=rng.randrange(3))
        )

    await check_results(emulator, client, job)


async def test_results_written_anew_between_two_ranges_are_not_mixed(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await ended(emulator, client, clock)
    emulator.faults += [Fault(**READ, truncate_after=300_000), Fault.object_changed()]
    seen: list[bytes] = []

    async def read() -> None:
        async for result in client.batches.results(job):
            seen.append(result.raw)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(TransportError, match="changed while it was read"):
        await read()

    # What came out came whole, and once; and the next call reads all of the new object.
    assert len(set(seen)) == len(seen)
    assert set(seen) < set(written(emulator, job))
    await check_results(emulator, client, job)


async def test_results_written_anew_before_they_are_read(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await ended(emulator, client, clock)
    for uri, known in list(emulator.objects.items()):
        emulator.objects.put(uri, known.read())

    await check_results(emulator, client, job)


async def test_bytes_that_change_on_the_way_are_noticed(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    """A body that is whole and has other bytes than the service has the digest of."""
    job = await ended(emulator, client, clock)
    assert job.dest is not None
    stored = emulator.objects[f"{job.dest.gcs_directory}/predictions.jsonl"]
    other = stored.read().replace(b"STOP", b"STUP", 1)
    headers = {
        "X-Goog-Generation": str(stored.generation),
        "X-Goog-Hash": f"crc32c={stored.crc32c},md5={stored.md5_hash}",
    }
    emulator.faults.append(
        Fault(**READ, status=200, body=other, headers=headers, times=None)
    )

    with pytest.raises(TransportError, match="other bytes arrived"):
        [result async for result in client.batches.results(job)]


# Where bytes may go


async def test_a_session_elsewhere_gets_nothing(emulator: Emulator, client: Client) -> None:
    emulator.faults.append(
        Fault(
            **START,
            status=200,
            headers={"Location": "https://storage.example.com/upload?upload_id=abc"},
        )
    )

    with pytest.raises(SecurityError) as caught:
        await client.batches.submit(MODEL, ROWS)

    assert "upload_id" not in str(caught.value)
    assert dict(emulator.vertex_jobs) == {}
