"""What both dialects have in common, and what each of them refuses."""

import json
from typing import Any

import pytest

from gemini_batch._codec import Codec
from gemini_batch._wire.developer.batches import DeveloperBatches
from gemini_batch._wire.developer.files import MAX_FILE_BYTES
from gemini_batch._wire.dialect import Dialect
from gemini_batch._wire.vertex.batches import MAX_DISPLAY_NAME, VertexBatches
from gemini_batch.errors import BadRequestError, InputError
from gemini_batch.types import (
    BatchJob,
    JobDestination,
    JobKind,
    JobSource,
    JobState,
    VertexAI,
    WebhookConfig,
)

CODEC = Codec()
DEVELOPER: Dialect = DeveloperBatches(CODEC, "v1beta")
VERTEX: Dialect = VertexBatches(
    CODEC,
    VertexAI(
        project="p", location="us-central1", base_url="https://h", staging="gs://b-b/s"
    ),
)
TOKEN = "gb" + "0" * 26
NONE: dict[str, Any] = {
    "file_name": None,
    "inlined_requests": None,
    "gcs_uri": None,
    "bigquery_uri": None,
    "vertex_dataset": None,
}
NAME = "projects/1/locations/us-central1/batchPredictionJobs/2"
OPERATION = "projects/1/locations/us-central1/operations/3"


def body(**members: Any) -> bytes:
    return json.dumps(members).encode()


@pytest.mark.parametrize(
    ("dialect", "job", "model"),
    [
        (DEVELOPER, "batches/7", "models/gemini-2.5-flash"),
        (
            VERTEX,
            "projects/p/locations/us-central1/batchPredictionJobs/7",
            "publishers/google/models/gemini-2.5-flash",
        ),
    ],
)
def test_bare_names_are_completed(dialect: Dialect, job: str, model: str) -> None:
    full = dialect.model_name("gemini-2.5-flash")

    assert dialect.job_name("7") == job
    assert (
        dialect.job_name(BatchJob(name=job, state=JobState.PENDING, kind=JobKind.EMBED))
        == job
    )
    assert full == model
    assert dialect.same_model(full, model)
    assert not dialect.same_model(full, dialect.model_name("gemini-2.5-pro"))


@pytest.mark.parametrize(
    "options",
    [
        {"labels": {}},
        {"service_account": "s"},
        {"kms_key_name": "k"},
    ],
)
def test_options_of_vertex_are_refused_by_the_other(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="the Gemini Developer API does not have it"):
        DEVELOPER.check_options(**options)
    with pytest.raises(InputError, match="It belongs to Vertex AI"):
        DEVELOPER.create_options(
            kind=JobKind.EMBED, display_name="x", token=TOKEN, **options
        )
    VERTEX.check_options(**options)


@pytest.mark.parametrize(
    "options", [{"priority": 0}, {"webhook": WebhookConfig(uris=("https://h",))}]
)
def test_options_of_the_developer_api_are_refused_by_the_other(
    options: dict[str, Any],
) -> None:
    with pytest.raises(InputError, match="Vertex AI does not have it"):
        VERTEX.check_options(**options)
    DEVELOPER.check_options(**options)


def test_a_display_name_leaves_room_for_the_token() -> None:
    most = MAX_DISPLAY_NAME - len("--") - len(TOKEN)

    VERTEX.check_options(display_name="x" * most)
    with pytest.raises(InputError, match=f"it has {most + 1} .* up to {most}"):
        VERTEX.check_options(display_name="x" * (most + 1))
    DEVELOPER.check_options(display_name="x" * (most + 1))


@pytest.mark.parametrize(
    "given",
    [
        {"gcs_uri": "gs://b-b/x"},
        {"bigquery_uri": "bq://p.d.t"},
        {"vertex_dataset": "projects/p/locations/l/datasets/1"},
    ],
)
def test_sources_of_vertex_are_refused_by_the_other(given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="It belongs to Vertex AI"):
        DEVELOPER.source(**{**NONE, **given})


def test_a_source_of_the_developer_api_is_one_place() -> None:
    assert DEVELOPER.source(**{**NONE, "file_name": "a"}) == JobSource(file_name="files/a")
    assert DEVELOPER.source(**{**NONE, "inlined_requests": []}) == JobSource()
    with pytest.raises(InputError, match="no source is given"):
        DEVELOPER.source(**NONE)
    with pytest.raises(InputError, match="file_name and inlined_requests are both given"):
        DEVELOPER.source(**{**NONE, "file_name": "a", "inlined_requests": []})


