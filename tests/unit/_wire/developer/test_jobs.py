"""Jobs as they come: read once, their outputs left where they lie."""

import copy
import json
import pickle
from typing import Any

import pytest
from attrs import evolve, exceptions

from gemini_batch._codec import Codec
from gemini_batch._codec.results.inline_results import Results
from gemini_batch._wire.developer.batches import DeveloperBatches
from gemini_batch._wire.intent_token import new_token
from gemini_batch.errors import DecodeError
from gemini_batch.types import (
    BatchJob,
    BatchResult,
    CompletionStats,
    JobKind,
    JobState,
    Outcome,
    RpcStatus,
)
from tests.support.recorded import names, recorded

CODEC = Codec()
BATCHES = DeveloperBatches(CODEC, "v1beta")


def answer(text: str) -> dict[str, Any]:
    return {"response": {"candidates": [{"content": {"parts": [{"text": text}]}}]}}


def job_with(rows: list[Any]) -> BatchJob:
    output = {"inlinedResponses": {"inlinedResponses": rows}}
    operation = {"name": "batches/a", "done": True, "response": output}
    return BATCHES.read_job(json.dumps(operation).encode())


def results(count: int) -> Results:
    rows = [{**answer(f"t{n}"), "metadata": {"key": f"k{n}"}} for n in range(count)]
    dest = job_with(rows).dest
    assert dest is not None
    assert isinstance(dest.inlined_responses, Results)
    return dest.inlined_responses


# Inline results


def test_inline_results_are_made_when_asked_for_and_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from gemini_batch._codec import ResultDecoder

    made: list[int] = []
    original = ResultDecoder.result

    def count(self: ResultDecoder, raw: bytes, index: int) -> BatchResult:
        made.append(index)
        return original(self, raw, index)

    monkeypatch.setattr(ResultDecoder, "result", count)
    rows = results(5)

    assert (len(rows), made) == (5, [])
    assert rows[3].key == "k3"
    assert rows[3] is rows[-2]
    assert made == [3]
    assert [row.index for row in rows] == [0, 1, 2, 3, 4]
    assert made == [3, 0, 1, 2, 4]


def test_inline_results_are_like_a_tuple() -> None:
    rows = results(4)
    plain = tuple(rows)

    assert rows == plain
    assert plain == rows
    assert rows == rows  # noqa: PLR0124 - equal to itself, by its items
    assert hash(rows) == hash(plain)
    assert rows != plain[:3]
    assert rows != list(plain)
    assert rows != results(4)
    assert rows[1:3] == plain[1:3]
    assert rows[::-1] == plain[::-1]
    assert plain[2] in rows
    assert rows.index(plain[2]) == 2
    assert list(reversed(rows)) == list(plain[::-1])
    first, *others = rows
    assert (first, tuple(others)) == (plain[0], plain[1:])
    assert repr(rows) == "<4 results>"
    assert not results(0)
    for index in (4, -5):
        with pytest.raises(IndexError):
            rows[index]
    with pytest.raises(TypeError):
        rows["1"]  # type: ignore[call-overload]


@pytest.mark.parametrize("read", [0, 2, 4])
def test_inline_results_can_be_pickled_and_copied(read: int) -> None:
    rows = results(4)
    for row in rows[:read]:
        assert row.text

    for other in (pickle.loads(pickle.dumps(rows)), copy.deepcopy(rows)):
        assert [row.key for row in other] == ["k0", "k1", "k2", "k3"]
        assert [row.text for row in other] == ["t0", "t1", "t2", "t3"]


def test_jobs_with_inline_results_hash_and_compare() -> None:
    job = job_with([answer("x")])

    assert job == copy.copy(job)
    assert hash(job.dest) == hash(copy.copy(job.dest))
    assert job != job_with([answer("x")])


def test_a_row_that_is_no_object_is_a_result_all_the_same() -> None:
    dest = job_with([answer("x"), "a text", 5, None, {"error": {"code": 13}}]).dest

    assert dest is not None
    assert dest.inlined_responses is not None
    outcomes = [row.outcome for row in dest.inlined_responses]
    assert outcomes[0] is Outcome.OK
    assert outcomes[1:4] == [Outcome.INVALID] * 3
    assert outcomes[4] is Outcome.ERROR


def test_a_row_outlives_the_answer_it_came_in() -> None:
    rows = results(2)
    first = rows[0]
    del rows

    assert json.loads(first.raw)["metadata"] == {"key": "k0"}
    assert first.text == "t0"


# What is wrong


