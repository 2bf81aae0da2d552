"""Summary of results: outcomes with an example of each, tokens, results left out."""

from rich.console import Console

from gemini_batch import BatchResult, Outcome, Tally
from gemini_batch._writers.result_record import counts_of
from gemini_batch.cli.display import text
from gemini_batch.cli.display.json import Json
from gemini_batch.cli.display.table import Column, print_table

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
    Column("Requests", right=True, whole=True),
    Column("Example", style="cyan"),
    Column("Reason"),
)
_LEFT_OUT = {
    "duplicates": "with a key that came before",
    "foreign": "with a key that is not in the input",
}
_REASON = 200  # characters of a reason that are shown


class Summary:
    """Totals of results, and one example per outcome. Memory does not grow."""

    def __init__(self) -> None:
        self.sums = Tally()
        """Passed to `results`, which adds to it."""
        self._examples: dict[Outcome, tuple[str, str]] = {}

    def note(self, result: BatchResult) -> None:
        """Keep a result as an example, if it is the first with its outcome."""
        outcome = result.outcome
        if outcome is not Outcome.OK and outcome not in self._examples:
            key = f"(result {result.index})" if result.key is None else result.key
            reason = str(result.error) if result.error is not None else ""
            self._examples[outcome] = (key, text.shorten(reason, _REASON))

    @property
    def total(self) -> int:
        """Number of results."""
        return self.sums.total

    @property
    def all_ok(self) -> bool:
        """True if every result is OK."""
        return self.sums.outcomes[Outcome.OK] == self.total

    def as_json(self) -> Json:
        """Return the totals as JSON."""
        outcomes, left_out = self.sums.outcomes, self._left_out()
        return {
            "total": self.total,
            "outcomes": {str(o): outcomes[o] for o in Outcome if outcomes[o]},
            "usage": counts_of(self.sums.usage),
            **{name: count for name, count in left_out.items() if count},
        }

    def show(self, console: Console) -> None:
        """Print the totals as a table."""
        outcomes, tokens = self.sums.outcomes, counts_of(self.sums.usage)
        rows = [
            (str(o), f"{outcomes[o]:,}", *self._examples.get(o, ("", "")))
            for o in Outcome
            if outcomes[o]
        ]
        print_table(console, _COLUMNS, rows)
        sums = ", ".join(f"{tokens[n]:,} {w}" for n, w in _WORDS.items() if n in tokens)
        if sums:
            console.print(f"Tokens: {sums}", soft_wrap=True)
        for name, count in self._left_out().items():
            if count:
                console.print(
                    f"Left out: {text.count(count, 'result')} {_LEFT_OUT[name]}",
                    soft_wrap=True,
                )

    def _left_out(self) -> dict[str, int]:
        return {"duplicates": self.sums.duplicates, "foreign": self.sums.foreign}