def test_a_destination_is_for_vertex() -> None:
    nowhere = DEVELOPER.destination(None, source=JobSource(), token=TOKEN)
    place = VERTEX.destination(None, source=JobSource(), token=TOKEN)

    assert nowhere == JobDestination()
    assert place == JobDestination(gcs_uri=f"gs://b-b/s/{TOKEN}/output")
    with pytest.raises(InputError, match=r"dest: .* It belongs to Vertex AI"):
        DEVELOPER.destination("gs://b-b/x", source=JobSource(), token=TOKEN)


@pytest.mark.parametrize("kind", list(JobKind))
def test_a_create_of_the_developer_api_is_from_a_file_or_from_rows(kind: JobKind) -> None:
    def made(source: JobSource, rows: list[bytes]) -> Any:
        request = DEVELOPER.create(
            "models/m", source, JobDestination(), {"displayName": "x"}, kind=kind, rows=rows
        )
        assert isinstance(request.body, bytes)
        assert ("EmbedContent" in request.path) is (kind is JobKind.EMBED)
        return json.loads(request.body)["batch"]["inputConfig"]

    assert made(JobSource(file_name="files/a"), []) == {"fileName": "files/a"}
    assert made(JobSource(), [b"{}"]) == {"requests": {"requests": [{}]}}


def test_few_rows_go_inline_where_that_is_possible() -> None:
    own, other = (
        DEVELOPER.input_rules("models/m"),
        VERTEX.input_rules("publishers/g/models/m"),
    )

    assert (own.inline, own.max_bytes, own.max_requests) == (True, MAX_FILE_BYTES, {})
    assert (other.inline, other.max_bytes) == (False, 1_000_000_000)
    assert other.max_requests == {JobKind.GENERATE: 200_000, JobKind.EMBED: 1_000_000}
    assert own.api_rules is not other.api_rules


def test_no_rows_are_written_for_legacy_embeddings() -> None:
    with pytest.raises(InputError, match="model: nothing brings keys through"):
        VERTEX.input_rules("publishers/google/models/text-embedding-005")


@pytest.mark.parametrize(
    "model", ["gemini-embedding-001", "text-multilingual-embedding-002"]
)
def test_no_embedding_model_is_paid_to_generate(model: str) -> None:
    name = VERTEX.model_name(model)
    with pytest.raises(
        InputError, match=f"model: {model} embeds, and is asked to generate"
    ):
        VERTEX.check_kind(JobKind.GENERATE, name)

    VERTEX.check_kind(JobKind.EMBED, name)
    DEVELOPER.check_kind(JobKind.GENERATE, f"models/{model}")  # refused by the service
    # What a model of one's own is called says nothing.
    VERTEX.check_kind(JobKind.GENERATE, "projects/p/locations/us-central1/models/embedding")


def test_a_filter_is_done_where_it_can_be() -> None:
    own, other = DEVELOPER.search('state="running"'), VERTEX.search('state="running"')

    assert (own.sent, other.sent) == (None, 'state="JOB_STATE_RUNNING"')
    for search in (own, other):
        kept = [
            state
            for state in (JobState.RUNNING, JobState.PENDING)
            if search.keeps(BatchJob(name="x", state=state, kind=JobKind.EMBED))
        ]
        assert kept == [JobState.RUNNING]
    with pytest.raises(InputError, match="cannot be read"):
        DEVELOPER.search("running")
    assert VERTEX.search("labels.a:*").sent == "labels.a:*"


def test_an_intent_is_asked_for_or_looked_for() -> None:
    assert DEVELOPER.of_intent(TOKEN) is None
    assert VERTEX.of_intent(TOKEN) == f'labels.gb_intent="{TOKEN}"'


def test_a_delete_is_done_or_asked_on() -> None:
    own = DEVELOPER.delete("batches/a")
    other = VERTEX.delete(NAME)

    assert DEVELOPER.unfinished(b"{}", own) is None
    assert VERTEX.unfinished(b"{}", other) is None
    assert VERTEX.unfinished(body(name=OPERATION, done=True), other) is None
    asking = VERTEX.unfinished(body(name=OPERATION), other)
    assert asking is not None
    assert (asking.method, asking.path) == ("GET", f"/v1/{OPERATION}")
    error = {"code": 9, "message": "it runs"}
    with pytest.raises(BadRequestError, match=f"it runs .DELETE /v1/{NAME}") as caught:
        VERTEX.unfinished(body(name=OPERATION, done=True, error=error), other)
    assert caught.value.status_code == 400


def test_a_look_on_vertex_is_whole() -> None:
    known = BatchJob(name="x", state=JobState.PENDING, kind=JobKind.EMBED, priority=3)
    answer = body(name=NAME, state="JOB_STATE_RUNNING")

    assert VERTEX.poll(NAME) == VERTEX.get(NAME)
    assert VERTEX.read_poll(answer, known) == VERTEX.read_job(answer)
    assert VERTEX.read_resource(answer, JobKind.EMBED) == VERTEX.read_job(answer)
