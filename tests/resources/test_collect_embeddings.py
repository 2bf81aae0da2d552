"""Vectors of a job as one matrix: shared, bounded, and nothing left out without a word."""

import pickle
from array import array
from typing import Any

import pytest

from gemini_batch import (
    BatchJob,
    Client,
    Embeddings,
    EmbeddingsError,
    GeminiBatchError,
    InputError,
    JobKind,
    Outcome,
    ResultsUnavailableError,
    Tally,
    UnusableResult,
)
from gemini_batch._codec import Codec, ResultDecoder
from gemini_batch.resources.batches.results.embedding_matrix import Matrix
from gemini_batch.testing import Emulator, Fault, ManualClock
from tests.support.rows import EMBED_MODEL, MODEL, jsonl, row

SIZE = 4


def embed(key: str | None, size: int = SIZE) -> dict[str, Any]:
    request = {
        "content": {"parts": [{"text": f"text of {key}"}]},
        "outputDimensionality": size,
    }
    return {"request": request} if key is None else {"key": key, "request": request}


async def finished(client: Client, clock: ManualClock, *rows: dict[str, Any]) -> BatchJob:
    file = await client.files.upload(jsonl(*rows))
    job = await client.batches.create_embeddings(EMBED_MODEL, file_name=file)
    clock.advance(3600)
    return await client.batches.get(job)


async def test_all_vectors_are_one_matrix(client: Client, clock: ManualClock) -> None:
    job = await finished(client, clock, *(embed(f"k{n}") for n in range(50)))
    vectors = {r.key: r.embedding async for r in client.batches.results(job)}

    found = await client.batches.collect_embeddings(job.name)

    assert found.keys == tuple(f"k{n}" for n in range(50))
    assert (len(found), found.dimensions, found.nbytes) == (50, SIZE, 50 * SIZE * 4)
    assert found.matrix.shape == (50, SIZE)
    assert found.matrix.format == "f"
    assert found.unusable == ()
    for number, key in enumerate(found.keys):
        vector = vectors[key]
        assert vector is not None
        assert found.vector(number).tolist() == vector.tolist()
        assert [found.matrix[number, i] for i in range(SIZE)] == vector.tolist()
    with pytest.raises(IndexError):
        found.vector(50)
    with pytest.raises(IndexError):
        found.vector(-1)


async def test_numpy_shares_the_matrix(client: Client, clock: ManualClock) -> None:
    numpy = pytest.importorskip("numpy")
    job = await finished(client, clock, embed("a"), embed("b"))

    found = await client.batches.collect_embeddings(job)
    matrix = numpy.asarray(found.matrix)

    assert matrix.shape == (2, SIZE)
    assert matrix.dtype == numpy.float32
    found.values[SIZE] = 7.0
    assert matrix[1, 0] == 7.0


async def test_an_inline_job_and_64_bits(client: Client, clock: ManualClock) -> None:
    rows = [embed("a"), embed("b")]
    job = await client.batches.create_embeddings(EMBED_MODEL, inlined_requests=rows)
    clock.advance(3600)

    narrow = await client.batches.collect_embeddings(job)
    wide = await client.batches.collect_embeddings(job, dtype="float64")

    assert wide.matrix.format == "d"
    assert wide.nbytes == 2 * SIZE * 8
    assert wide.matrix.tolist() == narrow.matrix.tolist()


async def test_vectors_of_other_sizes_are_told(client: Client, clock: ManualClock) -> None:
    job = await finished(client, clock, embed("a"), embed("b", 5), embed("c"))

    with pytest.raises(EmbeddingsError) as caught:
        await client.batches.collect_embeddings(job)
    partial = await client.batches.collect_embeddings(job, partial=True)
    other = await client.batches.collect_embeddings(job, partial=True, dimensions=5)

    odd = UnusableResult(
        key="b", index=1, outcome=Outcome.OK, reason="it has 5 dimensions, not 4"
    )
    assert caught.value.unusable == partial.unusable == (odd,)
    assert "b: it has 5 dimensions, not 4" in str(caught.value)
    assert partial.keys == ("a", "c")
    assert partial.matrix.shape == (2, SIZE)
    assert other.keys == ("b",)
    assert [row.key for row in other.unusable] == ["a", "c"]


