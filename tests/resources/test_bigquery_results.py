"""Results in BigQuery: page by page, keys from the column that has them."""

import asyncio
import json
import tracemalloc
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

import anyio
import pytest

from gemini_batch import (
    BatchJob,
    BatchResult,
    Client,
    DecodeError,
    InputError,
    JobFailedError,
    Outcome,
    PermissionDeniedError,
    ResultsUnavailableError,
    ServerError,
)
from gemini_batch.resources.batches.results import result_reader
from gemini_batch.testing import Emulator, Fault, Limits, ManualClock
from gemini_batch.testing.emulator import Column, Table
from tests.support.leaks import stray_tasks
from tests.support.rows import MODEL, row
from tests.support.settings import QUICK

LOOK: Mapping[str, Any] = {"method": "GET", "path": "*/batchPredictionJobs/*"}
TABLE: Mapping[str, Any] = {"method": "GET", "path": "*/tables/told"}
ROWS: Mapping[str, Any] = {"method": "GET", "path": "*/tables/*/data"}
ASKED = "bq://emulator-project.data.asked"
TOLD = "bq://emulator-project.data.told"


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[Client]:
    async with Client(emulator.vertex, retry=QUICK) as client:
        yield client


async def created(
    client: Client,
    emulator: Emulator,
    rows: list[dict[str, Any]] | Table | None = None,
    *,
    model: str = MODEL,
    dest: str | None = TOLD,
) -> BatchJob:
    """Make a job of the rows of a table."""
    emulator.tables[ASKED] = [row("k0")] if rows is None else rows
    create = client.batches.create if model == MODEL else client.batches.create_embeddings
    return await create(model, bigquery_uri=ASKED, dest=dest)


async def finished(
    client: Client,
    emulator: Emulator,
    clock: ManualClock,
    rows: list[dict[str, Any]] | Table | None = None,
    **options: Any,
) -> BatchJob:
    job = await created(client, emulator, rows, **options)
    clock.advance(3600)
    return await client.batches.get(job)


async def with_rows(
    client: Client, emulator: Emulator, clock: ManualClock, count: int, text: str = "Hello"
) -> BatchJob:
    """Return a job whose table has so many rows."""
    job = await finished(client, emulator, clock)
    answer = {"candidates": [{"content": {"parts": [{"text": text}]}}]}
    emulator.tables[TOLD] = [{"key": key, "response": answer} for key in keys(count)]
    return job


async def read(
    client: Client, job: BatchJob | str, *, key_column: str | None = None
) -> list[BatchResult]:
    results = client.batches.results(job, key_column=key_column)
    return [result async for result in results]


def keys(count: int) -> list[str]:
    return [f"k{n}" for n in range(count)]


def pages(emulator: Emulator) -> int:
    return sum(entry.path.endswith("/data") for entry in emulator.log)


async def test_a_table_is_read_page_by_page(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, emulator, clock, [row(key) for key in keys(2500)])

    rows = await read(client, job)

    assert sorted(str(r.key) for r in rows) == sorted(keys(2500))
    assert [r.index for r in rows] == list(range(2500))
    assert all(r.ok and r.text for r in rows)
    assert pages(emulator) == 3
    asked = next(e for e in reversed(emulator.log) if e.path.endswith("/data"))
    # Neither what was asked nor what nobody needs travels.
    assert set(asked.query["selectedFields"].split(",")) == {"key", "response", "status"}


