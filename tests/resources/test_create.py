"""A create is paid: it is sent once, found again, or its outcome is told to be unknown."""

import json
from typing import Any

import anyio
import pytest
from attrs import evolve

from gemini_batch import (
    BadRequestError,
    BatchJob,
    Client,
    ConflictError,
    Content,
    CreateOutcomeUnknownError,
    DecodeError,
    EmbedRequest,
    GenerateRequest,
    GenerationConfig,
    InputError,
    JobKind,
    JobState,
    NotFoundError,
    Part,
    PermissionDeniedError,
    RateLimitError,
    TransportError,
    WebhookConfig,
)
from gemini_batch.resources.batches.create import BatchRequest
from gemini_batch.testing import Emulator, Fault, ManualClock
from tests.support.rows import EMBED_MODEL, MODEL, many, row
from tests.support.settings import QUICK

CREATE = "*:batchGenerateContent"
REQUESTS: list[BatchRequest] = [GenerateRequest.from_text("Hello", key="a"), row("b")]


def creates(emulator: Emulator) -> int:
    return sum(entry.path.endswith("GenerateContent") for entry in emulator.log)


async def test_a_job_is_created_from_a_file(emulator: Emulator, client: Client) -> None:
    file = await client.files.upload(many(3))

    job = await client.batches.create(
        MODEL,
        file_name=file,
        display_name="Nightly summaries",
        priority=-5,
        webhook=WebhookConfig(
            uris=("https://hooks.example/x",), user_metadata={"a_b": "c"}
        ),
    )

    assert (job.display_name, job.state, job.kind) == (
        "Nightly summaries",
        JobState.PENDING,
        JobKind.GENERATE,
    )
    assert job.source.file_name == file.name
    assert job.model == f"models/{MODEL}"
    assert job.priority == -5
    assert job.webhook is not None
    assert job.webhook.user_metadata == {"a_b": "c"}
    assert job.completion_stats is not None
    assert job.completion_stats.pending_count == 3
    sent = json.loads(emulator.log[-1].body or b"")["batch"]
    assert job.intent_token is not None
    assert sent["displayName"] == f"Nightly summaries--{job.intent_token}"


async def test_a_job_is_created_from_inline_requests(
    client: Client, clock: ManualClock
) -> None:
    requests = [
        GenerateRequest(
            key="a",
            contents=(Content(role="user", parts=(Part.from_text("Hello"),)),),
            metadata={"owner": "me", "snake_case": [1]},
        ),
        row("b"),
        '{"key": "c", "request": {"contents": [{"parts": [{"text": "Hello"}]}]}}',
        {"request": row("x")["request"], "metadata": {"key": "d"}},
        row("x")["request"],
    ]

    job = await client.batches.create(MODEL, inlined_requests=requests)
    clock.advance(3600)
    rows = await client.batches.get_responses(job)

    assert [r.key for r in rows] == ["a", "b", "c", "d", "row-000000005"]
    assert rows[0].metadata == {"key": "a", "owner": "me", "snake_case": [1]}
    assert all(r.ok for r in rows)


async def test_defaults_fill_what_inline_requests_leave_open(
    emulator: Emulator, client: Client
) -> None:
    own = GenerateRequest.from_text(
        "Hello", system_instruction="Mine", generation_config={"temperature": 1}
    )

    await client.batches.create(
        MODEL,
        inlined_requests=[row("a"), own],
        system_instruction="Be brief.",
        generation_config=GenerationConfig(temperature=0.0, max_output_tokens=9),
    )

    rows = json.loads(emulator.log[-1].body or b"")["batch"]["inputConfig"]["requests"][
        "requests"
    ]
    assert rows[0]["request"]["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert rows[0]["request"]["generationConfig"] == {
        "temperature": 0.0,
        "maxOutputTokens": 9,
    }
    assert rows[1]["request"]["systemInstruction"] == {"parts": [{"text": "Mine"}]}
    assert rows[1]["request"]["generationConfig"] == {
        "temperature": 1,
        "maxOutputTokens": 9,
    }


