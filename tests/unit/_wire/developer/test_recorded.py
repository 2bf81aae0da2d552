"""Every recorded payload structures, and our types know all of its members."""

import json
from typing import Any

import pytest

from gemini_batch._codec import Codec, ResultDecoder
from gemini_batch._codec.developer_jobs import Batch
from gemini_batch._wire.api_errors import read_error
from gemini_batch._wire.developer.batches import DeveloperBatches
from gemini_batch._wire.developer.files import DeveloperFiles
from gemini_batch.types import (
    EmbedContentResponse,
    File,
    GenerateContentResponse,
    JobKind,
    JobState,
    Outcome,
    RpcStatus,
)
from tests.support.drift import unknown_members
from tests.support.recorded import names, recorded, recorded_json

CODEC = Codec()
BATCHES = DeveloperBatches(CODEC, "v1beta")
FILES = DeveloperFiles(
    CODEC, base_url="https://generativelanguage.googleapis.com", version="v1beta"
)
OPERATIONS = [
    *names("gemini/get-*.response.json"),
    *names("gemini/create-*.response.json"),
    *names("gemini/embed-create.response.json"),
]
LISTS = names("gemini/list-*.response.json")
STATES = {
    "running": JobState.RUNNING,
    "succeeded": JobState.SUCCEEDED,
    "cancelled": JobState.CANCELLED,
    "failed": JobState.FAILED,
    "expired": JobState.EXPIRED,
    "create": JobState.PENDING,
}


def operation_drift(operation: dict[str, Any]) -> list[str]:
    """Members of an operation that nothing reads."""
    known = {"name", "metadata", "done", "response", "error"}
    found = [f"$.{member}" for member in operation if member not in known]
    metadata = dict(operation["metadata"])
    kind = JobKind.EMBED if metadata.pop("@type").endswith("EmbedContentBatch") else None
    cls = EmbedContentResponse if kind else GenerateContentResponse
    outputs = [metadata.pop("output", None), operation.get("response")]
    found += unknown_members(metadata, Batch)
    found += unknown_members(operation.get("error"), RpcStatus | None)
    for output in filter(None, outputs):
        found += [
            m for m in output if m not in {"@type", "responsesFile", "inlinedResponses"}
        ]
        for row in output.get("inlinedResponses", {}).get("inlinedResponses", []):
            found += [m for m in row if m not in {"response", "error", "metadata"}]
            found += unknown_members(row.get("response"), cls)
    return found


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_structures(name: str) -> None:
    document = recorded_json(name)

    job = BATCHES.read_job(recorded(name))

    expected = next(state for word, state in STATES.items() if word in name)
    assert (job.state, job.name) == (expected, document["name"])
    assert type(job.state) is JobState
    assert job.kind == ("embed" if "embed" in name else "generate")
    assert job.done is bool(document.get("done"))


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_has_no_unknown_members(name: str) -> None:
    assert operation_drift(recorded_json(name)) == []


def test_drift_is_noticed() -> None:
    """The drift test can fail: a new member at any depth is named."""
    operation = recorded_json("gemini/get-succeeded-inline.response.json")
    row = operation["response"]["inlinedResponses"]["inlinedResponses"][0]
    row["response"]["candidates"][0]["mood"] = "good"
    operation["metadata"]["colour"] = "blue"

    assert operation_drift(operation) == ["$.colour", "$.candidates[0].mood"]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_structures(name: str) -> None:
    document = recorded_json(name)

    page = BATCHES.read_page(recorded(name))

    assert len(page.items) == len(document.get("operations", []))
    assert page.next_page_token == document.get("nextPageToken")
    assert all(operation_drift(op) == [] for op in document.get("operations", []))


def test_an_update_answers_with_the_plain_resource() -> None:
    name = "gemini/update-priority.response.json"

    job = BATCHES.read_resource(recorded(name), JobKind.GENERATE)

    assert (job.priority, job.state) == (10, JobState.PENDING)
    assert list(unknown_members(recorded_json(name), Batch)) == []


def test_a_pending_job_is_read_whole() -> None:
    (job,) = BATCHES.read_page(recorded("gemini/list-running.response.json")).items

    assert job.completion_stats is not None
    stats = job.completion_stats
    assert (stats.total_count, stats.success_count, stats.failure_count) == (4, 1, 0)
    assert (stats.pending_count, stats.done_count, job.progress) == (3, 1, 25.0)
    assert job.create_time is not None
    assert job.create_time.isoformat() == "2025-09-01T04:13:24.263450+00:00"


