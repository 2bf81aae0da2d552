"""Hooks of the caller's on the client's converter are called, whatever comes in or goes out."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import attrs
import pytest
from pydantic import BaseModel

from gemini_batch import BatchJob, Client, EmbedRequest, GenerateRequest, Outcome
from gemini_batch.testing import Emulator
from gemini_batch.types import (
    Candidate,
    CompletionStats,
    Content,
    ContentEmbedding,
    EmbedContentResponse,
    File,
    FinishReason,
    GenerateContentResponse,
    JobDestination,
    JobSource,
    JobState,
    ModalityTokenCount,
    Part,
    PromptFeedback,
    RpcStatus,
    SafetyRating,
    StoredObject,
    Usage,
)
from tests.apis.sides import Side
from tests.support.rows import EMBED_MODEL, MODEL, jsonl, row

DAY = 24 * 3600 - 60
OF_JOBS = (BatchJob, JobState, CompletionStats, JobSource, JobDestination)
OF_ANSWERS = (
    GenerateContentResponse,
    Candidate,
    Content,
    Part,
    FinishReason,
    Usage,
    ModalityTokenCount,
)
OF_WIRE = (
    *OF_JOBS,
    *OF_ANSWERS,
    ContentEmbedding,
    EmbedContentResponse,
    File,
    PromptFeedback,
    RpcStatus,
    SafetyRating,
    StoredObject,
)


@attrs.frozen
class Verdict:
    good: bool
    reasons: list["Reason"] = attrs.field(factory=list)


@attrs.frozen
class Reason:
    text: str


@dataclass
class Plain:
    good: bool


class Model(BaseModel):
    good: bool


GOOD = {"good": True, "reasons": [{"text": "a"}, {"text": "b"}]}


def watch(client: Client, *classes: Any) -> Counter[Any]:
    """Count the calls of hooks that wrap those the converter has."""
    calls: Counter[Any] = Counter()
    for cls in classes:
        client.converter.register_structure_hook(cls, watcher(client, cls, calls))
    return calls


def watcher(client: Client, cls: Any, calls: Counter[Any]) -> Callable[[Any, Any], Any]:
    inner = client.converter.get_structure_hook(cls)

    def hook(value: Any, kind: Any) -> Any:
        calls[cls] += 1
        return inner(value, kind)

    return hook


async def ended(
    side: Side, client: Client, *requests: Any, model: str = MODEL, **options: Any
) -> BatchJob:
    job = await client.batches.submit(model, requests, **options)
    side.clock.advance(DAY)
    return await client.batches.get(job)


async def test_hooks_for_jobs_answers_and_own_classes_are_called(
    side: Side, client: Client, emulator: Emulator
) -> None:
    """In no order: they hold from the first call on."""
    emulator.answers(lambda *_: json.dumps(GOOD))
    calls = watch(client, BatchJob, CompletionStats, Candidate, Verdict)

    job = await ended(side, client, row("a"), row("b"), response_type=Verdict)
    results = [r async for r in client.batches.results(job, response_type=Verdict)]

    assert job.completion_stats == CompletionStats(total_count=2, success_count=2)
    assert [r.parsed() for r in results] == [Verdict(True, [Reason("a"), Reason("b")])] * 2
    assert calls[BatchJob] >= 2
    assert calls[CompletionStats] >= 1
    # A row is not judged without being read, nor `parsed` without being structured anew.
    assert (calls[Candidate], calls[Verdict]) == (0, 2)
    assert [r.outcome for r in results] == [Outcome.OK] * 2
    assert (calls[Candidate], calls[Verdict]) == (2, 4)


async def test_what_hooks_return_is_what_there_is(side: Side, client: Client) -> None:
    @attrs.frozen(kw_only=True)
    class MyJob(BatchJob):
        note: str = "mine"

    def my_job(document: Any, _: Any) -> MyJob:
        job = inner(document, BatchJob)
        return MyJob(**{f.name: getattr(job, f.name) for f in attrs.fields(BatchJob)})

    converter = client.converter
    inner = converter.get_structure_hook(BatchJob)
    converter.register_structure_hook(BatchJob, my_job)
    converter.register_structure_hook(CompletionStats, lambda *_: CompletionStats())
    converter.register_structure_hook(Candidate, lambda *_: Candidate(index=7))
    converter.register_structure_hook(Usage, lambda v, _: Usage(service_tier=str(v)))

    job = await ended(side, client, row("a"))
    (result,) = [r async for r in client.batches.results(job)]

    assert isinstance(job, MyJob)
    assert (job.note, job.completion_stats) == ("mine", CompletionStats())
    assert result.response is not None
    assert result.response.candidates == (Candidate(index=7),)
    assert result.usage is not None
    assert "promptTokenCount" in (result.usage.service_tier or "")


@pytest.mark.parametrize("cls", OF_WIRE)
async def test_every_class_of_the_wire_has_a_hook_to_wrap(
    client: Client, cls: type[Any]
) -> None:
    assert callable(client.converter.get_structure_hook(cls))
    assert callable(client.converter.get_unstructure_hook(cls))


@pytest.mark.parametrize("stored", [False, True])
async def test_hooks_are_called_for_all_of_a_job_and_its_answers(
    side: Side, client: Client, stored: bool
) -> None:
    """Inline results, results of files, and those in Cloud Storage."""
    calls = watch(client, *OF_JOBS, *OF_ANSWERS)
    rows = [row("a"), row("b")]
    if stored:
        source = await side.store(client, jsonl(*rows))
        job = await client.batches.create(MODEL, **source)
        side.clock.advance(DAY)
    else:
        job = await ended(side, client, *rows)

    async for result in client.batches.results(await client.batches.get(job)):
        assert result.ok

    assert set(calls) == {*OF_JOBS, *OF_ANSWERS} - ({JobSource} - set(calls))
    assert JobSource in calls or (not stored and side.prefix == "BATCH_STATE_")
    assert calls[Candidate] == calls[Part] == calls[GenerateContentResponse] == 2
    assert calls[ModalityTokenCount] >= 2


async def test_hooks_are_called_for_pages_and_polls(side: Side, client: Client) -> None:
    job = await client.batches.submit(MODEL, [row("a")])
    calls = watch(client, BatchJob, JobState, CompletionStats)
    side.script(job, "QUEUED", "RUNNING", "RUNNING", "SUCCEEDED")

    (listed,) = [each async for each in client.batches.list_all()]
    assert calls[BatchJob] == calls[JobState] == 1
    assert listed.name == job.name

    seen = [p.job async for p in client.batches.wait(job, poll_interval=0.002)]

    assert len(seen) == 4
    # On the Developer API the last poll is a part, and the whole job is got after it.
    assert calls[BatchJob] == calls[JobState] == 5 + (side.prefix == "BATCH_STATE_")


async def test_hooks_are_called_for_what_went_wrong(side: Side, client: Client) -> None:
    calls = watch(client, RpcStatus, PromptFeedback, FinishReason, SafetyRating)

    job = await ended(
        side,
        client,
        row("a", "[emulator:error:13]"),
        row("b", "[emulator:block]"),
        row("c", "[emulator:safety]"),
    )
    ends = {r.key: r.outcome async for r in client.batches.results(job)}

    assert ends == {"a": Outcome.ERROR, "b": Outcome.BLOCKED, "c": Outcome.BLOCKED}
    assert (calls[RpcStatus], calls[PromptFeedback], calls[FinishReason]) == (1, 1, 1)
    assert calls[SafetyRating] >= 1


async def test_a_job_that_failed_has_its_error_from_the_hook(
    side: Side, client: Client
) -> None:
    calls = watch(client, RpcStatus)
    job = await client.batches.submit(MODEL, [row("a")])
    side.script(job, {"state": "FAILED", "error": {"code": 13, "message": "no"}})

    failed = await client.batches.get(job)

    assert failed.error == RpcStatus(code=13, message="no")
    assert calls[RpcStatus] == 1


async def test_hooks_are_called_for_embeddings(side: Side, client: Client) -> None:
    calls = watch(client, EmbedContentResponse, ContentEmbedding)
    requests = [EmbedRequest.from_text("Hello", key=key) for key in "ab"]

    job = await ended(side, client, *requests, model=EMBED_MODEL)
    embeddings = await client.batches.collect_embeddings(job)

    assert sorted(embeddings.keys) == ["a", "b"]
    assert (calls[EmbedContentResponse], calls[ContentEmbedding]) == (2, 2)


# Classes of the caller's


@pytest.mark.parametrize("cls", [Verdict, Plain, Model])
async def test_own_classes_are_made_by_their_hooks(
    side: Side, client: Client, emulator: Emulator, cls: Any
) -> None:
    emulator.answers(lambda *_: json.dumps(GOOD))
    made = cls(good=False)
    client.converter.register_structure_hook(cls, lambda *_: made)

    job = await ended(side, client, row("a"))
    (result,) = [r async for r in client.batches.results(job)]
    (typed,) = [r async for r in client.batches.results(job, response_type=cls)]

    assert result.parsed(cls) is made
    assert typed.parsed() is made
    assert result.parsed(cls | None) is made


async def test_hooks_hold_inside_of_own_classes_and_lists(
    side: Side, client: Client, emulator: Emulator
) -> None:
    emulator.answers(lambda *_: json.dumps([GOOD, {"good": False}]))
    calls = watch(client, Reason)
    client.converter.register_structure_hook(bool, lambda value, _: not value)

    job = await ended(side, client, row("a"))
    (result,) = [r async for r in client.batches.results(job)]

    assert result.parsed(list[Verdict]) == [
        Verdict(False, [Reason("a"), Reason("b")]),
        Verdict(True),
    ]
    assert calls[Reason] == 2


async def test_an_answer_is_not_the_wire(
    side: Side, client: Client, emulator: Emulator
) -> None:
    """What proto3 may write for a number or leave out does not fit a class of the caller's."""

    @attrs.frozen
    class Counted:
        count: int
        share: float = 0.0
        tags: list[str] = attrs.field(factory=list)

    answers = iter(
        [
            {"count": 1, "share": 2},
            {"count": "1"},
            {"count": 1.0},
            {"count": 1, "share": "NaN"},
            {"count": 1, "tags": None},
        ]
    )
    emulator.answers(lambda *_: json.dumps(next(answers)))

    job = await ended(side, client, *(row(f"k{n}") for n in range(5)))
    results = [r async for r in client.batches.results(job, response_type=Counted)]

    assert sorted(r.outcome for r in results) == [Outcome.INVALID] * 4 + [Outcome.OK]
    assert [r.parsed() for r in results if r.ok] == [Counted(1, 2.0)]
    # The package's own types are of the wire: the emulator writes counts as texts.
    assert all(r.usage is not None and r.usage.total_token_count for r in results)


# The way out


async def test_hooks_are_called_on_the_way_out(side: Side, client: Client) -> None:
    converter = client.converter
    inner = converter.get_unstructure_hook(GenerateRequest)
    converter.register_unstructure_hook(
        GenerateRequest, lambda value: inner(attrs.evolve(value, key=f"<{value.key}>"))
    )
    converter.register_unstructure_hook(Part, lambda part: {"text": part.text.upper()})

    job = await client.batches.submit(MODEL, [GenerateRequest.from_text("Hello", key="a")])

    (sent,) = side.rows_of(job)
    assert sent["key"] == "<a>"
    assert sent["request"]["contents"] == [{"role": "user", "parts": [{"text": "HELLO"}]}]
