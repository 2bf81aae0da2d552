"""The requests that did not end well, to be submitted again as they are."""

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gemini_batch import (
    Client,
    Content,
    EmbedRequest,
    GenerateRequest,
    GenerationConfig,
    InputError,
    Outcome,
    write_results,
)
from gemini_batch.testing import ManualClock
from tests.sinks.results import failed, ok
from tests.support.rows import MODEL, jsonl, row


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


@pytest.fixture
def again(tmp_path: Path) -> Path:
    return tmp_path / "failed.jsonl"


async def test_lines_of_the_input_are_written_again_as_they_are(
    out: Path, again: Path, tmp_path: Path
) -> None:
    lines = [
        b'\xef\xbb\xbf{ "key":"a",  "request": {"contents": [{"parts": [{"text": "1"}]}]}}',
        b'{"request": {"contents": [{"parts":[{"text":"2"}]}]}, "key": "b"}',
        b"",
        b'{"contents": [{"parts": [{"text": "4"}]}]}',
        b'{"request": {"contents": [{"parts": [{"text": "5"}]}]}}',
        b'{"key": "c", "contents": [{"parts": [{"text": "6"}]}]}',
    ]
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\n".join(lines))
    bare, unnamed = "row-000000004", "row-000000005"
    results = [failed("a"), ok("b"), failed(bare), failed(unnamed), failed("c")]

    await write_results(results, out, failures=again, requests=source)

    first, *named, last = again.read_bytes().splitlines()
    assert first == lines[0].removeprefix(b"\xef\xbb\xbf")
    # A row that had no key keeps the one that was written for it.
    assert [json.loads(line) for line in named] == [
        {"key": bare, "request": {"contents": [{"parts": [{"text": "4"}]}]}},
        {"key": unnamed, "request": {"contents": [{"parts": [{"text": "5"}]}]}},
    ]
    assert last == lines[5]


REQUESTS = [
    GenerateRequest.from_text("x", key="a", generation_config=GenerationConfig(top_k=1)),
    GenerateRequest(contents=(Content.from_text("y"),), metadata={"key": "b", "n": 1}),
    {"key": "c", "request": {"contents": [{"parts": [{"text": "z"}]}]}},
    '{"contents": [{"parts": [{"text": "text"}]}]}',
    b'{"key": "e", "contents": [{"parts": [{"text": "bytes"}]}]}',
    EmbedRequest.from_text("w", key="f"),
]
WRITTEN: list[dict[str, Any]] = [
    {
        "key": "a",
        "request": {
            "contents": [{"role": "user", "parts": [{"text": "x"}]}],
            "generationConfig": {"topK": 1},
        },
    },
    {"key": "b", "request": {"contents": [{"parts": [{"text": "y"}]}]}},
    {"key": "c", "request": {"contents": [{"parts": [{"text": "z"}]}]}},
    {"key": "row-000000004", "request": {"contents": [{"parts": [{"text": "text"}]}]}},
    {"key": "e", "contents": [{"parts": [{"text": "bytes"}]}]},
    {"key": "f", "request": {"content": {"parts": [{"text": "w"}]}}},
]


@pytest.mark.parametrize("as_stream", [False, True])
async def test_requests_may_be_given_once_more(
    as_stream: bool, out: Path, again: Path
) -> None:
    async def drawn() -> AsyncIterator[Any]:
        for request in [*REQUESTS, *([{"key": "other", "contents": []}] * 600)]:
            yield request

    results = [failed(line["key"]) for line in WRITTEN]

    await write_results(
        results, out, failures=again, requests=drawn() if as_stream else REQUESTS
    )

    assert [json.loads(line) for line in again.read_bytes().splitlines()] == WRITTEN


