"""submit on Vertex AI: checked, keyed, staged below a prefix, and created once."""

import asyncio
import contextlib
import gc
import json
import logging
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from attrs import evolve

from gemini_batch import (
    Client,
    CreateOutcomeUnknownError,
    EmbedRequest,
    GeminiBatchError,
    GenerateRequest,
    InputError,
    JobKind,
    PermissionDeniedError,
    RateLimitError,
    TransferProgress,
    TransportError,
    WebhookConfig,
)
from gemini_batch._wire.intent_token import token_of_key
from gemini_batch._wire.vertex import batches
from gemini_batch.testing import Emulator, Fault
from tests.faults.test_secrets import texts_of
from tests.support.leaks import stray_tasks
from tests.support.rows import EMBED_MODEL, MODEL, many, row
from tests.support.settings import QUICK

STAGING = "gs://emulator-bucket/staging"
TOKEN = "emulator-token"

CREATE: Mapping[str, Any] = {"method": "POST", "path": "*/batchPredictionJobs"}
START: Mapping[str, Any] = {"method": "POST", "path": "/upload/*"}
SEND: Mapping[str, Any] = {"method": "PUT", "path": "/upload/*"}


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[Client]:
    async with Client(emulator.vertex, retry=QUICK) as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where temporary files go."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def staged(emulator: Emulator) -> list[Any]:
    """Return the rows of the only object there is."""
    (stored,) = emulator.objects.values()
    return [json.loads(line) for line in stored.read().splitlines()]


def uploads(emulator: Emulator) -> list[str]:
    return [entry.method for entry in emulator.log if entry.path.startswith("/upload/")]


def creates(emulator: Emulator) -> int:
    return sum(
        entry.path.endswith("/batchPredictionJobs")
        for entry in emulator.log
        if entry.method == "POST"
    )


async def asynchronous() -> AsyncIterator[Any]:
    for number in range(3):
        yield row(f"k{number}", f"Hello {number}")


# Staging


