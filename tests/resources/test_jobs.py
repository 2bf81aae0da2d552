"""get, list, cancel, delete, update."""

import pytest

from gemini_batch import (
    BadRequestError,
    Client,
    DecodeError,
    InputError,
    NotFoundError,
)
from gemini_batch.testing import Emulator, Fault, Limits, ManualClock
from tests.support.recorded import recorded
from tests.support.rows import EMBED_MODEL, MODEL, row
from tests.support.settings import QUICK


async def make(client: Client, count: int) -> list[str]:
    """Create jobs, and return their names, newest first."""
    names = []
    for n in range(count):
        job = await client.batches.create(
            MODEL, inlined_requests=[row("a")], display_name=f"job {n}"
        )
        names.append(job.name)
    return names[::-1]


async def test_a_job_is_got_by_name_id_or_value(client: Client) -> None:
    (name,) = await make(client, 1)

    job = await client.batches.get(name)

    assert await client.batches.get(job.id) == await client.batches.get(job) == job
    with pytest.raises(NotFoundError):
        await client.batches.get("batches/absent")
    with pytest.raises(InputError):
        await client.batches.get("a/b")


async def test_jobs_are_listed_over_all_pages(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    names = await make(client, 5)

    page = await client.batches.list(page_size=2)
    second = await client.batches.list(page_size=2, page_token=page.next_page_token)
    every = [job.name async for job in client.batches.list_all(page_size=2)]

    assert [job.name for job in page.items + second.items] == names[:4]
    assert every == names
    sizes = {entry.query.get("pageSize") for entry in emulator.log if entry.method == "GET"}
    assert sizes == {"2"}


async def test_both_kinds_are_in_one_list(client: Client) -> None:
    await make(client, 1)
    request = {"content": {"parts": [{"text": "x"}]}}
    await client.batches.create_embeddings(EMBED_MODEL, inlined_requests=[request])

    page = await client.batches.list()

    assert [job.kind for job in page.items] == ["embed", "generate"]


async def test_a_filter_is_applied_here(emulator: Emulator, client: Client) -> None:
    await make(client, 3)

    page = await client.batches.list(filter='display_name="job 1"')
    some = [
        j
        async for j in client.batches.list_all(filter='display_name!="job 1"', page_size=1)
    ]

    assert [job.display_name for job in page.items] == ["job 1"]
    assert [job.display_name for job in some] == ["job 2", "job 0"]
    assert all("filter" not in entry.query for entry in emulator.log)
    with pytest.raises(InputError, match="filter"):
        client.batches.list_all(filter="x")
    with pytest.raises(InputError, match="filter"):
        await client.batches.list(filter="x")


@pytest.mark.parametrize("size", [0, 101])
async def test_a_page_has_a_size(client: Client, size: int) -> None:
    with pytest.raises(InputError, match="page_size"):
        await client.batches.list(page_size=size)
    with pytest.raises(InputError, match="page_size"):
        client.batches.list_all(page_size=size)


async def test_an_empty_page_with_a_token_is_not_the_end(
    emulator: Emulator, client: Client
) -> None:
    """The token of the recorded page needs encoding."""
    emulator.faults += [
        Fault(
            path="*/batches",
            status=200,
            body=recorded("gemini/list-empty-page-with-token.response.json"),
        ),
        Fault(
            path="*/batches", status=200, body=recorded("gemini/list-running.response.json")
        ),
    ]

    jobs = [job.name async for job in client.batches.list_all()]

    assert jobs == ["batches/1234567890"]
    assert emulator.log[-1].query["pageToken"] == "cursor /?&+%"


async def test_a_list_that_goes_in_circles_ends(emulator: Emulator, client: Client) -> None:
    page = recorded("gemini/list-empty-page-with-token.response.json")
    emulator.faults.append(Fault(path="*/batches", status=200, body=page, times=99))

    with pytest.raises(DecodeError, match="circles"):
        [job async for job in client.batches.list_all()]


async def test_an_empty_list_is_empty(client: Client) -> None:
    page = await client.batches.list()

    assert (page.items, page.has_more) == ((), False)
    assert [job async for job in client.batches.list_all()] == []


async def test_a_cancelled_job_ends(client: Client, clock: ManualClock) -> None:
    (name,) = await make(client, 1)

    await client.batches.cancel(name)
    clock.advance(5)

    job = await client.batches.get(name)
    assert job.cancelled
    assert job.error is not None
    assert job.error.reason == "CANCELLED"


async def test_a_finished_job_cannot_be_cancelled(
    client: Client, clock: ManualClock
) -> None:
    (name,) = await make(client, 1)
    clock.advance(3600)

    with pytest.raises(BadRequestError) as caught:
        await client.batches.cancel(name)

    assert caught.value.status == "FAILED_PRECONDITION"


async def test_cancelling_counts_as_done_when_the_answer_was_lost(
    clock: ManualClock,
) -> None:
    limits = Limits(cancel_delay=0)
    async with (
        Emulator(clock=clock, limits=limits) as emulator,
        Client(emulator.api, retry=QUICK) as client,
    ):
        first, second = await make(client, 2)
        emulator.faults.append(Fault(path="*:cancel", drop="after"))
        await client.batches.cancel(first)
        assert (await client.batches.get(first)).cancelled

        clock.advance(3600)
        emulator.faults.append(Fault(path="*:cancel", status=503))
        with pytest.raises(BadRequestError):
            await client.batches.cancel(second)


async def test_a_deleted_job_is_gone(client: Client) -> None:
    (name,) = await make(client, 1)

    await client.batches.delete(name)

    with pytest.raises(NotFoundError):
        await client.batches.get(name)
    with pytest.raises(NotFoundError):
        await client.batches.delete(name)


async def test_deleting_counts_as_done_when_the_answer_was_lost(
    emulator: Emulator, client: Client
) -> None:
    (name,) = await make(client, 1)
    # aiohttp itself repeats a DELETE whose connection broke; that repeat fails as well.
    emulator.faults += [
        Fault(method="DELETE", drop="after"),
        Fault(method="DELETE", status=503),
    ]

    await client.batches.delete(name)

    with pytest.raises(NotFoundError):
        await client.batches.get(name)


async def test_a_priority_is_changed(emulator: Emulator, client: Client) -> None:
    (name,) = await make(client, 1)
    request = {"content": {"parts": [{"text": "x"}]}}
    embed = await client.batches.create_embeddings(EMBED_MODEL, inlined_requests=[request])

    job = await client.batches.update(name, priority=10)
    other = await client.batches.update(embed, priority=-1)

    assert (job.name, job.priority, job.display_name) == (name, 10, "job 0")
    assert job.intent_token is not None
    assert (other.kind, other.priority) == ("embed", -1)
    assert (await client.batches.get(name)).priority == 10
