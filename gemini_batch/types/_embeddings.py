"""The vectors of a job as one matrix."""

from array import array
from typing import TYPE_CHECKING, Literal

from attrs import field, frozen

from gemini_batch.types._enums import Outcome

if TYPE_CHECKING:
    Floats = array[float]
else:  # not subscriptable before Python 3.12
    Floats = array


@frozen(kw_only=True)
class UnusableResult:
    """A result that has no place in a matrix, and why."""

    key: str | None
    index: int
    """Position among the results, from 0."""

    outcome: Outcome
    """How the request ended. OK, too, if its vector does not fit: see `reason`."""

    reason: str

    def __str__(self) -> str:
        name = f"result {self.index}" if self.key is None else self.key
        return f"{name}: {self.reason}"


@frozen(kw_only=True, eq=False)
class Embeddings:
    """Keys and the N x D matrix of their vectors: N rows in the order of `keys`, D dimensions."""

    keys: tuple[str, ...] = field(repr=lambda keys: f"<{len(keys)} keys>")
    """Key of each row."""

    dimensions: int
    """Numbers per row."""

    values: Floats = field(repr=lambda values: f"<{len(values)} floats>")
    """All numbers, row after row: type code ``f`` (32 bits) or ``d`` (64 bits)."""

    unusable: tuple[UnusableResult, ...] = field(
        default=(), repr=lambda results: f"<{len(results)} results>"
    )
    """Results without a row in the matrix; always empty unless they were asked for."""

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def nbytes(self) -> int:
        """Bytes of the matrix: N x D x 4, or x 8 for 64-bit floats."""
        return len(self.values) * self.values.itemsize

    @property
    def matrix(self) -> "memoryview[float]":
        """The matrix, by the buffer protocol: ``numpy.asarray(found.matrix)`` copies nothing.

        Without numpy, ``matrix[row, column]`` is a number.
        """
        shape = (len(self.keys), self.dimensions)
        return memoryview(self.values).cast("B").cast(self._code, shape)

    def vector(self, row: int) -> "memoryview[float]":
        """Return one row of the matrix, from 0; it shares the matrix' memory.

        Raises:
            IndexError: There is no such row.
        """
        if not 0 <= row < len(self.keys):
            raise IndexError(f"there are {len(self.keys)} rows, and no row {row}")
        start = row * self.dimensions
        values = memoryview(self.values).cast("B").cast(self._code)
        return values[start : start + self.dimensions]

    @property
    def _code(self) -> Literal["f", "d"]:
        return "d" if self.values.typecode == "d" else "f"