@pytest.mark.parametrize(
    "form",
    [
        lambda path: path,
        lambda path: str(path),
        lambda _: [row(f"k{n}", f"Hello {n}") for n in range(3)],
        lambda _: (row(f"k{n}", f"Hello {n}") for n in range(3)),
        lambda _: asynchronous(),
        lambda _: [GenerateRequest.from_text(f"Hello {n}", key=f"k{n}") for n in range(3)],
        lambda _: many(3).splitlines(),
    ],
)
async def test_rows_are_staged_below_the_prefix(
    emulator: Emulator, client: Client, tmp_path: Path, form: Callable[[Path], Any]
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(many(3))

    job = await client.batches.submit(MODEL, form(path), display_name="Mine")

    place = f"{STAGING}/{job.intent_token}"
    assert job.source.gcs_uris == (f"{place}/input.jsonl",)
    assert job.dest is not None
    assert job.dest.gcs_uri == f"{place}/output"
    assert list(emulator.objects) == [f"{place}/input.jsonl"]
    assert [(r["key"], r["request"]["contents"][0]["parts"]) for r in staged(emulator)] == [
        (f"k{n}", [{"text": f"Hello {n}"}]) for n in range(3)
    ]


async def test_rows_are_those_of_this_api(emulator: Emulator, client: Client) -> None:
    """Defaults are applied, and members only the Developer API has are refused."""
    await client.batches.submit(
        MODEL,
        [row("a", model=f"publishers/google/models/{MODEL}"), row("b")["request"]],
        generation_config={"top_p": 0.5},
        system_instruction="Be brief.",
    )

    first, second = staged(emulator)
    assert (first["key"], second["key"]) == ("a", "row-000000002")
    assert first["request"]["generationConfig"] == {"topP": 0.5}
    assert first["request"]["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert "model" not in first["request"]
    with pytest.raises(InputError, match=r"1: .*cachedContent"):
        await client.batches.submit(MODEL, [row("a", cachedContent="cachedContents/x")])


async def test_embedding_rows_are_staged_as_the_service_takes_them(
    emulator: Emulator, client: Client
) -> None:
    request = EmbedRequest.from_text("Hello", key="a", output_dimensionality=8)

    job = await client.batches.submit(EMBED_MODEL, [request])

    assert job.kind == JobKind.EMBED
    (only,) = staged(emulator)
    assert only["key"] == "a"
    assert only["request"]["embed_content_config"] == {"output_dimensionality": 8}


async def test_options_reach_the_job(emulator: Emulator, client: Client) -> None:
    job = await client.batches.submit(
        MODEL,
        [row("a")],
        dest="gs://emulator-bucket/mine",
        labels={"team": "search"},
        service_account="s@p.iam.gserviceaccount.com",
        kms_key_name="projects/p/locations/l/keyRings/r/cryptoKeys/k",
    )

    (entry,) = [e for e in emulator.log if e.path.endswith("/batchPredictionJobs")]
    assert entry.json["serviceAccount"] == "s@p.iam.gserviceaccount.com"
    assert entry.json["encryptionSpec"]["kmsKeyName"].endswith("/k")
    assert job.labels == {"team": "search"}
    assert job.dest is not None
    assert job.dest.gcs_uri == "gs://emulator-bucket/mine"


async def test_progress_is_told(emulator: Emulator, client: Client) -> None:
    seen: list[TransferProgress] = []

    await client.batches.submit(MODEL, [row("a")], on_progress=seen.append)

    (stored,) = emulator.objects.values()
    assert seen[-1].done == seen[-1].total == stored.size


# Refused before anything is read or sent


def unread() -> Any:
    """Return requests that must not be drawn."""
    raise AssertionError("it was read")
    yield


async def test_without_staging_the_error_says_how(emulator: Emulator) -> None:
    async with Client(evolve(emulator.vertex, staging=None), retry=QUICK) as client:
        with pytest.raises(InputError, match=r"VertexAI\(staging='gs://bucket/prefix'\)"):
            await client.batches.submit(MODEL, unread())

    assert emulator.log == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"priority": 1}, "priority: Vertex AI does not have it"),
        ({"webhook": WebhookConfig(uris=("https://h/x",))}, "webhook: Vertex AI does not"),
        ({"labels": {"gb_x": "y"}}, "this client's own"),
        ({"dest": "s3://b/x"}, "dest: "),
        ({"display_name": "x" * 99}, "display_name: it has 99"),
        ({"idempotency_key": "\ud800"}, "idempotency_key: it is not Unicode"),
    ],
)
async def test_a_wrong_call_is_refused_before_anything_is_read(
    emulator: Emulator, client: Client, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        await client.batches.submit(MODEL, unread(), **options)

    assert emulator.log == []


async def test_no_rows_are_written_for_models_that_bring_no_key_through(
    emulator: Emulator, client: Client
) -> None:
    with pytest.raises(InputError, match=r"model: nothing brings keys through .*-005"):
        await client.batches.submit("text-embedding-005", unread())

    assert emulator.log == []


@pytest.mark.parametrize(
    ("model", "rows", "most"),
    [
        (MODEL, [row("a"), row("b"), row("c")], {JobKind.GENERATE: 2}),
        (EMBED_MODEL, [EmbedRequest.from_text("x")] * 4, {JobKind.EMBED: 3}),
    ],
)
async def test_a_job_takes_so_many_rows(
    emulator: Emulator,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    rows: list[Any],
    most: dict[JobKind, int],
) -> None:
    """The limits themselves take long to reach."""
    assert batches.MAX_ROWS == {JobKind.GENERATE: 200_000, JobKind.EMBED: 1_000_000}
    monkeypatch.setattr(batches, "MAX_ROWS", most)

    with pytest.raises(InputError, match=r"takes up to \d\. Split them"):
        await client.batches.submit(model, rows)
    assert emulator.log == []

    await client.batches.submit(model, rows[:-1])


async def test_a_file_has_so_many_bytes(
    emulator: Emulator, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert batches.MAX_INPUT_BYTES == 1_000_000_000
    monkeypatch.setattr(batches, "MAX_INPUT_BYTES", 1000)

    with pytest.raises(InputError, match="Split it into several jobs"):
        await client.batches.submit(MODEL, [row("a", "x" * 900), row("b", "x" * 900)])

    assert emulator.log == []


# Once


async def test_the_same_key_stages_and_creates_once(
    emulator: Emulator, client: Client
) -> None:
    first = await client.batches.submit(MODEL, [row("a")], idempotency_key="x")
    sent = uploads(emulator)
    second = await client.batches.submit(MODEL, [row("a")], idempotency_key="x")

    assert second.name == first.name
    assert first.intent_token == token_of_key("x")
    assert uploads(emulator) == sent
    assert creates(emulator) == 1


async def test_rows_that_are_staged_already_are_taken_up(
    emulator: Emulator, client: Client
) -> None:
    """A call was cut short between its upload and its create."""
    emulator.faults.append(Fault(**CREATE, status=429, times=QUICK.attempts))
    with pytest.raises(RateLimitError):
        await client.batches.submit(MODEL, [row("a")], idempotency_key="x")
    (before,) = emulator.objects.values()

    job = await client.batches.submit(MODEL, [row("a")], idempotency_key="x")

    (after,) = emulator.objects.values()
    assert after.generation == before.generation
    assert list(emulator.vertex_jobs) == [job.name]


async def test_other_rows_under_a_key_that_is_taken_are_refused(
    emulator: Emulator, client: Client
) -> None:
    uri = f"{STAGING}/{token_of_key('x')}/input.jsonl"
    emulator.objects.put(uri, b"{}")

    with pytest.raises(InputError, match=f"idempotency_key: {uri} has other requests"):
        await client.batches.submit(MODEL, [row("a")], idempotency_key="x")

    assert emulator.objects[uri].read() == b"{}"
    assert creates(emulator) == 0


async def test_a_job_whose_answer_was_lost_is_adopted(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(Fault(**CREATE, drop="after"))

    job = await client.batches.submit(MODEL, [row("a")])

    assert list(emulator.vertex_jobs) == [job.name]
    assert creates(emulator) == 1
    assert list(emulator.objects) == list(job.source.gcs_uris)


async def test_rows_stay_while_a_job_may_read_them(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(Fault(**CREATE, status=503))

    with pytest.raises(CreateOutcomeUnknownError):
        await client.batches.submit(MODEL, [row("a")])

    assert len(emulator.objects) == creates(emulator) == 1


async def test_rows_of_a_job_that_was_refused_are_removed(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(Fault(**CREATE, status=403))

    with pytest.raises(PermissionDeniedError):
        await client.batches.submit(MODEL, [row("a")])

    assert uploads(emulator) == ["POST", "PUT"]
    assert dict(emulator.objects) == {}


async def test_that_rows_cannot_be_removed_hides_nothing(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(Fault(**CREATE, status=403))
    emulator.faults.append(Fault(method="DELETE", status=403))

    with pytest.raises(PermissionDeniedError) as caught:
        await client.batches.submit(MODEL, [row("a")])

    assert caught.value.method == "POST"
    assert len(emulator.objects) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault(**START, status=503),
        Fault(**SEND, status=503),
        Fault(**SEND, drop="after"),
        Fault(**SEND, drop_body_after=0),
    ],
)
async def test_an_upload_goes_on_after_a_failure(
    emulator: Emulator, client: Client, fault: Fault
) -> None:
    emulator.faults.append(fault)

    await client.batches.submit(MODEL, [row("a"), row("b")])

    assert [line["key"] for line in staged(emulator)] == ["a", "b"]
    assert creates(emulator) == 1


async def test_an_upload_that_fails_creates_nothing(
    emulator: Emulator, client: Client
) -> None:
    """Although its last byte arrived, the object goes again."""
    emulator.faults.append(Fault(**SEND, drop="after", times=None))
    emulator.faults.append(Fault(**SEND, status=503, times=None))

    with pytest.raises(TransportError):
        await client.batches.submit(MODEL, [row("a")])

    assert creates(emulator) == 0
    assert dict(emulator.objects) == {}


# Cancellation


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("moment", ["opening", "midway", "stored"])
async def test_a_cancelled_upload_leaves_nothing(
    emulator: Emulator, client: Client, folder: Path, native: bool, moment: str
) -> None:
    """Cancelled early, between two pieces, and when the object is there but not answered."""
    delayed = {"opening": START, "midway": SEND, "stored": SEND}[moment]
    emulator.faults.append(Fault(**delayed, delay=30))
    there: dict[str, Callable[[], bool]] = {
        "opening": lambda: bool(uploads(emulator)),
        "midway": lambda: bool(told),
        "stored": lambda: bool(emulator.objects),
    }
    told: list[TransferProgress] = []

    async def report(progress: TransferProgress) -> None:
        if moment == "midway" and 0 < progress.done < (progress.total or 0):
            told.append(progress)
            await anyio.sleep(30)

    async def submit() -> None:
        rows = [row(f"k{n}", "x" * 10_000) for n in range(250)]
        await client.batches.submit(MODEL, rows, on_progress=report)

    async def until_there() -> None:
        while not there[moment]():
            await anyio.sleep(0.001)

    if native:
        task = asyncio.ensure_future(submit())
        await until_there()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    else:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(submit)
            await until_there()
            tasks.cancel_scope.cancel()
    gc.collect()

    assert creates(emulator) == 0
    assert dict(emulator.objects) == {}
    assert stray_tasks() == []
    assert list(folder.iterdir()) == []


async def test_an_upload_that_waits_for_its_turn_sends_nothing_when_cancelled(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(Fault(**START, delay=30, times=None))

    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(client.batches.submit, MODEL, [row("a")])
        while len(uploads(emulator)) < 4:
            await anyio.sleep(0.001)
        tasks.cancel_scope.cancel()

    # Four at a time are under way; of the others nothing was seen.
    assert uploads(emulator) == ["POST"] * 4
    assert len([e for e in emulator.log if e.method == "DELETE"]) <= 4


# Secrets


@pytest.mark.parametrize(
    "fault",
    [
        Fault(**START, status=403, times=99),
        Fault(**START, status=401, times=99),
        Fault(**SEND, status=400, times=99),
        Fault(**SEND, drop="before", times=99),
        Fault(
            **START, status=200, headers={"Location": "https://evil.example/?upload_id=a"}
        ),
        Fault(**CREATE, status=401, times=99),
        Fault(**CREATE, drop="before", times=99),
        Fault(**CREATE, status=200, body=b"<html>"),
        Fault(**CREATE, status=307, headers={"Location": "http://127.0.0.1:1/"}),
    ],
    ids=str,
)
async def test_no_token_shows(
    emulator: Emulator, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    emulator.faults.append(fault)
    api = emulator.vertex
    async with Client(api, retry=QUICK) as client:
        with pytest.raises(GeminiBatchError) as caught:
            await client.batches.submit(MODEL, [row("a")])
        shown = [repr(client), repr(api), repr(client.batches), repr(vars(client))]
        shown += [repr(vars(client.batches)), repr(vars(client.batches._stores))]

    shown += texts_of(caught.value)
    for record in caplog.records:
        shown += [record.getMessage(), repr(record.args), repr(vars(record))]
    for text in shown:
        assert TOKEN not in text
        assert "upload_id" not in text
