"""A result that is made for a test is as one that a job gave."""

import json
import pickle
from typing import Any

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch import Client
from gemini_batch.errors import DecodeError, InputError
from gemini_batch.testing import Emulator, result
from gemini_batch.types import (
    BatchResult,
    BlockReason,
    Candidate,
    Content,
    EmbedContentResponse,
    EmbedRequest,
    FinishReason,
    FunctionCall,
    GenerateContentResponse,
    Outcome,
    Part,
    PromptFeedback,
    RpcStatus,
    Tally,
    Usage,
)

USAGE = Usage(prompt_token_count=3, candidates_token_count=5, total_token_count=8)
QUOTA = RpcStatus(code=8, message="Quota exceeded.")


@frozen
class Recipe:
    title: str
    minutes: int


SOUP = '{"title": "Soup", "minutes": 30}'


def facts(found: BatchResult) -> dict[str, Any]:
    """Return all that a caller can read of a result."""
    names = ("key", "outcome", "ok", "text", "error", "retryable", "usage", "metadata")
    return {
        **{name: getattr(found, name) for name in names},
        "response": found.response,
        "embedding": found.embedding,
    }


def test_an_answer() -> None:
    found = result("a", text=SOUP, usage=USAGE, index=4)

    assert (found.key, found.index, found.outcome, found.ok) == ("a", 4, Outcome.OK, True)
    assert found.text == SOUP
    assert found.parsed(Recipe) == Recipe("Soup", 30)
    assert found.usage == USAGE
    assert (found.error, found.embedding, found.metadata) == (None, None, {})
    assert json.loads(found.raw)["response"]["candidates"][0]["finishReason"] == "STOP"
    with pytest.raises(DecodeError, match="title"):
        result("a", text="{}").parsed(Recipe)


def test_a_vector() -> None:
    found = result("a", embedding=[0.25, -1.0], usage=USAGE)

    assert found.embedding is not None
    assert found.embedding.tolist() == [0.25, -1.0]
    assert (found.outcome, found.text, found.usage) == (Outcome.OK, None, USAGE)


@pytest.mark.parametrize(
    ("options", "outcome", "why"),
    [
        ({"error": QUOTA}, Outcome.ERROR, "RESOURCE_EXHAUSTED: Quota exceeded."),
        ({"outcome": Outcome.ERROR}, Outcome.ERROR, "INTERNAL: "),
        ({"outcome": Outcome.BLOCKED}, Outcome.BLOCKED, "SAFETY"),
        ({"outcome": Outcome.BLOCKED, "text": "no"}, Outcome.BLOCKED, "SAFETY"),
        ({"finish_reason": FinishReason.SPII}, Outcome.BLOCKED, "SPII"),
        ({"outcome": Outcome.TRUNCATED, "text": "ha"}, Outcome.TRUNCATED, "token limit"),
        ({"outcome": Outcome.EMPTY}, Outcome.EMPTY, "no content"),
        ({"text": ""}, Outcome.EMPTY, "no content"),
        ({"embedding": []}, Outcome.EMPTY, "no values"),
        ({"outcome": Outcome.INVALID}, Outcome.INVALID, "malformed"),
        ({"outcome": Outcome.MISSING}, Outcome.MISSING, "no result for this request"),
        ({"outcome": Outcome.MISSING, "error": QUOTA}, Outcome.MISSING, "Quota"),
    ],
)
def test_what_did_not_end_well(options: Any, outcome: Outcome, why: str) -> None:
    found = result("a", **options)

    assert found.outcome is outcome
    assert not found.ok
    assert why in str(found.error)
    assert found.text == options.get("text")
    assert found.retryable is (outcome is Outcome.ERROR)
    with pytest.raises(DecodeError):
        found.parsed(Recipe)


def test_any_answer_can_be_given_whole() -> None:
    call = Part(function_call=FunctionCall(name="f", args={"x": 1}))
    response = GenerateContentResponse(
        candidates=(Candidate(content=Content(parts=(call,))),), usage_metadata=USAGE
    )
    blocked = GenerateContentResponse(
        prompt_feedback=PromptFeedback(block_reason=BlockReason.SAFETY)
    )

    assert result("a", response=response).response == response
    assert result("a", response=response).ok
    assert result("a", response=blocked, outcome=Outcome.BLOCKED).response == blocked
    assert result("a", response=EmbedContentResponse()).outcome is Outcome.EMPTY