async def test_a_second_job_completes_the_file_of_the_first(
    client: Client, clock: ManualClock, tmp_path: Path, out: Path, again: Path
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(
        jsonl(
            row("a"),
            row("b", "[emulator:error:13]"),
            row("c", "[emulator:block]"),
            row("d", "[emulator:empty]"),
        )
    )

    async def run(path: Path, **options: Any) -> Any:
        job = await client.batches.submit(MODEL, path, **options)
        clock.advance(3600)
        results = client.batches.results(job.name, expected=path)
        return await write_results(results, out, failures=again, requests=path)

    first = await run(source)
    assert [json.loads(line)["key"] for line in again.read_bytes().splitlines()] == [*"bcd"]

    # What was wrong with them has been seen to, but for one.
    mended = tmp_path / "again.jsonl"
    mended.write_bytes(
        again.read_bytes()
        .replace(b"[emulator:error:13]", b"x")
        .replace(b"[emulator:block]", b"y")
    )
    second = await run(mended)

    assert first.outcomes[Outcome.OK] == 1
    assert second.outcomes == {Outcome.OK: 2, Outcome.EMPTY: 1}
    rows = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert {r["key"]: r["outcome"] for r in rows} == {
        "a": "ok",
        "b": "ok",
        "c": "ok",
        "d": "empty",
    }
    assert [json.loads(line)["key"] for line in again.read_bytes().splitlines()] == ["d"]


async def test_rows_in_the_file_that_did_not_end_well_are_among_them(
    out: Path, again: Path, tmp_path: Path
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(jsonl(row("a"), row("b"), row("c")))
    await write_results([failed("a"), failed("b"), ok("c")], out)

    await write_results([ok("b"), failed("c")], out, failures=again, requests=source)

    # c ended well before: it is done.
    assert again.read_bytes() == jsonl(row("a"))


async def test_where_all_is_well_there_is_no_such_file(
    out: Path, again: Path, tmp_path: Path
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(jsonl(row("a")))
    again.write_bytes(b"of an earlier call")

    await write_results([ok("a")], out, failures=again, requests=source)

    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


async def test_a_key_that_is_not_in_the_input_is_told(
    out: Path, again: Path, caplog: pytest.LogCaptureFixture
) -> None:
    requests = [row("a")]
    with caplog.at_level(logging.WARNING):
        await write_results(
            [failed("a"), failed("x"), failed("y")], out, failures=again, requests=requests
        )

    assert again.read_bytes().count(b"\n") == 1
    (record,) = caplog.records
    assert record.getMessage().startswith("2 requests that did not end well are not in the")
    assert "'x', 'y'" in record.getMessage()


async def test_input_that_cannot_be_read_is_told_before(
    out: Path, again: Path, tmp_path: Path
) -> None:
    source = tmp_path / "in.jsonl"
    with pytest.raises(InputError, match="there is no such file"):
        await write_results([failed("a")], out, failures=again, requests=source)
    with pytest.raises(InputError, match="give both, or neither"):
        await write_results([failed("a")], out, failures=again)
    with pytest.raises(InputError, match="give both, or neither"):
        await write_results([failed("a")], out, requests=[row("a")])
    source.write_bytes(jsonl(row("a")))
    for wrong in (source, out, tmp_path / "nowhere" / "x.jsonl"):
        with pytest.raises(InputError):
            await write_results([failed("a")], out, failures=wrong, requests=source)
    assert [p.name for p in tmp_path.iterdir()] == ["in.jsonl"]


async def test_input_that_is_none_leaves_the_results_to_go_on_with(
    out: Path, again: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="request 2 of the input is not JSON"):
        await write_results(
            [ok("a"), failed("b")], out, failures=again, requests=[row("a"), "{nope"]
        )

    assert [p.name for p in tmp_path.iterdir()] == ["out.jsonl.part"]
    await write_results([], out, failures=again, requests=["[]", 5, "", row("b")])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["failed.jsonl", "out.jsonl"]
    assert again.read_bytes() == jsonl(row("b")).replace(b": ", b":").replace(b", ", b",")
