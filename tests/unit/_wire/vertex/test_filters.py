"""Filters that the service applies, and what is left to do of them."""

import datetime as dt
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch._codec import Codec
from gemini_batch._wire.vertex.batches import VertexBatches
from gemini_batch.errors import InputError
from gemini_batch.types import BatchJob, JobKind, JobState, VertexAI

BATCHES = VertexBatches(Codec(), VertexAI(project="p", location="us-central1"))
JOB = BatchJob(
    name="projects/1/locations/us-central1/batchPredictionJobs/2",
    state=JobState.RUNNING,
    kind=JobKind.GENERATE,
    model="publishers/google/models/gemini-2.5-flash",
    display_name="nightly",
    create_time=dt.datetime(2026, 7, 1, tzinfo=dt.UTC),
)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("state=running", 'state="JOB_STATE_RUNNING"'),
        ("state!=JOB_STATE_FAILED", 'state!="JOB_STATE_FAILED"'),
        (
            'create_time>="2026-06-01T00:00:00Z" AND state="BATCH_STATE_RUNNING"',
            'create_time>="2026-06-01T00:00:00Z" AND state="JOB_STATE_RUNNING"',
        ),
        ("display_name=nightly", 'display_name:"nightly*"'),
        ('display_name:"night*"', 'display_name:"night*"'),
        ('display_name:"n*y"', None),
        ('display_name:"*"', None),
        ('display_name!="daily"', None),
        ("model=gemini-2.5-flash", None),
        ('model="models/gemini-2.5-flash" AND state=running', 'state="JOB_STATE_RUNNING"'),
        ("model!=gemini-2.5-pro", None),
        ("state!=dreaming", None),
        (
            'display_name=nightly AND labels.team="a b" AND labels.x:*',
            'display_name:"nightly*" AND labels.team="a b" AND labels.x:*',
        ),
        ("model_display_name!=x AND model=gemini-2.5-flash", "model_display_name!=x"),
    ],
)
def test_a_filter_of_both_apis(text: str, sent: str | None) -> None:
    search = BATCHES.search(text)

    assert search.sent == sent
    assert search.keeps(JOB)


@pytest.mark.parametrize(
    "text",
    [
        "display_name=night",
        'display_name:"night"',
        "state=failed",
        "model=gemini-2.5-pro",
        "model!=gemini-2.5-flash",
        "state=running AND model=gemini-2.5-pro",
        "labels.team=search AND display_name=night",
        "state=dreaming",
    ],
)
def test_the_rest_is_done_here(text: str) -> None:
    assert not BATCHES.search(text).keeps(JOB)


def test_quotes_in_a_name_are_kept() -> None:
    search = BATCHES.search(r'display_name="a \"b\" \\ c"')

    assert search.sent is None
    assert search.keeps(evolve(JOB, display_name='a "b" \\ c'))


@pytest.mark.parametrize(
    "text",
    [
        'labels.team="search"',
        "labels.team:* OR NOT state=x",
        'model_display_name="x y"',
        "end_time>x",
        "model:x",
        "create_time>yesterday AND state=running",
        "labels.a=b AND",
        "",
    ],
)
def test_a_filter_of_the_service_passes_as_it_is(text: str) -> None:
    search = BATCHES.search(text)

    assert search.sent == text
    assert search.keeps(JOB)


def test_a_model_in_a_filter_is_a_model() -> None:
    with pytest.raises(InputError, match="not the name of a model"):
        BATCHES.search('model="a b"')


@given(st.text())
def test_any_display_name_can_be_looked_for(name: str) -> None:
    text: Any = name.replace("\\", "\\\\").replace('"', '\\"')
    search = BATCHES.search(f'display_name="{text}"')

    assert search.keeps(evolve(JOB, display_name=name))
    assert search.sent is None or search.sent == f'display_name:"{name}*"'
