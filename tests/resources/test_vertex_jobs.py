"""Jobs on Vertex AI, from what is stored: made, found again, listed, deleted."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import anyio
import pytest
from attrs import evolve

from gemini_batch import (
    BadRequestError,
    BatchJob,
    Client,
    ConflictError,
    CreateOutcomeUnknownError,
    GenerateRequest,
    InputError,
    JobKind,
    JobState,
    NotFoundError,
    ResultsUnavailableError,
    TransportError,
    WebhookConfig,
)
from gemini_batch.testing import Emulator, Fault, Limits, ManualClock
from tests.support.leaks import stray_tasks
from tests.support.rows import EMBED_MODEL, MODEL, many
from tests.support.settings import QUICK

PARENT = "projects/emulator-project/locations/us-central1"
IN = "gs://emulator-bucket/in/rows.jsonl"
OUT = "gs://emulator-bucket/out"
TABLE = "bq://emulator-project.data.rows"
OPERATION = "projects/123456789012/locations/us-central1/operations/77"

CREATE: Mapping[str, Any] = {"method": "POST", "path": "*/batchPredictionJobs"}
LIST: Mapping[str, Any] = {"method": "GET", "path": "*/batchPredictionJobs"}
GET: Mapping[str, Any] = {"method": "GET", "path": "*/batchPredictionJobs/*"}
DELETE: Mapping[str, Any] = {"method": "DELETE", "path": "*/batchPredictionJobs/*"}
ASK: Mapping[str, Any] = {"method": "GET", "path": "*/operations/*"}


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[Client]:
    emulator.objects.put(IN, many(3))
    async with Client(emulator.vertex, retry=QUICK) as client:
        yield client


def calls(emulator: Emulator, method: str, part: str = "") -> list[Any]:
    """Return the requests of a method whose paths hold a part."""
    return [
        entry for entry in emulator.log if entry.method == method and part in entry.path
    ]


def created(emulator: Emulator) -> dict[str, Any]:
    """Return the body of the only create."""
    (entry,) = calls(emulator, "POST", "batchPredictionJobs")
    body: dict[str, Any] = entry.json
    return body


async def ended(client: Client, clock: ManualClock, **options: Any) -> BatchJob:
    job = await client.batches.create(MODEL, gcs_uri=IN, **options)
    clock.advance(3600)
    return await client.batches.get(job)


# Create


async def test_a_job_is_made_of_an_object(emulator: Emulator, client: Client) -> None:
    key = "projects/p/locations/us-central1/keyRings/r/cryptoKeys/k"
    account = "batch@emulator-project.iam.gserviceaccount.com"

    job = await client.batches.create(
        MODEL,
        gcs_uri=IN,
        dest=f"{OUT}/",
        display_name="Nightly",
        labels={"team": "search"},
        service_account=account,
        kms_key_name=key,
    )

    token = job.intent_token
    assert created(emulator) == {
        "displayName": f"Nightly--{token}",
        "model": "publishers/google/models/gemini-2.5-flash",
        "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": [IN]}},
        "outputConfig": {
            "predictionsFormat": "jsonl",
            "gcsDestination": {"outputUriPrefix": OUT},
        },
        "labels": {"team": "search", "gb_intent": token, "gb_kind": "generate"},
        "serviceAccount": account,
        "encryptionSpec": {"kmsKeyName": key},
    }
    assert (job.display_name, job.labels) == ("Nightly", {"team": "search"})
    assert (job.state, job.kind) == (JobState.PENDING, JobKind.GENERATE)


async def test_a_job_is_made_of_several_objects(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    emulator.objects.put("gs://emulator-bucket/in/more.jsonl", many(2))

    job = await client.batches.create(
        MODEL, gcs_uri=(IN, "gs://emulator-bucket/in/mo*.jsonl")
    )
    clock.advance(3600)
    job = await client.batches.get(job)

    assert job.dest is not None
    assert job.dest.gcs_uri == f"gs://emulator-bucket/staging/{job.intent_token}/output"
    assert job.completion_stats is not None
    assert job.completion_stats.success_count == 5


async def test_a_job_is_made_of_a_table(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    rows = [{"request": json.loads(line)["request"]} for line in many(2).splitlines()]
    emulator.tables[TABLE] = rows

    job = await client.batches.create(MODEL, bigquery_uri=TABLE)
    clock.advance(3600)
    job = await client.batches.get(job)

    assert job.source.bigquery_uri == TABLE
    assert job.succeeded
    assert job.dest is not None
    assert job.dest.bigquery_table == f"{TABLE}_dest_{job.intent_token}"


async def test_a_job_is_made_of_a_dataset(emulator: Emulator, client: Client) -> None:
    name = f"{PARENT}/datasets/5"
    emulator.datasets[name] = TABLE

    job = await client.batches.create(
        MODEL, vertex_dataset=name, dest="bq://emulator-project.data"
    )

    assert created(emulator)["inputConfig"]["vertexMultimodalDatasetSource"] == {
        "datasetName": name
    }
    assert job.source.vertex_dataset == name


async def test_an_embedding_job_is_known_as_one(emulator: Emulator, client: Client) -> None:
    job = await client.batches.create_embeddings(EMBED_MODEL, gcs_uri=IN)
    tuned = await client.batches.create_embeddings(f"{PARENT}/models/5", gcs_uri=IN)

    assert (job.kind, tuned.kind) == (JobKind.EMBED, JobKind.EMBED)
    assert job.labels == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "no source is given"),
        ({"gcs_uri": IN, "bigquery_uri": TABLE}, "gcs_uri and bigquery_uri are all given"),
        ({"file_name": "files/a"}, r"file_name: Vertex AI does not have it.*submit\(\)"),
        ({"inlined_requests": [{}]}, r"inlined_requests: Vertex AI .*submit\(\)"),
        ({"gcs_uri": IN, "priority": 1}, "priority: .* Developer API"),
        (
            {"gcs_uri": IN, "webhook": WebhookConfig(uris=("https://h/x",))},
            "webhook: .* Developer API",
        ),
        ({"gcs_uri": IN, "labels": {"A": "b"}}, "lower-case"),
        ({"gcs_uri": IN, "dest": "/tmp/out"}, "dest: .* no place in BigQuery"),
        ({"gcs_uri": IN, "generation_config": {}}, r"generation_config: .*submit\(\)"),
        ({"gcs_uri": IN, "system_instruction": "x"}, r"system_instruction: .*submit\(\)"),
        ({"gcs_uri": IN, "display_name": "x" * 99}, "display_name: it has 99 .* up to 98"),
        ({"gcs_uri": IN, "idempotency_key": ""}, "idempotency_key: it is empty"),
    ],
)
async def test_a_wrong_call_is_refused_before_anything_is_sent(
    emulator: Emulator, client: Client, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        await client.batches.create(MODEL, **options)

    assert emulator.log == []


async def test_the_longest_name_is_taken(client: Client) -> None:
    job = await client.batches.create(MODEL, gcs_uri=IN, display_name="x" * 98)

    assert job.display_name == "x" * 98


async def test_a_model_that_is_not_there_is_told(client: Client) -> None:
    with pytest.raises(NotFoundError, match="not found"):
        await client.batches.create("gemma-unknown", gcs_uri=IN)


# A create left without an answer


async def test_a_job_whose_answer_was_lost_is_adopted(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(Fault(**CREATE, drop="after"))

    job = await client.batches.create(MODEL, gcs_uri=IN, display_name="Mine")

    assert (list(emulator.vertex_jobs), job.display_name) == ([job.name], "Mine")
    assert len(calls(emulator, "POST")) == 1
    (look,) = [entry for entry in calls(emulator, "GET") if entry.query]
    assert look.query["filter"] == f'labels.gb_intent="{job.intent_token}"'


async def test_a_tuned_model_is_the_same_by_number_and_id_of_its_project(
    emulator: Emulator, client: Client
) -> None:
    """The service writes the project as a number where the create had its id."""
    emulator.faults.append(Fault(**CREATE, drop="after"))
    name = f"{PARENT}/models/5"
    number = name.replace("emulator-project", "123456789012")

    job = await client.batches.create("5", gcs_uri=IN)
    emulator.faults.append(Fault(**CREATE, drop="after"))
    other = await client.batches.create(number, gcs_uri=IN)

    assert job.model in {name, number}
    assert list(emulator.vertex_jobs) == [job.name, other.name]


@pytest.mark.parametrize(
    "fault", [Fault(**CREATE, drop="before"), Fault(**CREATE, status=503)]
)
async def test_a_create_is_never_sent_again(
    emulator: Emulator, client: Client, fault: Fault
) -> None:
    emulator.faults.append(fault)

    with pytest.raises(CreateOutcomeUnknownError) as caught:
        await client.batches.create(MODEL, gcs_uri=IN)

    assert len(calls(emulator, "POST")) == 1
    assert len(calls(emulator, "GET")) == len(QUICK.lookup_pauses)
    assert caught.value.model == "publishers/google/models/gemini-2.5-flash"


async def test_the_same_key_adopts_the_job(emulator: Emulator, client: Client) -> None:
    first = await client.batches.create(MODEL, gcs_uri=IN, idempotency_key="2026-10-01")
    second = await client.batches.create(MODEL, gcs_uri=IN, idempotency_key="2026-10-01")

    assert second.name == first.name
    assert list(emulator.vertex_jobs) == [first.name]
    with pytest.raises(InputError, match="idempotency_key: it belongs to projects/"):
        await client.batches.create(
            "gemini-2.5-pro", gcs_uri=IN, idempotency_key="2026-10-01"
        )


async def test_a_twin_is_cancelled_and_the_oldest_kept(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    first = await client.batches.create(MODEL, gcs_uri=IN, idempotency_key="x")
    clock.advance(1)
    # The list lags: it does not show what another process has made.
    emulator.faults.append(Fault(**LIST, status=200, body=b"{}"))

    second = await client.batches.create(MODEL, gcs_uri=IN, idempotency_key="x")
    clock.advance(60)

    assert second.name == first.name
    (twin,) = set(emulator.vertex_jobs) - {first.name}
    assert (await client.batches.get(twin)).cancelled
    assert (await client.batches.get(first)).succeeded


# Lists


async def test_the_service_filters(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    for name in ("nightly", "nightly-2", "other"):
        await client.batches.create(
            MODEL, gcs_uri=IN, display_name=name, labels={"team": name}
        )
        clock.advance(1)

    async def names(text: str) -> list[str | None]:
        return [job.display_name async for job in client.batches.list_all(filter=text)]

    assert await names('display_name="nightly"') == ["nightly"]
    sent = calls(emulator, "GET", "batchPredictionJobs")[-1].query["filter"]
    assert sent == 'display_name:"nightly*"'
    assert await names('display_name:"nightly*"') == ["nightly-2", "nightly"]
    assert await names('model="gemini-2.5-flash" AND display_name!="other"') == [
        "nightly-2",
        "nightly",
    ]
    # What only this service knows goes there as it is.
    assert await names("labels.team=other OR labels.team=nightly") == ["other", "nightly"]
    with pytest.raises(BadRequestError):
        await names("team ~ other")


async def test_pages_are_followed(client: Client, clock: ManualClock) -> None:
    for _ in range(5):
        await client.batches.create(MODEL, gcs_uri=IN)
        clock.advance(1)

    page = await client.batches.list(page_size=2)
    rest = await client.batches.list(page_size=2, page_token=page.next_page_token)

    assert (len(page.items), page.has_more) == (2, True)
    assert {job.name for job in page.items}.isdisjoint(job.name for job in rest.items)
    assert len([job async for job in client.batches.list_all(page_size=2)]) == 5


# Looks


async def test_a_job_is_waited_for_in_whole_looks(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await client.batches.create(MODEL, gcs_uri=IN)
    emulator.script(
        job.name, "JOB_STATE_QUEUED", "JOB_STATE_RUNNING", "JOB_STATE_SUCCEEDED"
    )
    clock.advance(3600)

    seen = [p async for p in client.batches.wait(job.id, poll_interval=0.002)]

    assert [p.state for p in seen] == ["queued", "running", "succeeded"]
    assert all("fields" not in entry.query for entry in calls(emulator, "GET", job.id))
    assert seen[-1].job.dest is not None
    assert seen[-1].job.dest.located


async def test_responses_are_elsewhere(client: Client, clock: ManualClock) -> None:
    job = await ended(client, clock)

    with pytest.raises(ResultsUnavailableError) as caught:
        await client.batches.get_responses(job)

    assert job.dest is not None
    assert caught.value.location == job.dest.gcs_directory


@pytest.mark.parametrize("name", ["batches/abc", "a/b", "", f"{PARENT}/datasets/1"])
async def test_what_is_no_name_is_refused(
    emulator: Emulator, client: Client, name: str
) -> None:
    for call in (client.batches.get, client.batches.cancel, client.batches.delete):
        with pytest.raises(InputError, match="name"):
            await call(name)

    assert emulator.log == []


async def test_a_job_elsewhere_names_its_location(client: Client) -> None:
    with pytest.raises(InputError, match=r"VertexAI\(location='europe-west4'\)"):
        await client.batches.get("projects/1/locations/europe-west4/batchPredictionJobs/2")


async def test_a_job_is_cancelled(client: Client, clock: ManualClock) -> None:
    job = await client.batches.create(MODEL, gcs_uri=IN)
    clock.advance(3)

    await client.batches.cancel(job)
    clock.advance(60)

    assert (await client.batches.poll(job, poll_interval=0.002)).cancelled


async def test_there_is_no_priority(emulator: Emulator, client: Client) -> None:
    with pytest.raises(InputError, match="priority: Vertex AI does not have it"):
        await client.batches.update("123", priority=1)

    assert emulator.log == []


# Delete


async def test_a_job_that_is_deleted_is_gone(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await ended(client, clock)

    await client.batches.delete(job)

    assert dict(emulator.vertex_jobs) == {}
    with pytest.raises(NotFoundError) as caught:
        await client.batches.delete(job)
    assert caught.value.tries == 1


async def test_a_delete_is_waited_for(clock: ManualClock) -> None:
    async with Emulator(clock=clock, limits=Limits(delete_delay=5.0)) as emulator:
        emulator.objects.put(IN, many(1))
        async with Client(emulator.vertex, retry=QUICK) as client:
            job = await ended(client, clock)
            emulator.faults.append(Fault(**ASK, drop="after", skip=1))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.batches.delete, job)
                while len(calls(emulator, "GET", "operations")) < 4:
                    await anyio.sleep(0.001)
                clock.advance(5)

            asked = [entry.path for entry in calls(emulator, "GET", "operations")]
            assert len(set(asked)) == 1
            assert stray_tasks() == []


async def test_a_running_job_is_not_deleted(client: Client) -> None:
    job = await client.batches.create(MODEL, gcs_uri=IN)

    with pytest.raises(BadRequestError, match="has not ended"):
        await client.batches.delete(job)


@pytest.mark.parametrize(
    ("code", "cls"), [(5, NotFoundError), (9, BadRequestError), (10, ConflictError)]
)
@pytest.mark.parametrize("later", [False, True])
async def test_a_delete_that_fails_after_its_answer_is_told(
    emulator: Emulator,
    client: Client,
    clock: ManualClock,
    code: int,
    cls: type[Exception],
    later: bool,
) -> None:
    job = await ended(client, clock)
    failed = {"name": OPERATION, "done": True, "error": {"code": code, "message": "busy"}}
    if later:
        pending = json.dumps({"name": OPERATION}).encode()
        emulator.faults.append(Fault(**DELETE, status=200, body=pending))
        emulator.faults.append(Fault(**ASK, status=200, body=json.dumps(failed).encode()))
    else:
        emulator.faults.append(
            Fault(**DELETE, status=200, body=json.dumps(failed).encode())
        )

    with pytest.raises(cls, match=f"busy .*DELETE /v1/{job.name}"):
        await client.batches.delete(job)


async def test_a_delete_whose_answer_was_lost_is_done(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await ended(client, clock)
    # aiohttp itself repeats a DELETE whose connection broke; that repeat fails as well.
    emulator.faults += [Fault(**DELETE, drop="after"), Fault(**DELETE, status=503)]

    await client.batches.delete(job)

    assert dict(emulator.vertex_jobs) == {}


async def test_a_delete_that_does_not_end_is_given_up(
    emulator: Emulator, clock: ManualClock
) -> None:
    emulator.objects.put(IN, many(1))
    async with Client(emulator.vertex, retry=evolve(QUICK, timeout=0.05)) as client:
        job = await ended(client, clock)
        pending = json.dumps({"name": OPERATION}).encode()
        emulator.faults.append(Fault(**DELETE, status=200, body=pending))
        emulator.faults.append(Fault(**ASK, status=200, body=pending, times=None))

        with pytest.raises(TransportError, match=f"DELETE /v1/{job.name} was not done"):
            await client.batches.delete(job)

    assert stray_tasks() == []


# Files


async def test_there_are_no_files(emulator: Emulator, client: Client) -> None:
    files = client.files
    for call in (
        lambda: files.upload("absent.jsonl"),
        lambda: files.get("files/a"),
        files.list,
        lambda: files.delete("files/a"),
        lambda: files.download("files/a", "/absent/out"),
    ):
        with pytest.raises(InputError, match=r"Vertex AI does not have it.*submit\(\)"):
            await call()
    for now in (files.list_all, lambda: files.open_download("files/a")):
        with pytest.raises(InputError, match="gs://"):
            now()

    assert emulator.log == []


async def test_an_embedding_model_is_not_paid_to_generate(
    client: Client, emulator: Emulator
) -> None:
    with pytest.raises(InputError, match=r"Use create_embeddings\(\)"):
        await client.batches.create(EMBED_MODEL, gcs_uri=IN)
    with pytest.raises(InputError, match="or requests that embed"):
        await client.batches.submit(EMBED_MODEL, [GenerateRequest.from_text("x")])

    assert not calls(emulator, "POST")
