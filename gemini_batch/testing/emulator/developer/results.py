"""Makes the answers of a job, as far as its life has come. Blocks; runs in a thread."""

import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from gemini_batch.testing.emulator.core.errors import GRPC_MESSAGES
from gemini_batch.testing.emulator.developer.jobs import Job, Kind
from gemini_batch.testing.emulator.messages.rules import row_is_invalid
from gemini_batch.testing.emulator.messages.validate import check
from gemini_batch.testing.emulator.model.answer import Answer

_MESSAGES: Final = {Kind.GENERATE: "GenerateRow", Kind.EMBED: "EmbedRow"}
_INLINED: Final = {
    Kind.GENERATE: "InlinedRequest",
    Kind.EMBED: "InlinedEmbedContentRequest",
}


def answer_rows(job: Job, upto: int, answer: Answer) -> None:
    """Answer the requests of `job` until `upto` of them are dealt with.

    Results go to the end of the job's result file, in the order of the input; memory use
    does not grow with their number.
    """
    missing = upto - job.succeeded - job.failed
    if missing <= 0:
        job.result_path.touch()
        return
    with job.input_path.open("rb") as source, job.result_path.open("ab") as target:
        source.seek(job.input_offset)
        for _ in range(missing):
            if job.abandoned:
                return
            line = source.readline()
            result = _result(job, line, answer)
            if "error" in result:
                job.failed += 1
            else:
                job.succeeded += 1
            job.result_bytes += target.write(encoded(result) + b"\n")
            job.input_offset += len(line)


def encoded(result: Mapping[str, Any]) -> bytes:
    """Return a result as a line, without its end."""
    # A prompt may hold half a surrogate pair, written as an escape; it has no UTF-8 form.
    try:
        return json.dumps(result, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(result, separators=(",", ":")).encode()


def _result(job: Job, line: bytes, answer: Answer) -> dict[str, Any]:
    table = _MESSAGES if job.file_name else _INLINED
    # The line was checked at create; this brings it to camelCase once more.
    row = check(table[job.kind], json.loads(line)).value
    outcome = dict(_outcome(job, row["request"], answer))
    if not job.file_name:
        return {**outcome, "metadata": row["metadata"]} if "metadata" in row else outcome
    key = {"key": row["key"]}
    # Seen live: the order of the members varies.
    return {**key, **outcome} if zlib.crc32(line) & 1 else {**outcome, **key}


def _outcome(job: Job, request: dict[str, Any], answer: Answer) -> Mapping[str, Any]:
    if row_is_invalid(request, job.model):
        return {"error": {"code": 3, "message": GRPC_MESSAGES[3]}}
    response = answer(request, job.model.removeprefix("models/"))
    if "error" in response:
        return {"error": response["error"]}
    usage = response.get("usageMetadata")
    if usage is not None and job.kind is Kind.GENERATE:
        # Seen live: the two kinds of output spell the same tier differently.
        tier = "SERVICE_TIER_STANDARD" if job.file_name else "standard"
        response = {**response, "usageMetadata": {**usage, "serviceTier": tier}}
    return {"response": response}


def read_results(job: Job) -> Iterator[dict[str, Any]]:
    """Yield the answers made so far."""
    # It is not there before the first answer, and no more once the job is deleted.
    with suppress(FileNotFoundError), job.result_path.open("rb") as lines:
        for line in lines:
            yield json.loads(line)
