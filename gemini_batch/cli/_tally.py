"""Adding up results: outcomes, an example of each, tokens."""

from collections import Counter

from rich.console import Console

from gemini_batch import BatchResult, Outcome
from gemini_batch.cli import _text
from gemini_batch.cli._json import Json, usage_json
from gemini_batch.cli._table import Column, print_table

_WORDS = {
    "prompt_token_count": "prompt",
    "cached_content_token_count": "cached",
    "candidates_token_count": "answers",
    "thoughts_token_count": "thinking",
    "tool_use_prompt_token_count": "tools",
    "total_token_count": "total",
}
_COLUMNS = (
    Column("Outcome", whole=True, style="bold"),
    Column("Rows", right=True, whole=True),
    Column("Example", style="cyan"),
    Column("Reason"),
)
_REASON = 200  # characters of a reason that are shown


class Tally:
    """Counts results as they pass; keeps one example per outcome, whatever their number."""

    def __init__(self) -> None:
        self.outcomes = Counter[Outcome]()
        self.tokens = Counter[str]()
        self._examples: dict[Outcome, tuple[str, str]] = {}

    def add(self, result: BatchResult) -> None:
        """Count one result."""
        outcome = result.outcome
        self.outcomes[outcome] += 1
        if result.usage is not None:
            self.tokens.update(usage_json(result.usage))
        if outcome is not Outcome.OK and outcome not in self._examples:
            key = f"(row {result.index})" if result.key is None else result.key
            reason = str(result.error) if result.error is not None else ""
            self._examples[outcome] = (key, _text.shorten(reason, _REASON))

    @property
    def total(self) -> int:
        """Results in all."""
        return self.outcomes.total()

    @property
    def all_ok(self) -> bool:
        """True if every result is OK."""
        return self.outcomes[Outcome.OK] == self.total

    def as_json(self) -> Json:
        """Return the sums for machines."""
        return {
            "total": self.total,
            "outcomes": {str(o): self.outcomes[o] for o in Outcome if self.outcomes[o]},
            "usage": dict(self.tokens),
        }

    def show(self, console: Console) -> None:
        """Print the sums as a table."""
        rows = [
            (str(o), f"{self.outcomes[o]:,}", *self._examples.get(o, ("", "")))
            for o in Outcome
            if self.outcomes[o]
        ]
        print_table(console, _COLUMNS, rows)
        sums = ", ".join(
            f"{self.tokens[n]:,} {w}" for n, w in _WORDS.items() if self.tokens[n]
        )
        if sums:
            console.print(f"Tokens: {sums}", soft_wrap=True)
