"""Typed answers: the schema goes out with the requests, and values of the type come back."""

import datetime as dt
import decimal
import json
import pickle
import uuid
from collections.abc import Mapping
from typing import Any

import attrs
import msgspec
import pytest
from pydantic import BaseModel, Field

from gemini_batch import (
    BatchJob,
    BatchResult,
    Client,
    EmbedRequest,
    GenerateRequest,
    GenerationConfig,
    InputError,
    Outcome,
    Tally,
)
from gemini_batch.testing import Emulator
from tests.apis.sides import Side
from tests.support.answer_types import (
    ATTRS_TYPES,
    Cat,
    Constrained,
    Dog,
    Flat,
    Invoice,
    Nested,
    Node,
    TaggedUnion,
    Texts,
    WithOptional,
)
from tests.support.rows import EMBED_MODEL, MODEL, jsonl, row


class Author(BaseModel):
    name: str = Field(min_length=1)
    born: int | None = None


class Book(BaseModel):
    """A book."""

    title: str
    authors: list[Author]


REQUESTS = tuple(GenerateRequest.from_text(f"Tell of {n}", key=f"k{n}") for n in range(3))


async def ended(side: Side, client: Client, response_type: Any, **options: Any) -> BatchJob:
    job = await client.batches.submit(
        MODEL, REQUESTS, response_type=response_type, **options
    )
    side.clock.advance(24 * 3600 - 60)
    return await client.batches.get(job)


async def read(client: Client, job: BatchJob, response_type: Any) -> list[BatchResult]:
    rows = client.batches.results(job, response_type=response_type)
    return sorted([result async for result in rows], key=lambda r: r.key or "")


def lives_up_to(value: object, answer: object) -> bool:
    """Tell whether `value` has all that an answer has; it may have defaults beside."""
    if isinstance(value, Mapping) and isinstance(answer, Mapping):
        return all(lives_up_to(value.get(name), answer[name]) for name in answer)
    if isinstance(value, list | tuple) and isinstance(answer, list):
        return len(value) == len(answer) and all(map(lives_up_to, value, answer))
    return value == answer


@pytest.mark.parametrize("cls", ATTRS_TYPES, ids=lambda cls: cls.__name__)
async def test_a_schema_goes_out_and_a_typed_value_comes_back(
    side: Side, client: Client, cls: type[Any]
) -> None:
    results = await read(client, await ended(side, client, cls), cls)

    assert [(r.key, r.outcome) for r in results] == [
        (f"k{n}", Outcome.OK) for n in range(3)
    ], [str(r.error) for r in results]
    for result in results:
        value = result.parsed(cls)
        assert type(value) is cls
        assert value == result.parsed()
        assert lives_up_to(msgspec.to_builtins(value), json.loads(result.text or "{}"))


@pytest.mark.parametrize("cls", [Book, Invoice])
async def test_pydantic_models_and_dataclasses_work_as_well(
    side: Side, client: Client, cls: type[Any]
) -> None:
    for result in await read(client, await ended(side, client, cls), cls):
        assert type(result.parsed(cls)) is cls


async def test_what_is_sent_is_the_schema_in_the_services_language(
    side: Side, client: Client
) -> None:
    job = await client.batches.submit(
        MODEL,
        REQUESTS,
        response_type=Nested,
        generation_config=GenerationConfig(temperature=0.0),
    )

    for sent in side.rows_of(job):
        config = sent["request"]["generationConfig"]
        assert config["temperature"] == 0.0
        assert config["responseMimeType"] == "application/json"
        assert config["responseSchema"]["propertyOrdering"] == ["name", "address"]
        assert config["responseSchema"]["properties"]["address"]["required"] == [
            "street",
            "city",
        ]


TEXTS: dict[str, Any] = {
    "day": "2026-01-31",
    "time": "14:30:00",
    "long": "PT15M",
    "id": "3f2b8c1e-5d4a-4c6b-9e7f-0a1b2c3d4e5f",
    "price": "12.50",
    "tags": ["a", "b", "a"],
    "kinds": [],
}
FITTING: list[tuple[Any, Any, Any]] = [
    (
        Texts,
        TEXTS,
        Texts(
            day=dt.date(2026, 1, 31),
            time=dt.time(14, 30),
            long=dt.timedelta(minutes=15),
            id=uuid.UUID(TEXTS["id"]),
            price=decimal.Decimal("12.50"),
            tags={"a", "b"},
            kinds=frozenset(),
        ),
    ),
    (WithOptional, {"name": None}, WithOptional(name=None)),
    (WithOptional, {"name": "A", "place": None, "more": 1}, WithOptional(name="A")),
    (
        TaggedUnion,
        {"pet": {"kind": "dog", "name": "Rex"}, "others": [{"kind": "cat", "lives": 9}]},
        TaggedUnion(pet=Dog(kind="dog", name="Rex"), others=[Cat(kind="cat", lives=9)]),
    ),
    (list[Cat], [{"kind": "cat", "lives": 9}], [Cat(kind="cat", lives=9)]),
    (Cat | Dog, {"kind": "dog", "name": "Rex"}, Dog(kind="dog", name="Rex")),
    (list[Author], [{"name": "Ada"}], [Author(name="Ada")]),
]


