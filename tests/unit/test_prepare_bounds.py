"""What preparing input leaves behind, and what it costs."""

import asyncio
import gc
import json
import sys
import tempfile
import threading
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch._codec import Codec
from gemini_batch._input.batching import RequestGroup, weight
from gemini_batch._input.prepare import prepare
from gemini_batch._input.spool import RequestSpool
from gemini_batch._io import threads
from gemini_batch._io.input_file import BLOCK_BYTES
from gemini_batch._io.lines import BoundedLines
from gemini_batch._io.threads import in_thread
from gemini_batch._requests.checker import EncodedBlock, RequestChecker, numbered
from gemini_batch.errors import InputError
from gemini_batch.types import (
    Content,
    EmbedRequest,
    GenerateRequest,
    GenerationConfig,
    JobKind,
    Part,
)

CODEC = Codec()


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def prompts(count: int, text: str = "x") -> Iterator[Any]:
    for number in range(count):
        yield GenerateRequest.from_text(text, key=f"k{number}")


def spooled(requests: Any, **options: Any) -> Any:
    return prepare(requests, codec=CODEC, model="m", inline_limit=0, **options)


async def test_the_file_is_there_in_the_block_and_gone_after_it(scratch: Path) -> None:
    async with spooled(prompts(3)) as prepared:
        assert prepared.path.exists()
        assert prepared.path.stat().st_mode & 0o077 == 0

    assert files_in(scratch) == []


async def test_the_file_is_gone_after_an_error_in_the_block(scratch: Path) -> None:
    with pytest.raises(RuntimeError):
        async with spooled(prompts(3)):
            raise RuntimeError

    assert files_in(scratch) == []


async def test_a_file_someone_else_removed_is_no_error(scratch: Path) -> None:
    async with spooled(prompts(3)) as prepared:
        prepared.path.unlink()

    assert files_in(scratch) == []


async def test_an_iterable_that_fails_leaves_nothing(scratch: Path) -> None:
    def failing() -> Iterator[Any]:
        yield from prompts(2000)
        raise RuntimeError("from the caller")

    with pytest.raises(RuntimeError, match="from the caller"):
        async with spooled(failing()):
            pytest.fail("not reached")

    assert files_in(scratch) == []


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("after", [0, 1, 30, 2000])
async def test_cancellation_leaves_nothing(scratch: Path, native: Any, after: int) -> None:
    closed = []

    async def source() -> AsyncIterator[Any]:
        try:
            for request in prompts(after):
                yield request
            await anyio.sleep_forever()
        finally:
            closed.append(True)

    async def use() -> None:
        async with spooled(source()):
            pytest.fail("not reached")

    if native:
        task = asyncio.create_task(use())
        await asyncio.sleep(0.04)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        with anyio.move_on_after(0.04) as scope:
            await use()
        assert scope.cancelled_caught

    await asyncio.sleep(0.01)
    assert files_in(scratch) == []
    assert closed == [True]


@pytest.mark.parametrize("native", [True, False])
async def test_cancellation_in_the_block_leaves_nothing(scratch: Path, native: Any) -> None:
    async def use() -> None:
        async with spooled(prompts(100)):
            await anyio.sleep_forever()

    if native:
        task = asyncio.create_task(use())
        await asyncio.sleep(0.04)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        with anyio.move_on_after(0.04):
            await use()

    assert files_in(scratch) == []


async def test_cancellation_while_it_closes_leaves_nothing_open(scratch: Path) -> None:
    """No thread is free to close in; what is open would be told of by a warning."""
    inside, leave, gate = asyncio.Event(), asyncio.Event(), threading.Event()

    async def use() -> None:
        async with spooled(prompts(3)):
            inside.set()
            await leave.wait()

    task = asyncio.create_task(use())
    await inside.wait()
    async with anyio.create_task_group() as hops:
        for _ in range(threads._THREADS):
            hops.start_soon(in_thread, gate.wait)
        await asyncio.sleep(0.01)
        leave.set()
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.set()
    del task
    gc.collect()

    assert files_in(scratch) == []


def test_a_hop_that_nobody_waits_for_closes_what_is_open(scratch: Path) -> None:
    """The task is gone, and what would have closed it never came to run."""
    at_work, gate = threading.Event(), threading.Event()

    def requests() -> Iterator[Any]:
        at_work.set()
        gate.wait(5)
        yield numbered(1, GenerateRequest.from_text("x"))

    intake = RequestSpool(
        RequestChecker(CODEC),
        inline_limit=0,
        inline_requests=0,
        max_file_bytes=10**9,
        spool=True,
    )
    hop = threading.Thread(target=intake.requests, args=(requests(), EncodedBlock()))
    hop.start()
    at_work.wait(5)
    intake.discard()
    intake.close(wait=False)
    gate.set()
    hop.join(5)
    del intake, hop
    gc.collect()

    assert files_in(scratch) == []


