"""Calls and answers of batch jobs on Vertex AI."""

import datetime as dt
import json
from typing import Any

import pytest

from gemini_batch._codec import Codec
from gemini_batch._wire.api_errors import read_error
from gemini_batch._wire.http import Pace, Request
from gemini_batch._wire.vertex.batches import VertexBatches
from gemini_batch._wire.vertex.jobs import _InputConfig, _Output, _Stats
from gemini_batch._wire.vertex.operations import Operation
from gemini_batch.errors import (
    APIError,
    ConflictError,
    DecodeError,
    InputError,
    NotFoundError,
    PermissionDeniedError,
    ServerError,
)
from gemini_batch.types import (
    BatchJob,
    CompletionStats,
    JobDestination,
    JobKind,
    JobSource,
    JobState,
    RpcStatus,
    VertexAI,
    WebhookConfig,
)
from tests.support.drift import unknown_members
from tests.support.recorded import names, recorded, recorded_json

CODEC = Codec()
API = VertexAI(
    project="my-project",
    location="us-central1",
    staging="gs://my-bucket/staging",
    base_url="https://h",
)
BATCHES = VertexBatches(CODEC, API)
PARENT = "projects/my-project/locations/us-central1"
NAME = "projects/123456789012/locations/us-central1/batchPredictionJobs/6205497615459549184"
MODEL = "publishers/google/models/gemini-2.5-flash"
TOKEN = "gb" + "0" * 26
OWN = {"gb_intent": TOKEN, "gb_kind": "generate"}
GCS = JobSource(gcs_uris=("gs://my-bucket/input.jsonl",))
JOBS = names("vertex/get-*.response.json") + names("vertex/create.response.json")


def sent(request: Request) -> Any:
    """Return the JSON a request carries."""
    assert isinstance(request.body, bytes)
    return json.loads(request.body)


def options(**more: Any) -> dict[str, Any]:
    """Return options of a create."""
    given = {"kind": JobKind.GENERATE, "display_name": "x", "token": TOKEN, **more}
    return BATCHES.create_options(**given)


def problem(exc: pytest.ExceptionInfo[InputError]) -> tuple[str | None, str]:
    """Return field and text of the only problem."""
    (one,) = exc.value.problems
    return one.field, str(one)


# Create


@pytest.mark.parametrize(
    ("name", "source", "dest", "more"),
    [
        (
            "create-gcs",
            {"gcs_uri": "gs://my-bucket/input.jsonl"},
            "gs://my-bucket/out/job-0001/",
            {"labels": {"team": "search"}},
        ),
        (
            "create-gcs-cmek-sa",
            {"gcs_uri": ["gs://my-bucket/input.jsonl"]},
            "gs://my-bucket/out/job-0001",
            {
                "labels": {"team": "search"},
                "service_account": "batch@my-project.iam.gserviceaccount.com",
                "kms_key_name": "projects/my-project/locations/us-central1/keyRings/r/"
                "cryptoKeys/k",
            },
        ),
        (
            "create-bigquery",
            {"bigquery_uri": "bq://my-project.my_dataset.requests"},
            "bq://my-project.my_dataset.results_20260901",
            {},
        ),
    ],
)
def test_a_create_is_as_recorded(
    name: str, source: dict[str, Any], dest: str, more: dict[str, Any]
) -> None:
    expected = recorded_json(f"vertex/{name}.request.json")
    expected["labels"] = {**expected.get("labels", {}), **OWN}
    src = BATCHES.source(**source)

    request = BATCHES.create(
        BATCHES.model_name("gemini-2.5-flash"),
        src,
        BATCHES.destination(dest, source=src, token=TOKEN),
        options(display_name=expected["displayName"], **more),
        kind=JobKind.GENERATE,
    )

    assert sent(request) == expected
    assert request.path == f"/v1/{PARENT}/batchPredictionJobs"
    assert (request.method, request.idempotent, request.pace) == (
        "POST",
        False,
        Pace.CREATE,
    )


def test_a_create_from_a_dataset_is_as_recorded() -> None:
    expected = recorded_json("vertex/create-dataset.request.json")
    source = BATCHES.source(vertex_dataset=f"{PARENT}/datasets/123")
    dest = BATCHES.destination("bq://my-project.my_dataset", source=source, token=TOKEN)

    body = sent(BATCHES.create(MODEL, source, dest, options(), kind=JobKind.GENERATE))

    assert body["inputConfig"] == expected["inputConfig"]
    assert body["outputConfig"] == {
        "predictionsFormat": "bigquery",
        "bigqueryDestination": {"outputUri": "bq://my-project.my_dataset"},
    }


