"""google-genai's batch calls in Vertex mode, judged by what they return."""

import json
from typing import Any

import pytest

from tests.conformance.genai import Genai, generate_rows
from tests.conformance.stage import Stage

pytestmark = [
    # google-genai derives from aiohttp.ClientSession.
    pytest.mark.filterwarnings(
        "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"
    ),
]

MODEL = "gemini-2.5-flash"
IN = "gs://emulator-bucket/in/rows.jsonl"
OUT = "gs://emulator-bucket/out"


async def create(vertex: Genai, src: Any = IN, **config: Any) -> Any:
    options = {"dest": OUT, **config}
    return await vertex(vertex.api.batches.create(model=MODEL, src=src, config=options))


async def get(vertex: Genai, job: Any) -> Any:
    return await vertex(vertex.api.batches.get(name=job.name))


async def test_the_life_of_a_job_over_cloud_storage(vertex: Genai, stage: Stage) -> None:
    stage.put(IN, generate_rows("One", "Two", "[emulator:error:8]").decode())

    job = await create(vertex, display_name="Nächtlich")
    states = [job.state.name]
    for seconds in (1, 1, 3.9, 0.1):
        stage.advance(seconds)
        states.append((await get(vertex, job)).state.name)
    done = await get(vertex, job)

    assert states == [
        "JOB_STATE_PENDING",
        "JOB_STATE_PENDING",
        "JOB_STATE_RUNNING",
        "JOB_STATE_RUNNING",
        "JOB_STATE_SUCCEEDED",
    ]
    head, _, number = job.name.rpartition("/")
    assert head == "projects/123456789012/locations/us-central1/batchPredictionJobs"
    assert number.isdecimal()
    assert job.display_name == done.display_name == "Nächtlich"
    assert job.model == done.model == f"publishers/google/models/{MODEL}"
    assert done.src.gcs_uri == [IN]
    assert done.dest.gcs_uri == OUT
    assert (done.start_time - done.create_time).total_seconds() == 2
    assert (done.end_time - done.create_time).total_seconds() == 6
    assert not job.done
    assert done.done
    assert done.completion_stats.successful_count == 2
    assert done.completion_stats.failed_count == 1
    folder = done.output_info.gcs_output_directory
    assert folder.startswith(f"{OUT}/prediction-model-")
    lines = stage.read(f"{folder}/predictions.jsonl").splitlines()
    rows = {row["key"]: row for row in map(json.loads, lines)}
    assert rows.keys() == {"r0", "r1", "r2"}
    assert rows["r0"]["response"]["candidates"][0]["content"]["parts"][0]["text"]
    assert rows["r0"]["status"] == ""
    assert rows["r2"]["status"].startswith("Too Many Requests: ")


async def test_the_life_of_a_job_over_bigquery(vertex: Genai, stage: Stage) -> None:
    request = {"contents": [{"role": "user", "parts": [{"text": "One"}]}]}
    source, target = "bq://emulator-project.data.asked", "bq://emulator-project.data.told"
    stage.table(source, [{"key": "a", "request": request}])

    job = await create(vertex, source, dest=target)
    stage.advance(60)
    done = await get(vertex, job)

    assert done.state.name == "JOB_STATE_SUCCEEDED"
    assert done.src.bigquery_uri == source
    assert done.dest.bigquery_uri == target
    assert done.output_info.bigquery_output_table == "told"
    [row] = stage.rows(target)
    assert row["key"] == "a"
    assert row["request"] == request
    assert row["response"]["candidates"]


async def test_the_destinations_google_genai_chooses_itself(
    vertex: Genai, stage: Stage
) -> None:
    stage.put(IN, generate_rows("One").decode())
    request = {"contents": [{"role": "user", "parts": [{"text": "One"}]}]}
    source = "bq://emulator-project.data.asked"
    stage.table(source, [{"key": "a", "request": request}])

    jobs = [
        await vertex(vertex.api.batches.create(model=MODEL, src=src))
        for src in (IN, source)
    ]
    stage.advance(60)
    [stored, listed] = [await get(vertex, job) for job in jobs]

    assert stored.display_name.startswith("genai_batch_job_")
    assert stored.dest.gcs_uri == "gs://emulator-bucket/in/rows/dest"
    assert stored.output_info.gcs_output_directory.startswith(stored.dest.gcs_uri)
    assert listed.dest.bigquery_uri.startswith(f"{source}_dest_")
    assert len(stage.rows(listed.dest.bigquery_uri)) == 1