@pytest.mark.parametrize(("cls", "answer", "value"), FITTING)
async def test_answers_become_values(
    side: Side, client: Client, emulator: Emulator, cls: Any, answer: Any, value: object
) -> None:
    emulator.answers(lambda *_: json.dumps(answer))

    for result in await read(client, await ended(side, client, cls), cls):
        assert (result.outcome, result.error) == (Outcome.OK, None)
        assert result.parsed() == value


GOOD: dict[str, Any] = {"name": "A", "age": 1, "weight": 1, "alive": True}
PARTS: dict[str, Any] = {"stars": 5, "title": "Good", "parts": ["a"]}
MISFITS: list[tuple[Any, Any, str]] = [
    (Flat, {**GOOD, "age": "old"}, "expected an integer, got str @ $.age"),
    (Flat, {"name": "A"}, "required field missing @ $.age"),
    (Flat, [GOOD], "expected an object, got list @ $"),
    (list[Flat], [GOOD, {**GOOD, "alive": 1}], "got int @ $[1].alive"),
    (list[Flat], GOOD, "expected a list, got dict @ $"),
    (Nested, {"name": "A", "address": {"street": 5, "city": "B"}}, "@ $.address.street"),
    (TaggedUnion, {"pet": {"kind": "cow"}, "others": []}, "@ $.pet"),
    (Constrained, {**PARTS, "stars": 6}, "`int` <= 5 @ $.stars"),
    (Constrained, {**PARTS, "parts": []}, "of length >= 1 @ $.parts"),
    (Constrained, {**PARTS, "title": "No"}, "of length >= 3 @ $.title"),
    (Texts, {**TEXTS, "day": "today"}, "@ $.day"),
    (Book, {"title": "A", "authors": [{"name": ""}]}, "authors[0].name: "),
    (Book, [], "the whole: "),
]


@pytest.mark.parametrize(("cls", "answer", "where"), MISFITS)
async def test_an_answer_that_does_not_fit_is_invalid_and_kept(
    side: Side, client: Client, emulator: Emulator, cls: Any, answer: Any, where: str
) -> None:
    emulator.answers(lambda *_: json.dumps(answer))
    job = await ended(side, client, cls)

    for result in await read(client, job, cls):
        assert json.loads(result.text or "") == answer
        assert (result.outcome, result.ok) == (Outcome.INVALID, False)
        assert where in str(result.error)
        assert json.loads(result.text or "") == answer
        assert result.response is not None
        with pytest.raises(ValueError, match="@"):
            result.parsed()
    # Nobody asked: a whole answer is a whole answer.
    assert all([result.ok async for result in client.batches.results(job)])


async def test_only_whole_answers_are_held_against_the_type(
    side: Side, client: Client
) -> None:
    rows = (row("a", "[emulator:safety]"), row("b", "[emulator:error:13]"), row("c"))
    job = await client.batches.submit(MODEL, rows)
    side.clock.advance(24 * 3600 - 60)

    results = await read(client, await client.batches.get(job), Flat)

    assert [r.outcome for r in results] == [
        Outcome.BLOCKED,
        Outcome.ERROR,
        Outcome.INVALID,
    ]
    assert "expected JSON" in str(results[2].error)


async def test_types_and_reconciliation_go_together(
    side: Side, client: Client, emulator: Emulator
) -> None:
    emulator.answers(
        lambda request, _: (
            json.dumps(GOOD) if "of 1" in str(request["contents"]) else "nothing"
        )
    )
    job = await ended(side, client, Flat)
    tally = Tally()

    results = [
        result
        async for result in client.batches.results(
            job,
            response_type=Flat,
            expected=["k2", "k9", "k1", "k0"],
            ordered=True,
            tally=tally,
        )
    ]

    assert [(r.key, r.outcome) for r in results] == [
        ("k2", Outcome.INVALID),
        ("k9", Outcome.MISSING),
        ("k1", Outcome.OK),
        ("k0", Outcome.INVALID),
    ]
    assert results[2].parsed() == Flat(**GOOD)
    assert tally.outcomes[Outcome.INVALID] == 2


async def test_typed_results_can_be_pickled(side: Side, client: Client) -> None:
    for result in await read(client, await ended(side, client, Flat), Flat):
        again = pickle.loads(pickle.dumps(result))
        assert again.parsed() == result.parsed()
        assert again.metadata == result.metadata