def test_a_hop_that_outlives_its_task_keeps_nothing(scratch: Path) -> None:
    intake = RequestSpool(
        RequestChecker(CODEC),
        inline_limit=0,
        inline_requests=0,
        max_file_bytes=10**9,
        spool=True,
    )
    intake.requests([numbered(1, GenerateRequest.from_text("x"))], EncodedBlock())
    assert len(files_in(scratch)) == 1

    intake.discard()
    assert files_in(scratch) == []
    intake.requests([numbered(2, GenerateRequest.from_text("x"))], EncodedBlock())
    intake.close()

    assert files_in(scratch) == []
    assert intake.count == 1


def test_a_file_removed_while_a_hop_runs_stays_away(
    scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = RequestSpool(
        RequestChecker(CODEC),
        inline_limit=0,
        inline_requests=0,
        max_file_bytes=10**9,
        spool=True,
    )
    intake.requests([numbered(1, GenerateRequest.from_text("x"))], EncodedBlock())

    # The hop has passed its own look when the file goes.
    def gone_meanwhile(_rows: Any) -> list[Any]:
        intake.discard()
        return []

    monkeypatch.setattr(intake._keys, "add", gone_meanwhile)

    intake.requests([numbered(2, GenerateRequest.from_text("x"))], EncodedBlock())

    assert files_in(scratch) == []
    intake.close()


async def test_requests_are_drawn_in_the_callers_thread() -> None:
    threads = set()

    def source() -> Iterator[Any]:
        for request in prompts(100):
            threads.add(threading.get_ident())
            yield request

    async with spooled(source()) as prepared:
        assert prepared.count == 100

    assert threads == {threading.get_ident()}


async def test_an_async_iterable_that_is_no_generator_is_taken() -> None:
    class Source:
        def __init__(self) -> None:
            self.left = 5

        def __aiter__(self) -> Any:
            return self

        async def __anext__(self) -> Any:
            self.left -= 1
            if self.left < 0:
                raise StopAsyncIteration
            return GenerateRequest.from_text("x")

    async with prepare(Source(), codec=CODEC, model="m") as prepared:
        assert prepared.count == 5


async def test_a_source_is_closed_when_the_input_is_refused_early() -> None:
    closed = []

    async def source() -> AsyncIterator[Any]:
        try:
            for request in prompts(10_000):
                yield request
        finally:
            closed.append(True)

    with pytest.raises(InputError):
        async with prepare(source(), codec=CODEC, model="m", max_file_bytes=1000):
            pytest.fail("not reached")

    assert closed == [True]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_objects_do_not_pile_up_with_the_input() -> None:
    """Counted in blocks of memory, because tracing 200,000 rows takes half a minute."""
    counts = []

    def source() -> Iterator[Any]:
        for number, request in enumerate(prompts(200_000, "a prompt " * 10)):
            if number % 5000 == 0:
                counts.append(sys.getallocatedblocks())
            yield request

    async with spooled(source()) as prepared:
        assert prepared.count == 200_000
        assert prepared.size > 25_000_000

    # A row that is kept is several blocks; what other tests left behind may only shrink.
    assert max(counts) - counts[1] < 100_000


async def test_memory_does_not_grow_with_the_input() -> None:
    peaks = []
    for count in (5000, 15_000):
        gc.collect()
        tracemalloc.start()
        try:
            async with spooled(
                prompts(count, "a prompt of about a hundred bytes " * 3)
            ) as prepared:
                assert prepared.count == count
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()

    # The larger input has 1.7 MB more.
    assert max(peaks) < 2_000_000
    assert peaks[1] < peaks[0] + 400_000


async def test_memory_does_not_grow_with_rows_of_megabytes() -> None:
    text = "x" * 1_000_000

    def source() -> Iterator[Any]:
        for number in range(60):
            yield json.dumps(
                {
                    "key": f"k{number}",
                    "request": {"contents": [{"parts": [{"text": text}]}]},
                }
            )

    tracemalloc.start()
    try:
        async with spooled(source()) as prepared:
            _, peak = tracemalloc.get_traced_memory()
            assert prepared.count == 60
    finally:
        tracemalloc.stop()

    assert peak < 16_000_000


async def test_a_line_of_thirty_megabytes_is_read_or_skipped(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    long = b'{"key":"a","request":{"contents":[{"parts":[{"text":"%b"}]}]}}' % (
        b"x" * 30_000_000
    )
    path.write_bytes(long + b"\n" + long.replace(b'"a"', b'"b"') + b"\n")

    async with spooled(path, max_request_bytes=40_000_000) as prepared:
        assert prepared.path.stat().st_size == prepared.size == path.stat().st_size

    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            async with spooled(path):
                pytest.fail("not reached")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [problem.line for problem in caught.value.problems] == [1, 2]
    # Twenty megabytes are held before a row is known to be too large.
    assert peak < 30_000_000


@given(
    st.lists(st.binary(max_size=9).map(lambda b: b.replace(b"x", b"\n"))),
    st.integers(0, 30),
)
def test_lines_are_cut_alike_at_any_border(blocks: Any, limit: int) -> None:
    splitter = BoundedLines(limit)

    lines = [line for block in blocks for line in splitter.feed(block)]
    lines.append(splitter.finish())

    expected = b"".join(blocks).split(b"\n")
    assert len(lines) == len(expected)
    for line, whole in zip(lines, expected, strict=True):
        assert line == whole or (line is None and len(whole) > limit)


def held(*requests: Any) -> int:
    batch = RequestGroup(RequestChecker(CODEC))
    for request in requests:
        batch.add(request)
    return batch.held


def test_requests_are_weighed_by_what_they_hold() -> None:
    """Batches are bounded in bytes before anything is encoded."""
    image = Part.from_bytes(b"x" * 100, mime_type="a/b")
    text = GenerateRequest.from_text("x" * 50, system_instruction="y" * 5)
    loop: dict[str, object] = {"text": "abc"}
    loop["self"] = loop

    assert weight({"a": ["xx", {"b": "yyy", "c": 5}], "d": None}) == 5
    assert weight(b"1234") == 4
    assert weight(loop) >= 0  # it ends
    assert held("x" * 50, b"x" * 50) == 100
    assert held(text) == 55
    assert held(evolve(text, safety_settings=())) == 55
    assert held(GenerateRequest(contents=(Content(parts=(image,)),))) == 103
    assert held(EmbedRequest.from_text("x" * 9)) == 9
    assert 50 < held({"contents": [{"parts": [{"text": "x" * 50}]}]}) < 150
    assert held({"contents": [Content(parts=(image,))]}, loop) >= 103


def test_rows_that_are_made_at_once_are_weighed_as_they_are() -> None:
    checker = RequestChecker(CODEC, kind=JobKind.GENERATE)
    batch = RequestGroup(checker)

    batch.add(GenerateRequest.from_text("x" * 50))

    assert batch.waiting == []
    assert batch.held == len(batch.rows.lines[0])
    assert (batch.count, batch.following) == (1, 2)


def test_what_requests_share_is_weighed_once() -> None:
    request = GenerateRequest(
        contents=(Content.from_text("x"),),
        generation_config=GenerationConfig(response_schema={"type": "x" * 1000}),
        tools=({"x": "x" * 1000},),
        metadata={"x": "x" * 1000},
    )

    assert 3000 < held(request) < held(*[request] * 9) < 3100
    other = evolve(request, generation_config={"x": "x" * 1000})
    assert held(request, other, request) > 4000


def test_what_is_not_what_its_type_says_is_weighed_too() -> None:
    wrong: list[Any] = [
        GenerateRequest(contents="x" * 100),  # type: ignore[arg-type]
        GenerateRequest(contents=5),  # type: ignore[arg-type]
        GenerateRequest(contents=(Content(parts=(Part(text=["x" * 100]),)),)),  # type: ignore[arg-type]
        EmbedRequest(content={"text": "x" * 100}),  # type: ignore[arg-type]
        {"contents": {1, 2}},
        5,
    ]

    assert [held(value) >= 100 for value in wrong] == [
        True,
        False,
        True,
        True,
        False,
        False,
    ]


async def test_large_requests_make_small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    taken = RequestSpool.requests

    def requests(self: RequestSpool, waiting: Any, made: Any) -> None:
        sizes.append((len(waiting), len(made.keys)))
        taken(self, waiting, made)

    monkeypatch.setattr(RequestSpool, "requests", requests)
    image = Part.from_bytes(b"x" * (BLOCK_BYTES // 2), mime_type="a/b")
    rows = [GenerateRequest(contents=(Content(parts=(image,)),)) for _ in range(5)]

    async with spooled([*prompts(600), *rows]):
        pass

    # Neither its bytes nor its requests are many.
    assert sizes == [(512, 0), (2, 88), (2, 0), (1, 0)]


# Between memory, file and inline


@pytest.mark.parametrize("size", [1, 400, 2500])
async def test_rows_that_may_go_inline_come_back_from_the_file(
    scratch: Path, size: int
) -> None:
    requests = [
        GenerateRequest.from_text(f"ü{number}" * 70, key=f"k{number}")
        if number % 3
        else b'{"contents":[{"parts":[{"text":"x"}]}]}'
        for number in range(size)
    ]

    async with prepare(requests, codec=CODEC, model="m") as prepared:
        assert files_in(scratch) == []
        rows = prepared.rows or ()

    checker = RequestChecker(CODEC)
    expected = [checker.request(value, n) for n, value in enumerate(requests, start=1)]
    assert [*rows] == expected
    assert prepared.path is None


async def test_a_large_input_is_not_held_until_it_is_known_to_be_one(scratch: Path) -> None:
    """It may go inline until the last row, but is in the file long before."""
    seen = []

    def source() -> Iterator[Any]:
        for number, request in enumerate(prompts(9000, "x" * 1000)):
            if number % 1000 == 999:
                seen.append(sum(path.stat().st_size for path in scratch.iterdir()))
            yield request

    async with prepare(source(), codec=CODEC, model="m") as prepared:
        assert len(prepared.rows or ()) == 9000

    assert seen == sorted(seen)
    assert seen[0] > 500_000