def test_inline_results_are_read_from_response_before_metadata() -> None:
    document = recorded_json("gemini/get-succeeded-inline.response.json")
    document["metadata"]["output"]["inlinedResponses"]["inlinedResponses"].clear()

    job = BATCHES.read_job(json.dumps(document).encode())

    assert job.dest is not None
    assert job.dest.inlined_responses is not None
    assert [row.text for row in job.dest.inlined_responses] == ["4", "Jupiter"]


def test_inline_results_are_read_from_metadata_where_there_is_no_response() -> None:
    document = recorded_json("gemini/get-succeeded-inline.response.json")
    del document["response"]

    job = BATCHES.read_job(json.dumps(document).encode())

    assert job.dest is not None
    assert [row.metadata for row in job.dest.inlined_responses or ()] == [
        {"custom_id": "0"},
        {"custom_id": "1"},
    ]


def test_rows_without_a_key_have_none_and_are_not_matched_by_position() -> None:
    job = BATCHES.read_job(
        recorded("gemini/get-succeeded-inline-with-item-error.response.json")
    )

    assert job.dest is not None
    rows = job.dest.inlined_responses or ()
    assert [(row.key, row.index, row.outcome) for row in rows] == [
        (None, 0, Outcome.OK),
        (None, 1, Outcome.ERROR),
        (None, 2, Outcome.OK),
    ]
    assert rows[1].error is not None
    assert rows[1].error.reason == "DEADLINE_EXCEEDED"


def test_inline_embeddings_are_vectors() -> None:
    job = BATCHES.read_job(recorded("gemini/get-embed-succeeded-inline.response.json"))

    assert job.dest is not None
    first, second = job.dest.inlined_responses or ()
    assert (first.key, second.key) == ("sha256:aaa", "sha256:bbb")
    assert first.embedding is not None
    assert first.embedding.tolist() == pytest.approx(
        [-0.01657847, 0.020118287, 0.026177283]
    )
    assert first.usage is not None
    assert first.usage.prompt_token_count == 81


@pytest.mark.parametrize("name", names("files/get-*.response.json"))
def test_a_file_structures(name: str) -> None:
    document = recorded_json(name)

    file = FILES.read_file(recorded(name))

    assert (file.name, file.state) == (document["name"], document["state"])
    assert file.size_bytes == int(document["sizeBytes"])
    assert list(unknown_members(document, File)) == []


def test_a_list_of_files_structures() -> None:
    assert FILES.read_page(recorded("files/list-empty.response.json")).items == ()

    page = FILES.read_page(recorded("files/list.response.json"))

    assert page.has_more
    assert page.items[0].sha256 == (
        "597b96e5c7d2b0d01acdc80dd0bcd653da099bb26d8106b12d870edadf2837fc"
    )


def test_the_recorded_digest_is_that_of_the_recorded_rows() -> None:
    import hashlib

    file = FILES.read_file(recorded("files/get-active.response.json"))

    assert hashlib.sha256(recorded("jsonl/embed-input.jsonl")).hexdigest() == file.sha256


@pytest.mark.parametrize("name", names("jsonl/*output*.jsonl"))
def test_result_rows_structure(name: str) -> None:
    kind = JobKind.EMBED if "embed" in name else JobKind.GENERATE
    cls = EmbedContentResponse if "embed" in name else GenerateContentResponse
    decoder = ResultDecoder(CODEC, kind)
    for index, line in enumerate(recorded(name).splitlines()):
        document = json.loads(line)

        result = decoder.result(line, index)

        assert result.key == document["key"]
        assert result.raw == line
        assert (result.outcome == "error") == ("response" not in document)
        assert list(unknown_members(document.get("response"), cls)) == []


def test_a_response_with_thinking_structures_whole() -> None:
    name = "gemini/generate-response-with-thought-signature.json"

    response = CODEC.loads(recorded(name), GenerateContentResponse)

    assert list(unknown_members(recorded_json(name), GenerateContentResponse)) == []
    assert response.text == "Des Moines"
    assert response.usage_metadata is not None
    assert response.usage_metadata.thoughts_token_count == 62
    content = response.candidates[0].content
    assert content is not None
    assert len(content.parts[0].thought_signature or b"") == 283


@pytest.mark.parametrize("name", names("errors/*.json"))
def test_an_error_is_typed(name: str) -> None:
    status = int(name.removeprefix("errors/")[:3])

    error = read_error(
        CODEC, status_code=status, headers={}, body=recorded(name), method="GET", path="/x"
    )

    assert error.status_code == status
    assert error.message
    assert error.status or "list" in name
    expected = {
        400: "AuthenticationError" if "api-key" in name else "BadRequestError",
        401: "AuthenticationError",
        403: "PermissionDeniedError",
        404: "NotFoundError",
        429: "RateLimitError",
        499: "APIError",
    }
    assert type(error).__name__ == expected.get(status, "ServerError")
