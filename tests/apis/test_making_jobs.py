"""Jobs are made of any form of requests, which are checked before anything is sent."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from gemini_batch import (
    BatchJob,
    Client,
    EmbedRequest,
    GenerateRequest,
    InputError,
    JobKind,
    JobState,
    NotFoundError,
)
from gemini_batch.resources.batches.create import BatchRequest
from gemini_batch.testing import ManualClock
from tests.apis.sides import Side
from tests.support.rows import EMBED_MODEL, MODEL, jsonl, many, row

Requests = str | Path | list[BatchRequest] | Iterator[BatchRequest] | AsyncIterator[Any]


def as_path(folder: Path) -> Requests:
    path = folder / "in.jsonl"
    path.write_bytes(many(3))
    return path


def as_list(_: Path) -> Requests:
    return [row("k0"), row("k1"), row("k2")]


def as_iterator(_: Path) -> Requests:
    return (row(f"k{n}") for n in range(3))


async def as_async_iterator(_: Path) -> AsyncIterator[BatchRequest]:
    for n in range(3):
        await anyio.sleep(0)
        yield row(f"k{n}")


def as_lines(_: Path) -> Requests:
    return [jsonl(row("k0")).decode(), jsonl(row("k1")), json.dumps(row("k2"))]


def as_typed(_: Path) -> Requests:
    return [GenerateRequest.from_text("Hello", key=f"k{n}") for n in range(3)]


async def keys(client: Client, clock: ManualClock, job: BatchJob) -> list[str]:
    """Return the keys of a job's results, sorted: results come in no order."""
    clock.advance(3600)
    return sorted([str(result.key) async for result in client.batches.results(job.name)])


@pytest.mark.parametrize(
    "form", [as_path, as_list, as_iterator, as_async_iterator, as_lines, as_typed]
)
async def test_every_form_of_requests_is_taken(
    client: Client,
    clock: ManualClock,
    tmp_path: Path,
    form: Callable[[Path], Requests],
) -> None:
    job = await client.batches.submit(MODEL, form(tmp_path), display_name="Nightly")

    assert (job.display_name, job.kind) == ("Nightly", JobKind.GENERATE)
    assert (job.state, job.done) == (JobState.PENDING, False)
    assert job.intent_token is not None
    assert await keys(client, clock, job) == ["k0", "k1", "k2"]


async def test_forms_may_be_mixed_and_rows_without_a_key_get_one(
    client: Client, clock: ManualClock
) -> None:
    requests: list[BatchRequest] = [
        GenerateRequest.from_text("Hello", key="typed"),
        GenerateRequest.from_text("Hello"),
        row("mapping"),
        row("x")["request"],
        jsonl(row("line")).decode(),
        jsonl(row("ключ ü \"'\\")),
        {
            "key": "snake",
            "request": {**row("x")["request"], "generation_config": {"top_p": 1}},
        },
    ]

    job = await client.batches.submit(MODEL, requests)

    assert await keys(client, clock, job) == sorted(
        [
            "typed",
            "row-000000002",
            "mapping",
            "row-000000004",
            "line",
            "ключ ü \"'\\",
            "snake",
        ]
    )


async def test_a_job_is_made_of_rows_that_are_stored(
    side: Side, client: Client, clock: ManualClock
) -> None:
    source = await side.store(client, many(3))

    job = await client.batches.create(MODEL, display_name="Nightly", **source)

    assert (job.display_name, job.state) == ("Nightly", JobState.PENDING)
    assert await keys(client, clock, job) == ["k0", "k1", "k2"]


async def test_embeddings(client: Client, clock: ManualClock) -> None:
    requests = [
        EmbedRequest.from_text(f"Hello {n}", key=f"k{n}", output_dimensionality=8)
        for n in range(3)
    ]

    job = await client.batches.submit(EMBED_MODEL, requests)
    clock.advance(3600)
    results = {r.key: r async for r in client.batches.results(job.name)}

    assert job.kind == JobKind.EMBED
    assert results.keys() == {"k0", "k1", "k2"}
    for result in results.values():
        assert result.ok
        assert result.embedding is not None
        assert sum(x * x for x in result.embedding) == pytest.approx(1.0, abs=1e-5)
        assert len(result.embedding) == 8
        assert result.usage is not None
        assert result.usage.prompt_token_count
    assert len({tuple(result.embedding or ()) for result in results.values()}) == 3