def test_the_kind_of_a_job_is_written_down() -> None:
    labels = options(kind=JobKind.EMBED)["labels"]

    assert labels == {"gb_intent": TOKEN, "gb_kind": "embed"}


@pytest.mark.parametrize(
    ("given", "field"),
    [({"priority": 1}, "priority"), ({"webhook": WebhookConfig(uris=("u",))}, "webhook")],
)
def test_options_of_the_other_api_are_refused(given: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as exc:
        options(**given)

    found, text = problem(exc)
    assert found == field
    assert "Developer API" in text


def test_there_is_no_priority_to_change() -> None:
    with pytest.raises(InputError, match="priority"):
        BATCHES.update_priority(NAME, JobKind.GENERATE, 1)


@pytest.mark.parametrize("field", ["file_name", "inlined_requests"])
def test_sources_of_the_other_api_are_refused(field: str) -> None:
    with pytest.raises(InputError) as exc:
        BATCHES.source(**{field: "files/a"})

    found, text = problem(exc)
    assert found == field
    assert "Developer API" in text
    assert "submit()" in text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "no source is given"),
        (
            {"gcs_uri": "gs://b-b/a", "bigquery_uri": "bq://p.d.t"},
            "gcs_uri and bigquery_uri are all given",
        ),
        ({"gcs_uri": []}, "it is empty"),
        ({"gcs_uri": "gs://b-b"}, "no place in storage"),
        ({"gcs_uri": "/a/b.jsonl"}, "no place in storage"),
        ({"gcs_uri": ["gs://b-b/x", 5]}, "no place in storage"),
        ({"gcs_uri": "gs://b-b/a\nb"}, "no place in storage"),
        ({"bigquery_uri": "bq://p.d"}, "names no table"),
        ({"bigquery_uri": "p.d.t"}, "no place in BigQuery"),
        ({"vertex_dataset": "datasets/1"}, "not the name of a dataset"),
        ({"vertex_dataset": "projects/p/locations/eu/datasets/1"}, "is in eu"),
    ],
)
def test_a_source_is_one_place(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        BATCHES.source(**given)


@pytest.mark.parametrize("dest", ["gs://B/x", "gs://b-b/*", "bq://", "s3://b/x", "", 7])
def test_a_destination_is_a_place(dest: Any) -> None:
    with pytest.raises(InputError) as exc:
        BATCHES.destination(dest, source=GCS, token=TOKEN)

    assert problem(exc)[0] == "dest"


@pytest.mark.parametrize(
    ("source", "staging", "expected"),
    [
        (GCS, "gs://s-s/p", JobDestination(gcs_uri=f"gs://s-s/p/{TOKEN}/output")),
        (GCS, None, JobDestination(gcs_uri=f"gs://my-bucket/input/dest/{TOKEN}")),
        (
            JobSource(bigquery_uri="bq://p.d.t"),
            "gs://s-s/p",
            JobDestination(bigquery_uri=f"bq://p.d.t_dest_{TOKEN}"),
        ),
        (JobSource(gcs_uris=("gs://b-b/*.jsonl",)), None, None),
        (JobSource(gcs_uris=("gs://b-b/x.txt",)), None, None),
        (JobSource(gcs_uris=("gs://b-b/x.jsonl", "gs://b-b/y.jsonl")), None, None),
        (JobSource(vertex_dataset="projects/p/locations/l/datasets/1"), None, None),
    ],
)
def test_a_job_without_a_destination_gets_its_own(
    source: JobSource, staging: str | None, expected: JobDestination | None
) -> None:
    batches = VertexBatches(CODEC, VertexAI(project="p", location="eu", staging=staging))
    if expected is None:
        with pytest.raises(InputError, match="no destination is given"):
            batches.destination(None, source=source, token=TOKEN)
    else:
        assert batches.destination(None, source=source, token=TOKEN) == expected


def test_rows_are_staged_where_the_token_says() -> None:
    assert BATCHES.staged_input(TOKEN) == f"gs://my-bucket/staging/{TOKEN}/input.jsonl"
    with pytest.raises(InputError, match=r"VertexAI\(staging="):
        VertexBatches(CODEC, VertexAI(project="p", location="eu")).staged_input(TOKEN)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"Team": "x"}, "lower-case"),
        ({"team": "A b"}, "lower-case"),
        ({"team": 5}, "is not a string"),
        ({"team": "x" * 65}, "more than 64"),
        ({"": "x"}, "does not begin with a letter"),
        ({"1a": "x"}, "does not begin with a letter"),
        ({"gb_x": "y"}, "this client's own"),
    ],
)
def test_labels_are_checked(labels: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        options(labels=labels)


def test_good_labels_are_sent() -> None:
    labels = {"a-b_1": "", "größe": "ñ" * 64}

    assert options(labels=labels)["labels"] == {**labels, **OWN}


# Other calls


@pytest.mark.parametrize(
    ("request_", "method", "path", "query"),
    [
        (BATCHES.get(NAME), "GET", f"/v1/{NAME}", {}),
        (BATCHES.cancel(NAME), "POST", f"/v1/{NAME}:cancel", {}),
        (BATCHES.delete(NAME), "DELETE", f"/v1/{NAME}", {}),
        (BATCHES.operation("o"), "GET", "/v1/o", {}),
        (
            BATCHES.list(page_size=9, page_token="t&"),
            "GET",
            f"/v1/{PARENT}/batchPredictionJobs",
            {"pageSize": "9", "pageToken": "t&"},
        ),
        (
            BATCHES.list(page_size=9, page_token=None, filter=BATCHES.of_intent(TOKEN)),
            "GET",
            f"/v1/{PARENT}/batchPredictionJobs",
            {"pageSize": "9", "filter": f'labels.gb_intent="{TOKEN}"'},
        ),
    ],
)
def test_other_calls(
    request_: Request, method: str, path: str, query: dict[str, str]
) -> None:
    assert (request_.method, request_.path, request_.query) == (method, path, query)
    assert request_.idempotent
    assert request_.service == "api"


# Answers


def job_drift(job: dict[str, Any]) -> set[str]:
    """Members of a job that nothing reads."""
    rest = dict(job)
    output = {name: rest.pop(name, {}) for name in ("outputConfig", "outputInfo")}
    source, stats = rest.pop("inputConfig", {}), rest.pop("completionStats", {})
    return {
        *unknown_members(source, _InputConfig),
        *unknown_members(output, _Output),
        *unknown_members(stats, _Stats),
        *unknown_members(rest, BatchJob),
    }


def test_drift_is_noticed() -> None:
    """The drift test can fail: a new member at any depth is named."""
    job = recorded_json(JOBS[0])
    job["inputConfig"]["gcsSource"]["depth"] = 1
    job["colour"] = "blue"

    assert job_drift(job) >= {"$.gcsSource.depth", "$.colour"}


@pytest.mark.parametrize("name", JOBS)
def test_recorded_jobs_are_read_whole(name: str) -> None:
    job = BATCHES.read_job(recorded(name))

    assert job.name == NAME
    assert job.id == "6205497615459549184"
    assert job.model == MODEL
    assert job.kind is JobKind.GENERATE
    assert job.create_time == dt.datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)
    assert job.source != JobSource()
    assert job.state.is_known
    known_apart = {"$.modelVersionId"}  # informational (wire-protocol 3.4)
    assert job_drift(recorded_json(name)) <= known_apart