async def test_embeddings_are_created(client: Client, clock: ManualClock) -> None:
    request = EmbedRequest.from_text("Hello", key="a", output_dimensionality=8)

    job = await client.batches.create_embeddings(EMBED_MODEL, inlined_requests=[request])
    clock.advance(3600)
    (result,) = await client.batches.get_responses(job)

    assert job.kind == JobKind.EMBED
    assert result.embedding is not None
    assert len(result.embedding) == 8
    assert sum(x * x for x in result.embedding) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "no source is given"),
        ({"file_name": "files/a", "inlined_requests": []}, "both given"),
        ({"inlined_requests": []}, "there is no request"),
        ({"inlined_requests": "Hello"}, "expected requests, got str"),
        ({"inlined_requests": row("a")}, "expected requests, got dict"),
        ({"inlined_requests": 3}, "expected requests, got int"),
        ({"gcs_uri": "gs://b/o"}, "gcs_uri: the Gemini Developer API does not have it"),
        ({"bigquery_uri": "bq://p"}, "bigquery_uri: .* Vertex AI"),
        ({"file_name": "a", "dest": "gs://b"}, "dest: .* Vertex AI"),
        ({"file_name": "a", "labels": {"a": "b"}}, "labels: .* Vertex AI"),
        ({"file_name": "a", "generation_config": {}}, r"generation_config: .* submit\(\)"),
        (
            {"file_name": "a", "system_instruction": "x"},
            r"system_instruction: .* submit\(\)",
        ),
        ({"file_name": "a/b"}, "not the name of a file"),
        ({"file_name": "a", "display_name": "x" * 513}, "display_name: it has 513"),
        ({"file_name": "a", "idempotency_key": ""}, "idempotency_key: it is empty"),
        ({"file_name": "a", "display_name": "\ud800"}, "display_name: it is not Unicode"),
        ({"file_name": "a", "idempotency_key": "\ud800"}, "idempotency_key: it is not"),
        ({"file_name": "a", "priority": 2**63}, "priority: it is not a 64-bit"),
        (
            {"inlined_requests": [row("a"), row("a")]},
            "2: key: the key 'a' is that of request 1",
        ),
        ({"inlined_requests": [{"contents": []}, {"x": 1}]}, "1: "),
    ],
)
async def test_a_wrong_call_is_refused_before_anything_is_sent(
    emulator: Emulator, client: Client, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        await client.batches.create(MODEL, **options)

    assert emulator.log == []


async def test_too_much_for_inline_names_submit(emulator: Emulator, client: Client) -> None:
    requests = (row(f"k{n}", "x" * 1_000_000) for n in range(25))

    with pytest.raises(InputError, match=r"25\d+ bytes.*submit\(\)"):
        await client.batches.create(MODEL, inlined_requests=requests)

    assert emulator.log == []


async def test_an_unknown_model_and_a_missing_file_are_told(client: Client) -> None:
    with pytest.raises(NotFoundError, match="not found"):
        await client.batches.create("gemma-unknown", inlined_requests=[row("a")])
    with pytest.raises(PermissionDeniedError):
        await client.batches.create(MODEL, file_name="files/absent")


async def test_rows_the_service_refuses_are_numbered(client: Client) -> None:
    file = await client.files.upload(many(1) + b'{"key": "b", "request": {"topp": 1}}\n')

    with pytest.raises(BadRequestError) as caught:
        await client.batches.create(MODEL, file_name=file)

    assert [number for number, _ in caught.value.line_errors] == [2]


# A create left without an answer


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path=CREATE, drop="after"),
        Fault(path=CREATE, drop="after", skip=0, delay=0.01),
    ],
)
async def test_a_job_whose_answer_was_lost_is_adopted(
    emulator: Emulator, client: Client, fault: Fault
) -> None:
    emulator.faults.append(fault)

    job = await client.batches.create(MODEL, inlined_requests=REQUESTS, display_name="Mine")

    assert list(emulator.jobs) == [job.name]
    assert (job.display_name, creates(emulator)) == ("Mine", 1)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 409, 499])
