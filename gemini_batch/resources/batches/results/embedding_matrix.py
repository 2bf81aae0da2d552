"""Vectors put together into a matrix, row by row."""

from array import array
from typing import Final

from gemini_batch.errors import EmbeddingsError, InputError
from gemini_batch.types import BatchJob, BatchResult, Embeddings, FloatArray, UnusableResult

_TOLD: Final = 1000  # rows that an error lists
TYPE_CODES: Final = {"float32": "f", "float64": "d"}


class Matrix:
    """Takes results and makes `Embeddings` of their vectors."""

    def __init__(
        self,
        job: BatchJob,
        *,
        type_code: str,
        dimensions: int | None,
        max_bytes: int | None,
        partial: bool,
    ) -> None:
        """Create an empty matrix.

        Args:
            job: The job, which may tell how many vectors there are to be.
            type_code: ``f`` or ``d``.
            dimensions: Numbers per vector; None takes those of the first.
            max_bytes: Most bytes to take for the matrix; None: any.
            partial: Whether to go on without the rows that have no vector.
        """
        self._job = job
        self._dimensions = dimensions
        self._max_bytes = max_bytes
        self._partial = partial
        self._keys: dict[str, None] = {}
        self._values: FloatArray = array(type_code)
        self._unusable: list[UnusableResult] = []
        self._omitted = 0
        self._count = _count(job)

    def add(self, result: BatchResult) -> None:
        """Take a result.

        Raises:
            InputError: More bytes are needed than may be taken.
        """
        vector = result.embedding if result.ok else None
        reason = self._why_not(result, vector)
        if reason is not None:
            self._refuse(result, reason)
        elif vector is not None and result.key is not None:
            self._keys[result.key] = None
            if self._partial or not self._unusable:
                self._make_room(len(vector))
                same = vector.typecode == self._values.typecode
                self._values.extend(vector if same else array("d", vector))

    def embeddings(self) -> Embeddings:
        """Return what came together.

        Raises:
            EmbeddingsError: There is none, or there are results without a vector that fits.
        """
        if not self._keys or (self._unusable and not self._partial):
            raise EmbeddingsError(
                job=self._job,
                unusable=tuple(self._unusable[:_TOLD]),
                omitted=self._omitted + max(len(self._unusable) - _TOLD, 0),
            )
        return Embeddings(
            keys=tuple(self._keys),
            dimensions=self._dimensions or 0,
            values=self._values,
            unusable=tuple(self._unusable),
        )

    def _why_not(self, result: BatchResult, vector: FloatArray | None) -> str | None:
        if vector is None:
            return str(result.error or "the answer is not a vector")
        if result.key is None:
            return "the row has no key"
        if result.key in self._keys:
            return "its key was there before"
        if self._dimensions is None:
            self._dimensions = len(vector)
        if len(vector) != self._dimensions:
            return f"it has {len(vector)} dimensions, not {self._dimensions}"
        return None

    def _refuse(self, result: BatchResult, reason: str) -> None:
        if not self._partial:
            # There will be an error: nothing of the matrix is needed any more.
            del self._values[:]
            if len(self._unusable) == _TOLD:
                self._omitted += 1
                return
        row = UnusableResult(
            key=result.key, index=result.index, outcome=result.outcome, reason=reason
        )
        self._unusable.append(row)

    def _make_room(self, dimensions: int) -> None:
        if self._max_bytes is None:
            return
        count = max(len(self._keys), self._count)
        needed = count * dimensions * self._values.itemsize
        if needed > self._max_bytes:
            raise InputError.one(
                f"the matrix of {count:,} x {dimensions:,} numbers of "
                f"{self._values.itemsize} bytes needs {needed:,} bytes, which is more than "
                f"{self._max_bytes:,}",
                remedy="Raise max_bytes, or read the vectors one by one with results().",
                field="max_bytes",
            )


def _count(job: BatchJob) -> int:
    """Return how many vectors a job says it has, which need not be so; 0 if it does not say."""
    stats = job.completion_stats
    return 0 if stats is None else stats.success_count or 0
