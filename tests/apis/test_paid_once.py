"""A create is paid: it is sent once, found again, or its outcome is told to be unknown."""

import asyncio
import math

import anyio
import pytest
from attrs import evolve

from gemini_batch import (
    BatchJob,
    Client,
    CreateOutcomeUnknownError,
    EmbedRequest,
    InputError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    TransportError,
)
from gemini_batch.testing import Emulator, Fault, Limits, ManualClock
from tests.apis.sides import Side
from tests.support.rows import EMBED_MODEL, MODEL, many, row
from tests.support.settings import QUICK


@pytest.mark.parametrize("delay", [0.0, 0.01])
async def test_a_job_whose_answer_was_lost_is_adopted(
    side: Side, client: Client, delay: float
) -> None:
    side.fault(side.CREATE, drop="after", delay=delay)

    job = await client.batches.submit(MODEL, [row("a")], display_name="Mine")

    assert list(side.jobs) == [job.name]
    assert (job.display_name, side.count(side.CREATE)) == ("Mine", 1)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 409, 499])
async def test_a_create_is_never_sent_again_after_an_ambiguous_status(
    side: Side, client: Client, status: int
) -> None:
    side.fault(side.CREATE, status=status)

    with pytest.raises(CreateOutcomeUnknownError) as caught:
        await client.batches.submit(MODEL, [row("a")])

    assert (side.count(side.CREATE), len(side.jobs)) == (1, 0)
    assert side.count(side.LIST) == len(QUICK.lookup_pauses)
    assert caught.value.intent_token.startswith("gb")
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"{}"])
async def test_an_answer_that_cannot_be_read_is_an_answer(
    side: Side, client: Client, body: bytes
) -> None:
    side.fault(side.CREATE, status=200, body=body)

    with pytest.raises(CreateOutcomeUnknownError):
        await client.batches.submit(MODEL, [row("a")])

    assert side.count(side.CREATE) == 1


async def test_looking_goes_on_after_a_failed_look(side: Side, client: Client) -> None:
    side.fault(side.CREATE, drop="after")
    side.fault(side.LIST, status=400)
    side.fault(side.LIST, status=200, body=b"{}")

    job = await client.batches.submit(MODEL, [row("a")])

    assert list(side.jobs) == [job.name]


@pytest.mark.parametrize(
    ("status", "error"), [(403, PermissionDeniedError), (404, NotFoundError)]
)
async def test_what_is_refused_is_raised_at_once_and_leaves_nothing(
    side: Side, client: Client, status: int, error: type[Exception]
) -> None:
    side.fault(side.CREATE, status=status)

    with pytest.raises(error):
        await client.batches.submit(MODEL, [row("a")])

    assert side.count(side.CREATE) == 1
    assert side.count(side.LIST) == 0
    assert side.stored == []


async def test_a_busy_service_is_asked_again_and_then_told(
    side: Side, client: Client
) -> None:
    side.fault(side.CREATE, status=429, times=2)
    job = await client.batches.submit(MODEL, [row("a")])
    assert list(side.jobs) == [job.name]
    kept = side.stored

    side.fault(side.CREATE, status=429, times=99)
    with pytest.raises(RateLimitError) as caught:
        await client.batches.submit(MODEL, [row("b")])

    assert caught.value.tries == QUICK.attempts
    assert side.stored == kept


async def test_a_service_that_is_not_reached_is_a_transport_error(side: Side) -> None:
    settings = side.settings
    await side.emulator.aclose()

    async with Client(settings, retry=QUICK) as client:
        with pytest.raises(TransportError) as caught:
            await client.batches.submit(MODEL, [row("a")])

    assert not caught.value.maybe_received


async def test_the_same_key_adopts_the_job(side: Side, client: Client) -> None:
    async def submit(key: str, name: str) -> BatchJob:
        return await client.batches.submit(
            MODEL, [row("a")], display_name=name, idempotency_key=key
        )

    first = await submit("2026-10-01", "One")
    stored = side.stored
    second = await submit("2026-10-01", "Two")
    assert side.stored == stored
    third = await submit("2026-10-02", "Three")

    assert first.name == second.name != third.name
    assert (second.display_name, third.display_name) == ("One", "Three")
    assert len(side.jobs) == side.count(side.CREATE) == 2


