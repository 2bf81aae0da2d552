"""Results of a batch: one per request, classified, its answer decoded when asked for."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar, overload

from attrs import define, field

from gemini_batch.types._content import Part
from gemini_batch.types._enums import BlockReason, FinishReason, Outcome
from gemini_batch.types._responses import (
    EmbedContentResponse,
    FloatArray,
    GenerateContentResponse,
    Usage,
)
from gemini_batch.types._status import RpcStatus

T = TypeVar("T")
Response = GenerateContentResponse | EmbedContentResponse

_OK = (Outcome.OK, "")
_STOP = FinishReason.STOP
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
        FinishReason.MODEL_ARMOR,
    }
)
# The two APIs spell what is unspecified in two ways.
_NOT_BLOCKED = (None, "", BlockReason.UNSPECIFIED, "BLOCKED_REASON_UNSPECIFIED")
_MALFORMED = frozenset(
    {
        FinishReason.MALFORMED_FUNCTION_CALL,
        FinishReason.UNEXPECTED_TOOL_CALL,
        FinishReason.TOO_MANY_TOOL_CALLS,
        FinishReason.MISSING_THOUGHT_SIGNATURE,
        FinishReason.MALFORMED_RESPONSE,
    }
)


Judgement = tuple[Outcome, RpcStatus | None, Response | None]
"""How a request ended; why, where it did not end well; and the answer, where there is one."""


class RawResultDecoder(Protocol):
    """What a result needs to decode its row. The codec has one."""

    def judge(self, raw: bytes, key: str | None) -> Judgement:
        """Decode a row and say how its request ended."""
        ...

    def read_text(self, raw: bytes, key: str | None) -> str | None:
        """Return the text of a row's answer without structuring the rest; None if none."""
        ...

    def read_metadata(self, raw: bytes) -> Mapping[str, Any]:
        """Return the metadata of a row; empty if it has none."""
        ...

    def parse_answer(self, text: str, cls: type[T] | None) -> T:
        """Structure a JSON answer into `cls`, or for None into the type that was asked for.

        ValueError if it has the wrong shape, or there is no such type.
        """
        ...


def classify(
    response: Response | None, error: RpcStatus | None = None
) -> tuple[Outcome, str]:
    """Return how a request ended that got a row, and why where it is not OK.

    The first line that fits counts.

    | row                                                  | outcome   |
    |------------------------------------------------------|-----------|
    | an error, whatever else it has                       | ERROR     |
    | no response                                          | INVALID   |
    | embedding with at least one number                   | OK        |
    | embedding without numbers                            | EMPTY     |
    | a block reason on the prompt                         | BLOCKED   |
    | no candidates                                        | EMPTY     |
    | finish reason MAX_TOKENS                             | TRUNCATED |
    | finish reason of a filter (SAFETY, RECITATION, …)    | BLOCKED   |
    | finish reason of malformed output                    | INVALID   |
    | text, data, call or code beside thoughts             | OK        |
    | anything else                                        | EMPTY     |

    Only the first candidate counts. A finish reason that is unknown, or tells of no filter,
    is judged by the content; so is a block reason that is unspecified. What cannot be read as
    a row at all is INVALID, and a request without a row MISSING: both never come here.

    Args:
        response: The answer; None if the row has none.
        error: What the row has in its place; None if it has none.
    """
    if error is not None:
        return Outcome.ERROR, str(error)
    if response is None:
        return Outcome.INVALID, "the row has neither response nor error"
    if isinstance(response, EmbedContentResponse):
        return _classify_vector(response)
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason not in _NOT_BLOCKED:
        detail = feedback.block_reason_message or feedback.block_reason
        return Outcome.BLOCKED, f"the prompt was blocked: {detail}"
    if not response.candidates:
        return Outcome.EMPTY, "there is no candidate"
    return _classify_candidate(response)


def _classify_vector(response: EmbedContentResponse) -> tuple[Outcome, str]:
    if response.embedding is not None and len(response.embedding.values):
        return _OK
    return Outcome.EMPTY, "the embedding has no values"


def _classify_candidate(response: GenerateContentResponse) -> tuple[Outcome, str]:
    candidate = response.candidates[0]
    reason = candidate.finish_reason
    said = f": {candidate.finish_message}" if candidate.finish_message else ""
    # By far the most frequent, and an enum's hash is slow.
    if reason is not _STOP:
        if reason == FinishReason.MAX_TOKENS:
            return Outcome.TRUNCATED, f"the answer was cut off at the token limit{said}"
        if reason in _BLOCKED:
            return Outcome.BLOCKED, f"the answer was blocked: {reason}{said}"
        if reason in _MALFORMED:
            return Outcome.INVALID, f"the model's output is malformed: {reason}{said}"
    for part in candidate.content.parts if candidate.content is not None else ():
        if _has_substance(part):
            return _OK
    return Outcome.EMPTY, f"the answer has no content (finish reason {reason}){said}"


