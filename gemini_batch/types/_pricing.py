"""What tokens cost, at prices of the caller's: after the fact, and guessed before it."""

import math
from typing import Any, Final

from attrs import Attribute, field, frozen

from gemini_batch.types._responses import Usage

BYTES_PER_TOKEN: Final = 4.0
"""Bytes of input to a token, about, for English text. Google says four characters."""

_MILLION: Final = 1_000_000


def _amount(_: object, attribute: "Attribute[Any]", value: float | None) -> None:
    if value is not None and not 0 <= value < math.inf:
        raise ValueError(f"{attribute.name} must be a price of 0 or more, not {value!r}")


@frozen(kw_only=True)
class Estimate:
    """A guess, made from bytes before anything is sent, at what input will take.

    It is no count and no bill: text of other scripts, media and code have other ratios than
    the one that was assumed, and answers are as long as the model makes them.
    """

    requests: int
    size: int
    """Bytes of the input, the JSON around the prompts included."""

    bytes_per_token: float
    """The ratio that was assumed."""

    prompt_tokens: int
    """`size` by the ratio, rounded up."""

    answer_tokens: int | None
    """Tokens of all answers, thinking included, as the caller expects them; None: unknown."""

    cost: float | None
    """In the currency of the price; None where something it depends on is unknown."""

    unknown: tuple[str, ...] = ()
    """Why the cost is None: what would have to be known."""

    def __str__(self) -> str:
        answers = (
            "answer tokens unknown"
            if self.answer_tokens is None
            else f"{self.answer_tokens:,} answer tokens"
        )
        cost = (
            f"cost unknown without {', '.join(self.unknown)}"
            if self.cost is None
            else f"cost about {self.cost:,.4f}"
        )
        return (
            f"estimate, not a count: about {self.prompt_tokens:,} prompt tokens "
            f"({self.size:,} bytes at {self.bytes_per_token:g} a token), {answers}; {cost}"
        )


@frozen(kw_only=True)
class Price:
    """What a million tokens cost, by kind, in a currency of the caller's.

    The prices are the caller's own: a table in code would be wrong within weeks. Batch jobs
    have prices of their own, about half of the interactive ones. What is left out is unknown,
    not free: where tokens of that kind were counted, the cost is None. For what is free,
    write 0.

    A price knows no steps: where long prompts or another modality cost more, price the rows
    concerned by a price of theirs. What is charged by other measures than tokens, such as
    searches, is not in it.
    """

    prompt: float | None = field(default=None, validator=_amount)
    """Prompts, without what was cached, and what tools put into them."""

    cached: float | None = field(default=None, validator=_amount)
    """The cached part of prompts."""

    answer: float | None = field(default=None, validator=_amount)
    thoughts: float | None = field(default=None, validator=_amount)
    """Thinking. Google charges it like answers."""

    def cost(self, usage: Usage | None) -> float | None:
        """Return what tokens cost, of one request or of many whose usage was added.

        None where the cost is not known: nothing was counted (`usage` is None), a price is
        missing for a kind of which there are tokens, or the total has tokens of no kind. A sum
        is as complete as what was added to it: requests of which the service told no usage
        are not in it.
        """
        if usage is None:
            return None
        cached = usage.cached_content_token_count
        prompt = usage.prompt_token_count
        kinds = (
            # The prompt has the cached part in it.
            (max(prompt - cached, 0) + usage.tool_use_prompt_token_count, self.prompt),
            (cached, self.cached),
            (usage.candidates_token_count, self.answer),
            (usage.thoughts_token_count, self.thoughts),
        )
        if usage.total_token_count > sum(count for count, _ in kinds):
            return None
        cost = 0.0
        for count, price in kinds:
            if not count:
                continue
            if price is None:
                return None
            cost += count * price
        return cost / _MILLION

    def estimate(
        self,
        *,
        requests: int,
        size: int,
        answer_tokens: int | None = None,
        bytes_per_token: float = BYTES_PER_TOKEN,
        unseen: int = 0,
    ) -> Estimate:
        """Guess what input would cost.

        Args:
            requests: How many there are.
            size: Their bytes, such as `InputReport.size`.
            answer_tokens: Tokens to expect of one answer, thinking included, such as
                ``max_output_tokens``; 0 for embeddings. They are priced as answers or as
                thoughts, whichever is dearer. Left out, the cost is unknown.
            bytes_per_token: Bytes of input to a token. Better than the default is the figure
                of an earlier job: its `size` by its `Usage.prompt_token_count`.
            unseen: Requests that point at content elsewhere, files or cached content, whose
                tokens no bytes of the input tell. If there are any, the cost is unknown.

        Raises:
            ValueError: A number is negative, or the ratio not positive.
        """
        if not bytes_per_token > 0 or bytes_per_token == math.inf:
            raise ValueError(f"bytes_per_token must be positive, not {bytes_per_token!r}")
        if min(requests, size, unseen, answer_tokens or 0) < 0:
            raise ValueError(
                "requests, size, answer_tokens and unseen must not be negative"
            )
        prompt_tokens = math.ceil(size / bytes_per_token)
        answers = None if answer_tokens is None else answer_tokens * requests
        unknown = tuple(self._unknown(answers, unseen))
        cost = None
        if not unknown:
            each = max(self.answer or 0.0, self.thoughts or 0.0)
            total = prompt_tokens * (self.prompt or 0.0) + (answers or 0) * each
            cost = total / _MILLION
        return Estimate(
            requests=requests,
            size=size,
            bytes_per_token=bytes_per_token,
            prompt_tokens=prompt_tokens,
            answer_tokens=answers,
            cost=cost,
            unknown=unknown,
        )

    def _unknown(self, answers: int | None, unseen: int) -> list[str]:
        found = []
        if self.prompt is None:
            found.append("a price of prompts")
        if answers is None:
            found.append("the length of answers")
        if answers != 0:
            if self.answer is None:
                found.append("a price of answers")
            if self.thoughts is None:
                found.append("a price of thoughts")
        if unseen:
            found.append(f"the tokens that {unseen:,} requests point at")
        return found