async def test_a_create_is_never_sent_again_after_an_ambiguous_status(
    emulator: Emulator, client: Client, status: int
) -> None:
    emulator.faults.append(Fault(path=CREATE, status=status))

    with pytest.raises(CreateOutcomeUnknownError) as caught:
        await client.batches.create(MODEL, inlined_requests=REQUESTS)

    assert (creates(emulator), len(emulator.jobs)) == (1, 0)
    assert caught.value.intent_token.startswith("gb")
    assert caught.value.__cause__ is not None


async def test_a_create_whose_connection_broke_is_looked_for(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(Fault(path=CREATE, drop="before"))

    with pytest.raises(CreateOutcomeUnknownError):
        await client.batches.create(MODEL, inlined_requests=REQUESTS)

    assert creates(emulator) == 1
    lists = [entry for entry in emulator.log if entry.path.endswith("/batches")]
    assert len(lists) == len(QUICK.lookup_pauses)


async def test_an_answer_that_cannot_be_read_is_an_answer(
    emulator: Emulator, client: Client
) -> None:
    for body in (b"<html>hello</html>", b"{}"):
        emulator.faults.append(Fault(path=CREATE, status=200, body=body))

        with pytest.raises(CreateOutcomeUnknownError):
            await client.batches.create(MODEL, inlined_requests=REQUESTS)

    assert creates(emulator) == 2


async def test_looking_goes_on_after_a_failed_look(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults += [
        Fault(path=CREATE, drop="after"),
        Fault(path="*/batches", status=400),
        Fault(path="*/batches", status=200, body=b"{}"),
    ]

    job = await client.batches.create(MODEL, inlined_requests=REQUESTS)

    assert list(emulator.jobs) == [job.name]


async def test_what_is_definite_is_raised_at_once(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(Fault(path=CREATE, status=403))

    with pytest.raises(Exception, match="403"):
        await client.batches.create(MODEL, inlined_requests=REQUESTS)

    assert len(emulator.log) == 1


async def test_a_busy_service_is_asked_again_and_then_told(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(Fault(path=CREATE, status=429, times=2))
    job = await client.batches.create(MODEL, inlined_requests=REQUESTS)
    assert list(emulator.jobs) == [job.name]

    emulator.faults.append(Fault(path=CREATE, status=429, times=99))
    with pytest.raises(RateLimitError) as caught:
        await client.batches.create(MODEL, inlined_requests=REQUESTS)
    assert caught.value.tries == QUICK.attempts


async def test_a_service_that_was_not_reached_is_a_transport_error(
    emulator: Emulator,
) -> None:
    api = emulator.api
    await emulator.aclose()

    async with Client(api, retry=QUICK) as client:
        with pytest.raises(TransportError) as caught:
            await client.batches.create(MODEL, inlined_requests=REQUESTS)

    assert not caught.value.maybe_received


async def test_the_lookup_walks_all_pages(emulator: Emulator, client: Client) -> None:
    """The job that was lost may have been pushed to a later page by others."""
    emulator.faults.append(Fault(path=CREATE, drop="after"))
    emulator.faults.append(
        Fault(
            path="*/batches",
            status=200,
            body=b'{"operations": [], "nextPageToken": ""}',
        )
    )
    async with anyio.create_task_group() as tasks:

        async def others() -> None:
            for _ in range(5):
                await client.batches.create(MODEL, inlined_requests=[row("x")])

        tasks.start_soon(others)
        job = await client.batches.create(MODEL, inlined_requests=REQUESTS)

    assert len(emulator.jobs) == 6
    assert job.completion_stats is not None


# Idempotency keys


async def test_the_same_key_adopts_the_job(emulator: Emulator, client: Client) -> None:
    first = await client.batches.create(
        MODEL, inlined_requests=REQUESTS, display_name="One", idempotency_key="2026-10-01"
    )
    second = await client.batches.create(
        MODEL, inlined_requests=REQUESTS, display_name="Two", idempotency_key="2026-10-01"
    )
    third = await client.batches.create(
        MODEL, inlined_requests=REQUESTS, idempotency_key="2026-10-02"
    )

    assert first.name == second.name != third.name
    assert second.display_name == "One"
    assert len(emulator.jobs) == 2


async def test_a_key_of_another_job_is_refused(client: Client) -> None:
    await client.batches.create(MODEL, inlined_requests=REQUESTS, idempotency_key="x")

    with pytest.raises(InputError, match="idempotency_key: it belongs to batches/"):
        await client.batches.create(
            "gemini-2.5-pro", inlined_requests=REQUESTS, idempotency_key="x"
        )


async def test_a_twin_is_cancelled_and_the_oldest_kept(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    first = await client.batches.create(
        MODEL, inlined_requests=REQUESTS, idempotency_key="x"
    )
    clock.advance(1)
    # Another process makes the same job at the same moment: the list does not show ours yet.
    emulator.faults.append(Fault(path="*/batches", status=200, body=b"{}"))
    second = await client.batches.create(
        MODEL, inlined_requests=REQUESTS, idempotency_key="x"
    )
    clock.advance(2)

    assert second.name == first.name
    (twin,) = set(emulator.jobs) - {first.name}
    assert (await client.batches.get(twin)).cancelled
    assert not (await client.batches.get(first)).cancelled


async def test_a_call_that_was_cut_short_and_its_repeat_make_one_job(
    emulator: Emulator,
) -> None:
    """The first create is still under way when the second call looks for it."""
    emulator.faults.append(Fault(path=CREATE, delay=0.3))
    patient = evolve(QUICK, lookup_pauses=(0.4, 0.01))

    async def call(client: Client) -> BatchJob:
        return await client.batches.create(
            MODEL, inlined_requests=REQUESTS, idempotency_key="x"
        )

    async with Client(emulator.api, retry=patient) as client:
        with anyio.move_on_after(0.1) as scope:
            await call(client)
        assert scope.cancelled_caught
        job = await call(client)

        assert not (await client.batches.get(job)).cancelled
        assert (await call(client)).name == job.name
    states = [emulator.jobs[name].cancel_time is None for name in emulator.jobs]
    assert states.count(True) == 1


async def two_of_one_key(
    emulator: Emulator, client: Client, clock: ManualClock
) -> tuple[BatchJob, BatchJob]:
    """Make two live jobs with the same token, as two processes might, and return them."""
    jobs = []
    for _ in range(2):
        # Nobody sees the other: the lists are empty, before and after.
        emulator.faults.append(Fault(path="*/batches", status=200, body=b"{}", times=3))
        jobs.append(
            await client.batches.create(
                MODEL, inlined_requests=REQUESTS, idempotency_key="x"
            )
        )
        clock.advance(0.5)
    assert jobs[0].name != jobs[1].name
    return jobs[0], jobs[1]


async def test_a_dead_elder_does_not_take_a_living_twin_along(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    elder, younger = await two_of_one_key(emulator, client, clock)
    await client.batches.cancel(elder)
    clock.advance(1.1)

    job = await client.batches.create(MODEL, inlined_requests=REQUESTS, idempotency_key="x")

    assert job.name == younger.name
    assert emulator.jobs[younger.name].cancel_time is None


async def test_adopting_cancels_nothing(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    elder, younger = await two_of_one_key(emulator, client, clock)

    job = await client.batches.create(MODEL, inlined_requests=REQUESTS, idempotency_key="x")
    with pytest.raises(InputError, match="idempotency_key"):
        await client.batches.create(
            "gemini-2.5-pro", inlined_requests=REQUESTS, idempotency_key="x"
        )

    assert job.name == elder.name
    assert emulator.jobs[younger.name].cancel_time is None


async def test_a_job_for_another_model_is_no_twin(
    emulator: Emulator, client: Client
) -> None:
    await client.batches.create(MODEL, inlined_requests=REQUESTS, idempotency_key="x")
    # The first look, before the create, does not see it; those after do.
    emulator.faults.append(Fault(path="*/batches", status=200, body=b"{}"))

    job = await client.batches.create(
        "gemini-2.5-pro", inlined_requests=REQUESTS, idempotency_key="x"
    )

    assert job.model == "models/gemini-2.5-pro"
    assert all(job.cancel_time is None for job in emulator.jobs.values())


async def test_a_list_that_fails_does_not_take_a_created_job_away(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(Fault(path="*/batches", status=503, skip=1, times=99))

    job = await client.batches.create(MODEL, inlined_requests=REQUESTS, idempotency_key="x")

    assert list(emulator.jobs) == [job.name]


async def test_a_list_that_is_not_whole_proves_nothing(
    emulator: Emulator, client: Client
) -> None:
    circle = b'{"operations": [], "nextPageToken": "t"}'
    partial = b'{"unreachable": ["somewhere"]}'
    for page in (circle, partial):
        emulator.faults.append(Fault(path="*/batches", status=200, body=page, times=2))

        with pytest.raises(DecodeError, match=r"circles|could not list"):
            await client.batches.create(
                MODEL, inlined_requests=REQUESTS, idempotency_key="x"
            )

        emulator.faults.clear()
    assert creates(emulator) == 0


async def test_odd_neighbours_in_the_list_do_not_hide_a_job(
    emulator: Emulator, client: Client
) -> None:
    job = await client.batches.create(MODEL, inlined_requests=REQUESTS, idempotency_key="x")
    odd = [
        3,
        {},
        {"name": 5, "metadata": []},
        {"metadata": {"createTime": "x", "state": 7}},
    ]
    ours = {"name": job.name, "metadata": {"displayName": job.intent_token}}
    page = json.dumps({"operations": [*odd, ours]}).encode()
    emulator.faults.append(Fault(path="*/batches", status=200, body=page))

    again = await client.batches.create(
        MODEL, inlined_requests=REQUESTS, idempotency_key="x"
    )

    assert again.name == job.name
    assert creates(emulator) == 1


async def test_a_lookup_that_fails_before_the_create_sends_nothing(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(Fault(path="*/batches", status=403, times=99))

    with pytest.raises(Exception, match="403"):
        await client.batches.create(MODEL, inlined_requests=REQUESTS, idempotency_key="x")

    assert creates(emulator) == 0


async def test_a_conflict_on_create_is_looked_into(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(Fault(path=CREATE, status=409))

    with pytest.raises(CreateOutcomeUnknownError) as caught:
        await client.batches.create(MODEL, inlined_requests=REQUESTS)

    assert isinstance(caught.value.__cause__, ConflictError)


async def test_the_lookup_stops_at_older_jobs_where_the_list_is_in_order(
    emulator: Emulator, client: Client
) -> None:
    """Jobs of years ago are not walked through, unless the order says nothing."""

    def page(*years: int) -> bytes:
        jobs = [
            {
                "name": f"batches/old{year}",
                "metadata": {"createTime": f"{year}-01-01T00:00:00Z", "state": "x"},
            }
            for year in years
        ]
        return json.dumps({"operations": jobs, "nextPageToken": f"t{years}"}).encode()

    async def lists(*pages: bytes) -> int:
        before = len(emulator.log)
        emulator.faults.append(Fault(path=CREATE, drop="before"))
        emulator.faults += [
            Fault(path="*/batches", status=200, body=body) for body in pages
        ]
        with pytest.raises(CreateOutcomeUnknownError):
            await client.batches.create(MODEL, inlined_requests=REQUESTS)
        return sum(entry.path.endswith("/batches") for entry in emulator.log[before:])

    looks = len(QUICK.lookup_pauses)
    assert await lists(page(2020, 2019)) == looks
    # Out of order: the walk goes on to the next page, which is the emulator's own.
    assert await lists(page(2019, 2020)) > looks


async def test_a_twin_that_cannot_be_cancelled_is_let_go(
    emulator: Emulator, client: Client, clock: ManualClock
) -> None:
    first = await client.batches.create(
        MODEL, inlined_requests=REQUESTS, idempotency_key="x"
    )
    clock.advance(1)
    emulator.faults.append(Fault(path="*/batches", status=200, body=b"{}"))
    await client.batches.create(MODEL, inlined_requests=REQUESTS, idempotency_key="x")
    emulator.faults.append(Fault(path="*:cancel", status=403))

    kept = await client.batches.create(
        MODEL, inlined_requests=REQUESTS, idempotency_key="x"
    )
    assert kept.name == first.name

    clock.advance(3600)
    again = await client.batches.create(
        MODEL, inlined_requests=REQUESTS, idempotency_key="x"
    )
    assert again.name == first.name
