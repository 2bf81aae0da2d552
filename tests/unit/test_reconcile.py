"""Outcomes equal requests, one each, whatever rows the service returns."""

import json
import random
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch import (
    BatchJob,
    BatchResult,
    DecodeError,
    InputError,
    JobState,
    Outcome,
    Tally,
    Usage,
)
from gemini_batch._codec import Codec, ResultDecoder
from gemini_batch._requests.api_rules import DEVELOPER, ApiRules
from gemini_batch.resources.batches.results.expected_keys import Expected, checked
from gemini_batch.resources.batches.results.reconcile import Reconciliation
from gemini_batch.types import JobKind, RpcStatus

CODEC = Codec()
DECODER = ResultDecoder(CODEC, JobKind.GENERATE)
DONE = BatchJob(name="batches/x", state=JobState.SUCCEEDED, kind=JobKind.GENERATE)


def line(key: str | None, text: str = "hi") -> bytes:
    answer = {
        "candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 2, "totalTokenCount": 5},
    }
    row = {"response": answer} if key is None else {"key": key, "response": answer}
    return json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode()


def failed(key: str) -> bytes:
    return json.dumps({"key": key, "error": {"code": 13, "message": "no"}}).encode()


def results_of(lines: Iterable[bytes]) -> list[BatchResult]:
    """Return the rows as a job without keeping account of them yields them."""
    return [DECODER.result(one, index) for index, one in enumerate(lines)]


def reconcile(
    lines: Sequence[bytes],
    expected: Expected,
    *,
    ordered: bool = False,
    tally: Tally | None = None,
    job: BatchJob = DONE,
) -> list[BatchResult]:
    async def find() -> BatchJob:
        return job

    async def read(_: BatchJob) -> AsyncGenerator[BatchResult, None]:
        for row in results_of(lines):
            yield row

    def api_rules(_: BatchJob) -> ApiRules:
        # Asked of rows of a file alone: there are models for which nobody writes rows.
        assert isinstance(expected, str | Path)
        return DEVELOPER

    reconciliation = Reconciliation(
        find=find,
        read=read,
        expected=checked(expected, ordered=ordered),
        ordered=ordered,
        tally=tally,
        codec=CODEC,
        api_rules=api_rules,
    )

    async def main() -> list[BatchResult]:
        return [result async for result in reconciliation.results()]

    return anyio.run(main)


KEYS = st.lists(st.text(max_size=3), unique=True, max_size=12)


@st.composite
def services(draw: st.DrawFn) -> tuple[list[str], list[bytes]]:
    """Keys that were asked for, and the rows that come: any of them, in any order."""
    keys = draw(KEYS)
    rows: list[bytes] = []
    for _ in range(draw(st.integers(0, 24))):
        # Shuffled, dropped and repeated, as it happens.
        key = draw(st.sampled_from(keys)) if keys else draw(st.text(max_size=3))
        whole = draw(st.sampled_from([line(key, "one"), line(key, "other"), failed(key)]))
        kind = draw(st.sampled_from(["whole", "whole", "whole", "cut", "foreign", "none"]))
        if kind == "cut":
            rows.append(whole[: draw(st.integers(0, len(whole) - 1))])
        elif kind == "foreign":
            rows.append(line(draw(st.text(max_size=4))))
        else:
            rows.append(line(None) if kind == "none" else whole)
    return keys, rows


def check_sums(tally: Tally, results: list[BatchResult], rows: Sequence[bytes]) -> None:
    """Hold a tally against what was yielded, and against what came."""
    assert tally.outcomes == Counter(result.outcome for result in results)
    assert tally.total == len(results)
    came = tally.total - tally.outcomes[Outcome.MISSING]
    assert came + tally.duplicates + tally.foreign == len(rows)
    assert tally.bytes == sum(map(len, rows))
    assert tally.usage == sum((r.usage for r in results if r.usage), Usage())
    assert len(tally.samples) == min(tally.duplicates, 10) + min(tally.foreign, 10)