def stats_of(count: object) -> bytes:
    metadata = {"name": "batches/a", "batchStats": {"requestCount": count}}
    return json.dumps({"metadata": metadata}).encode()


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"<html>", "expected JSON"),
        (b'{"name": 5}', r"expected a string, got int @ \$.name"),
        (b'{"metadata": []}', r"Expected `object \| null`, got `array` - at `\$.metadata`"),
        (
            b'{"name": "batches/a", "metadata": {"state": 1}}',
            r"a string, got int @ \$.state",
        ),
        (stats_of("x"), r"got str @ \$.completion_stats.total_count"),
        (stats_of(True), r"got bool @ \$.completion_stats.total_count"),
        (
            b'{"name": "batches/a", "metadata": {"priority": 1.5}}',
            r"got float @ \$.priority",
        ),
        (b'{"metadata": {"output": {"inlinedResponses": [1]}}}', "inlinedResponses"),
        (b'{"name": "batches/a", "metadata": {"createTime": "now"}}', "'now'"),
        (
            b'{"name": "batches/a", "metadata": {"endTime": "2026-01-01T00:00:00"}}',
            "without a zone",
        ),
        (b'{"name": "batches/a", "error": 5}', r"an object, got int @ \$.error"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(body: bytes, complaint: str) -> None:
    with pytest.raises(DecodeError, match=complaint):
        BATCHES.read_job(body)


def test_int64s_come_in_any_of_their_spellings() -> None:
    stats = {"requestCount": "9", "successfulRequestCount": 2, "failedRequestCount": 3.0}
    metadata = {"priority": "-4", "batchStats": stats}
    body = json.dumps({"name": "batches/a", "metadata": metadata}).encode()

    job = BATCHES.read_job(body)

    assert job.priority == -4
    assert job.completion_stats == CompletionStats(
        total_count=9, success_count=2, failure_count=3
    )


def test_other_zones_become_utc() -> None:
    metadata = {"createTime": "2026-01-01T02:00:00.1234567+02:00"}
    body = json.dumps({"name": "batches/a", "metadata": metadata}).encode()

    made = BATCHES.read_job(body).create_time

    assert made is not None
    assert made.isoformat() == "2026-01-01T00:00:00.123456+00:00"


# Parts of a job


def test_a_part_leaves_the_rest_as_it_was_known() -> None:
    whole = {
        "@type": "type.googleapis.com/x.EmbedContentBatch",
        "name": "batches/a",
        "model": "models/m",
        "displayName": "mine",
        "createTime": "2026-01-01T00:00:00Z",
        "state": "BATCH_STATE_RUNNING",
        "webhookConfig": {"uris": ["https://h.example"], "userMetadata": {"a": 1}},
        "inputConfig": {"fileName": "files/x"},
    }
    known = BATCHES.read_job(json.dumps({"metadata": whole}).encode())
    part = {"metadata": {"state": "BATCH_STATE_PAUSED", "displayName": "yours"}}

    job = BATCHES.read_poll(json.dumps(part).encode(), known)

    assert (job.state, job.display_name) == (JobState.PAUSED, "yours")
    for member in ("name", "kind", "model", "create_time", "webhook", "source"):
        assert getattr(job, member) == getattr(known, member), member
    assert job.kind is JobKind.EMBED
    assert job.webhook is not None
    assert job.webhook.uris == ("https://h.example",)


# Marks


def test_marks_are_read_whatever_else_is_odd() -> None:
    page = {
        "operations": [
            {
                "name": "batches/a",
                "metadata": {"state": "BATCH_STATE_RUNNING", "output": 5},
            },
            {"name": "batches/b", "metadata": "a text"},
            {"metadata": {"name": "batches/c", "createTime": "now", "model": 7}},
            5,
        ]
    }

    marks = BATCHES.read_summaries(json.dumps(page).encode()).items

    assert [mark.name for mark in marks] == ["batches/a", "batches/b", "batches/c", ""]
    assert [mark.state for mark in marks] == ["running", *["unspecified"] * 3]
    assert marks[2].create_time is None
    assert marks[2].model == ""


def test_marks_of_a_list_that_is_not_whole_are_none() -> None:
    with pytest.raises(DecodeError, match="could not list all"):
        BATCHES.read_summaries(b'{"operations": [], "unreachable": ["somewhere"]}')


# Frozen values


def test_a_quickly_made_value_is_like_any_other() -> None:
    """The converter fills frozen values slot by slot."""
    made = CODEC.structure({"requestCount": "4", "failedRequestCount": 2}, CompletionStats)

    assert made == CompletionStats(total_count=4, failure_count=2)
    assert type(made) is CompletionStats
    assert hash(made) == hash(copy.copy(made)) == hash(pickle.loads(pickle.dumps(made)))
    with pytest.raises(exceptions.FrozenInstanceError):
        made.total_count = 5  # type: ignore[misc]


# Out and in again


@pytest.mark.parametrize("name", names("gemini/get-*.response.json"))
def test_a_job_survives_the_round_trip(name: str) -> None:
    job = BATCHES.read_job(recorded(name))

    again = CODEC.structure(json.loads(json.dumps(CODEC.unstructure(job))), BatchJob)

    assert evolve(again, dest=None) == evolve(job, dest=None)
    if job.dest is not None and job.dest.inlined_responses is not None:
        assert again.dest is not None
        raws = [json.loads(row.raw) for row in job.dest.inlined_responses]
        assert [json.loads(row.raw) for row in again.dest.inlined_responses or ()] == raws
    else:
        assert again == job


def test_the_token_goes_back_into_the_display_name() -> None:
    token = new_token()
    job = BatchJob(
        name="batches/a",
        state=JobState("born_next_year"),
        kind=JobKind.EMBED,
        display_name="mine",
        intent_token=token,
        error=RpcStatus(code=1),
    )

    document = CODEC.unstructure(job)

    assert document["metadata"]["displayName"] == f"mine--{token}"
    assert CODEC.structure(document, BatchJob) == job