async def test_a_job_made_of_stored_rows_is_adopted_too(side: Side, client: Client) -> None:
    source = await side.store(client, many(2))

    jobs = [
        await client.batches.create(MODEL, idempotency_key="x", **source) for _ in range(2)
    ]

    assert jobs[0].name == jobs[1].name
    assert side.count(side.CREATE) == 1


async def test_a_key_of_another_job_is_refused(client: Client) -> None:
    job = await client.batches.submit(MODEL, [row("a")], idempotency_key="x")

    for model, requests in (
        ("gemini-2.5-pro", [row("a")]),
        (EMBED_MODEL, [EmbedRequest.from_text("x")]),
    ):
        with pytest.raises(InputError) as caught:
            await client.batches.submit(model, requests, idempotency_key="x")

        assert str(caught.value) == (
            f"idempotency_key: it belongs to {job.name}, a job of kind generate for "
            f"{job.model}. Use another key for another job."
        )


async def test_a_look_up_that_fails_sends_nothing(side: Side, client: Client) -> None:
    side.fault(side.LIST, status=403)

    with pytest.raises(PermissionDeniedError):
        await client.batches.submit(MODEL, [row("a")], idempotency_key="x")

    assert side.count(side.CREATE) == 0
    assert side.stored == []


async def test_a_twin_is_cancelled_and_the_oldest_kept(
    side: Side, client: Client, clock: ManualClock
) -> None:
    first = await client.batches.submit(MODEL, [row("a")], idempotency_key="x")
    clock.advance(1)
    # Another process makes the same job at the same moment: the list does not show ours yet.
    side.fault(side.LIST, status=200, body=b"{}")
    second = await client.batches.submit(MODEL, [row("a")], idempotency_key="x")
    clock.advance(2)

    assert second.name == first.name
    (twin,) = set(side.jobs) - {first.name}
    assert (await client.batches.get(twin)).cancelled
    assert not (await client.batches.get(first)).cancelled


async def test_a_call_that_was_cut_short_and_its_repeat_make_one_job(side: Side) -> None:
    """The first create is still under way when the second call looks for it."""
    side.emulator.faults.append(Fault(**side.CREATE, delay=0.3))
    patient = evolve(QUICK, lookup_pauses=(0.4, 0.01))

    async def call(client: Client) -> BatchJob:
        return await client.batches.submit(MODEL, [row("a")], idempotency_key="x")

    async with Client(side.settings, retry=patient) as client:
        with anyio.move_on_after(0.15) as scope:
            await call(client)
        assert scope.cancelled_caught
        job = await call(client)

        assert not (await client.batches.get(job)).cancelled
        assert (await call(client)).name == job.name
    living = [name for name, known in side.jobs.items() if known.cancel_time is None]
    assert living == [job.name]


async def test_calls_at_the_same_moment_with_one_key_keep_one_job(
    side: Side, clock: ManualClock
) -> None:
    """As of tasks that a scheduler started twice: whoever is late, all get the same job."""
    # Long enough for the others' creates to show.
    patient = evolve(QUICK, lookup_pauses=(0.2, 0.2))
    # Its time goes on: the oldest of several is kept.
    async with Emulator(speed=1, limits=Limits(pending=math.inf)) as emulator:
        other = type(side)(emulator, clock)

        async def call() -> BatchJob:
            async with Client(other.settings, retry=patient) as client:
                return await client.batches.submit(MODEL, [row("a")], idempotency_key="x")

        jobs = await asyncio.gather(*(call() for _ in range(4)))
        living = [name for name, known in other.jobs.items() if known.cancel_time is None]

    assert living == [jobs[0].name]
    assert len({job.name for job in jobs}) == 1