def test_a_dataset_job_is_read() -> None:
    body = {
        **recorded_json("vertex/create-dataset.request.json"),
        "name": NAME,
        "outputInfo": {"vertexMultimodalDatasetName": "datasets/7"},
    }

    job = BATCHES.read_job(json.dumps(body).encode())

    dataset = "projects/my-project/locations/us-central1/datasets/123"
    assert job.source == JobSource(vertex_dataset=dataset)
    assert job.dest == JobDestination(
        bigquery_uri="bq://my-project.my_dataset", vertex_dataset="datasets/7"
    )
    assert job.dest.located
    assert job_drift(body) == set()


def test_a_job_that_succeeded_says_where_its_results_are() -> None:
    job = BATCHES.read_job(recorded("vertex/get-succeeded-gcs.response.json"))

    assert job.state is JobState.SUCCEEDED
    assert job.dest == JobDestination(
        gcs_uri="gs://my-bucket/out/job-0001",
        gcs_directory="gs://my-bucket/out/job-0001/"
        "prediction-model-2026-07-01T12:00:01.829566Z",
    )
    assert job.dest.located
    assert job.completion_stats == CompletionStats(total_count=5, success_count=5)


def test_a_table_of_results_has_its_full_name() -> None:
    job = BATCHES.read_job(recorded("vertex/get-succeeded-bigquery.response.json"))

    assert job.source.bigquery_uri == "bq://my-project.my_dataset.requests"
    table = "bq://my-project.my_dataset.results_20260901"
    assert job.dest == JobDestination(bigquery_uri=table, bigquery_table=table)
    assert job.dest.located


