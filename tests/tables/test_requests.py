"""What is made of the rows of a table, and what becomes of tables that are left half read."""

import asyncio
import gc
import os
import tracemalloc
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
    JobKind,
    TaskType,
    Tool,
    ToolConfig,
    few_shot,
    tables,
)
from gemini_batch.tables import embed_requests_from, requests_from
from gemini_batch.testing import ManualClock
from tests.support.rows import EMBED_MODEL, MODEL
from tests.support.tables import (
    all_of,
    problems_of,
    problems_of_call,
    prompts,
    written,
)

ROWS = "id,style,text\na,brief,one\nb,,two\n"


# Generation


async def test_all_options_go_into_every_request(tmp_path: Path) -> None:
    path = written(tmp_path, "in.csv", ROWS)
    config = GenerationConfig(top_k=1)
    setting = {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}
    shots = [("{in}", "out")]

    made = await all_of(
        requests_from(
            path,
            template="{text}",
            key="id",
            system_instruction="be {{brief}}",
            examples=shots,
            generation_config=config,
            safety_settings=[setting],
            tools=[Tool(code_execution={})],
            tool_config=ToolConfig(),
            cached_content="cachedContents/1",
        )
    )

    assert made == [
        GenerateRequest(
            contents=(*few_shot(shots), Content.from_text(text, role="user")),
            key=key,
            system_instruction=Content.from_text("be {brief}"),
            generation_config=config,
            safety_settings=(setting,),
            tools=(Tool(code_execution={}),),
            tool_config=ToolConfig(),
            cached_content="cachedContents/1",
        )
        for key, text in (("a", "one"), ("b", "two"))
    ]
    # What is written once is the same for all.
    assert made[0].system_instruction is made[1].system_instruction


async def test_an_instruction_may_be_a_template_of_which_nothing_is_left(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, "in.csv", ROWS)

    one, two = await all_of(
        requests_from(path, template="{text}", system_instruction=" {style}")
    )

    assert one.system_instruction == Content.from_text(" brief")
    assert two.system_instruction is None


async def test_an_empty_instruction_is_none(tmp_path: Path) -> None:
    path = written(tmp_path, "in.csv", ROWS)

    made = await all_of(requests_from(path, template="{text}", system_instruction=""))

    assert [request.system_instruction for request in made] == [None, None]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"template": "Summarise this."}, "template"),
        ({"template": "{text"}, "template"),
        ({"template": "{text}", "system_instruction": "{"}, "system_instruction"),
        ({"template": "{text}", "file_format": "xls"}, None),
    ],
)
def test_a_wrong_call_is_told_at_once(options: Any, field: str | None) -> None:
    assert problems_of_call(lambda: requests_from("in.csv", **options)).field == field


@pytest.mark.parametrize("name", ["in", "in.xlsx", "csv"])
def test_a_name_that_tells_no_format_is_told(name: str) -> None:
    problem = problems_of_call(lambda: requests_from(name, template="{a}"))

    assert problem.file == name
    assert "file_format=" in problem.remedy


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no such file"),
        (b"", "it is empty"),
        (b"\x1f\x8b123", "it is compressed"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
async def test_a_file_that_cannot_be_read_is_told(
    suffix: str, content: bytes | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / f"in.{suffix}"
    if content is not None:
        path.write_bytes(content)

    (problem,) = await problems_of(requests_from(path, template="{a}"))

    assert (problem.file, problem.message) == (str(path), message)


async def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "in.csv").mkdir()
    for path in (tmp_path / "in.csv", "a\0b.csv", tmp_path / ("x" * 300 + ".csv")):
        (problem,) = await problems_of(requests_from(path, template="{a}"))
        assert problem.message.startswith(("it is a directory", "it cannot be read: "))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
async def test_a_pipe_is_told_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "in.csv")

    (problem,) = await problems_of(requests_from(tmp_path / "in.csv", template="{a}"))

    assert problem.message == "it is not a regular file"


# Embedding


async def test_every_row_becomes_an_embedding_request(tmp_path: Path) -> None:
    path = written(
        tmp_path, "in.jsonl", '{"id":1,"t":"T","x":"one"}\n{"id":2,"t":null,"x":"2"}\n'
    )

    made = await all_of(
        embed_requests_from(
            path,
            text="x",
            key="id",
            title="t",
            task_type=TaskType.RETRIEVAL_DOCUMENT,
            output_dimensionality=64,
        )
    )

    assert made == [
        EmbedRequest.from_text(
            text,
            key=key,
            title=title,
            task_type=TaskType.RETRIEVAL_DOCUMENT,
            output_dimensionality=64,
        )
        for key, title, text in (("1", "T", "one"), ("2", None, "2"))
    ]


