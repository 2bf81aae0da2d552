"""Results in Cloud Storage: the right objects, each row once, and nothing of another job's."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gemini_batch import (
    BatchJob,
    Client,
    InputError,
    JobFailedError,
    JobState,
    Outcome,
    PermissionDeniedError,
    ResultsUnavailableError,
)
from gemini_batch.resources.batches.results import result_reader
from gemini_batch.testing import Emulator, Fault, ManualClock
from tests.support.recorded import recorded
from tests.support.rows import EMBED_MODEL, jsonl, many, row
from tests.support.settings import QUICK
from tests.support.vertex_output import (
    LIST,
    LOOK,
    OUT,
    answered,
    created,
    finished,
    folder_of,
    keys,
    read,
    with_objects,
)


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[Client]:
    async with Client(emulator.vertex, retry=QUICK) as client:
        yield client


# Which objects


async def test_one_object_is_read_whole(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, emulator, clock, many(300))

    rows = await read(client, job)

    order = [str(r.key) for r in rows]
    assert order != keys(300)  # as the service has it
    assert sorted(order) == sorted(keys(300))
    assert [r.index for r in rows] == list(range(300))
    assert all(r.ok and r.text for r in rows)


@pytest.mark.parametrize("shards", [1, 2, 9])
async def test_many_objects_are_one_stream(
    emulator: Emulator, client: Client, clock: ManualClock, shards: int
) -> None:
    data = many(300) + jsonl(row("bad", "[emulator:error:8]"))
    job = await finished(client, emulator, clock, data, shards=shards, incremental=True)

    rows = await read(client, job)

    assert sorted(str(r.key) for r in rows) == sorted([*keys(300), "bad"])
    assert [r.index for r in rows] == list(range(301))
    (bad,) = (r for r in rows if not r.ok)
    assert bad.key == "bad"
    assert bad.error is not None
    assert bad.error.reason == "RESOURCE_EXHAUSTED"


async def test_where_one_object_has_all_no_other_is_read(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    one, other = jsonl(answered("a")), jsonl(answered("b"))
    job = await with_objects(
        client,
        emulator,
        clock,
        predictions=one,
        predictions_0001=other,
        errors_0001=other,
        incremental_predictions=other,
        notes=other,
    )

    assert [r.key for r in await read(client, job)] == ["a"]


async def test_a_folder_below_or_beside_is_not_the_jobs(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, emulator, clock, many(1))
    for place in ("1", "/copy", "/copy/of"):
        name = f"{folder_of(job)}{place}/predictions.jsonl"
        emulator.objects.put(name, jsonl(answered("b")))

    assert [r.key for r in await read(client, job)] == ["k0"]


async def test_the_end_of_an_object_ends_a_line(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    rows = [jsonl(answered(key)).rstrip() for key in "abc"]
    job = await with_objects(
        client,
        emulator,
        clock,
        predictions_1=rows[0],
        predictions_2=b"",
        predictions_3=rows[1] + b"\n\n",
        predictions_4=b"\n" + rows[2],
    )

    read_rows = await read(client, job)

    assert [(r.key, r.index, r.ok) for r in read_rows] == [
        ("a", 0, True),
        ("b", 1, True),
        ("c", 2, True),
    ]


async def test_a_project_by_its_number_a_name_or_an_older_look_will_do(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await created(client, emulator, many(2))
    clock.advance(3600)

    assert job.dest is not None
    assert not job.done
    for name in (job, job.name, job.id):
        assert sorted(str(r.key) for r in await read(client, name)) == ["k0", "k1"]


# Rows


@pytest.mark.parametrize(
    ("members", "key"),
    [
        ({"key": "a", "custom_id": "b", "id": "c"}, "a"),
        ({"custom_id": "b", "id": "c"}, "b"),
        ({"id": "c"}, "c"),
        ({"key": 7}, "7"),
        ({"request": {"labels": {"gb_key": "d"}}}, "d"),
        ({"request": {"labels": {"other": "d"}}}, None),
        ({}, None),
    ],
)
async def test_keys_are_found_in_their_places(
    emulator: Emulator,
    client: Client,
    clock: ManualClock,
    members: dict[str, Any],
    key: str | None,
) -> None:
    whole = answered("x")
    rest = {name: value for name, value in whole.items() if name != "key"}
    data = jsonl({**members, **rest}, {**rest, **members})
    job = await with_objects(client, emulator, clock, predictions=data)

    rows = await read(client, job)

    assert [(r.key, r.index, r.text) for r in rows] == [
        (key, 0, "Hello"),
        (key, 1, "Hello"),
    ]


async def test_every_outcome_comes_out(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    data = jsonl(
        row("ok"),
        row("blocked", "[emulator:block]"),
        row("filtered", "[emulator:safety]"),
        row("error", "[emulator:error:13]"),
        row("empty", "[emulator:empty]"),
    )
    job = await finished(client, emulator, clock, data, padded=True)

    rows = {r.key: r for r in await read(client, job)}

    assert {key: r.outcome for key, r in rows.items()} == {
        "ok": Outcome.OK,
        "blocked": Outcome.BLOCKED,
        "filtered": Outcome.BLOCKED,
        "error": Outcome.ERROR,
        "empty": Outcome.EMPTY,
    }
    assert rows["error"].error is not None
    assert rows["error"].error.reason == "INTERNAL"
    assert rows["ok"].usage is not None


@pytest.mark.parametrize("rest", [{}, {"response": {}}, {"response": None}])
async def test_an_error_may_be_any_text(
    emulator: Emulator, client: Client, clock: ManualClock, rest: dict[str, Any]
) -> None:
    data = jsonl({"key": "a", "status": "Out of luck", **rest})
    job = await with_objects(client, emulator, clock, predictions=data)

    (result,) = await read(client, job)

    assert result.outcome is Outcome.ERROR
    assert result.error is not None
    assert result.error.message == "Out of luck"


@pytest.mark.parametrize(
    ("name", "outcomes"),
    [
        ("output-generate.jsonl", {Outcome.OK}),
        ("output-generate-custom-id.jsonl", {Outcome.OK}),
        ("output-generate-errors.jsonl", {Outcome.ERROR, Outcome.BLOCKED}),
    ],
)
async def test_what_was_recorded_is_read(
    emulator: Emulator,
    client: Client,
    clock: ManualClock,
    name: str,
    outcomes: set[Outcome],
) -> None:
    data = recorded(f"vertex/{name}")
    job = await with_objects(client, emulator, clock, predictions=data)

    rows = await read(client, job)

    assert [r.raw.rstrip() for r in rows] == data.splitlines()
    assert {r.outcome for r in rows} == outcomes


async def test_embeddings_are_read(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    rows = [
        {"key": key, "request": {"content": {"parts": [{"text": key}]}}} for key in "ab"
    ]
    job = await finished(client, emulator, clock, jsonl(*rows), model=EMBED_MODEL)

    found = {r.key: r for r in await read(client, job)}

    assert sorted(map(str, found)) == ["a", "b"]
    assert all(len(r.embedding or ()) > 1 for r in found.values())
    assert found["a"].usage is not None
    assert found["a"].usage.prompt_token_count


async def test_embeddings_of_older_models_are_read(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    data = jsonl({"key": "a", "content": "Hello"}, {"content": "World"}, {"content": ""})
    job = await finished(client, emulator, clock, data, model="text-embedding-004")

    rows = await read(client, job)

    assert sorted(str(r.outcome) for r in rows) == ["error", "ok", "ok"]
    assert all(len(r.embedding or ()) > 1 for r in rows if r.ok)
    assert {r.key for r in rows} == {None}


async def test_broken_rows_are_told_and_kept(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    manner = {"rows": ("invalid", "duplicate", "foreign", "missing")}
    job = await finished(client, emulator, clock, many(20), **manner)

    rows = await read(client, job)

    assert len(rows) == 21
    assert [r.outcome for r in rows].count(Outcome.INVALID) == 1
    assert "foreign-1" in {r.key for r in rows}


async def test_a_line_of_many_megabytes_is_one_row(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    text = "ü" * 2_000_000
    big = [json.dumps(answered(key, text), ensure_ascii=False).encode() for key in "ab"]
    small = jsonl(*(answered(f"k{n}") for n in range(10)))
    job = await with_objects(
        client,
        emulator,
        clock,
        predictions_1=big[0],
        predictions_2=small,
        predictions_3=big[1] + b"\n",
    )

    rows = {r.key: r.text for r in await read(client, job)}

    assert rows.pop("a") == text
    assert rows.pop("b") == text
    assert rows == dict.fromkeys(keys(10), "Hello")


# Jobs that did not get to their end, and output that is not located


@pytest.mark.parametrize("state", ["CANCELLED", "EXPIRED", "PARTIALLY_SUCCEEDED"])
@pytest.mark.parametrize("located", [True, False])
async def test_what_there_is_of_a_job_is_read(
    emulator: Emulator,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    located: bool,
) -> None:
    monkeypatch.setattr(result_reader, "_OUTPUT_PAUSE", 99.0)
    job = await created(client, emulator, many(20))
    emulator.script(job.name, f"JOB_STATE_{state}")
    if not located:
        emulator.faults.append(Fault(**LOOK, no_output=True, times=None))

    ended = await client.batches.get(job)
    rows = await read(client, ended)

    assert ended.state is JobState(state.lower())
    assert len({r.key for r in rows}) == len(rows) == 10


async def test_a_cancelled_job_has_what_was_done(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await created(client, emulator, many(500))
    clock.advance(8)
    await client.batches.get(job)
    await client.batches.cancel(job)
    clock.advance(5)

    rows = await read(client, job)

    assert 0 < len(rows) < 500
    assert (await client.batches.get(job)).cancelled


@pytest.mark.parametrize("state", ["CANCELLED", "EXPIRED", "FAILED"])
async def test_a_job_that_did_nothing_has_no_results(
    emulator: Emulator, client: Client, state: str
) -> None:
    job = await created(client, emulator, many(2))
    # Never looked at while it ran.
    emulator.script(job.name, {"state": f"JOB_STATE_{state}", "outputInfo": None})
    remove_output(emulator, await client.batches.get(job))

    with pytest.raises(JobFailedError) as caught:
        await read(client, job)

    assert caught.value.job.state == state.lower()
    assert caught.value.job.name == job.name


def remove_output(emulator: Emulator, job: BatchJob, but: str | None = None) -> None:
    """Remove what is where a job's output was asked for, but for one folder."""
    assert job.dest is not None
    for item in list(emulator.objects.values()):
        theirs = but is not None and item.uri.startswith(f"{but}/")
        if item.uri.startswith(f"{job.dest.gcs_uri}/") and not theirs:
            emulator.objects.remove(item)