def test_partial_failures_are_on_the_job() -> None:
    job = BATCHES.read_job(recorded("vertex/get-partially-succeeded.response.json"))

    assert job.succeeded
    (failure,) = job.partial_failures
    assert failure.code == 3
    assert failure.details[0]["reason"] == "FILE_UNREADABLE"
    assert job.completion_stats == CompletionStats(
        total_count=5, success_count=3, failure_count=2
    )


def test_an_unknown_count_is_no_total() -> None:
    job = BATCHES.read_job(recorded("vertex/get-running.response.json"))

    assert job.completion_stats == CompletionStats(success_count=2)
    assert job.progress is None
    assert job.dest is not None
    assert not job.dest.located


def test_a_cancelled_job_keeps_its_results_and_its_error() -> None:
    job = BATCHES.read_job(recorded("vertex/get-cancelled.response.json"))

    assert job.cancelled
    assert job.error == RpcStatus(code=1, message="CANCELED")
    assert job.dest is not None
    assert job.dest.located
    assert job.completion_stats == CompletionStats(
        total_count=5, success_count=1, pending_count=4
    )


def test_a_failed_job_has_its_error() -> None:
    job = BATCHES.read_job(recorded("vertex/get-failed.response.json"))

    assert job.failed
    assert job.error is not None
    assert job.error.code == 3


@pytest.mark.parametrize("state", list(JobState))
def test_every_state_is_read(state: JobState) -> None:
    body = {"name": NAME, "state": f"JOB_STATE_{state.upper()}"}

    assert BATCHES.read_job(json.dumps(body).encode()).state is state


def test_a_job_needs_a_name_and_little_else() -> None:
    job = BATCHES.read_job(json.dumps({"name": NAME, "error": None}).encode())

    assert (job.state, job.dest, job.completion_stats, job.intent_token) == (
        JobState.UNSPECIFIED,
        None,
        None,
        None,
    )
    with pytest.raises(DecodeError, match="names no job"):
        BATCHES.read_job(b"{}")


def test_our_own_labels_are_taken_off() -> None:
    body = {
        "name": NAME,
        "displayName": f"nightly--{TOKEN}",
        "labels": {"team": "search", **OWN, "gb_intent": "gb-other"},
    }

    job = BATCHES.read_job(json.dumps(body).encode())

    assert (job.display_name, job.intent_token) == ("nightly", "gb-other")
    assert job.labels == {"team": "search"}


@pytest.mark.parametrize(
    ("model", "labels", "kind"),
    [
        ("publishers/google/models/gemini-embedding-001", {}, JobKind.EMBED),
        ("publishers/google/models/text-embedding-005", {}, JobKind.EMBED),
        ("projects/1/locations/us-central1/models/5", {}, JobKind.GENERATE),
        ("projects/1/locations/us-central1/models/5", {"gb_kind": "embed"}, JobKind.EMBED),
        (
            "publishers/google/models/gemini-embedding-001",
            {"gb_kind": "generate"},
            JobKind.GENERATE,
        ),
        ("publishers/google/models/gemini-embedding-001", {"gb_kind": "x"}, JobKind.EMBED),
    ],
)
def test_the_kind_is_told_by_label_or_model(
    model: str, labels: dict[str, str], kind: JobKind
) -> None:
    body = json.dumps({"name": NAME, "model": model, "labels": labels}).encode()

    assert BATCHES.read_job(body).kind is kind


def test_the_recorded_page_is_read() -> None:
    page = BATCHES.read_page(recorded("vertex/list.response.json"))

    assert [job.state for job in page.items] == [JobState.RUNNING]
    assert page.next_page_token == "tok"
    assert BATCHES.read_page(b"{}").items == ()
    assert not BATCHES.read_page(b"{}").has_more


