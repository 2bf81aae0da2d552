"""Calls and answers of the Developer API, beyond the recorded ones."""

import json
from typing import Any

import pytest

from gemini_batch._codec import Codec
from gemini_batch._wire.developer.batches import DeveloperBatches
from gemini_batch._wire.developer.files import DeveloperFiles
from gemini_batch._wire.http import (
    Pace,
    Request,
    Response,
    StreamedBody,
)
from gemini_batch._wire.storage_protocols import DEFAULT_GRANULARITY
from gemini_batch.errors import DecodeError, TransportError
from gemini_batch.types import JobKind, JobState, WebhookConfig
from tests.support.recorded import recorded_json

CODEC = Codec()
BATCHES = DeveloperBatches(CODEC, "v1beta")
FILES = DeveloperFiles(CODEC, base_url="https://h.googleapis.com", version="v1beta")


def sent(request: Request) -> Any:
    """Return the JSON a request carries."""
    assert isinstance(request.body, bytes)
    return json.loads(request.body)


def test_a_create_from_a_file_is_as_recorded() -> None:
    expected = recorded_json("gemini/create-file.request.json")
    options = BATCHES.create_options(
        kind=JobKind.GENERATE,
        token="gb0",
        display_name="nightly-2026-10-01",
        priority=0,
        webhook=WebhookConfig(
            uris=("https://hooks.example.com/gemini",),
            user_metadata={"intent": "01JABCDEF"},
        ),
    )

    request = BATCHES.create_from_file(
        JobKind.GENERATE, "models/gemini-2.5-flash", "files/9ipl31k7go00", options
    )

    assert sent(request) == expected
    assert request.path == "/v1beta/models/gemini-2.5-flash:batchGenerateContent"
    assert not request.idempotent


@pytest.mark.parametrize(
    ("name", "kind", "method"),
    [
        ("gemini/create-inline.request.json", JobKind.GENERATE, ":batchGenerateContent"),
        (
            "gemini/embed-create-inline.request.json",
            JobKind.EMBED,
            ":asyncBatchEmbedContent",
        ),
    ],
)
def test_an_inline_create_is_as_recorded(name: str, kind: JobKind, method: str) -> None:
    expected = recorded_json(name)
    rows = expected["batch"]["inputConfig"]["requests"]["requests"]
    options = {"displayName": expected["batch"]["displayName"]}

    request = BATCHES.create_inline(
        kind, "models/m", [json.dumps(row).encode() for row in rows], options
    )

    assert sent(request) == expected
    assert request.path.endswith(method)


def test_a_create_without_options_is_whole_json() -> None:
    request = BATCHES.create_inline(JobKind.GENERATE, "models/m", [b"{}"], {})

    assert sent(request) == {"batch": {"inputConfig": {"requests": {"requests": [{}]}}}}


def test_a_job_is_read_for_as_long_as_it_flows() -> None:
    """An inline job brings all of its results along."""
    assert BATCHES.get("batches/a").pace is Pace.STREAM


def test_an_update_is_as_recorded() -> None:
    request = BATCHES.update_priority("batches/a", JobKind.GENERATE, 10)

    assert sent(request) == recorded_json("gemini/update-priority.request.json")
    assert request.query == {"updateMask": "priority"}
    embed = BATCHES.update_priority("batches/a", JobKind.EMBED, 10)
    assert embed.path.endswith(":updateEmbedContentBatch")


def operation(**metadata: object) -> bytes:
    return json.dumps({"name": "batches/a", "metadata": metadata}).encode()


@pytest.mark.parametrize(
    ("wire", "state"),
    [
        ("BATCH_STATE_RUNNING", JobState.RUNNING),
        ("JOB_STATE_RUNNING", JobState.RUNNING),
        ("JOB_STATE_PARTIALLY_SUCCEEDED", JobState.PARTIALLY_SUCCEEDED),
        ("BATCH_STATE_UNSPECIFIED", JobState.UNSPECIFIED),
        ("", JobState.UNSPECIFIED),
        ("BATCH_STATE_BORN_NEXT_YEAR", "born_next_year"),
    ],
)
def test_both_prefixes_are_taken_off(wire: str, state: JobState) -> None:
    assert BATCHES.read_job(operation(state=wire)).state == state


@pytest.mark.parametrize(
    ("rest", "state"),
    [
        ({"error": {"code": 1}}, JobState.CANCELLED),
        ({"error": {"code": 13}}, JobState.FAILED),
        ({"response": {}}, JobState.SUCCEEDED),
        ({"metadata": {"output": {"responsesFile": "files/x"}}}, JobState.SUCCEEDED),
        ({}, JobState.FAILED),
    ],
)
@pytest.mark.parametrize("wire", ["", "BATCH_STATE_BORN_NEXT_YEAR", "BATCH_STATE_RUNNING"])
def test_what_is_done_has_ended_whatever_its_state_is_called(
    rest: dict[str, Any], state: JobState, wire: str
) -> None:
    metadata = {"state": wire, **rest.get("metadata", {})}
    operation = {"name": "batches/a", "done": True, **rest, "metadata": metadata}

    assert BATCHES.read_job(json.dumps(operation).encode()).state is state