async def test_every_outcome_comes_out(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    asked = [
        row("ok"),
        row("blocked", "[emulator:block]"),
        row("error", "[emulator:error:13]"),
        row("empty", "[emulator:empty]"),
        {"key": "odd", "request": "no JSON"},
    ]
    job = await finished(client, emulator, clock, asked)

    rows = {r.key: r for r in await read(client, job)}

    assert {key: r.outcome for key, r in rows.items()} == {
        "ok": Outcome.OK,
        "blocked": Outcome.BLOCKED,
        "error": Outcome.ERROR,
        "empty": Outcome.EMPTY,
        "odd": Outcome.ERROR,
    }
    assert rows["error"].error is not None
    assert rows["error"].error.reason == "INTERNAL"


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [("name", ["a", "b"], ["a", "b"]), ("number", [7, 8], ["7", "8"])],
)
async def test_the_caller_names_the_column_of_keys(
    emulator: Emulator,
    client: Client,
    clock: ManualClock,
    column: str,
    values: list[Any],
    expected: list[str],
) -> None:
    asked = [{**row("x"), column: value} for value in values]
    job = await finished(client, emulator, clock, asked)

    named = await read(client, job, key_column=column)
    unnamed = await read(client, job)

    assert sorted(str(r.key) for r in named) == expected
    assert all(r.ok for r in named)
    assert [r.key for r in unnamed] == ["x", "x"]


@pytest.mark.parametrize(
    ("column", "message"),
    [("nothing", "no column 'nothing'"), ("response", "holds no keys but JSON")],
)
async def test_a_column_that_has_no_keys_is_refused(
    emulator: Emulator, client: Client, clock: ManualClock, column: str, message: str
) -> None:
    job = await finished(client, emulator, clock)

    with pytest.raises(InputError, match=message) as caught:
        await read(client, job, key_column=column)

    assert caught.value.problems[0].field == "key_column"
    assert pages(emulator) == 0