def test_marks_are_read_whatever_else_is_odd() -> None:
    jobs = [
        {
            "name": NAME,
            "model": MODEL,
            "state": "JOB_STATE_QUEUED",
            "labels": {**OWN},
            "createTime": "2026-07-01T12:00:00Z",
            "completionStats": "nonsense",
        },
        {"name": 5, "displayName": f"x--{TOKEN}", "createTime": "soon", "labels": 7},
        "nonsense",
    ]
    body = json.dumps({"batchPredictionJobs": jobs, "nextPageToken": ""}).encode()

    page = BATCHES.read_summaries(body)

    first, second, third = page.items
    assert (first.name, first.intent_token, first.model) == (NAME, TOKEN, MODEL)
    assert (first.state, first.kind) == (JobState.QUEUED, JobKind.GENERATE)
    assert first.create_time == dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
    assert (second.name, second.intent_token, second.create_time) == ("", TOKEN, None)
    assert (third.name, third.intent_token) == ("", None)
    assert page.next_page_token is None


# Operations


def test_a_delete_is_an_operation() -> None:
    operation = BATCHES.read_operation(recorded("vertex/delete.response.json"))

    name = "projects/123456789012/locations/us-central1/operations/4455667788990011223"
    assert operation == Operation(name=name, done=True)
    pending = BATCHES.read_operation(json.dumps({"name": name}).encode())
    assert pending == Operation(name=name, done=False)


def test_an_empty_answer_is_of_work_that_is_done() -> None:
    assert BATCHES.read_operation(b"{}") == Operation(name=None, done=True)


@pytest.mark.parametrize(
    "name",
    [
        "projects/1/locations/eu/operations/2",
        "projects/1/locations/us-central1/operations/2?x=1",
        "projects/1/locations/us-central1/../operations/2",
        "https://example.com/operations/2",
        "",
    ],
)
def test_an_operation_elsewhere_is_not_asked_for(name: str) -> None:
    with pytest.raises(DecodeError):
        BATCHES.read_operation(json.dumps({"name": name}).encode())


def test_an_operation_of_a_job_has_the_job_in_its_name() -> None:
    name = f"{NAME}/operations/2"
    body = {"name": name, "done": True, "error": {"code": 9, "message": "it runs"}}

    operation = BATCHES.read_operation(json.dumps(body).encode())

    assert operation.error == RpcStatus(code=9, message="it runs")


@pytest.mark.parametrize(
    ("code", "cls", "status"),
    [
        (5, NotFoundError, 404),
        (7, PermissionDeniedError, 403),
        (10, ConflictError, 409),
        (13, ServerError, 500),
        (0, ServerError, 500),
    ],
)
def test_what_an_operation_ended_with_is_an_error_of_its_call(
    code: int, cls: type[APIError], status: int
) -> None:
    said = RpcStatus(code=code, message="why", details=({"reason": "X"},))

    error = BATCHES.operation_error(said, BATCHES.delete(NAME))

    assert type(error) is cls
    assert (error.status_code, error.message, error.method) == (status, "why", "DELETE")
    assert error.details == ({"reason": "X"},)
    assert error.status == said.reason


def test_the_recorded_refusal_is_read() -> None:
    error = read_error(
        CODEC,
        status_code=403,
        headers={},
        body=recorded("vertex/error-403.json"),
        method="POST",
        path="/v1/x",
    )

    assert isinstance(error, PermissionDeniedError)
    assert "batchPredictionJobs.create" in error.message


# Out and in again


@pytest.mark.parametrize("name", JOBS)
def test_a_job_survives_the_round_trip(name: str) -> None:
    job = BATCHES.read_job(recorded(name))

    again = CODEC.structure(json.loads(json.dumps(CODEC.unstructure(job))), BatchJob)

    assert again == job


def test_what_this_client_wrote_on_a_job_goes_out_again() -> None:
    job = BatchJob(
        name=NAME,
        state=JobState.QUEUED,
        kind=JobKind.EMBED,
        display_name="nightly",
        intent_token=TOKEN,
        labels={"team": "search"},
    )

    document = CODEC.unstructure(job)

    assert document["displayName"] == f"nightly--{TOKEN}"
    assert document["labels"] == {"team": "search", "gb_intent": TOKEN, "gb_kind": "embed"}
    assert CODEC.structure(document, BatchJob) == job