@pytest.mark.parametrize("state", ["CANCELLED", "EXPIRED", "FAILED"])
async def test_a_folder_without_rows_is_none_of_such_a_job(
    emulator: Emulator, client: Client, state: str
) -> None:
    job = await created(client, emulator, many(2))
    info = {"gcsOutputDirectory": f"{OUT}/prediction-model-2026"}
    emulator.script(job.name, {"state": f"JOB_STATE_{state}", "outputInfo": info})

    with pytest.raises(JobFailedError):
        await read(client, job)


async def test_a_job_that_failed_has_none_wherever_it_was_to_write(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    await finished(client, emulator, clock, many(3), dest=OUT)
    job = await created(client, emulator, b"", dest=OUT)
    clock.advance(3600)

    with pytest.raises(JobFailedError, match="no rows") as caught:
        await read(client, job)
    with pytest.raises(JobFailedError):
        await client.batches.get_responses(job)

    assert caught.value.job.state is JobState.FAILED


async def test_an_empty_folder_is_told(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await with_objects(client, emulator, clock, incremental_predictions=many(1))

    with pytest.raises(ResultsUnavailableError, match="has no results in gs://") as caught:
        await read(client, job)

    assert caught.value.reason == "empty"
    assert caught.value.location == folder_of(job)
    assert caught.value.job.name == job.name


async def test_a_bucket_that_is_gone_is_told(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, emulator, clock, many(1))
    emulator.faults.append(Fault(**LIST, status=404))

    with pytest.raises(ResultsUnavailableError) as caught:
        await read(client, job)

    assert caught.value.reason == "empty"


async def test_a_bucket_of_somebody_else_is_told_as_that(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, emulator, clock, many(1))
    emulator.faults.append(Fault(**LIST, status=403))

    with pytest.raises(PermissionDeniedError):
        await read(client, job)


async def test_output_that_comes_late_is_waited_for(
    emulator: Emulator, client: Client, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_reader, "_OUTPUT_PAUSE", 0.001)
    # The place is no help: others write there as well.
    job = await created(client, emulator, many(3), dest=OUT)
    clock.advance(3600)
    emulator.faults.append(Fault(**LOOK, no_output=True, times=3))

    assert sorted(str(r.key) for r in await read(client, job)) == keys(3)


async def test_waiting_ends_when_the_output_is_there(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await created(client, emulator, many(3))
    clock.advance(3600)
    emulator.faults.append(Fault(**LOOK, no_output=True, times=3))

    ended = await client.batches.poll(job, poll_interval=0.001)

    assert ended.dest is not None
    assert ended.dest.located
    assert emulator.vertex_jobs[job.name].looks == 4


@pytest.mark.parametrize("state", ["SUCCEEDED", "CANCELLED"])
async def test_rows_that_may_be_of_another_job_are_not_read(
    emulator: Emulator,
    client: Client,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
) -> None:
    monkeypatch.setattr(result_reader, "_OUTPUT_PAUSE", 99.0)
    other = await finished(client, emulator, clock, many(3), dest=OUT)
    job = await created(client, emulator, many(3), dest=OUT)
    emulator.script(job.name, f"JOB_STATE_{state}")
    remove_output(emulator, await client.batches.get(job), but=folder_of(other))
    emulator.faults.append(Fault(**LOOK, no_output=True, times=None))

    with pytest.raises(ResultsUnavailableError, match="does not say where") as caught:
        await read(client, job)

    assert caught.value.reason == "not_located"
    assert caught.value.location == OUT


async def test_one_of_two_outputs_is_not_guessed(
    emulator: Emulator, client: Client, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A create that was answered twice may have led to two jobs of one place."""
    monkeypatch.setattr(result_reader, "_OUTPUT_PAUSE", 99.0)
    job = await finished(client, emulator, clock, many(3))
    assert job.dest is not None
    other = f"{job.dest.gcs_uri}/prediction-model-2020/predictions.jsonl"
    emulator.objects.put(other, many(3))
    emulator.faults.append(Fault(**LOOK, no_output=True, times=None))

    with pytest.raises(ResultsUnavailableError) as caught:
        await read(client, job.name)

    assert caught.value.reason == "not_located"


async def test_an_unfinished_job_has_no_results(client: Client, emulator: Emulator) -> None:
    job = await created(client, emulator, many(1))

    with pytest.raises(ResultsUnavailableError, match="Wait for it first") as caught:
        await read(client, job)

    assert caught.value.reason == "not_finished"


async def test_inline_results_are_elsewhere(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, emulator, clock, many(1))

    with pytest.raises(
        ResultsUnavailableError, match=r"Read them with results\(\)"
    ) as caught:
        await client.batches.get_responses(job)

    assert caught.value.reason == "in_gcs"
    assert caught.value.location == folder_of(job)


async def test_a_client_of_another_api_says_that_it_does_not_reach_them(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    job = await finished(client, emulator, clock, many(1))

    async with Client(emulator.api) as developer:
        with pytest.raises(InputError, match="a client of the API that the job is of"):
            await read(developer, job)
