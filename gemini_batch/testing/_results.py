"""Results for tests of code that reads them."""

from array import array
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from gemini_batch._codec import Codec, MissingResults, ResultDecoder
from gemini_batch._codec.results.typed_decoder import TypedResultDecoder
from gemini_batch.types import (
    BatchResult,
    Candidate,
    Content,
    ContentEmbedding,
    EmbedContentResponse,
    FinishReason,
    GenerateContentResponse,
    JobKind,
    Outcome,
    Part,
    RpcStatus,
    Usage,
)

__all__ = ["result"]

Response = GenerateContentResponse | EmbedContentResponse

_FINISH: Final = {
    Outcome.BLOCKED: FinishReason.SAFETY,
    Outcome.TRUNCATED: FinishReason.MAX_TOKENS,
    Outcome.INVALID: FinishReason.MALFORMED_RESPONSE,
}
_INTERNAL: Final = RpcStatus(code=13, message="Internal error encountered.")
_MISSING: Final = RpcStatus(message="the job has no result for this request")


def result(
    key: str | None,
    *,
    text: str | None = None,
    embedding: Sequence[float] | None = None,
    response: Response | None = None,
    error: RpcStatus | None = None,
    outcome: Outcome | None = None,
    finish_reason: FinishReason | None = None,
    usage: Usage | None = None,
    metadata: Mapping[str, Any] | None = None,
    response_type: Any = None,
    index: int = 0,
) -> BatchResult:
    """Return a result as `client.batches.results` yields it, without a job.

    It is decoded from the JSON that the service would send, so everything about it is as in a
    real one. ::

        result("a", text='{"title": "Soup"}')
        result("b", embedding=[0.1, 0.2], usage=Usage(prompt_token_count=7))
        result("c", error=RpcStatus(code=8, message="Quota exceeded."))
        result("d", outcome=Outcome.BLOCKED)

    Args:
        key: Key of the request; None for a result of a job that was made without keys.
        text: Text of a generated answer.
        embedding: Vector of an embedding.
        response: The whole answer, where text or embedding do not say enough: function calls,
            thoughts, ratings.
        error: Why the request failed; the outcome is ERROR then.
        outcome: How the request ended. Left out, it follows from the rest; an outcome that is
            not OK needs nothing else.
        finish_reason: Why the model stopped; left out, it follows from `outcome`, and is STOP.
        usage: Tokens; left out, the service told none.
        metadata: What was sent with an inline request beside its key. Left out, the result is
            that of a file, which has none.
        response_type: Type of the answers, as `results` takes it.
        index: Position among the results, from 0.

    Raises:
        ValueError: The arguments contradict each other, or `outcome` does not follow from
            them.
    """
    if error is None and outcome is Outcome.ERROR:
        error = _INTERNAL
    bodies = {"text": text, "embedding": embedding, "response": response, "error": error}
    parts = {"finish_reason": finish_reason, "usage": usage}
    _check(bodies, parts, outcome)
    if outcome is Outcome.MISSING:
        return MissingResults(error or _MISSING).result(key, index)
    if embedding is not None:
        vector = ContentEmbedding(values=array("f", embedding))
        response = EmbedContentResponse(embedding=vector, usage_metadata=usage)
    elif response is None and error is None:
        # An answer that does not fit its type came to its end all the same.
        untyped = response_type is None or text is None
        reason = finish_reason or (_FINISH.get(outcome) if outcome and untyped else None)
        response = _generated(text, reason or FinishReason.STOP, usage)
    made = _decoded(key, index, response or error, metadata, response_type)
    if outcome is not None and made.outcome is not outcome:
        raise ValueError(f"these arguments give outcome {made.outcome}, not {outcome}")
    return made


def _check(
    bodies: Mapping[str, object], parts: Mapping[str, object], outcome: Outcome | None
) -> None:
    """Refuse arguments of which one would be ignored.

    Args:
        bodies: What the result holds: one of them at most.
        parts: Parts of an answer that is made of a text or a vector.
        outcome: What the caller asks for.
    """
    given = [name for name, value in bodies.items() if value is not None]
    extra = [name for name, value in parts.items() if value is not None]
    if len(given) > 1:
        raise ValueError(f"give one of {' and '.join(given)}, not both")
    if not given and not extra and outcome is None:
        raise ValueError("give text, embedding, response, error or outcome")
    if outcome is Outcome.MISSING and given + extra not in ([], ["error"]):
        raise ValueError(f"a missing result has no {(given + extra)[0]}")
    whole = given in (["response"], ["error"])
    if extra and (whole or (given == ["embedding"] and "finish_reason" in extra)):
        raise ValueError(f"{given[0]} goes without {extra[0]}")


def _generated(
    text: str | None, reason: FinishReason, usage: Usage | None
) -> GenerateContentResponse:
    """Return an answer of one candidate, which has a text or no content."""
    content = None if text is None else Content(role="model", parts=(Part(text=text),))
    candidate = Candidate(content=content, finish_reason=reason)
    return GenerateContentResponse(candidates=(candidate,), usage_metadata=usage)


def _decoded(
    key: str | None,
    index: int,
    body: Response | RpcStatus | None,
    metadata: Mapping[str, Any] | None,
    response_type: Any,
) -> BatchResult:
    """Return the result of a line of a file, or of an inline job if there is metadata."""
    codec = _codec()
    own = {} if key is None else {"key": key}
    row: dict[str, Any] = own if metadata is None else {"metadata": {**metadata, **own}}
    row["error" if isinstance(body, RpcStatus) else "response"] = codec.unstructure(body)
    kind = JobKind.EMBED if isinstance(body, EmbedContentResponse) else JobKind.GENERATE
    decoder = ResultDecoder(codec, kind)
    raw = codec.dumps(row)
    if response_type is None:
        return decoder.result(raw, index)
    return TypedResultDecoder(decoder, codec, response_type).result(raw, index)


@cache
def _codec() -> Codec:
    return Codec()