async def test_without_a_column_of_keys_labels_are_looked_at(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    labelled = row("x", labels={"gb_key": "a"})["request"]
    bare = row("x")["request"]
    job = await finished(
        client, emulator, clock, [{"request": labelled}, {"request": bare}]
    )

    rows = await read(client, job)

    assert {r.key for r in rows} == {"a", None}
    assert [r.index for r in rows] == [0, 1]


async def test_embeddings_of_older_models_are_read(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    asked = [{"key": "a", "content": "Hello"}, {"key": "b", "content": ""}]
    job = await finished(client, emulator, clock, asked, model="text-embedding-004")

    rows = {r.key: r for r in await read(client, job)}

    assert len(rows["a"].embedding or ()) > 1
    assert rows["b"].outcome is Outcome.ERROR


async def test_a_table_of_the_jobs_own_is_found(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, emulator, clock, dest=None)

    assert [r.key for r in await read(client, job)] == ["k0"]


@pytest.mark.parametrize("dest", ["bq://emulator-project", "bq://emulator-project.data"])
async def test_a_table_that_the_service_names_is_found(
    emulator: Emulator, client: Client, clock: ManualClock, dest: str
) -> None:
    job = await finished(client, emulator, clock, dest=dest)

    assert [r.key for r in await read(client, job)] == ["k0"]


async def test_inline_results_are_elsewhere(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, emulator, clock)

    with pytest.raises(
        ResultsUnavailableError, match=r"Read them with results\(\)"
    ) as caught:
        await client.batches.get_responses(job)

    assert caught.value.reason == "in_bigquery"
    assert caught.value.location == TOLD


# Tables without results


def columns(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "STRING") for name in names)


@pytest.mark.parametrize(
    ("table", "reason", "message"),
    [
        (None, "no_table", "which does not exist"),
        (Table(columns=()), "no_response_column", "no column 'response'"),
        (
            Table(columns=columns("key", "other")),
            "no_response_column",
            "or it never held results",
        ),
        (Table(columns=columns("key", "response")), "empty", "has no results in bq://"),
    ],
)
async def test_a_table_without_results_is_told(
    emulator: Emulator,
    client: Client,
    clock: ManualClock,
    table: Table | None,
    reason: str,
    message: str,
) -> None:
    job = await finished(client, emulator, clock)
    del emulator.tables[TOLD]
    if table is not None:
        emulator.tables[TOLD] = table

    with pytest.raises(ResultsUnavailableError, match=message) as caught:
        await read(client, job)

    assert caught.value.reason == reason
    assert caught.value.location == TOLD
    assert caught.value.job.name == job.name


async def test_a_table_that_goes_while_it_is_read_is_told(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await with_rows(client, emulator, clock, 1500)

    results = client.batches.results(job)
    rows = [await anext(results)]
    del emulator.tables[TOLD]

    async def read_on() -> None:
        async for result in results:
            rows.append(result)  # noqa: PERF401 - those before the error, too

    with pytest.raises(ResultsUnavailableError) as caught:
        await read_on()

    assert len(rows) == 1000
    assert caught.value.reason == "no_table"


async def test_a_table_of_somebody_else_is_told_as_that(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, emulator, clock)
    emulator.faults.append(Fault(**TABLE, status=403))

    with pytest.raises(PermissionDeniedError):
        await read(client, job)


@pytest.mark.parametrize("state", ["CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED"])
@pytest.mark.parametrize("located", [True, False])
async def test_what_there_is_of_a_job_is_read(
    emulator: Emulator,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    located: bool,
) -> None:
    monkeypatch.setattr(result_reader, "_OUTPUT_PAUSE", 99.0)
    job = await created(client, emulator, [row(key) for key in keys(20)], dest=None)
    emulator.script(job.name, f"JOB_STATE_{state}")
    if not located:
        emulator.faults.append(Fault(**LOOK, no_output=True, times=None))

    rows = await read(client, job)

    assert len({r.key for r in rows}) == len(rows) == 10


@pytest.mark.parametrize("state", ["CANCELLED", "EXPIRED", "FAILED"])
@pytest.mark.parametrize("left", ["nothing", "no rows"])
async def test_a_job_that_did_nothing_has_no_results(
    emulator: Emulator, client: Client, clock: ManualClock, state: str, left: str
) -> None:
    job = await created(client, emulator)
    info = {"bigqueryOutputDataset": "bq://emulator-project.data"}
    info["bigqueryOutputTable"] = "told"
    emulator.script(job.name, {"state": f"JOB_STATE_{state}", "outputInfo": info})
    await client.batches.get(job)
    emulator.tables.pop(TOLD, None)
    if left == "no rows":
        emulator.tables[TOLD] = Table(columns=columns("key", "response"))

    with pytest.raises(JobFailedError) as caught:
        await read(client, job)

    assert caught.value.job.state == state.lower()


async def test_a_table_that_was_there_before_is_not_a_cancelled_jobs(
    emulator: Emulator, client: Client
) -> None:
    emulator.tables[TOLD] = [{"key": "other", "response": {}}]
    job = await created(client, emulator)
    emulator.script(job.name, {"state": "JOB_STATE_CANCELLED", "outputInfo": None})

    with pytest.raises(ResultsUnavailableError) as caught:
        await read(client, job)

    assert caught.value.reason == "not_located"
    assert caught.value.location == TOLD


@pytest.mark.parametrize("dest", [TOLD, "bq://emulator-project.data"])
async def test_a_table_that_is_not_named_is_read_where_it_was_asked_for(
    emulator: Emulator,
    client: Client,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    dest: str,
) -> None:
    """A job does not succeed whose table was there before it."""
    monkeypatch.setattr(result_reader, "_OUTPUT_PAUSE", 99.0)
    job = await created(client, emulator, dest=dest)
    clock.advance(3600)
    emulator.faults.append(Fault(**LOOK, no_output=True, times=None))

    if dest == TOLD:
        assert [r.key for r in await read(client, job)] == ["k0"]
        return
    with pytest.raises(ResultsUnavailableError) as caught:
        await read(client, job)
    assert caught.value.reason == "not_located"


# Datasets


async def dataset_job(
    emulator: Emulator, client: Client, clock: ManualClock, output: dict[str, Any]
) -> BatchJob:
    """Return a job that writes a dataset, which this client reads and does not make."""
    job = await finished(client, emulator, clock)
    config = {
        "predictionsFormat": "vertex-dataset",
        "vertexMultimodalDatasetDestination": output,
    }
    name = "projects/1/locations/us-central1/datasets/9"
    info = {"vertexMultimodalDatasetName": name}
    look = {"state": "JOB_STATE_SUCCEEDED", "outputConfig": config, "outputInfo": info}
    emulator.script(job.name, look)
    return await client.batches.get(job)


async def test_a_datasets_table_is_read_if_it_was_named(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    output = {"bigqueryDestination": {"outputUri": TOLD}}
    job = await dataset_job(emulator, client, clock, output)

    assert [r.key for r in await read(client, job)] == ["k0"]


@pytest.mark.parametrize(
    "output",
    [{"displayName": "x"}, {"bigqueryDestination": {"outputUri": "bq://emulator-project"}}],
)
async def test_a_datasets_table_is_not_guessed(
    emulator: Emulator, client: Client, clock: ManualClock, output: dict[str, Any]
) -> None:
    job = await dataset_job(emulator, client, clock, output)

    with pytest.raises(ResultsUnavailableError, match="in which table") as caught:
        await read(client, job)

    assert caught.value.reason == "in_dataset"
    assert caught.value.location == "projects/1/locations/us-central1/datasets/9"


# Trouble on the way


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 503},
        {"status": 429},
        {"truncate_after": 100},
        {"drop": "after"},
        {"empty_page": True},
    ],
    ids=lambda trouble: "-".join(map(str, trouble.items())),
)
@pytest.mark.parametrize("skip", [0, 1])
async def test_trouble_neither_loses_nor_repeats_a_row(
    emulator: Emulator, client: Client, clock: ManualClock, trouble: Any, skip: int
) -> None:
    job = await with_rows(client, emulator, clock, 1500)
    emulator.faults.append(Fault(**ROWS, **trouble, skip=skip, times=2))

    rows = await read(client, job)

    assert sorted(str(r.key) for r in rows) == sorted(keys(1500))