@given(services(), st.booleans())
def test_outcomes_equal_requests_one_each(
    service: tuple[list[str], list[bytes]], ordered: bool
) -> None:
    keys, rows = service
    tally = Tally()
    firsts: dict[str | None, BatchResult] = {}
    for row in results_of(rows):
        firsts.setdefault(row.key, row)
    came = [row.key for row in firsts.values() if row.key in keys]

    results = reconcile(rows, keys, ordered=ordered, tally=tally)

    missing = [key for key in keys if key not in came]
    assert [r.key for r in results] == (keys if ordered else came + missing)
    for result in results:
        first = firsts.get(result.key)
        if first is None:
            assert (result.outcome, result.raw, result.text) == (Outcome.MISSING, b"", None)
            assert (result.ok, result.usage, result.metadata) == (False, None, {})
        else:
            assert (
                result.outcome,
                result.index,
                result.raw,
                result.text,
                result.error,
            ) == (
                first.outcome,
                first.index,
                first.raw,
                first.text,
                first.error,
            )
    assert len({result.index for result in results}) == len(results)
    check_sums(tally, results, rows)


@given(services(), st.integers(0, 20))
def test_a_number_of_requests_is_met_whatever_comes(
    service: tuple[list[str], list[bytes]], count: int
) -> None:
    _, rows = service
    tally = Tally()

    results = reconcile(rows, count, tally=tally)

    assert len(results) == count
    keys = [result.key for result in results if result.key is not None]
    assert len(set(keys)) == len(keys)
    came = [r.index for r in results if r.outcome is not Outcome.MISSING]
    assert came == sorted(came)
    # A row without a key is somebody's: only what is too much is left out.
    distinct = results_of(rows)
    nobody = sum(row.key is None for row in distinct)
    different = len({row.key for row in distinct if row.key is not None})
    assert len(came) == min(count, nobody + different)
    check_sums(tally, results, rows)


def test_thousands_of_long_rows_come_in_order() -> None:
    """More of them than are held in memory, in blocks that pass and blocks that wait."""
    keys = [f"k{number}" for number in range(4_000)]
    rows = [line(key, key * 1_500) for key in keys]
    order = list(range(4_000))
    random.Random(3).shuffle(order)
    # The first thousand in order; the last one never.
    order = [*range(1_000), *(n for n in order if 1_000 <= n < 3_999)]

    results = reconcile([rows[n] for n in order], keys, ordered=True)

    assert [result.key for result in results] == keys
    assert all(r.text == r.key * 1_500 for r in results[:-1] if r.key is not None)
    assert [r.outcome for r in results[-2:]] == [Outcome.OK, Outcome.MISSING]


@pytest.mark.parametrize("ordered", [False, True])
def test_more_missing_requests_than_a_hop_takes(ordered: bool) -> None:
    keys = [f"k{number}" for number in range(3_000)]
    rows = [line(key) for key in keys[::3]]

    results = reconcile(rows, iter(keys), ordered=ordered)

    assert sorted(r.key or "" for r in results) == sorted(keys)
    assert sum(r.outcome is Outcome.MISSING for r in results) == 2_000
    assert len(reconcile(rows, 3_000)) == 3_000


def test_a_set_has_keys_and_no_order() -> None:
    assert {r.key for r in reconcile([line("a")], {"a", "b"})} == {"a", "b"}
    assert [r.key for r in reconcile([], dict.fromkeys("ba").keys(), ordered=True)] == [
        "b",
        "a",
    ]
    for expected in ({"a"}, frozenset("a"), 1, None):
        with pytest.raises(InputError, match="no order to put the results in"):
            checked(expected, ordered=True)


def test_the_input_that_was_submitted_has_the_keys(tmp_path: Path) -> None:
    """Its rows are read as they were then, those without a key included."""
    path = tmp_path / "input.jsonl"
    body = {"contents": [{"parts": [{"text": "x"}]}]}
    rows: list[dict[str, Any]] = [
        {"key": "a", "request": body},
        body,
        {"key": "b", **body},
    ]
    path.write_text("\n\n".join(json.dumps(row) for row in rows))
    keys = ["a", "row-000000003", "b"]
    paths: list[Expected] = [path, str(path)]

    for given_path in paths:
        for ordered in (False, True):
            results = reconcile([line("b")], given_path, ordered=ordered)

            assert {r.key for r in results} == set(keys)
            if ordered:
                assert [r.key for r in results] == keys


