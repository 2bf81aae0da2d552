"""Filters of a list mean what Vertex AI's grammar says."""

import datetime as dt

import pytest

from gemini_batch._wire.filters import read_filter
from gemini_batch.errors import InputError
from gemini_batch.types import BatchJob, JobKind, JobState

JOB = BatchJob(
    name="batches/abc",
    state=JobState.RUNNING,
    kind=JobKind.GENERATE,
    model="models/gemini-2.5-flash",
    display_name='Nightly "A" (2)',
    create_time=dt.datetime(2026, 7, 1, tzinfo=dt.UTC),
)


@pytest.mark.parametrize(
    "text",
    [
        "state=running",
        'state="JOB_STATE_RUNNING"',
        'state = "BATCH_STATE_RUNNING"',
        'state!="succeeded"',
        'display_name="Nightly \\"A\\" (2)"',
        'display_name:"Night*"',
        'display_name:"*(2)"',
        "model=gemini-2.5-flash",
        'model="models/gemini-2.5-flash"',
        'create_time>"2026-06-30T23:59:59Z"',
        'create_time>="2026-07-01T00:00:00+00:00"',
        'create_time<"2026-07-02T00:00:00Z" AND state=running AND display_name:"*"',
    ],
)
def test_it_holds(text: str) -> None:
    assert read_filter(text)(JOB)


@pytest.mark.parametrize(
    "text",
    [
        "state=succeeded",
        'display_name="Nightly"',
        'display_name:"Day*"',
        'display_name:"ightly"',
        'create_time<="2026-06-30T23:59:59Z"',
        "state=running AND model=other",
    ],
)
def test_it_does_not_hold(text: str) -> None:
    assert not read_filter(text)(JOB)


def test_a_job_without_the_fact_does_not_match() -> None:
    job = BatchJob(name="batches/x", state=JobState.PENDING, kind=JobKind.EMBED)

    assert not read_filter('create_time>"2026-01-01T00:00:00Z"')(job)
    assert not read_filter('display_name:"a*"')(job)
    assert read_filter('display_name=""')(job)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read"),
        ("running", "cannot be read"),
        ("state=running OR state=failed", "only AND"),
        ('state="running" model="x"', "only AND"),
        ("(state=running)", "cannot be read"),
        ("colour=blue", "colour = is not supported"),
        ("state>running", "state > is not supported"),
        ('model:"x*"', "model : is not supported"),
        ('create_time>"yesterday"', "not a timestamp"),
        ('create_time>"2026-07-01T00:00:00"', "no time zone"),
        ("create_time:x", "create_time : is not supported"),
    ],
)
def test_what_is_not_in_the_grammar_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_filter(text)

    assert caught.value.problems[0].field == "filter"
    assert "joined by AND" in caught.value.problems[0].remedy