async def test_embeddings_of_rows_that_are_stored(
    side: Side, client: Client, clock: ManualClock
) -> None:
    request = {"content": {"parts": [{"text": "x"}]}}
    source = await side.store(client, jsonl({"key": "a", "request": request}))

    job = await client.batches.create_embeddings(EMBED_MODEL, **source)
    clock.advance(3600)
    (result,) = [r async for r in client.batches.results(job)]

    assert (job.kind, result.key) == (JobKind.EMBED, "a")
    assert len(result.embedding or ()) == 3072


async def test_defaults_fill_what_requests_leave_open(side: Side, client: Client) -> None:
    own = GenerateRequest.from_text(
        "Hello", key="b", system_instruction="Mine", generation_config={"temperature": 1}
    )

    job = await client.batches.submit(
        MODEL,
        [row("a"), own],
        system_instruction="Be brief.",
        generation_config={"temperature": 0, "max_output_tokens": 7},
    )

    first, second = side.rows_of(job)
    assert first["request"]["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert first["request"]["generationConfig"] == {"temperature": 0, "maxOutputTokens": 7}
    assert second["request"]["systemInstruction"] == {"parts": [{"text": "Mine"}]}
    assert second["request"]["generationConfig"] == {"temperature": 1, "maxOutputTokens": 7}


async def test_thousands_of_rows(side: Side, client: Client, clock: ManualClock) -> None:
    side.emulator.answers(lambda request, _: request["contents"][0]["parts"][0]["text"])
    job = await client.batches.submit(MODEL, (row(f"k{n}", f"Hi {n}") for n in range(4000)))

    clock.advance(3600)
    results = {r.key: r.text async for r in client.batches.results(job.name)}

    # Each has the answer to its own question.
    assert results == {f"k{n}": f"Hi {n}" for n in range(4000)}
    job = await client.batches.get(job)
    assert job.completion_stats is not None
    assert job.completion_stats.success_count == job.completion_stats.total_count == 4000


# Refused before anything is sent


async def test_all_problems_are_told_before_anything_is_sent(
    side: Side, client: Client, tmp_path: Path
) -> None:
    path = tmp_path / "in.jsonl"
    lines = [
        json.dumps(row("a")),
        "{",
        json.dumps(row("a")),
        json.dumps({"key": "b", "request": {"contents": [], "temperature": 1}}),
        "",
        json.dumps({"key": 5, "request": row("x")["request"]}),
        json.dumps(row("c", generationConfig={"maxOutputToken": 5})),
    ]
    path.write_text("\n".join(lines))

    with pytest.raises(InputError) as caught:
        await client.batches.submit(MODEL, path)

    assert side.emulator.log == []
    # Byte for byte the same on both.
    told = [
        str(problem).replace(str(path), "in.jsonl") for problem in caught.value.problems
    ]
    assert told == [
        (
            "in.jsonl:2: not JSON at column 2: Expecting property name enclosed in double "
            "quotes. Every line is one whole JSON object, without a comma or list around it."
        ),
        (
            "in.jsonl:3: key: the key 'a' was used on line 1 already. Every row needs a key of "
            "its own: it is what answers are matched by."
        ),
        (
            "in.jsonl:4: request.temperature: GenerateContentRequest has no member "
            "'temperature'. It belongs in generationConfig."
        ),
        (
            "in.jsonl:4: request.contents: there are no contents. Write "
            '[{"parts": [{"text": "…"}]}].'
        ),
        'in.jsonl:6: key: a key is a string, not a number. Write it in quotes: "5".',
        (
            "in.jsonl:7: request.generationConfig.maxOutputToken: GenerationConfig has no "
            "member 'maxOutputToken'. Did you mean 'maxOutputTokens'?"
        ),
    ]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"display_name": "\ud800"},
            "display_name: it is not Unicode: surrogates not allowed",
        ),
        (
            {"idempotency_key": ""},
            (
                "idempotency_key: it is empty. Name the intention, such as "
                "'summaries-2026-10-01'."
            ),
        ),
        (
            {"idempotency_key": "\ud800"},
            "idempotency_key: it is not Unicode: surrogates not allowed",
        ),
    ],
)
async def test_a_wrong_option_is_told(
    side: Side, client: Client, options: dict[str, Any], text: str
) -> None:
    with pytest.raises(InputError) as caught:
        await client.batches.submit(MODEL, [row("a")], **options)

    assert str(caught.value) == text
    assert side.emulator.log == []