async def test_several_objects_are_one_input(vertex: Genai, stage: Stage) -> None:
    for name in ("a-1", "a-2", "b"):
        stage.put(f"gs://emulator-bucket/in/{name}.jsonl", generate_rows(name).decode())

    job = await create(
        vertex,
        {
            "format": "jsonl",
            "gcs_uri": [
                "gs://emulator-bucket/in/a-*.jsonl",
                "gs://emulator-bucket/in/b.jsonl",
            ],
        },
    )
    stage.advance(60)

    assert (await get(vertex, job)).completion_stats.successful_count == 3


async def test_a_part_that_is_missing_makes_a_partial_success(
    vertex: Genai, stage: Stage
) -> None:
    stage.put(IN, generate_rows("One").decode())
    uris = [IN, "gs://emulator-bucket/in/nothing.jsonl"]

    job = await create(vertex, {"format": "jsonl", "gcs_uri": uris})
    stage.advance(60)
    done = await get(vertex, job)

    assert done.state.name == "JOB_STATE_PARTIALLY_SUCCEEDED"
    assert done.completion_stats.successful_count == 1


async def test_it_tells_why_a_job_failed(vertex: Genai, stage: Stage) -> None:
    job = await create(vertex)
    stage.advance(60)
    done = await get(vertex, job)

    assert done.state.name == "JOB_STATE_FAILED"
    assert done.error.code == 3
    assert IN in done.error.message
    assert done.output_info is None


async def test_a_running_job_tells_its_counts(vertex: Genai, stage: Stage) -> None:
    stage.put(IN, generate_rows(*map(str, range(500))).decode())
    job = await create(vertex)
    stage.advance(7)
    running = await get(vertex, job)

    assert running.completion_stats.successful_count == 250
    assert running.completion_stats.incomplete_count == -1


async def test_a_job_may_be_got_by_its_number(vertex: Genai, stage: Stage) -> None:
    job = await create(vertex)

    found = await vertex(vertex.api.batches.get(name=job.name.rpartition("/")[2]))

    assert found.name == job.name


async def test_a_cancelled_job_keeps_what_was_done(vertex: Genai, stage: Stage) -> None:
    stage.put(IN, generate_rows(*map(str, range(500))).decode())
    job = await create(vertex)
    stage.advance(7)
    await vertex(vertex.api.batches.cancel(name=job.name))
    cancelling = await get(vertex, job)
    stage.advance(2)
    done = await get(vertex, job)

    assert cancelling.state.name == "JOB_STATE_CANCELLING"
    assert done.state.name == "JOB_STATE_CANCELLED"
    assert done.error.code == 1
    counts = done.completion_stats
    assert counts.successful_count + counts.incomplete_count == 500
    folder = done.output_info.gcs_output_directory
    lines = stage.read(f"{folder}/predictions.jsonl").splitlines()
    assert len(lines) == counts.successful_count


async def test_a_deleted_job_is_gone(vertex: Genai, stage: Stage) -> None:
    from google.genai import errors

    stage.put(IN, generate_rows("One").decode())
    job = await create(vertex)
    with pytest.raises(errors.ClientError) as early:
        await vertex(vertex.api.batches.delete(name=job.name))
    stage.advance(60)

    deleted = await vertex(vertex.api.batches.delete(name=job.name))

    assert early.value.status == "FAILED_PRECONDITION"
    assert deleted.done
    assert "/operations/" in deleted.name
    with pytest.raises(errors.ClientError) as caught:
        await get(vertex, job)
    assert caught.value.code == 404


async def test_lists_come_in_pages_newest_first(vertex: Genai, stage: Stage) -> None:
    for number in range(5):
        await create(vertex, display_name=f"job-{number}")

    pager = vertex.api.batches.list(config={"page_size": 2})
    names = [job.display_name for job in await vertex.all(pager)]
    whole = await vertex.all(vertex.api.batches.list())

    assert names == [f"job-{number}" for number in (4, 3, 2, 1, 0)]
    assert len(whole) == 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('display_name="job-1"', ["job-1"]),
        ('display_name!="job-1"', ["other", "job-0"]),
        ('display_name:"job-*"', ["job-1", "job-0"]),
        ('display_name:"job-*" AND NOT display_name="job-0"', ["job-1"]),
        ('display_name="job-0" OR display_name="other"', ["other", "job-0"]),
        ("state=JOB_STATE_PENDING", ["other", "job-1", "job-0"]),
        ('state="JOB_STATE_RUNNING"', []),
        ('create_time>"2026-07-01T00:00:00Z"', ["other", "job-1", "job-0"]),
        ('create_time<"2026-07-01T00:00:00Z"', []),
        ('model_display_name="gemini-2.5-flash"', ["other", "job-1", "job-0"]),
        ("labels.team:*", []),
    ],
)
async def test_lists_are_filtered(vertex: Genai, text: str, expected: list[str]) -> None:
    for name in ("job-0", "job-1", "other"):
        await create(vertex, display_name=name)

    found = await vertex.all(vertex.api.batches.list(config={"filter": text}))

    assert [job.display_name for job in found] == expected