def test_metadata_are_those_of_an_inline_request() -> None:
    assert result("a", text="x", metadata={"n": 1}).metadata == {"n": 1, "key": "a"}
    assert result("a", text="x", metadata={}).metadata == {"key": "a"}
    assert result(None, text="x").key is None
    assert result(None, text="x", metadata={"n": 1}).key is None


def test_answers_of_a_type() -> None:
    found = result("a", text=SOUP, response_type=Recipe)
    wrong = result("a", text="[]", response_type=Recipe, outcome=Outcome.INVALID)

    assert found.parsed() == Recipe("Soup", 30)
    assert (wrong.outcome, wrong.text) == (Outcome.INVALID, "[]")
    assert "Recipe" in str(wrong.error)
    assert result("a", response_type=Recipe, outcome=Outcome.INVALID).error is not None
    with pytest.raises(InputError, match="response_type"):
        result("a", text=SOUP).parsed()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "give text, embedding"),
        ({"text": "a", "error": QUOTA}, "text and error, not both"),
        ({"text": "a", "embedding": [1.0]}, "text and embedding, not both"),
        ({"error": QUOTA, "usage": USAGE}, "error goes without usage"),
        ({"response": GenerateContentResponse(), "usage": USAGE}, "response goes without"),
        (
            {"embedding": [1.0], "finish_reason": FinishReason.STOP},
            "embedding goes without finish_reason",
        ),
        ({"outcome": Outcome.MISSING, "text": "a"}, "a missing result has no text"),
        ({"outcome": Outcome.MISSING, "usage": USAGE}, "a missing result has no usage"),
        ({"outcome": Outcome.OK}, "give outcome empty, not ok"),
        ({"outcome": Outcome.OK, "error": QUOTA}, "give outcome error, not ok"),
        ({"outcome": Outcome.ERROR, "text": "a"}, "not both"),
        ({"outcome": Outcome.EMPTY, "text": "a"}, "give outcome ok, not empty"),
    ],
)
def test_arguments_that_contradict_each_other(options: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        result("a", **options)


@given(key=st.text() | st.none(), text=st.text(min_size=1), with_metadata=st.booleans())
def test_any_key_and_any_text(key: str | None, text: str, with_metadata: bool) -> None:
    found = result(key, text=text, metadata={} if with_metadata else None)

    assert (found.key, found.text, found.outcome) == (key, text, Outcome.OK)
    assert facts(pickle.loads(pickle.dumps(found))) == facts(found)


def test_they_add_up_as_others_do() -> None:
    tally = Tally()

    for found in (result("a", text="x", usage=USAGE), result("b", outcome=Outcome.MISSING)):
        tally.add(found)

    assert (tally.outcomes[Outcome.OK], tally.outcomes[Outcome.MISSING]) == (1, 1)
    assert tally.usage == USAGE


async def test_it_is_as_a_job_gives_it() -> None:
    def model(request: dict[str, Any], _: str) -> Any:
        text = request["contents"][0]["parts"][0]["text"]
        return (
            {"error": {"code": 8, "message": "Quota exceeded."}} if "bad" in text else SOUP
        )

    async with Emulator(speed=1e6) as emulator, Client(emulator.api) as client:
        vectors = await client.batches.submit(
            "gemini-embedding-001", [EmbedRequest.from_text("x", key="v")]
        )
        vectors = await client.batches.poll(vectors, poll_interval=0.01)
        (vector,) = [r async for r in client.batches.results(vectors)]
        emulator.answers(model)
        rows = [
            {"key": key, "request": {"contents": [{"parts": [{"text": key}]}]}}
            for key in ("good", "bad")
        ]
        job = await client.batches.submit("gemini-2.5-flash", rows)
        job = await client.batches.poll(job, poll_interval=0.01)
        job = await client.batches.get(job)
        real = {r.key: r async for r in client.batches.results(job)}

    good, bad = real["good"], real["bad"]
    assert vector.embedding is not None
    made = {
        "good": result("good", response=good.response, metadata=good.metadata),
        "bad": result("bad", error=QUOTA, metadata={}),
    }
    assert facts(made["good"]) == facts(good)
    assert facts(made["bad"]) == facts(bad)
    assert result("good", text=SOUP).parsed(Recipe) == good.parsed(Recipe)
    assert json.loads(made["good"].raw).keys() == json.loads(good.raw).keys()
    assert json.loads(made["bad"].raw).keys() == json.loads(bad.raw).keys()
    ours = result("v", embedding=vector.embedding, usage=vector.usage)
    assert (ours.embedding, ours.outcome) == (vector.embedding, vector.outcome)
    assert ours.usage == vector.usage