def test_an_input_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "input.jsonl"
    path.write_text('{"key": "a"}\n')

    with pytest.raises(InputError, match=r"input.jsonl:1"):
        reconcile([], path)
    with pytest.raises(InputError, match="there is no such file"):
        reconcile([], tmp_path / "no.jsonl")
    request = json.dumps(
        {"key": "a", "request": {"contents": [{"parts": [{"text": "x"}]}]}}
    )
    path.write_text(f"{request}\n{request}\n")
    with pytest.raises(InputError, match=r"input.jsonl:2.*'a' was there already"):
        reconcile([], path)


def test_a_key_that_is_expected_twice_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        reconcile([], ["a", "b", "a", "c", "b"])

    assert [(p.line, p.field) for p in caught.value.problems] == [
        (3, "expected"),
        (5, "expected"),
    ]
    assert "the key 'a' was there already, as number 1" in str(caught.value)


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        (["a", 5], "a key is a text, got int"),
        ([{"key": "a"}], "Give the key of each request"),
        (b"abc", "keys are due, got bytes"),
        (1.5, "keys are due, got float"),
        (True, "keys are due, got bool"),
        (-1, "a count is due, got -1"),
    ],
)
def test_what_are_no_keys_is_refused(expected: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        reconcile([line("a")], expected)


def test_any_text_is_a_key() -> None:
    keys = ["", "\0", "a\0b", "ü", "\ud800", "x" * 100_000]
    sound = [key for key in keys if key != "\ud800"]

    results = reconcile([line(key) for key in sound], keys, ordered=True)

    assert [r.key for r in results] == keys
    assert [r.key for r in results if r.outcome is Outcome.MISSING] == ["\ud800"]


@pytest.mark.parametrize(
    ("job", "code", "message"),
    [
        ({"state": JobState.SUCCEEDED}, 0, "no row came back, although the job succeeded"),
        ({"state": JobState.EXPIRED}, 0, "no row came back, the job expired"),
        ({"state": JobState.PAUSED}, 0, "no row came back, the job is paused"),
        (
            {"state": JobState.FAILED, "error": RpcStatus(code=3, message="bad")},
            3,
            "no row came back, the job failed: INVALID_ARGUMENT: bad",
        ),
        (
            {
                "state": JobState.PARTIALLY_SUCCEEDED,
                "partial_failures": (RpcStatus(code=5), RpcStatus(code=7)),
            },
            5,
            "no row came back, the job succeeded in part: NOT_FOUND: ",
        ),
    ],
)
def test_a_missing_result_has_the_reason_of_the_job(
    job: dict[str, Any], code: int, message: str
) -> None:
    found = BatchJob(name="batches/x", kind=JobKind.GENERATE, **job)

    (result,) = reconcile([], ["a"], job=found)

    assert result.error is not None
    assert (result.error.code, result.error.message) == (code, message)
    assert (result.retryable, result.response, result.embedding) == (False, None, None)
    with pytest.raises(DecodeError, match=r"there is no answer: .*no row came back"):
        result.parsed(dict)


def test_rows_that_could_be_of_a_missing_request_are_told_of() -> None:
    tally = Tally()

    (result,) = reconcile([b"{", line("z")], ["a"], tally=tally)

    assert "; 2 rows came that are not known to be anybody's" in str(result.error)
    assert [(s.key, s.index, s.duplicate) for s in tally.samples] == [
        (None, 0, False),
        ("z", 1, False),
    ]


def test_rows_left_out_are_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    reconcile([line("a"), line("a"), line("z"), line("a")], ["a"])

    (record,) = caplog.records
    assert (record.levelname, record.name) == ("WARNING", "gemini_batch.batches")
    assert record.getMessage().startswith(
        "batches/x: 3 rows were left out: 2 whose key came before, 1 that were not asked"
    )
    caplog.clear()
    reconcile([line("a")], ["a", "b"])
    assert not caplog.records