async def test_a_text_is_all_it_takes(tmp_path: Path) -> None:
    path = written(tmp_path, "in.csv", ROWS)

    assert await all_of(embed_requests_from(path, text="text")) == [
        EmbedRequest.from_text("one"),
        EmbedRequest.from_text("two"),
    ]


async def test_wrong_columns_and_empty_texts_are_told(tmp_path: Path) -> None:
    path = written(tmp_path, "in.csv", ROWS)

    (column,) = await problems_of(embed_requests_from(path, text="{text}"))
    (empty,) = await problems_of(embed_requests_from(path, text="style"))

    assert (column.field, column.message) == ("text", "there is no column '{text}'")
    assert (empty.field, empty.line, empty.message) == ("text", 3, "nothing is left to ask")


def test_titles_need_their_task_type() -> None:
    problem = problems_of_call(
        lambda: embed_requests_from(
            "in.csv", text="x", title="t", task_type=TaskType.CLUSTERING
        )
    )

    assert problem.field == "title"


# Through submit


async def test_a_table_is_submitted_and_answered(
    client: Client, clock: ManualClock, tmp_path: Path
) -> None:
    path = written(tmp_path, "in.csv", ROWS)

    job = await client.batches.submit(
        MODEL, tables.requests_from(path, template="Say {text}.", key="id")
    )
    clock.advance(3600)
    results = [r async for r in client.batches.results(await client.batches.get(job))]

    assert job.kind == JobKind.GENERATE
    assert {result.key: result.ok for result in results} == {"a": True, "b": True}


async def test_a_table_is_embedded(
    client: Client, clock: ManualClock, tmp_path: Path
) -> None:
    path = written(tmp_path, "in.csv", ROWS)

    job = await client.batches.submit(
        EMBED_MODEL, tables.embed_requests_from(path, text="text", key="id")
    )
    clock.advance(3600)
    results = [r async for r in client.batches.results(await client.batches.get(job))]

    assert job.kind == JobKind.EMBED
    assert sorted(str(result.key) for result in results) == ["a", "b"]


async def test_a_wrong_table_is_told_by_submit_and_nothing_is_sent(
    client: Client, tmp_path: Path
) -> None:
    path = written(tmp_path, "in.csv", ROWS + "a,x,three\n")

    with pytest.raises(InputError) as caught:
        await client.batches.submit(
            MODEL, tables.requests_from(path, template="{text}", key="id")
        )

    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.field) == (str(path), 4, "id")
    assert [job async for job in client.batches.list_all()] == []


# Left half read

MANY = "id,text\n" + "".join(f"k{n},text {n}\n" for n in range(20_000))
REVERSED = "id,text\n" + "".join(f"k{n},text {n}\n" for n in range(20_000, 0, -1))


def open_files() -> set[str]:
    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = str(entry.readlink())
        except OSError:
            continue
        if target.startswith("/") and not target.startswith(("/dev", "/proc")):
            found.add(target)
    return found


@pytest.mark.parametrize("content", [MANY, REVERSED])
async def test_nothing_stays_open_when_reading_stops(content: str, tmp_path: Path) -> None:
    path = written(tmp_path, "in.csv", content)
    before = open_files()
    requests = requests_from(path, template="{text}", key="id")

    for _ in range(2_000):
        await anext(requests)
    assert str(path) not in open_files()
    await requests.aclose()

    assert open_files() <= before


async def test_reading_may_be_cancelled_at_any_moment(tmp_path: Path) -> None:
    path = written(tmp_path, "in.csv", REVERSED)
    before = open_files()

    for turns in range(0, 40, 3):
        task = asyncio.create_task(
            prompts(requests_from(path, template="{text}", key="id"))
        )
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    gc.collect()
    await asyncio.sleep(0.05)

    assert open_files() <= before


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
async def test_memory_does_not_grow_with_the_table(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"in.{suffix}"
    text, count = "x" * 10_000, 3_000
    write(path, text, count)
    seen = 0

    gc.collect()
    tracemalloc.start()
    try:
        async for _ in requests_from(path, template="{text}", key="id"):
            seen += 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert seen == count
    assert peak < 15_000_000  # half of what the table holds


def write(path: Path, text: str, count: int) -> None:
    if path.suffix == ".csv":
        path.write_text("id,text\n" + "".join(f"{n},{text}\n" for n in range(count)))
    elif path.suffix == ".jsonl":
        path.write_text("".join(f'{{"id":{n},"text":"{text}"}}\n' for n in range(count)))
    else:
        pa = pytest.importorskip("pyarrow")
        table = pa.table(
            {"id": [*range(count)], "text": [f"{n}{text}" for n in range(count)]}
        )
        pytest.importorskip("pyarrow.parquet").write_table(table, path)
