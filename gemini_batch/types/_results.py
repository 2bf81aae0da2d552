"""Results of a batch: one per request, classified, its answer decoded when asked for."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from attrs import define, field

from gemini_batch.types._content import Part
from gemini_batch.types._enums import FinishReason, Outcome
from gemini_batch.types._responses import (
    EmbedContentResponse,
    FloatArray,
    GenerateContentResponse,
    Usage,
)
from gemini_batch.types._status import Status

T = TypeVar("T")
Response = GenerateContentResponse | EmbedContentResponse

_BLOCKED = frozenset(
    {
        FinishReason.SAFETY,
        FinishReason.RECITATION,
        FinishReason.LANGUAGE,
        FinishReason.BLOCKLIST,
        FinishReason.PROHIBITED_CONTENT,
        FinishReason.SPII,
        FinishReason.IMAGE_SAFETY,
        FinishReason.IMAGE_PROHIBITED_CONTENT,
        FinishReason.IMAGE_RECITATION,
    }
)
_MALFORMED = frozenset(
    {
        FinishReason.MALFORMED_FUNCTION_CALL,
        FinishReason.UNEXPECTED_TOOL_CALL,
        FinishReason.TOO_MANY_TOOL_CALLS,
        FinishReason.MISSING_THOUGHT_SIGNATURE,
        FinishReason.MALFORMED_RESPONSE,
    }
)


class RowReader(Protocol):
    """What a result needs to decode its answer. The codec has one."""

    def read_response(self, raw: bytes) -> Response | None:
        """Structure the answer of a row; None if it has none, ValueError if it is misshapen."""
        ...

    def parse_answer(self, text: str, cls: type[T]) -> T:
        """Structure a JSON answer into `cls`; ValueError if it has the wrong shape."""
        ...


def classify(response: Response) -> tuple[Outcome, str]:
    """Return how a request ended that got `response`, and why where it is not OK.

    | response                                             | outcome   |
    |------------------------------------------------------|-----------|
    | embedding with at least one number                   | OK        |
    | embedding without numbers                            | EMPTY     |
    | a block reason on the prompt                         | BLOCKED   |
    | no candidates                                        | EMPTY     |
    | finish reason MAX_TOKENS                             | TRUNCATED |
    | finish reason of a filter (SAFETY, RECITATION, …)    | BLOCKED   |
    | finish reason of malformed output                    | INVALID   |
    | text, data, call or code beside thoughts             | OK        |
    | anything else                                        | EMPTY     |

    Only the first candidate counts. An unknown finish reason is judged by the content.
    """
    if isinstance(response, EmbedContentResponse):
        if response.embedding is not None and len(response.embedding.values):
            return Outcome.OK, ""
        return Outcome.EMPTY, "the embedding has no values"
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason:
        detail = feedback.block_reason_message or feedback.block_reason
        return Outcome.BLOCKED, f"the prompt was blocked: {detail}"
    if not response.candidates:
        return Outcome.EMPTY, "there is no candidate"
    return _classify_candidate(response)


def _classify_candidate(response: GenerateContentResponse) -> tuple[Outcome, str]:
    candidate = response.candidates[0]
    reason = candidate.finish_reason
    said = f": {candidate.finish_message}" if candidate.finish_message else ""
    if reason == FinishReason.MAX_TOKENS:
        return Outcome.TRUNCATED, f"the answer was cut off at the token limit{said}"
    if reason in _BLOCKED:
        return Outcome.BLOCKED, f"the answer was blocked: {reason}{said}"
    if reason in _MALFORMED:
        return Outcome.INVALID, f"the model's output is malformed: {reason}{said}"
    parts = candidate.content.parts if candidate.content is not None else ()
    if any(_has_substance(part) for part in parts):
        return Outcome.OK, ""
    return Outcome.EMPTY, f"the answer has no content (finish reason {reason}){said}"


def _has_substance(part: Part) -> bool:
    if part.thought:
        return False
    return bool(part.text) or any(
        value is not None
        for value in (
            part.inline_data,
            part.file_data,
            part.function_call,
            part.executable_code,
            part.code_execution_result,
        )
    )


@define(kw_only=True, eq=False)
class BatchResult:
    """The result of one request. Its answer is decoded when first asked for, and kept."""

    key: str | None
    """Key of the request; None if the row carries none (a job made without keys)."""

    index: int
    """Position among the results, from 0. Says nothing about the request: rows are matched
    by `key`, never by position."""

    raw: bytes = field(repr=False)
    """The row as it came, undecoded."""

    metadata: Mapping[str, Any] = field(factory=dict)
    """What was sent with an inline request, `key` included; empty for rows of a file."""

    _fault: tuple[Outcome, Status] | None = field(default=None, repr=False)
    _reader: RowReader = field(repr=False)
    _response: Response | None = field(default=None, init=False, repr=False)
    _verdict: tuple[Outcome, Status | None] | None = field(
        default=None, init=False, repr=False
    )

    def _judge(self) -> tuple[Outcome, Status | None]:
        if self._verdict is None:
            self._verdict = self._fault or self._read()
        return self._verdict

    def _read(self) -> tuple[Outcome, Status | None]:
        try:
            self._response = self._reader.read_response(self.raw)
        except ValueError as exc:
            return Outcome.INVALID, Status(message=str(exc))
        if self._response is None:
            return Outcome.INVALID, Status(message="the row has neither response nor error")
        outcome, why = classify(self._response)
        return outcome, Status(message=why) if why else None

    @property
    def outcome(self) -> Outcome:
        """How the request ended."""
        return self._judge()[0]

    @property
    def ok(self) -> bool:
        """True if a whole answer came back."""
        return self.outcome is Outcome.OK

    @property
    def error(self) -> Status | None:
        """Why the request did not end well; None if it did."""
        return self._judge()[1]

    @property
    def response(self) -> GenerateContentResponse | None:
        """The generated answer, also a blocked or truncated one; None if there is none."""
        self._judge()
        response = self._response
        return response if isinstance(response, GenerateContentResponse) else None

    @property
    def text(self) -> str | None:
        """Text of the answer, thoughts left out; what there is of it if it was cut off."""
        return None if self.response is None else self.response.text

    @property
    def embedding(self) -> FloatArray | None:
        """The vector as 32-bit floats; None if this is no embedding or there is none."""
        self._judge()
        response = self._response
        if isinstance(response, EmbedContentResponse) and response.embedding is not None:
            return response.embedding.values
        return None

    @property
    def usage(self) -> Usage | None:
        """Tokens counted for this request; None where the service told none."""
        self._judge()
        response = self._response
        if response is None:
            return None
        if isinstance(response, EmbedContentResponse) and response.usage_metadata is None:
            count = response.token_count
            return (
                Usage(prompt_token_count=count, total_token_count=count) if count else None
            )
        return response.usage_metadata

    def parsed(self, cls: type[T]) -> T:
        """Return the JSON answer as a `cls`, such as an attrs class of the caller's.

        Raises:
            DecodeError: There is no text, it is not JSON, or it does not fit `cls`.
        """
        return self._reader.parse_answer(self.text or "", cls)