async def test_stored_results_are_typed(
    side: Side, client: Client, emulator: Emulator
) -> None:
    emulator.answers(lambda *_: json.dumps(GOOD))
    side.odd_rows("invalid")
    job = await client.batches.create(
        MODEL, **await side.store(client, jsonl(row("a"), row("b"), row("c")))
    )
    side.clock.advance(24 * 3600 - 60)

    results = await read(client, await client.batches.get(job), Flat)

    assert sorted(r.outcome for r in results) == [
        Outcome.INVALID,
        Outcome.OK,
        Outcome.OK,
    ]
    assert [r.parsed().age for r in results if r.ok] == [1, 1]


async def test_json_schema_goes_out_on_request(side: Side, client: Client) -> None:
    job = await ended(side, client, Node, as_json_schema=True)

    for result in await read(client, job, Node):
        assert isinstance(result.parsed(), Node)


async def test_json_schema_stands_in_its_own_member(side: Side, client: Client) -> None:
    job = await client.batches.submit(
        MODEL, REQUESTS, response_type=Node, as_json_schema=True
    )

    config = side.rows_of(job)[0]["request"]["generationConfig"]
    assert config["responseJsonSchema"]["$ref"] == "#/$defs/Node"
    assert "responseSchema" not in config


async def test_a_row_with_its_own_schema_keeps_it(side: Side, client: Client) -> None:
    own = {"responseMimeType": "application/json", "responseSchema": {"type": "STRING"}}
    job = await client.batches.submit(
        MODEL, [row("a", generationConfig=own), row("b")], response_type=Flat
    )

    first, second = side.rows_of(job)
    assert first["request"]["generationConfig"] == own
    assert "properties" in second["request"]["generationConfig"]["responseSchema"]


# Refused before anything is sent


@attrs.frozen
class Bad:
    anything: Any
    by_name: dict[str, int]


SCHEMA = {"response_schema": {"type": "STRING"}}
CONTRADICTIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"response_type": Bad}, "response_type.anything", "may be anything"),
    ({"response_type": Bad}, "response_type.by_name", "not named"),
    ({"response_type": Node}, "response_type.children[]", "holds itself"),
    ({"response_type": Flat, "generation_config": SCHEMA}, "response_type", "of its own"),
    (
        {"response_type": Flat, "generation_config": {"responseMimeType": "text/plain"}},
        "response_type",
        "text/plain",
    ),
    ({"response_type": Flat, "generation_config": 5}, "generation_config", "a number"),
    ({"as_json_schema": True}, "as_json_schema", "no response_type"),
]


@pytest.mark.parametrize(("options", "field", "message"), CONTRADICTIONS)
async def test_what_cannot_be_asked_for_is_refused_before_anything_is_sent(
    side: Side, client: Client, options: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        await client.batches.submit(MODEL, REQUESTS, **options)

    (problem,) = [p for p in caught.value.problems if p.field == field]
    assert message in problem.message
    assert (len(side.emulator.log), len(side.jobs)) == (0, 0)


async def test_a_config_that_says_json_already_is_no_contradiction(
    side: Side, client: Client
) -> None:
    job = await client.batches.submit(
        MODEL,
        REQUESTS,
        response_type=Flat,
        generation_config=GenerationConfig(response_mime_type="application/json"),
    )

    config = side.rows_of(job)[0]["request"]["generationConfig"]
    assert config["responseMimeType"] == "application/json"


async def test_stored_rows_take_no_type(side: Side, client: Client) -> None:
    source = await side.store(client, jsonl(row("a")))

    with pytest.raises(InputError, match="requests that are stored") as caught:
        await client.batches.create(MODEL, **source, response_type=Flat)

    assert caught.value.problems[0].field == "response_type"


async def test_embeddings_have_no_type_of_the_callers(side: Side, client: Client) -> None:
    texts = [EmbedRequest.from_text("Hello", key="a")]
    with pytest.raises(InputError, match="embedding row"):
        await client.batches.submit(EMBED_MODEL, texts, response_type=Flat)

    job = await client.batches.submit(EMBED_MODEL, texts)
    side.clock.advance(24 * 3600 - 60)
    with pytest.raises(InputError, match="embeddings"):
        await read(client, await client.batches.get(job), Flat)


async def test_a_type_that_nothing_can_be_read_as_is_refused(
    side: Side, client: Client
) -> None:
    job = await ended(side, client, Flat)

    with pytest.raises(InputError, match="no answer can be read") as caught:
        await read(client, job, complex)

    assert caught.value.problems[0].field == "response_type"


async def test_parsed_needs_a_type(side: Side, client: Client) -> None:
    job = await ended(side, client, Flat)

    async for result in client.batches.results(job):
        with pytest.raises(InputError, match="no type of the answer"):
            result.parsed()
