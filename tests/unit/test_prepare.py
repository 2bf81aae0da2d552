"""Input from any source becomes the same checked rows, in memory or in a file."""

import json
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gemini_batch._codec import Codec
from gemini_batch._input.check import InputReport, check_path
from gemini_batch._input.prepare import INLINE_REQUESTS, prepare
from gemini_batch._io.input_file import BLOCK_BYTES
from gemini_batch.errors import InputError, InputProblem
from gemini_batch.types import EmbedRequest, GenerateRequest, JobKind

CODEC = Codec()
ON_DISK = {"inline_limit": 0}


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Temporary files go where they can be counted."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def a_row(number: int, **members: Any) -> dict[str, Any]:
    text = {"parts": [{"text": f"prompt {number}"}]}
    return {"key": f"k{number}", "request": {"contents": [text], **members}}


def lines_of(rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def write(folder: Path, data: bytes, name: str = "in.jsonl") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


async def each(values: Any) -> AsyncIterator[Any]:
    for value in values:
        yield value


async def content_of(requests: Any, **options: Any) -> bytes:
    async with prepare(requests, codec=CODEC, model="m", **options) as prepared:
        if prepared.rows is None:
            assert prepared.path is not None
            data = prepared.path.read_bytes()
        else:
            assert prepared.path is None
            data = b"".join(row.file_line() for row in prepared.rows or ())
        assert prepared.size == len(data)
        assert prepared.count == data.count(b"\n")
        return data


async def problems_of(requests: Any, **options: Any) -> tuple[InputProblem, ...]:
    with pytest.raises(InputError) as caught:
        async with prepare(requests, codec=CODEC, model="m", **options):
            pytest.fail("bad input was let through")
    return caught.value.problems


@pytest.mark.parametrize("limit", [0, 18_000_000])
async def test_path_iterable_and_async_iterable_give_the_same(
    tmp_path: Path, limit: int
) -> None:
    rows = [a_row(number) for number in range(1, 700)]
    path = write(tmp_path, lines_of(rows))
    options = {"inline_limit": limit, "system_instruction": "x"}
    typed = [GenerateRequest.from_text(f"prompt {n}", key=f"k{n}") for n in range(1, 700)]

    expected = await content_of(path, **options)

    assert expected.count(b"\n") == 699
    assert await content_of(str(path), **options) == expected
    assert await content_of(rows, **options) == expected
    assert await content_of(iter(rows), **options) == expected
    assert await content_of(each(rows), **options) == expected
    assert await content_of(map(json.dumps, rows), **options) == expected
    assert await content_of(lines_of(rows).splitlines(), **options) == expected
    with path.open("rb") as file:
        assert await content_of(file, **options) == expected
    as_user = expected.replace(b'[{"parts"', b'[{"role":"user","parts"')
    assert await content_of(typed, **options) == as_user


async def test_small_input_stays_in_memory(scratch: Path) -> None:
    async with prepare([a_row(1), a_row(2)], codec=CODEC, model="m") as prepared:
        assert prepared.kind == JobKind.GENERATE
        assert [row.key for row in prepared.rows or ()] == ["k1", "k2"]
        assert files_in(scratch) == []


async def test_the_limit_counts_bytes_as_they_go_inline(scratch: Path) -> None:
    rows = [a_row(number) for number in range(10)]
    async with prepare(rows, codec=CODEC, model="m") as prepared:
        inline = sum(len(row.inline_row()) + 1 for row in prepared.rows or ())

    async with prepare(rows, codec=CODEC, model="m", inline_limit=inline) as prepared:
        assert prepared.rows is not None
    async with prepare(rows, codec=CODEC, model="m", inline_limit=inline - 1) as prepared:
        assert prepared.rows is None
        assert prepared.path is not None
        assert prepared.path.read_bytes() == lines_of(rows).replace(b": ", b":").replace(
            b", ", b","
        )
    assert files_in(scratch) == []


async def test_requests_of_all_forms_keep_their_order() -> None:
    """Some rows are made as they are drawn, and others later."""
    forms: list[Any] = [
        lambda n: GenerateRequest.from_text(f"prompt {n}", key=f"k{n}"),
        a_row,
        lambda n: json.dumps(a_row(n)),
        lambda n: GenerateRequest.from_text(f"prompt {n}", key=f"k{n}"),
        lambda n: GenerateRequest.from_text("x" * 70_000, key=f"k{n}"),
    ]
    rows = [forms[number * number % 5](number) for number in range(1, 1500)]

    content = await content_of(each(rows), **ON_DISK)

    assert [json.loads(line)["key"] for line in content.splitlines()] == [
        f"k{number}" for number in range(1, 1500)
    ]
    rows[1200] = GenerateRequest.from_text("x", key="k7")
    (problem,) = await problems_of(rows)
    assert (problem.line, problem.message) == (
        1201,
        "the key 'k7' was used on row 7 already",
    )


async def test_embedding_rows_are_told_by_kind() -> None:
    rows = [EmbedRequest.from_text("x"), EmbedRequest.from_text("y", key="k")]

    async with prepare(rows, codec=CODEC, model=None, kind=JobKind.EMBED) as prepared:
        assert prepared.kind == JobKind.EMBED
        assert [row.key for row in prepared.rows or ()] == ["row-000000001", "k"]


async def test_blank_lines_are_left_out_and_counted(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf\n" + lines_of([a_row(1)]).replace(b"\n", b"\r\n") + b"\n{"
    path = write(tmp_path, data)

    (problem,) = await problems_of(path)

    assert (problem.file, problem.line) == (str(path), 4)


@pytest.mark.parametrize("end", [b"", b"\n"])
async def test_a_last_line_needs_no_newline(tmp_path: Path, end: bytes) -> None:
    path = write(tmp_path, lines_of([a_row(1), a_row(2)]).rstrip() + end)

    assert (await content_of(path)).count(b"\n") == 2


async def test_lines_may_cross_blocks_anywhere(tmp_path: Path) -> None:
    rows = [
        a_row(n, systemInstruction={"parts": [{"text": "x" * n}]}) for n in range(1, 2500)
    ]
    data = lines_of(rows)
    assert len(data) > 3 * BLOCK_BYTES

    content = await content_of(write(tmp_path, data))

    assert [json.loads(line) for line in content.splitlines()] == rows


# Problems


async def test_duplicates_name_both_lines(tmp_path: Path) -> None:
    rows = [a_row(1), a_row(2), a_row(1), {"request": a_row(4)["request"], "key": "k2"}]

    found = await problems_of(write(tmp_path, lines_of(rows)))

    assert [(p.line, p.field, p.message) for p in found] == [
        (3, "key", "the key 'k1' was used on line 1 already"),
        (4, "key", "the key 'k2' was used on line 2 already"),
    ]
    assert all("matched by" in p.remedy for p in found)
    assert (await problems_of(rows))[0].message == "the key 'k1' was used on row 1 already"


async def test_a_written_key_never_hides_a_duplicate() -> None:
    rows = [{**a_row(1), "key": "row-000000002"}, a_row(2)["request"]]

    (problem,) = await problems_of(rows)

    assert (problem.line, "row 1" in problem.message) == (2, True)


@pytest.mark.parametrize("options", [{}, ON_DISK])
async def test_all_problems_are_told_in_order_and_nothing_is_kept(
    tmp_path: Path, scratch: Path, options: Any
) -> None:
    rows: list[Any] = [a_row(number) for number in range(1, 4000)]
    rows[9] = a_row(5)
    rows[3000] = {"key": "x", "request": {"contents": "x"}}
    rows[3500] = 5
    path = write(tmp_path, lines_of(rows))

    found = await problems_of(path, **options)

    assert [problem.line for problem in found] == [10, 3001, 3501]
    assert [problem.line for problem in await problems_of(each(rows), **options)] == [
        10,
        3001,
        3501,
    ]
    assert files_in(scratch) == []


async def test_a_row_too_large_is_told_and_the_rest_is_checked(tmp_path: Path) -> None:
    data = b"\n".join(
        [b"x" * (3 * BLOCK_BYTES), b"{", b"x" * 2000, b"", b"y" * BLOCK_BYTES * 2]
    )
    path = write(tmp_path, data)

    found = await problems_of(path, max_request_bytes=1000)

    assert [(p.line, p.message.split(" ")[0]) for p in found] == [
        (1, "the"),
        (2, "not"),
        (3, "the"),
        (5, "the"),
    ]
    assert found[3].message == "the row is larger than 0.001 MB"


async def test_input_beyond_the_limit_is_told_where_to_split(tmp_path: Path) -> None:
    rows = [a_row(number) for number in range(10)]
    three = len(await content_of(rows[:3]))

    for requests in (rows, write(tmp_path, lines_of(rows))):
        (problem,) = await problems_of(requests, max_file_bytes=three)

        assert problem.line == 4
        assert "larger than" in problem.message
        assert problem.remedy == "Split it into several jobs, the first up to row 3."
    assert len(await content_of(rows[:3], max_file_bytes=three)) == three


async def test_defaults_are_checked_before_anything_is_read() -> None:
    (problem,) = await problems_of("nowhere.jsonl", generation_config={"x": 1})

    assert problem.field == "generation_config.x"


# Not what was asked for


@pytest.mark.parametrize(
    ("text", "message", "remedy"),
    [
        ("nowhere.jsonl", "there is no such file", "Check the path; it is taken from"),
        ("a/b c d e/f.jsonl", "there is no such file", "Check the path"),
        ('{"contents": []}', "expected a path, got JSON", "Give a list"),
        ("[1]", "expected a path, got JSON", "Give a list"),
        ("Write me a poem", "expected a path, got a prompt", "from_text"),
        ("x\0y", "it cannot be read: ", "Check the path."),
        ("x" * 5000, "it cannot be read: ", "Check the path."),
    ],
)
async def test_a_string_that_is_no_path(text: Any, message: str, remedy: str) -> None:
    (problem,) = await problems_of(text)

    assert problem.message.startswith(message)
    assert problem.remedy.startswith(remedy) or remedy in problem.remedy
    shown = problem.file or ""
    assert text.startswith(shown.rstrip("…"))
    assert 0 < len(shown) <= 201


async def test_files_that_are_none(tmp_path: Path) -> None:
    gzipped = write(tmp_path, b"\x1f\x8b\x08", "in.jsonl")
    named_gz = write(tmp_path, b"{}", "in.jsonl.gz")
    empty = write(tmp_path, b"", "empty.jsonl")
    blank = write(tmp_path, b"\n \n", "blank.jsonl")
    table = write(tmp_path, b"id,text\n", "in.CSV")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    for path, message in {
        tmp_path: "it is a directory",
        pipe: "it is not a regular file",
        empty: "it is empty",
        blank: "there are no requests",
        gzipped: "it is compressed",
        named_gz: "it is compressed",
        table: "it is a table, not JSONL",
    }.items():
        (problem,) = await problems_of(path)
        assert (problem.file, problem.message) == (str(path), message)
        assert problem.remedy


async def test_rows_may_be_in_a_file_of_any_name(tmp_path: Path) -> None:
    lines = lines_of([a_row(1), a_row(2)])
    named, plain = write(tmp_path, lines, "rows.csv"), write(tmp_path, lines)

    assert await content_of(named) == await content_of(plain)


async def test_a_file_that_may_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, b"{}")

    def refuse(*_args: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "stat", refuse)
    (problem,) = await problems_of(path)

    assert problem.message == "it cannot be read: permission denied"


@pytest.mark.parametrize(
    "value",
    [b"{}", bytearray(b"{}"), {"contents": []}, GenerateRequest.from_text("x")],
)
async def test_a_single_request_is_not_a_list(value: Any) -> None:
    (problem,) = await problems_of(value)

    assert "got a single" in problem.message
    assert "list" in problem.remedy


async def test_what_cannot_be_iterated() -> None:
    (problem,) = await problems_of(5)

    assert problem.message == "expected a path or requests, got int"


@pytest.mark.parametrize("requests", [[], iter(()), each([])])
async def test_no_requests_at_all(requests: Any) -> None:
    (problem,) = await problems_of(requests)

    assert problem.message == "there are no requests"


# Checking a file


async def test_a_check_counts_and_keeps_nothing(tmp_path: Path, scratch: Path) -> None:
    rows = [a_row(number) for number in range(100)]
    path = write(tmp_path, lines_of(rows))
    size = len(await content_of(rows))

    report = await check_path(path, codec=CODEC, model="m")

    assert report == InputReport(kind=JobKind.GENERATE, count=100, size=size, inline=True)
    assert not (await check_path(path, codec=CODEC, inline_limit=10)).inline
    with pytest.raises(InputError, match="a job takes up to 99"):
        await check_path(path, codec=CODEC, max_requests={JobKind.GENERATE: 99})
    assert files_in(scratch) == []


async def test_a_check_tells_all_problems(tmp_path: Path) -> None:
    path = write(tmp_path, b"{\n[]\n")

    with pytest.raises(InputError) as caught:
        await check_path(path, codec=CODEC)

    assert [problem.line for problem in caught.value.problems] == [1, 2]


async def test_many_small_rows_do_not_go_inline() -> None:
    """An inline job's results come back in one piece: their number is bounded as well."""
    rows = [{"contents": [{"parts": [{"text": "x"}]}]}] * (INLINE_REQUESTS + 1)

    async with prepare(rows[1:], codec=CODEC, model=None) as prepared:
        assert prepared.path is None
    async with prepare(rows, codec=CODEC, model=None) as prepared:
        assert prepared.rows is None
        assert prepared.count == INLINE_REQUESTS + 1