@pytest.mark.parametrize(
    "text", ["display_name", 'name="x"', 'display_name>"x"', '(state="JOB_STATE_FAILED"']
)
async def test_a_filter_outside_the_grammar_is_refused(vertex: Genai, text: str) -> None:
    from google.genai import errors

    with pytest.raises(errors.ClientError) as caught:
        await vertex.all(vertex.api.batches.list(config={"filter": text}))

    assert caught.value.status == "INVALID_ARGUMENT"


async def test_a_scripted_course(vertex: Genai, stage: Stage) -> None:
    stage.put(IN, generate_rows("One", "Two").decode())
    job = await create(vertex)
    expired = {"state": "JOB_STATE_EXPIRED", "error": {"code": 4, "message": "Late."}}
    stage.script(job.name, "JOB_STATE_QUEUED", "JOB_STATE_RUNNING", expired)

    seen = [await get(vertex, job) for _ in range(4)]

    assert [job.state.name for job in seen] == [
        "JOB_STATE_QUEUED",
        "JOB_STATE_RUNNING",
        "JOB_STATE_EXPIRED",
        "JOB_STATE_EXPIRED",
    ]
    assert seen[-1].error.message == "Late."
    assert seen[-1].output_info.gcs_output_directory


async def test_401_without_a_token_that_is_good(vertex: Genai, stage: Stage) -> None:
    from google.genai import Client, errors
    from google.oauth2.credentials import Credentials

    client = Client(
        vertexai=True,
        project="emulator-project",
        location="us-central1",
        credentials=Credentials(token="stolen"),  # type: ignore[no-untyped-call]
        http_options={"base_url": stage.url},
    )
    api = client if vertex.kind == "sync" else client.aio
    try:
        with pytest.raises(errors.ClientError) as caught:
            await vertex(api.batches.get(name="1"))
    finally:
        await client.aio.aclose()
        client.close()

    assert caught.value.code == 401
    assert caught.value.status == "UNAUTHENTICATED"


async def test_403_for_another_project(vertex: Genai, stage: Stage) -> None:
    from google.genai import Client, errors
    from google.oauth2.credentials import Credentials

    client = Client(
        vertexai=True,
        project="other-project",
        location="us-central1",
        credentials=Credentials(token="emulator-token"),  # type: ignore[no-untyped-call]
        http_options={"base_url": stage.url},
    )
    api = client if vertex.kind == "sync" else client.aio
    try:
        with pytest.raises(errors.ClientError) as caught:
            await create(Genai(kind=vertex.kind, api=api))
    finally:
        await client.aio.aclose()
        client.close()

    assert caught.value.code == 403
    assert caught.value.details["error"]["details"][0]["reason"] == "IAM_PERMISSION_DENIED"


async def test_404_for_no_such_model(vertex: Genai) -> None:
    from google.genai import errors

    with pytest.raises(errors.ClientError) as caught:
        await vertex(
            vertex.api.batches.create(model="llama-9", src=IN, config={"dest": OUT})
        )

    assert caught.value.code == 404


@pytest.mark.parametrize("call", ["get", "cancel", "delete"])
async def test_404_for_no_such_job(vertex: Genai, call: str) -> None:
    from google.genai import errors

    with pytest.raises(errors.ClientError) as caught:
        await vertex(getattr(vertex.api.batches, call)(name="42"))

    assert caught.value.code == 404
    assert caught.value.status == "NOT_FOUND"


async def test_503_is_raised(vertex: Genai, stage: Stage) -> None:
    from google.genai import errors

    stage.fault(path="*/batchPredictionJobs", status=503)

    with pytest.raises(errors.ServerError) as caught:
        await create(vertex)

    assert caught.value.code == 503
    assert [entry["status"] for entry in stage.log()] == [503]


async def test_embeddings_of_gemini(vertex: Genai, stage: Stage) -> None:
    row = {
        "key": "k",
        "request": {
            "content": {"parts": [{"text": "x"}]},
            "embed_content_config": {"output_dimensionality": 3},
        },
    }
    stage.put(IN, json.dumps(row) + "\n")
    job = await vertex(
        vertex.api.batches.create(
            model="gemini-embedding-001", src=IN, config={"dest": OUT}
        )
    )
    stage.advance(60)
    done = await get(vertex, job)

    folder = done.output_info.gcs_output_directory
    [result] = map(json.loads, stage.read(f"{folder}/predictions.jsonl").splitlines())
    assert result["key"] == "k"
    assert len(result["response"]["embedding"]["values"]) == 3
    assert result["response"]["tokenCount"] == "1"