@pytest.mark.parametrize(
    ("requests", "text"),
    [
        ([], "there are no requests. Give at least one."),
        (
            3,
            (
                "expected a path or requests, got int. Give the path of a JSONL file, a list, or "
                "an iterable, async or not."
            ),
        ),
        (
            row("a"),
            (
                "expected requests, got a single dict. Put it into a list; for a file, give its "
                "path."
            ),
        ),
        (
            [row("a"), row("a")],
            (
                "2: key: the key 'a' was used on row 1 already. Every row needs a key of its "
                "own: it is what answers are matched by."
            ),
        ),
        (
            [3],
            (
                "1: expected a request, got a number. Give a GenerateRequest, an EmbedRequest, a "
                "mapping or a line of JSON."
            ),
        ),
        (
            ["{"],
            (
                "1: not JSON at column 2: Expecting property name enclosed in double quotes. "
                "Every line is one whole JSON object, without a comma or list around it."
            ),
        ),
        (
            [{"contents": []}],
            '1: contents: there are no contents. Write [{"parts": [{"text": "…"}]}].',
        ),
        (
            [{"key": "a", "request": {"contents": [{"parts": [{"txt": "x"}]}]}}],
            (
                "1: request.contents[0].parts[0].txt: Part has no member 'txt'. Did you mean "
                "'text'?"
            ),
        ),
        (
            [GenerateRequest.from_text("x"), EmbedRequest.from_text("x")],
            (
                "2: this is an embedding row, where a generation row is due. A generation row "
                "has contents, a list; an embedding row has content, a single one. A job takes "
                "rows of one kind."
            ),
        ),
    ],
)
async def test_what_cannot_be_a_request_is_told(
    side: Side, client: Client, requests: Any, text: str
) -> None:
    with pytest.raises(InputError) as caught:
        await client.batches.submit(MODEL, requests)

    assert str(caught.value) == text
    assert side.emulator.log == []


async def test_a_source_is_needed(side: Side, client: Client) -> None:
    with pytest.raises(InputError, match=r"^no source is given"):
        await client.batches.create(MODEL)

    assert side.emulator.log == []


@pytest.mark.parametrize(
    "options", [{"generation_config": {"temperature": 0}}, {"system_instruction": "x"}]
)
async def test_defaults_cannot_reach_rows_that_are_stored(
    side: Side, client: Client, options: dict[str, Any]
) -> None:
    source = await side.store(client, many(1))
    sent = len(side.emulator.log)

    with pytest.raises(InputError) as caught:
        await client.batches.create(MODEL, **source, **options)

    assert str(caught.value) == (
        f"{next(iter(options))}: it cannot be applied to requests that are stored. "
        "Put it into the requests, or let submit() do so: it takes the file's path."
    )
    assert len(side.emulator.log) == sent


async def test_what_only_the_other_api_has_is_refused(side: Side, client: Client) -> None:
    for create in (client.batches.create, client.batches.create_embeddings):
        for name, value in side.foreign.items():
            source = await side.store(client, many(1))
            sources = {"file_name", "inlined_requests", "gcs_uri", "bigquery_uri"}
            given = {} if name in {*sources, "vertex_dataset"} else source
            sent = len(side.emulator.log)

            with pytest.raises(InputError) as caught:
                await create(MODEL, **given, **{name: value})

            assert str(caught.value).startswith(f"{name}: {side.title} does not have it. ")
            assert len(side.emulator.log) == sent


async def test_submit_refuses_what_only_the_other_api_has(
    side: Side, client: Client
) -> None:
    sources = {"file_name", "inlined_requests", "gcs_uri", "bigquery_uri", "vertex_dataset"}
    for name in side.foreign.keys() - sources:
        with pytest.raises(InputError) as caught:
            await client.batches.submit(MODEL, [row("a")], **{name: side.foreign[name]})

        assert str(caught.value).startswith(f"{name}: {side.title} does not have it. ")

    assert side.emulator.log == []


@pytest.mark.parametrize("model", [MODEL, f"models/{MODEL}"])
async def test_a_model_has_a_short_name_and_a_longer_one(
    side: Side, client: Client, model: str
) -> None:
    job = await client.batches.submit(model, [row("a", model=f"models/{MODEL}")])

    assert job.model.endswith(f"models/{MODEL}")
    # The same intention, whichever name was used.
    again = await client.batches.submit(MODEL, [row("a")], idempotency_key="x")
    assert await client.batches.submit(model, [row("a")], idempotency_key="x") == again


async def test_a_model_that_is_none_is_told(side: Side, client: Client) -> None:
    with pytest.raises(InputError, match=r"^model: "):
        await client.batches.submit("../secret", [row("a")])
    assert side.emulator.log == []

    with pytest.raises(NotFoundError):
        await client.batches.submit("gemma-unknown", [row("a")])
    assert dict(side.jobs) == {}
