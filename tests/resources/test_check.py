"""Checking rows where they are: on this machine, in Cloud Storage, in BigQuery."""

import asyncio
import contextlib
import gc
import json
import tempfile
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from attrs import evolve

from gemini_batch import (
    Client,
    DecodeError,
    InputError,
    InputReport,
    JobKind,
    PermissionDeniedError,
    TransferProgress,
    TransportError,
    check_input,
)
from gemini_batch.testing import Emulator, Fault
from gemini_batch.testing.emulator import Column, Table
from tests.support.leaks import stray_tasks
from tests.support.rows import EMBED_MODEL, MODEL, jsonl, many, row
from tests.support.settings import QUICK

URI = "gs://emulator-bucket/in/rows.jsonl"
TABLE = "bq://emulator-project.data.asked"
READ: Mapping[str, Any] = {"method": "GET", "path": "/storage/v1/b/*/o/*"}
BYTES: Mapping[str, Any] = {**READ, "skip": 1}
"""Reading the bytes, after the description."""

PAGE: Mapping[str, Any] = {"method": "GET", "path": "*/tables/*/data"}
REQUEST = row("a")["request"]
SETTING = {"category": "HARM_CATEGORY_HARASSMENT", "method": "SEVERITY"}
"""Of which the Developer API does not know the method."""


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[Client]:
    async with Client(emulator.vertex, retry=evolve(QUICK, attempts=6)) as client:
        yield client


async def problems_of(client: Client, source: str, **options: Any) -> list[str]:
    """Check what is wrong, and return all that is said."""
    with pytest.raises(InputError) as caught:
        await client.batches.check(source, **options)
    return [str(problem) for problem in caught.value.problems]


# Files


