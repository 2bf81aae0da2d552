"""Decodes results whose answers have to fit a type of the caller's."""

from collections.abc import Mapping
from typing import Any

from gemini_batch._codec.codec import Codec
from gemini_batch._codec.results.decoder import ResultDecoder
from gemini_batch.errors import DecodeError
from gemini_batch.types import (
    BatchResult,
    GenerateContentResponse,
    Outcome,
    RpcStatus,
)
from gemini_batch.types._results import Judgement


class TypedResultDecoder:
    """Makes results as another decoder does; a complete answer that does not fit is INVALID."""

    def __init__(self, rows: ResultDecoder, codec: Codec, cls: Any) -> None:
        """Make it.

        Args:
            rows: Decodes the rows.
            codec: Structures the answers.
            cls: Their type.

        Raises:
            InputError: No answer can be structured into it.
        """
        codec.check_answer_type(cls)
        self._rows = rows
        self._codec = codec
        self._cls = cls

    def result(self, raw: bytes, index: int) -> BatchResult:
        """Return the result of a raw row."""
        return self._typed(self._rows.result(raw, index), raw)

    def line(self, line: bytes, index: int) -> BatchResult | None:
        """Return the result on a whole line of a file; None if it is blank."""
        result = self._rows.line(line, index)
        return None if result is None else self._typed(result, line)

    def _typed(self, result: BatchResult, row: bytes) -> BatchResult:
        return BatchResult(result.key, result.index, row, self)

    def judge(self, raw: bytes, key: str | None) -> Judgement:
        """Decode a row whose key is `key`, and say how its request ended. Never raises."""
        judgement = self._rows.judge(raw, key)
        outcome, _, response = judgement
        if outcome is not Outcome.OK or not isinstance(response, GenerateContentResponse):
            return judgement
        try:
            self._codec.parse_answer(response.text or "", self._cls)
        except DecodeError as exc:
            # The answer is kept, so that its text can be read.
            return Outcome.INVALID, RpcStatus(message=str(exc)), response
        return judgement

    def read_text(self, raw: bytes, key: str | None) -> str | None:
        """Return the text of a row's answer. Nothing else is decoded."""
        return self._rows.read_text(raw, key)

    def read_metadata(self, raw: bytes) -> Mapping[str, Any]:
        """Return the metadata of a row."""
        return self._rows.read_metadata(raw)

    def parse_answer(self, text: str, cls: Any) -> Any:
        """Structure a JSON answer into `cls`, or into the type of all answers for None."""
        return self._codec.parse_answer(text, self._cls if cls is None else cls)