async def test_rows_without_a_vector_are_told(
    client: Client, clock: ManualClock, emulator: Emulator
) -> None:
    emulator.faults.append(Fault.odd_rows("invalid", "duplicate", row_count=1))
    job = await finished(client, clock, *(embed(f"k{n}") for n in range(6)))
    rows = [r async for r in client.batches.results(job)]

    with pytest.raises(EmbeddingsError) as caught:
        await client.batches.collect_embeddings(job)
    found = await client.batches.collect_embeddings(job, partial=True)

    # No row is without a word: each is in the matrix, or told.
    assert len(found) + len(found.unusable) == len(rows) == 7
    assert set(found.unusable) == set(caught.value.unusable)
    assert {u.reason for u in found.unusable} >= {"its key was there before"}
    assert Outcome.INVALID in {u.outcome for u in found.unusable}


async def test_what_is_expected_and_did_not_come_is_told(
    client: Client, clock: ManualClock
) -> None:
    job = await finished(client, clock, embed("b"), embed("a"))
    tally = Tally()

    found = await client.batches.collect_embeddings(
        job, expected=["a", "b", "c"], ordered=True, tally=tally, partial=True
    )

    assert found.keys == ("a", "b")
    assert [(u.key, u.outcome) for u in found.unusable] == [("c", Outcome.MISSING)]
    assert tally.total == 3


async def test_an_error_lists_the_first_and_counts_the_rest(
    client: Client, clock: ManualClock
) -> None:
    job = await finished(client, clock, *(embed(f"k{n}") for n in range(1_010)))

    with pytest.raises(EmbeddingsError) as caught:
        await client.batches.collect_embeddings(job, dimensions=3)
    again: EmbeddingsError = pickle.loads(pickle.dumps(caught.value))

    assert isinstance(caught.value, GeminiBatchError)
    assert len(caught.value.unusable) == 1_000
    assert caught.value.omitted == 10
    assert str(caught.value).startswith(f"1010 results of {job.name} cannot be in a matrix")
    assert "… and 1000 more" in str(caught.value)
    assert str(again) == str(caught.value)
    with pytest.raises(EmbeddingsError):
        await client.batches.collect_embeddings(job, dimensions=3, partial=True)


async def test_no_more_memory_is_taken_than_was_allowed(
    client: Client, clock: ManualClock
) -> None:
    job = await finished(client, clock, *(embed(f"k{n}") for n in range(20)))
    needed = 20 * SIZE * 4

    found = await client.batches.collect_embeddings(job, max_bytes=needed)
    assert found.nbytes == needed
    with pytest.raises(InputError, match="20 x 4 numbers of 4 bytes needs 320 bytes"):
        await client.batches.collect_embeddings(job, max_bytes=needed - 1)
    with pytest.raises(InputError, match="needs 640 bytes"):
        await client.batches.collect_embeddings(job, max_bytes=needed, dtype="float64")


async def test_other_jobs_and_types_are_refused(client: Client, clock: ManualClock) -> None:
    job = await client.batches.create(MODEL, inlined_requests=[row("a")])
    running = await client.batches.create_embeddings(
        EMBED_MODEL, inlined_requests=[embed("a")]
    )

    with pytest.raises(ResultsUnavailableError):
        await client.batches.collect_embeddings(running)
    clock.advance(3600)
    with pytest.raises(InputError, match="has no vectors"):
        await client.batches.collect_embeddings(job)
    with pytest.raises(InputError, match="float32 or float64"):
        await client.batches.collect_embeddings(job, dtype="int8")  # type: ignore[arg-type]


async def test_a_row_without_a_key_has_no_place(client: Client, clock: ManualClock) -> None:
    job = await finished(client, clock, embed("a"))
    result = ResultDecoder(Codec(), JobKind.EMBED).result(
        b'{"response":{"embedding":{"values":[1.0]}}}', 3
    )
    matrix = Matrix(job, type_code="f", dimensions=None, max_bytes=None, partial=True)

    matrix.add(result)
    with pytest.raises(EmbeddingsError, match="result 3: the row has no key"):
        matrix.embeddings()


def test_a_matrix_shows_no_numbers() -> None:
    found = Embeddings(keys=("a", "b"), dimensions=2, values=array("f", [1, 2, 3, 4]))

    assert repr(found) == (
        "Embeddings(keys=<2 keys>, dimensions=2, values=<4 floats>, unusable=<0 results>)"
    )
    assert (
        str(UnusableResult(key=None, index=3, outcome=Outcome.OK, reason="x"))
        == "result 3: x"
    )