async def test_a_file_is_checked_by_the_rules_of_the_client(
    emulator: Emulator, client: Client, tmp_path: Path
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(jsonl(row("a", safetySettings=[SETTING])))

    report = await client.batches.check(path, model=MODEL)

    assert (report.count, report.inline) == (1, False)
    assert await client.batches.check(str(path)) == report
    async with Client(emulator.api) as developer:
        with pytest.raises(InputError, match="method"):
            await developer.batches.check(path)
        path.write_bytes(many(1))
        assert (await developer.batches.check(path)).inline is True
    assert emulator.log == []


async def test_a_uri_is_no_path_of_this_machine(
    client: Client, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where there is such a path."""
    monkeypatch.chdir(tmp_path)
    there = tmp_path / "gs:" / "emulator-bucket" / "in"
    there.mkdir(parents=True)
    (there / "rows.jsonl").write_bytes(many(1))
    calls: list[tuple[Callable[[], Awaitable[Any]], str, str]] = [
        (lambda: check_input(URI), "Cloud Storage", "gcs_uri"),
        (lambda: check_input(TABLE), "BigQuery", "bigquery_uri"),
        (lambda: client.batches.submit(MODEL, URI), "Cloud Storage", "gcs_uri"),
        (lambda: client.batches.submit(MODEL, TABLE), "BigQuery", "bigquery_uri"),
    ]

    for call, place, argument in calls:
        with pytest.raises(InputError) as caught:
            await call()
        (problem,) = caught.value.problems
        assert problem.message == f"expected a local file, got a {place} URI"
        assert f"create({argument}=…)" in problem.remedy
        assert problem.file in {URI, TABLE}
    assert emulator.log == []


async def test_a_uri_is_told_before_staging_is_missed(emulator: Emulator) -> None:
    async with Client(evolve(emulator.vertex, staging=None)) as client:
        with pytest.raises(InputError, match=r"create\(gcs_uri=…\)"):
            await client.batches.submit(MODEL, URI)


# Objects


async def test_a_sound_object(emulator: Emulator, client: Client) -> None:
    data = many(3) + b"\n" + jsonl(row("last"))[:-1]
    emulator.objects.put(URI, data)
    told: list[TransferProgress] = []

    report = await client.batches.check(URI, model=MODEL, on_progress=told.append)

    assert report == InputReport(
        kind=JobKind.GENERATE, count=4, size=len(data), inline=False
    )
    assert (told[-1].done, told[-1].total) == (len(data), len(data))
    assert [entry.method for entry in emulator.log] == ["GET", "GET"]


async def test_rows_that_embed(emulator: Emulator, client: Client) -> None:
    request = {"content": {"parts": [{"text": "Hello"}]}}
    emulator.objects.put(URI, jsonl({"key": "a", "request": request}))

    report = await client.batches.check(URI, model=EMBED_MODEL)

    assert report.kind == JobKind.EMBED


async def test_every_problem_has_its_place(emulator: Emulator, client: Client) -> None:
    rows = [
        row("a"),
        row("b", safetySettings=[SETTING]),
        row("c", generationConfig={"topK": "many"}),
        row("a"),
        {"key": "e", "request": {"contents": [{"parts": [{"text": "x"}]}], "model": "m"}},
        REQUEST,
        {"request": REQUEST},
    ]
    emulator.objects.put(URI, jsonl(*rows) + b"{")

    found = await problems_of(client, URI, model=MODEL)

    assert [problem.partition(": ")[0] for problem in found] == [
        f"{URI}:{number}" for number in (3, 4, 5, 6, 7, 8)
    ]
    assert "request.generationConfig.topK" in found[0]
    assert "'a' was used on line 1 already" in found[1]
    assert "request.model" in found[2]
    assert "request: the row does not have it" in found[3]
    assert "key: the row has none" in found[4]


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("in.jsonl", b"", "it is empty"),
        ("in.jsonl", b"\n \n", "there are no requests"),
        ("in.jsonl", b"\x1f\x8b\x08", "it is compressed"),
        ("in.jsonl.gz", many(1), "it is compressed"),
        ("none.jsonl", None, "there is no such object"),
        ("*.jsonl", many(1), "it may mean several objects"),
    ],
)
async def test_an_object_that_is_no_input(
    emulator: Emulator, client: Client, name: str, data: bytes | None, told: str
) -> None:
    uri = f"gs://emulator-bucket/{name}"
    if data is not None:
        emulator.objects.put(uri, data)

    (problem,) = await problems_of(client, uri)

    assert problem.startswith(f"{uri}: {told}")


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("gs://emulator-bucket", "is not the name of an object"),
        ("gs://none/x", "there is no such object"),
        ("bq://emulator-project.data", "names no table"),
        ("bq://", "is no place in BigQuery"),
    ],
)
async def test_a_uri_that_leads_nowhere(client: Client, uri: str, told: str) -> None:
    (problem,) = await problems_of(client, uri)

    assert told in problem


async def test_a_row_that_is_too_large_and_an_object_that_is(
    emulator: Emulator, client: Client
) -> None:
    emulator.objects.put(URI, many(1) + b"x" * 20_000_001 + b"\n" + many(1))
    large = {
        "bucket": "emulator-bucket",
        "name": "in/rows.jsonl",
        "generation": "1",
        "size": "1000000001",
    }

    row_, *rest = await problems_of(client, URI)
    emulator.faults.append(Fault(**READ, status=200, body=json.dumps(large).encode()))
    (object_,) = await problems_of(client, URI)

    assert row_.startswith(f"{URI}:2: the row is larger than 20 MB")
    assert "'k0' was used on line 1" in rest[0]
    assert object_.startswith(
        f"{URI}: it has 1000000001 bytes; a job takes up to 1000000000"
    )


async def test_it_may_not_be_read(emulator: Emulator, client: Client) -> None:
    emulator.faults.append(Fault(**READ, status=403, times=None))

    with pytest.raises(PermissionDeniedError):
        await client.batches.check(URI)


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(**READ, status=503, times=2)],
        [Fault(**BYTES, status=503, times=2)],
        [Fault(**BYTES, truncate_after=n) for n in (1, 200_000, 400_001, 0)],
        [
            Fault(**BYTES, truncate_after=300_000),
            Fault(**BYTES, status=503),
            Fault(**BYTES, ignore_range=True),
        ],
    ],
)
async def test_whatever_breaks_each_row_is_checked_once(
    emulator: Emulator, client: Client, faults: list[Fault]
) -> None:
    data = many(800, "x" * 1000)
    emulator.objects.put(URI, data + many(1))
    emulator.faults += faults

    (problem,) = await problems_of(client, URI)

    assert problem.startswith(f"{URI}:801: key: the key 'k0' was used on line 1 already")
    assert emulator.faults == []


async def test_an_object_that_changes_meanwhile(emulator: Emulator, client: Client) -> None:
    emulator.objects.put(URI, many(3))
    emulator.faults.append(Fault(**BYTES, replace_object=True))

    with pytest.raises(TransportError, match="changed while it was read"):
        await client.batches.check(URI)


async def test_memory_is_constant(emulator: Emulator, client: Client) -> None:
    emulator.objects.put(URI, many(20_000, "x" * 1000))
    # What is loaded once does not count.
    emulator.objects.put(f"{URI}.small", many(3))
    await client.batches.check(f"{URI}.small")

    tracemalloc.start()
    try:
        report = await client.batches.check(URI)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert report.count == 20_000
    assert report.size > 20_000_000
    assert peak < 10_000_000


@pytest.mark.parametrize("native", [False, True])
async def test_a_cancelled_check_leaves_nothing(
    emulator: Emulator,
    client: Client,
    native: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    emulator.objects.put(URI, many(2000, "x" * 1000))
    emulator.faults.append(Fault(**BYTES, stall_after=1_000_000, delay=30))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    begun = anyio.Event()

    async def check() -> None:
        await client.batches.check(URI, on_progress=lambda _: begun.set())

    if native:
        task = asyncio.ensure_future(check())
        await begun.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    else:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(check)
            await begun.wait()
            tasks.cancel_scope.cancel()
    gc.collect()
    await anyio.sleep(0.01)

    assert stray_tasks() == []
    assert list(tmp_path.iterdir()) == []


# Tables


async def test_a_sound_table(emulator: Emulator, client: Client) -> None:
    rows = [{"key": f"k{n}", "request": REQUEST, "page": n} for n in range(2500)]
    emulator.tables[TABLE] = rows

    report = await client.batches.check(TABLE, model=MODEL)

    assert (report.kind, report.count, report.inline) == (JobKind.GENERATE, 2500, False)
    pages = [entry for entry in emulator.log if entry.path.endswith("/data")]
    assert len(pages) == 3


@pytest.mark.parametrize("key", [str, int])
async def test_the_keys_may_be_in_another_column(
    emulator: Emulator, client: Client, key: type
) -> None:
    emulator.tables[TABLE] = [
        {"number": key(n), "request": json.dumps(REQUEST)} for n in (1, 2, 1)
    ]

    (problem,) = await problems_of(client, TABLE, key_column="number")

    assert problem.startswith(f"{TABLE}:3: key: the key '1' was used on line 1 already")


async def test_every_row_of_a_table_is_checked(emulator: Emulator, client: Client) -> None:
    wrong = {**REQUEST, "generationConfig": {"topK": "many"}}
    columns = (Column("key", "STRING"), Column("request", "STRING"))
    emulator.tables[TABLE] = Table(
        columns=columns,
        rows=[
            *({"key": f"k{n}", "request": json.dumps(REQUEST)} for n in range(1500)),
            {"key": "wrong", "request": json.dumps(wrong)},
            {"key": "text", "request": "Say hello"},
            {"key": "null", "request": None},
            {"key": None, "request": json.dumps(REQUEST)},
        ],
    )

    found = await problems_of(client, TABLE)

    assert [problem.partition(": ")[0] for problem in found] == [
        f"{TABLE}:{number}" for number in (1501, 1502, 1503, 1504)
    ]
    assert "request.generationConfig.topK" in found[0]
    assert "request: the row does not have it" in found[2]
    assert "key: the row has none" in found[3]


@pytest.mark.parametrize(
    ("rows", "options", "told"),
    [
        (None, {}, f"{TABLE}: there is no such table"),
        (
            [{"key": "a"}],
            {},
            f"{TABLE}: the table has no column 'request'. Its columns are",
        ),
        ([{"id": "a", "request": REQUEST}], {}, f"{TABLE}: key_column: the table has no"),
        (
            [{"id": "a", "request": REQUEST}],
            {"key_column": "name"},
            "key_column: the table has no column 'name'",
        ),
        (
            [{"key": "a", "request": REQUEST, "response": "x"}],
            {},
            f"{TABLE}: the table has a column 'response', which the service writes itself",
        ),
        (
            [{"key": "a", "request": REQUEST, "status": "x"}],
            {},
            f"{TABLE}: the table has a column 'status', which the service writes itself",
        ),
    ],
)
async def test_a_table_that_is_no_input(
    emulator: Emulator,
    client: Client,
    rows: list[dict[str, Any]] | None,
    options: dict[str, Any],
    told: str,
) -> None:
    if rows is not None:
        emulator.tables[TABLE] = rows

    (problem,) = await problems_of(client, TABLE, **options)

    assert problem.startswith(told)


async def test_a_table_without_rows(emulator: Emulator, client: Client) -> None:
    columns = (Column("key", "STRING"), Column("request", "JSON"))
    emulator.tables[TABLE] = Table(columns=columns, rows=[])

    (problem,) = await problems_of(client, TABLE)

    assert problem.startswith(f"{TABLE}: there are no requests")


async def test_pages_that_fail_are_asked_for_again(
    emulator: Emulator, client: Client
) -> None:
    emulator.tables[TABLE] = [{"key": f"k{n}", "request": REQUEST} for n in range(1500)]
    emulator.faults += [
        Fault(**PAGE, status=503),
        Fault(**PAGE, truncate_after=1000),
        Fault(**PAGE, skip=1, drop="after"),
    ]

    assert (await client.batches.check(TABLE)).count == 1500


async def test_a_table_that_goes_round_in_circles(
    emulator: Emulator, client: Client
) -> None:
    emulator.tables[TABLE] = [{"key": "a", "request": REQUEST}]
    body = json.dumps({"rows": [], "pageToken": "again"}).encode()
    emulator.faults.append(Fault(**PAGE, status=200, body=body, times=None))

    with pytest.raises(DecodeError, match="round in circles"):
        await client.batches.check(TABLE)


# The other API


@pytest.mark.parametrize("uri", [URI, TABLE])
async def test_the_developer_api_reaches_neither(emulator: Emulator, uri: str) -> None:
    emulator.objects.put(URI, many(1))

    async with Client(emulator.api) as client:
        (problem,) = await problems_of(client, uri)

    assert problem.startswith(
        f"{uri}: the Gemini Developer API does not have it. It belongs"
    )
    assert emulator.log == []
