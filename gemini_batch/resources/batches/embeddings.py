"""Reading the vectors of an embedding job as one matrix."""

from abc import abstractmethod
from contextlib import aclosing
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from gemini_batch.resources.batches.results.expected_keys import Expected
    from gemini_batch.types import BatchJob, BatchResult, Embeddings, Tally


class EmbeddingCollecting:
    """The part of a resource of jobs that collects vectors."""

    @abstractmethod
    async def get(self, name: "str | BatchJob") -> "BatchJob":
        """Return the job as it is now."""

    @abstractmethod
    def results(
        self,
        job: "str | BatchJob",
        *,
        key_column: str | None = None,
        expected: "Expected | None" = None,
        ordered: bool = False,
        tally: "Tally | None" = None,
    ) -> "AsyncGenerator[BatchResult, None]":
        """Iterate over the results of a job that has ended."""

    async def collect_embeddings(
        self,
        job: "str | BatchJob",
        *,
        dtype: Literal["float32", "float64"] = "float32",
        dimensions: int | None = None,
        max_bytes: int | None = None,
        partial: bool = False,
        key_column: str | None = None,
        expected: "Expected | None" = None,
        ordered: bool = False,
        tally: "Tally | None" = None,
    ) -> "Embeddings":
        """Return the keys and vectors of an embedding job as one N x D matrix.

        It takes N x D x 4 bytes (x 8 for float64) and up to a sixteenth more while it grows,
        beside the keys: 1,000,000 vectors of 768 dimensions take 3.1 GB. Rows come in the
        order in which results arrive; `Embeddings.keys` tells which is which.

        Args:
            job: The job.
            dtype: The service computes with 32 bits: float64 is the same numbers, wider.
            dimensions: Numbers that each vector must have; left out, those of the first.
            max_bytes: Most bytes the matrix may take. Checked with the first vector, as far
                as the job tells how many there are, and with each that follows, before
                memory is taken for it.
            partial: True leaves out results that did not end well, have no key or that of
                another, or a vector of other dimensions: `Embeddings.unusable` lists them.
            key_column: As with `results`.
            expected: As with `results`: what is missing is left out, too.
            ordered: As with `results`: rows come in the order of the input.
            tally: As with `results`.

        Raises:
            EmbeddingsError: There is no vector, or there are results as under `partial`,
                which is not set: all of them are told, up to a thousand.
            InputError: The matrix would take more than `max_bytes`, or the job generates.
            ResultsUnavailableError: The job runs still, or its results are gone.
            JobFailedError: The job ended without results.
        """
        from gemini_batch.errors import InputError  # noqa: PLC0415
        from gemini_batch.resources.batches.results.embedding_matrix import (  # noqa: PLC0415
            TYPE_CODES,
            Matrix,
        )
        from gemini_batch.resources.batches.results.result_reader import with_output  # noqa: PLC0415
        from gemini_batch.types import JobKind  # noqa: PLC0415

        if dtype not in TYPE_CODES:
            raise InputError.one(
                f"there is no such type of numbers here: {dtype!r}",
                remedy=f"Choose {' or '.join(TYPE_CODES)}.",
                field="dtype",
            )
        ended = await with_output(job, self.get)
        if ended.kind != JobKind.EMBED:
            raise InputError.one(
                f"{ended.name} generates, and has no vectors",
                remedy="Read it with results().",
                field="job",
            )
        matrix = Matrix(
            ended,
            type_code=TYPE_CODES[dtype],
            dimensions=dimensions,
            max_bytes=max_bytes,
            partial=partial,
        )
        results = self.results(
            ended, key_column=key_column, expected=expected, ordered=ordered, tally=tally
        )
        async with aclosing(results):
            async for result in results:
                matrix.add(result)
        return matrix.embeddings()