async def test_a_service_that_keeps_failing_is_an_error(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, emulator, clock)
    emulator.faults.append(Fault(**ROWS, status=503, times=None))

    with pytest.raises(ServerError):
        await read(client, job)


async def test_pages_that_go_in_circles_are_an_error(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, emulator, clock)
    body = json.dumps({"pageToken": "again"}).encode()
    emulator.faults.append(Fault(**ROWS, status=200, body=body, times=20))

    with pytest.raises(DecodeError, match="goes round in circles"):
        await read(client, job)


# Leaving, memory


@pytest.mark.parametrize("steps", [1, 1000, 1001])
async def test_nothing_is_open_between_two_rows(
    emulator: Emulator, client: Client, clock: ManualClock, steps: int
) -> None:
    job = await with_rows(client, emulator, clock, 1500)

    async with aclosing(client.batches.results(job)) as rows:
        for _ in range(steps):
            await anext(rows)
        assert stray_tasks() == []

    assert pages(emulator) == 1 + (steps > 1000)


@pytest.mark.parametrize("moment", [0, 1, 3, 10])
async def test_cancellation_at_any_moment_leaves_nothing(
    emulator: Emulator, client: Client, clock: ManualClock, moment: int
) -> None:
    job = await with_rows(client, emulator, clock, 1500)
    emulator.faults.append(Fault(**ROWS, stall_after=1000, delay=0.02, times=None))
    task = asyncio.create_task(read(client, job))
    for _ in range(moment):
        await anyio.sleep(0.003)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert stray_tasks() == []


async def test_memory_does_not_grow_with_the_results(clock: ManualClock) -> None:
    limits = Limits(rows_per_second=1e9)
    async with (
        Emulator(clock=clock, limits=limits) as emulator,
        Client(emulator.vertex) as client,
    ):
        job = await with_rows(client, emulator, clock, 10_000, "x" * 2400)
        tracemalloc.start()
        try:
            count = 0
            async for _ in client.batches.results(job):
                count += 1
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert count == 10_000
    # 24 MB in all; a page of a tenth, some times over, here and in the emulator.
    assert peak < 20_000_000