def _has_substance(part: Part) -> bool:
    if part.thought:
        return False
    if part.text:
        return True
    others = (
        part.inline_data,
        part.file_data,
        part.function_call,
        part.executable_code,
        part.code_execution_result,
    )
    return any(value is not None for value in others)


@define(eq=False, weakref_slot=False)
class _Judged:
    """What a row was judged to be, and who did it."""

    reader: RawResultDecoder
    outcome: Outcome
    error: RpcStatus | None
    response: Response | None


@define(eq=False, weakref_slot=False)
class BatchResult:
    """The result of one request. Its answer is decoded when first asked for, and kept."""

    key: str | None
    """Key of the request; None if the row carries none (a job made without keys)."""

    index: int
    """Position among the results, from 0. Says nothing about the request: rows are matched
    by `key`, never by position."""

    # As few slots as will do: results are kept by the million. What the reader finds takes
    # its place.
    _row: bytes = field(repr=False)
    _by: RawResultDecoder | _Judged = field(repr=False)

    def _judge(self) -> _Judged:
        by = self._by
        if not isinstance(by, _Judged):
            by = self._by = _Judged(by, *by.judge(self._row, self.key))
        return by

    def _reader(self) -> RawResultDecoder:
        by = self._by
        return by.reader if isinstance(by, _Judged) else by

    @property
    def raw(self) -> bytes:
        """The row as it came, undecoded; without the newline that ended it."""
        return self._row.removesuffix(b"\n")

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What was sent with an inline request, `key` included; empty for rows of a file."""
        return self._reader().read_metadata(self._row)

    @property
    def outcome(self) -> Outcome:
        """How the request ended."""
        return self._judge().outcome

    @property
    def ok(self) -> bool:
        """True if a whole answer came back."""
        return self._judge().outcome is Outcome.OK

    @property
    def error(self) -> RpcStatus | None:
        """Why the request did not end well; None if it did."""
        return self._judge().error

    @property
    def retryable(self) -> bool:
        """True if the row's error says that the same request may well succeed in another job.

        False for every other outcome. Whether to ask again for a MISSING one is not the
        service's to say: its `error` is that of the whole job.
        """
        judged = self._judge()
        error = judged.error
        return judged.outcome is Outcome.ERROR and error is not None and error.retryable

    @property
    def response(self) -> GenerateContentResponse | None:
        """The generated answer, also a blocked or truncated one; None if there is none."""
        response = self._judge().response
        return response if isinstance(response, GenerateContentResponse) else None

    @property
    def text(self) -> str | None:
        """Text of the answer, thoughts left out; what there is of it if it was cut off.

        Asked for first, it is read without building the rest of the answer.
        """
        by = self._by
        if not isinstance(by, _Judged):
            return by.read_text(self._row, self.key)
        response = by.response
        if response is None:
            return by.reader.read_text(self._row, self.key)
        return response.text if isinstance(response, GenerateContentResponse) else None

    @property
    def embedding(self) -> FloatArray | None:
        """The vector as 32-bit floats; None if this is no embedding or there is none."""
        response = self._judge().response
        if isinstance(response, EmbedContentResponse) and response.embedding is not None:
            return response.embedding.values
        return None

    @property
    def usage(self) -> Usage | None:
        """Tokens counted for this request; None where the service told none."""
        response = self._judge().response
        if response is None:
            return None
        if isinstance(response, EmbedContentResponse) and response.usage_metadata is None:
            count = response.token_count
            return (
                Usage(prompt_token_count=count, total_token_count=count) if count else None
            )
        return response.usage_metadata

    def sibling(self, key: str | None, index: int, row: bytes) -> "BatchResult":
        """Return the result that another row of the same job is, as it is read anew.

        Args:
            key: Its key.
            index: Its position among the results.
            row: The row.
        """
        return BatchResult(key, index, row, self._reader())

    @overload
    def parsed(self) -> Any: ...
    @overload
    def parsed(self, cls: type[T]) -> T: ...
    def parsed(self, cls: type[T] | None = None) -> Any:
        """Return the JSON answer as a `cls`, such as an attrs class of the caller's.

        Args:
            cls: The type; left out, the ``response_type`` that `results` was asked for.

        Raises:
            DecodeError: There is no text, it is not JSON, or it does not fit `cls`; the
                message has the path of every member that does not.
            InputError: There is no `cls`.
        """
        return self._reader().parse_answer(self.text or "", cls)
