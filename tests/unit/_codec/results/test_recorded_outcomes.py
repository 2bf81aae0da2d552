"""The outcome of every recorded row, of every destination."""

import json
from typing import Final

import pytest

from gemini_batch._codec import Codec, ResultDecoder
from gemini_batch._codec.results.vertex_decoder import VertexResultDecoder
from gemini_batch._wire.bigquery import BigQuery, BigQueryUri
from gemini_batch._wire.developer.batches import DeveloperBatches
from gemini_batch.types import BatchResult, JobKind
from tests.support.recorded import names, recorded, recorded_json

CODEC: Final = Codec()

Row = tuple[str | None, str, str, bool]
"""Key, outcome, name of the row's error code, and whether it is worth another try."""


def ok(key: str | None) -> Row:
    return key, "ok", "", False


def late(key: str | None) -> Row:
    return key, "error", "DEADLINE_EXCEEDED", True


LINES: Final[dict[str, list[Row]]] = {
    "jsonl/embed-output-2025.jsonl": [ok("request_1"), ok("request_2")],
    "jsonl/embed-output-2026.jsonl": [ok("h1"), late("h2")],
    "jsonl/generate-output.jsonl": [ok("request_1"), ok("request_2")],
    "jsonl/generate-output-status-variant.jsonl": [
        ("row-0009", "error", "INVALID_ARGUMENT", False)
    ],
    "jsonl/generate-output-with-errors.jsonl": [
        ok("row-0001"),
        late("row-0002"),
        ("row-0003", "error", "INVALID_ARGUMENT", False),
        ("row-0004", "error", "INTERNAL", True),
        ("row-0005", "blocked", "", False),
    ],
    "vertex/output-embed-gemini.jsonl": [ok("id_1")],
    "vertex/output-embed-legacy.jsonl": [ok(None)],
    "vertex/output-generate.jsonl": [ok(None)],
    "vertex/output-generate-custom-id.jsonl": [ok("2"), ok("1"), ok("0")],
    "vertex/output-generate-errors.jsonl": [
        ("idx-7", "error", "INVALID_ARGUMENT", False),
        ("idx-8", "blocked", "", False),
    ],
}
INLINE: Final[dict[str, list[Row]]] = {
    "gemini/get-embed-succeeded-inline.response.json": [ok("sha256:aaa"), ok("sha256:bbb")],
    "gemini/get-embed-succeeded-with-item-error.response.json": [
        ok(None),
        late(None),
        ok(None),
    ],
    "gemini/get-succeeded-inline-with-item-error.response.json": [
        ok(None),
        late(None),
        ok(None),
    ],
    "gemini/get-succeeded-inline.response.json": [ok(None), ok(None)],
}


def judged(result: BatchResult) -> Row:
    error = result.error
    reason = "" if error is None else error.reason
    return result.key, str(result.outcome), reason, result.retryable


def test_no_recorded_row_is_left_out() -> None:
    inline = [
        name
        for name in names("gemini/get-*.response.json")
        if "inlinedResponses" in json.dumps(recorded_json(name))
    ]

    assert sorted(LINES) == sorted([*names("jsonl/*output*"), *names("vertex/output-*")])
    assert sorted(INLINE) == inline


@pytest.mark.parametrize("name", LINES)
def test_every_recorded_line_has_its_outcome(name: str) -> None:
    kind = JobKind.EMBED if "embed" in name else JobKind.GENERATE
    decoder = (VertexResultDecoder if "vertex" in name else ResultDecoder)(CODEC, kind)
    lines = recorded(name).splitlines(keepends=True)

    found = [decoder.line(line, index) for index, line in enumerate(lines)]

    assert [judged(result) for result in found if result is not None] == LINES[name]


@pytest.mark.parametrize("name", INLINE)
def test_every_recorded_inline_row_has_its_outcome(name: str) -> None:
    job = DeveloperBatches(CODEC, "v1beta").read_job(recorded(name))

    assert job.dest is not None
    assert [judged(row) for row in job.dest.inlined_responses or ()] == INLINE[name]


def test_every_recorded_row_of_a_table_has_its_outcome() -> None:
    bigquery = BigQuery(CODEC)
    uri = BigQueryUri(project="my-project", dataset="my_dataset", table="results_20260901")
    table = bigquery.read_table(recorded("bigquery/tables-get.response.json"), uri)
    decoder = VertexResultDecoder(CODEC, JobKind.GENERATE)

    page = bigquery.read_rows(recorded("bigquery/tabledata-list.response.json"), table)

    found = [judged(decoder.result(row, index)) for index, row in enumerate(page.items)]
    assert found == [ok("row-0001"), ("row-0002", "error", "", False)]