def test_nulls_and_unknown_counts_are_read() -> None:
    operation = {
        "name": "batches/a",
        "error": None,
        "response": None,
        "metadata": {
            "state": "BATCH_STATE_RUNNING",
            "output": None,
            "inputConfig": None,
            "priority": None,
            "batchStats": {"requestCount": "-1", "failedRequestCount": None},
        },
    }

    job = BATCHES.read_job(json.dumps(operation).encode())

    assert (job.error, job.dest, job.priority, job.progress) == (None, None, 0, None)


def test_a_job_needs_a_name_and_little_else() -> None:
    job = BATCHES.read_job(b'{"name": "batches/a"}')

    assert (job.state, job.dest, job.completion_stats) == (JobState.UNSPECIFIED, None, None)
    assert BATCHES.read_job(b'{"metadata": {"name": "batches/b"}}').name == "batches/b"
    with pytest.raises(DecodeError, match="names no job"):
        BATCHES.read_job(b"{}")


def test_an_output_without_anything_is_none() -> None:
    assert BATCHES.read_job(operation(output={})).dest is None


def test_inline_results_may_be_an_empty_message() -> None:
    job = BATCHES.read_job(operation(output={"inlinedResponses": {}}))

    assert job.dest is not None
    assert job.dest.inlined_responses == ()
    assert "<0 results>" in repr(job.dest)
    assert "inlined_responses=None" in repr(
        BATCHES.read_job(operation(output={"responsesFile": "files/x"})).dest
    )


def test_an_upload_starts_as_recorded() -> None:
    expected = recorded_json("files/upload-start.request.json")

    request = FILES.start_upload(
        name="files/a", size=202, mime_type="application/jsonl", display_name="x"
    )

    headers = {
        **request.headers,
        "Content-Type": "application/json",
        "x-goog-api-key": "<KEY>",
    }
    assert headers == expected["_headers"]
    assert request.path == "/upload/v1beta/files"
    bare = FILES.start_upload(name="files/a", size=1, mime_type="a/b", display_name=None)
    assert sent(bare) == {"file": {"name": "files/a", "mimeType": "a/b"}}


BODY = StreamedBody(length=0, open=lambda: pytest.fail("not opened"))


def response(body: bytes = b"", **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=200, headers=named, body=body)


def test_chunks_and_queries_are_as_recorded() -> None:
    started = recorded_json("files/upload-start.response-headers.json")
    url = started["X-Goog-Upload-URL"].replace("generativelanguage", "h")
    session = FILES.read_session(
        Response(
            status=200,
            headers={
                **{name.lower(): value for name, value in started.items()},
                "x-goog-upload-url": url,
            },
            body=b"",
        )
    )
    assert session.granularity == 262_144
    assert "upload_id" not in repr(session)
    for name, request in [
        ("upload-chunk", FILES.upload_chunk(session, offset=0, body=BODY, last=False)),
        ("upload-final", FILES.upload_chunk(session, offset=8388608, body=BODY, last=True)),
        ("upload-query", FILES.query_upload(session)),
    ]:
        expected = recorded_json(f"files/{name}.exchange.json")["request_headers"]
        del expected["Content-Length"]  # aiohttp's business
        assert request.headers == expected
        assert request.url == url
        assert url not in repr(request)


@pytest.mark.parametrize("granularity", ["", "0", "-5", "many"])
def test_a_granularity_that_makes_no_sense_is_the_default(granularity: str) -> None:
    answer = response(
        x_goog_upload_url="https://h.googleapis.com/u",
        x_goog_upload_chunk_granularity=granularity,
    )

    assert FILES.read_session(answer).granularity == DEFAULT_GRANULARITY


def test_upload_answers_are_read() -> None:
    active = FILES.read_upload(
        response(x_goog_upload_status="active", x_goog_upload_size_received="8388608")
    )
    final = FILES.read_upload(response(x_goog_upload_status="FINAL"))
    cancelled = FILES.read_upload(response(x_goog_upload_status="cancelled"))

    assert (active.status, active.received) == ("active", 8388608)
    assert (final.status, final.file) == ("final", None)
    assert (cancelled.status, cancelled.received) == ("cancelled", None)
    with pytest.raises(TransportError, match="does not tell"):
        FILES.read_upload(response())


def test_a_download_begins_anywhere() -> None:
    assert "Range" not in FILES.download("files/a").headers
    assert FILES.download("files/a", start=5).headers["Range"] == "bytes=5-"
