"""Adding up results: how rows ended, what they cost in tokens, what was left out."""

from collections import Counter

from attrs import define, field, frozen

from gemini_batch.types._enums import Outcome
from gemini_batch.types._responses import Usage, count_in
from gemini_batch.types._results import BatchResult

_SAMPLES = 10  # of rows that came again, and of foreign ones
_SHOWN = 1_000  # bytes of a row that are kept with it


@frozen(kw_only=True)
class LeftOut:
    """A row that is nobody's result."""

    key: str | None
    """Its key; None if it has none, or cannot be read."""

    index: int
    """Its position among the rows, from 0."""

    duplicate: bool
    """True if a row with this key came before, which counts; False if it was not asked for."""

    start: bytes = field(repr=False)
    """Its first bytes, up to 1,000."""


@define(kw_only=True)
class Tally:
    """What a number of results adds up to. Tallies of several jobs can be added.

    Every row that came is counted once: `total` less those MISSING, `duplicates` and `foreign`
    are all of them.
    """

    outcomes: Counter[Outcome] = field(factory=Counter)
    """Results by the way they ended."""

    duplicates: int = 0
    """Rows left out because one with the same key came before. Looked for only where
    `Batches.results` was told what to expect, as are `foreign` ones."""

    foreign: int = 0
    """Rows left out because nobody asked for their key, or because they have none that can be
    read."""

    usage: Usage = field(factory=Usage)
    """Tokens of the results, rows left out not included."""

    bytes: int = 0
    """Bytes of the rows as they came, without the newlines; rows left out included."""

    samples: list[LeftOut] = field(factory=list)
    """The first rows left out: up to ten that came again, and ten foreign ones."""

    @property
    def total(self) -> int:
        """Results in all; with what to expect, as many as there were requests."""
        return self.outcomes.total()

    def add(self, result: BatchResult) -> None:
        """Count a result. Its answer is decoded, if it was not before."""
        self.outcomes[result.outcome] += 1
        self.bytes += len(result.raw)
        usage = result.usage
        if usage is not None:
            count_in(self.usage, usage)

    def leave_out(self, row: BatchResult, *, duplicate: bool) -> None:
        """Count a row that is nobody's result, and keep the first of them as samples."""
        if duplicate:
            self.duplicates += 1
        else:
            self.foreign += 1
        raw = row.raw
        self.bytes += len(raw)
        if (self.duplicates if duplicate else self.foreign) <= _SAMPLES:
            left_out = LeftOut(
                key=row.key, index=row.index, duplicate=duplicate, start=raw[:_SHOWN]
            )
            self.samples.append(left_out)

    def __add__(self, other: object) -> "Tally":
        """Return what both add up to."""
        if not isinstance(other, Tally):
            return NotImplemented
        both = [*self.samples, *other.samples]
        kinds = (
            [s for s in both if s.duplicate is kind][:_SAMPLES] for kind in (True, False)
        )
        return Tally(
            outcomes=self.outcomes + other.outcomes,
            duplicates=self.duplicates + other.duplicates,
            foreign=self.foreign + other.foreign,
            usage=self.usage + other.usage,
            bytes=self.bytes + other.bytes,
            samples=[sample for kind in kinds for sample in kind],
        )
