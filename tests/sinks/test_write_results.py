"""Results in a file: each form, whole or not there, and gone on with by key."""

import asyncio
import csv
import gc
import json
import secrets
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gemini_batch import (
    Client,
    InputError,
    JobFailedError,
    Outcome,
    Tally,
    write_results,
)
from gemini_batch._writers.result_formats import format_of
from gemini_batch.testing import Emulator, Fault, ManualClock
from tests.sinks.results import failed, made, ok, stream, vector
from tests.support.leaks import stray_tasks
from tests.support.rows import MODEL, many

ENDS = [".jsonl", ".csv", ".parquet"]
TEXT = 'two\nlines, "quotes", \r\n, ünïcode and "'


@pytest.fixture(params=ENDS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == ".parquet":
        pytest.importorskip("pyarrow")
    return tmp_path / f"out{request.param}"


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Read a file with a reader that is not ours."""
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_bytes().splitlines()]
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def outcomes_of(path: Path) -> dict[str, tuple[str, str | None]]:
    return {row["key"]: (row["outcome"], row.get("text") or None) for row in rows_of(path)}


def names(path: Path) -> list[str]:
    return sorted(p.name for p in path.parent.iterdir())


async def test_every_result_is_in_the_file(path: Path) -> None:
    results = [ok("a", TEXT), failed("b", TEXT), ok('c,"\n', "")]

    tally = await write_results(stream(results), path)

    rows = rows_of(path)
    assert [row["key"] for row in rows] == ["a", "b", 'c,"\n']
    assert [row["outcome"] for row in rows] == ["ok", "error", "empty"]
    assert rows[0]["text"] == TEXT
    assert names(path) == [path.name]
    assert isinstance(tally, Tally)
    assert tally.total == 3
    assert tally.outcomes[Outcome.OK] == 1
    assert tally.usage.total_token_count == 10


async def test_a_line_has_what_there_is_to_say(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    call = {"functionCall": {"name": "f", "args": {"x": 1}}}
    response = {"candidates": [{"content": {"parts": [call]}, "finishReason": "STOP"}]}
    results = [
        ok("a"),
        failed(None, index=7),
        vector("v", 0.5, -1.0),
        made({"response": response}, "call"),
        made({"error": {"message": "who knows"}, "metadata": {"key": "m", "n": 1}}, None),
    ]

    await write_results(results, path)

    usage = {"prompt_token_count": 3, "candidates_token_count": 2, "total_token_count": 5}
    error = {"code": 13, "reason": "INTERNAL", "message": "no"}
    assert rows_of(path) == [
        {"key": "a", "outcome": "ok", "text": "fine", "usage": usage},
        {"key": None, "outcome": "error", "index": 7, "error": error},
        {"key": "v", "outcome": "ok", "embedding": [0.5, -1.0]},
        {"key": "call", "outcome": "ok", "response": response},
        {
            "key": "m",
            "outcome": "error",
            "error": {"message": "who knows"},
            "metadata": {"n": 1},
        },
    ]


@pytest.mark.parametrize("end", [".csv", ".parquet"])
async def test_a_record_has_all_columns(end: str, tmp_path: Path) -> None:
    if end == ".parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"out{end}"
    response = {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f"}}]}}]}
    metadata = {"error": {"code": 13, "message": "no"}, "metadata": {"key": "m", "n": 1}}
    results = [
        ok("a"),
        vector("v", 0.5),
        made({"response": response}, "c"),
        made(metadata, None),
    ]

    await write_results(results, path)

    a, v, c, m = (
        {k: x for k, x in row.items() if x not in (None, "")} for row in rows_of(path)
    )
    count = int if end == ".parquet" else str
    assert a == {
        "key": "a",
        "outcome": "ok",
        "text": "fine",
        "prompt_tokens": count(3),
        "cached_tokens": count(0),
        "answer_tokens": count(2),
        "thoughts_tokens": count(0),
        "tool_prompt_tokens": count(0),
        "total_tokens": count(5),
    }
    assert v == {
        "key": "v",
        "outcome": "ok",
        "embedding": [0.5] if end == ".parquet" else "[0.5]",
    }
    assert json.loads(c["response"]) == response
    assert m == {
        "key": "m",
        "outcome": "error",
        "error_code": count(13),
        "error_reason": "INTERNAL",
        "error": "no",
        "metadata": '{"n":1}',
    }


async def test_raw_rows_are_as_they_came(tmp_path: Path) -> None:
    path = tmp_path / "out.ndjson"
    spread = ok("b").raw.replace(b", ", b",\r\n")
    results = [ok("a"), ok("x").sibling("b", 1, spread)]

    await write_results(results, path, raw=True)

    lines = path.read_bytes().splitlines()
    assert lines[0] == results[0].raw
    assert json.loads(lines[1]) == json.loads(ok("b").raw)
    with pytest.raises(InputError, match="Let the name end in"):
        await write_results(results, tmp_path / "out.csv", raw=True)


@pytest.mark.parametrize(("rows", "size"), [(3_000, 300), (200, 100_000)])
async def test_many_blocks_and_row_groups(path: Path, rows: int, size: int) -> None:
    await write_results((ok(f"k{n}", "x" * size) for n in range(rows)), path)

    assert [row["key"] for row in rows_of(path)] == [f"k{n}" for n in range(rows)]
    await write_results([ok("k0", "x" * size), ok("new")], path)
    assert len(rows_of(path)) == rows + 1


async def test_a_full_disk_leaves_what_was_there(path: Path) -> None:
    resource = pytest.importorskip("resource")
    await write_results([ok("a")], path)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    results = [ok(f"k{n}", secrets.token_hex(20_000)) for n in range(600)]

    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            await write_results(results, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    gc.collect()
    assert names(path) == [path.name]
    assert path.read_bytes() == before


async def test_the_next_call_goes_on_by_key(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await write_results([ok("a", TEXT), failed("b"), failed("c", TEXT)], path)
    tally = await write_results([ok("a", TEXT), ok("b", "better"), ok("d")], path)

    assert outcomes_of(path) == {
        "a": ("ok", TEXT),
        "b": ("ok", "better"),
        "d": ("ok", "fine"),
        "c": ("error", None),
    }
    # What is there as it came again is one of the results.
    assert (tally.total, tally.duplicates) == (3, 0)
    assert names(path) == [path.name]
    assert caplog.records == []
    await write_results([ok("z")], path, resume=False)
    assert list(outcomes_of(path)) == ["z"]


async def test_another_answer_for_a_key_that_is_done_is_told(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await write_results([ok("a"), vector("v", 0.1), ok("b", TEXT)], path)
    again = [ok("a", "other"), vector("v", 0.1), ok("b", TEXT), failed("b")]

    tally = await write_results(again, path)

    assert (tally.total, tally.duplicates) == (2, 2)
    assert [sample.key for sample in tally.samples] == ["a", "b"]
    assert outcomes_of(path) == {"a": ("ok", "fine"), "v": ("ok", None), "b": ("ok", TEXT)}
    (record,) = caplog.records
    assert "2 results were left out" in record.getMessage()


async def test_raw_rows_are_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    metadata = made({**json.loads(ok(None).raw), "metadata": {"key": "m"}}, None)
    await write_results([ok("a"), failed("b"), metadata], path, raw=True)
    await write_results([ok("a", "later"), ok("b", "better"), metadata], path, raw=True)

    lines = path.read_bytes().splitlines()
    assert sorted(lines) == sorted([ok("a").raw, ok("b", "better").raw, metadata.raw])


SOURCES = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.booleans(), st.text(max_size=5)), max_size=12
)


@pytest.mark.parametrize("end", [".jsonl", ".csv"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(calls=st.lists(SOURCES, max_size=4))
def test_any_calls_make_one_row_per_key(end: str, tmp_path: Path, calls: list[Any]) -> None:
    """An answer is never lost again, and never there twice."""
    path = tmp_path / f"out{end}"
    path.unlink(missing_ok=True)
    known: dict[str, tuple[str, str | None]] = {}

    async def write() -> None:
        for number, call in enumerate(calls):
            rows = {key: (fine, f"{number}{text}") for key, fine, text in call}
            results = [
                ok(key, text) if fine else failed(key, text)
                for key, (fine, text) in rows.items()
            ]
            await write_results(results, path)
            for key, (fine, text) in rows.items():
                if known.get(key, ("", None))[0] != "ok":
                    known[key] = ("ok", text) if fine else ("error", None)

    anyio.run(write)

    if calls:
        found = rows_of(path)
        assert len(found) == len(known)
        assert outcomes_of(path) == known


async def test_what_was_written_before_an_error_is_kept(path: Path) -> None:
    await write_results([ok("a"), failed("b"), failed("c")], path)
    before = path.read_bytes()
    # More than a block, so that some of it is written.
    results = [ok(f"k{n}") for n in range(600)]

    with pytest.raises(OSError, match="gone") as caught:
        await write_results(stream([ok("c"), *results], OSError("gone")), path)

    part = path.with_name(f"{path.name}.part")
    assert path.read_bytes() == before
    assert names(path) == [path.name, part.name]
    assert caught.value.__notes__ == [f"what was written is kept in {part.resolve()}"]
    tally = await write_results([ok("k599", "later"), ok("k1", "later"), ok("b")], path)
    found = outcomes_of(path)
    assert names(path) == [path.name]
    assert (tally.total, tally.duplicates) == (2, 1)
    assert found["b"] == found["c"] == found["k1"] == ("ok", "fine")
    assert found["k599"] == ("ok", "later")
    # The first block had c and 511 of them.
    assert len(rows_of(path)) == len(found) == 3 + 511 + 1


async def test_an_error_before_anything_is_written_leaves_all_as_it_was(path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        await write_results(stream([ok("a")], OSError("gone")), path)
    assert names(path) == []

    await write_results([ok("a")], path)
    with pytest.raises(OSError, match="gone"):
        await write_results(stream([], OSError("gone")), path)
    begun = stream([ok(f"k{n}") for n in range(600)], OSError("gone"))
    with pytest.raises(OSError, match="gone"):
        await write_results(begun, path, resume=False)
    assert names(path) == [path.name]
    assert list(outcomes_of(path)) == ["a"]


@pytest.mark.parametrize("there", [b'{"something": "else"}\n', b"[1]\n", b"prose"])
async def test_what_is_there_must_be_of_the_same_form(path: Path, there: bytes) -> None:
    path.write_bytes(there)
    with pytest.raises(InputError, match="resume=False"):
        await write_results([ok("a")], path)
    assert path.read_bytes() == there
    assert names(path) == [path.name]

    await write_results([ok(None)], path, resume=False)
    with pytest.raises(InputError, match="rows without a key"):
        await write_results([ok("a")], path)

    path.write_bytes(b"")
    await write_results([ok("a")], path)
    assert list(outcomes_of(path)) == ["a"]


async def test_flat_and_raw_rows_are_not_mixed(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    await write_results([ok("a")], path)
    with pytest.raises(InputError, match="no row as the service sends it"):
        await write_results([ok("b")], path, raw=True)
    await write_results([ok("a")], path, raw=True, resume=False)
    with pytest.raises(InputError, match="no flat result"):
        await write_results([ok("b")], path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-4], "its last record is cut off"),
        (lambda data: data.replace(b"key,outcome", b"key,verdict"), "other columns"),
        (lambda data: data + b"\n", "no record of a result"),
    ],
)
async def test_a_table_that_was_damaged_is_not_kept(
    damage: Any, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "out.csv"
    await write_results([failed("a", 'a, "quoted" reason')], path)
    path.write_bytes(damage(path.read_bytes().replace(b",,,,,,,\n", b',,,,,,,"x y"\n')))

    with pytest.raises(InputError, match=message):
        await write_results([ok("a")], path)


def test_parquet_needs_an_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "gemini_batch._writers.parquet", raising=False)

    with pytest.raises(InputError, match=r"pip install 'gemini-batch\[tables\]'"):
        format_of("out.parquet", raw=False)


async def test_a_table_of_other_columns_is_not_kept(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "out.parquet"
    parquet.write_table(pa.table({"key": ["a"]}), path)

    with pytest.raises(InputError, match="other columns"):
        await write_results([ok("a")], path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out.txt", r"the name does not say what to write: \.txt"),
        ("out", "it has no extension"),
        ("folder.csv", "it is a folder"),
        ("nowhere/out.csv", "there is no folder"),
        ("gs://bucket/out.csv", "files of this machine only"),
    ],
)
async def test_what_cannot_be_written_is_told_before(
    name: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "folder.csv").mkdir()
    path = name if ":" in name else str(tmp_path / name)
    drawn: list[str] = []

    async def results() -> Any:
        drawn.append("drawn")
        yield ok("a")

    with pytest.raises(InputError, match=message) as caught:
        await write_results(results(), path)

    assert caught.value.problems[0].field == "path"
    assert drawn == []


async def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "real.jsonl"
    link = tmp_path / "out.jsonl"
    link.symlink_to(target)

    await write_results([ok("a")], link)

    assert link.is_symlink()
    assert list(outcomes_of(target)) == ["a"]


async def test_results_are_drawn_no_faster_than_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    most = 0

    async def results() -> Any:
        nonlocal most
        for number in range(400):
            (part,) = tmp_path.iterdir()
            most = max(most, number * 10_000 - part.stat().st_size)
            yield ok(f"k{number}", "x" * 10_000)

    await write_results(results(), path)

    # A block of them is in memory, and no more.
    assert 0 < most < 300_000
    assert len(rows_of(path)) == 400


@pytest.mark.parametrize("native", [False, True])
async def test_cancelling_leaves_nothing(path: Path, native: bool) -> None:
    await write_results([ok("a"), failed("b")], path)
    before = path.read_bytes()
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, c: problems.append(c))

    async def without_end() -> Any:
        number = 0
        while True:
            yield ok(f"k{number}", "x" * 100)
            number += 1
            if number % 700 == 0:
                await anyio.sleep(0)

    for moment in range(12):
        operation = write_results(without_end(), path)
        after = 0.003 * moment
        if native:
            task = asyncio.ensure_future(operation)
            await asyncio.sleep(after)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            with anyio.move_on_after(after) as scope:
                await operation
            assert scope.cancelled_caught
        assert stray_tasks() == []
    # Abandoned worker threads finish what they were at.
    await anyio.sleep(0.05)
    gc.collect()

    assert problems == []
    assert names(path) == [path.name]
    assert path.read_bytes() == before


async def test_a_job_is_written_as_it_is_read(
    client: Client, clock: ManualClock, emulator: Emulator, path: Path
) -> None:
    file = await client.files.upload(many(700))
    job = await client.batches.create(MODEL, file_name=file)
    clock.advance(3600)

    tally = await write_results(client.batches.results(job.name), path)

    assert tally.total == len(rows_of(path)) == 700
    emulator.faults.append(Fault(path="*:download", status=404, times=10**6))
    with pytest.raises(Exception, match="cannot be read any more"):
        await write_results(client.batches.results(job.name), path)
    assert names(path) == [path.name]
    assert stray_tasks() == []


async def test_what_did_not_come_is_in_the_file_too(
    client: Client, clock: ManualClock, tmp_path: Path
) -> None:
    file = await client.files.upload(many(2))
    job = await client.batches.create(MODEL, file_name=file)
    await client.batches.cancel(job)
    clock.advance(3600)
    for raw in (False, True):
        path = tmp_path / f"out-{raw}.jsonl"
        with pytest.raises(JobFailedError):
            await write_results(client.batches.results(job.name), path, raw=raw)
        results = client.batches.results(job.name, expected=["k0", "k1"])

        tally = await write_results(results, path, raw=raw)

        assert tally.outcomes == {Outcome.MISSING: 2}
        assert [row["key"] for row in rows_of(path)] == ["k0", "k1"]
        assert all(row["error"]["message"] for row in rows_of(path))
        # They are not done: what comes later takes their place.
        await write_results([ok("k1")], path, raw=raw)
        (first, second) = rows_of(path)
        assert (first["key"], "error" in first) == ("k1", False)
        assert (second["key"], "error" in second) == ("k0", True)


async def test_a_line_of_a_file_is_one_for_every_reader(tmp_path: Path) -> None:
    """Some programs take more than a newline for the end of a line."""
    path = tmp_path / "out.jsonl"
    texts = ["a\u2028b\u2029c\x85d", "\x7f", "\x9b31m", "é"]

    await write_results([ok(f"k{n}", text) for n, text in enumerate(texts)], path)

    lines = path.read_text("utf-8").splitlines()
    assert [json.loads(line)["text"] for line in lines] == texts
    assert not set("\x7f\x9b") & set("".join(lines))
    assert "é" in lines[3]
