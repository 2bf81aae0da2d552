"""Requests from Parquet, read a few rows at a time."""

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gemini_batch import InputError
from gemini_batch.tables import requests_from
from tests.support.tables import all_of, problems_of, prompts, written

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def made(folder: Path, columns: Any, **options: Any) -> Path:
    path = folder / "in.parquet"
    parquet.write_table(pa.table(columns), path, **options)
    return path


async def test_every_row_becomes_a_request_whatever_the_row_groups(tmp_path: Path) -> None:
    columns = {"id": [*range(1_000)], "text": [f"text {n}" for n in range(1_000)]}
    path = made(tmp_path, columns, row_group_size=300)

    read = await prompts(requests_from(path, template="<{text}>", key="id"))

    assert read == [(f"{n}", f"<text {n}>") for n in range(1_000)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("ü {x}", "ü {x}"),
        (5, "5"),
        (0.5, "0.5"),
        (True, "true"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC), "2026-01-02T03:04:00+00:00"),
        (Decimal("1.50"), "1.50"),
        ([1, 2], "[1,2]"),
        ({"a": "ü"}, '{"a":"ü"}'),
    ],
)
async def test_values_are_written_as_text(value: Any, text: str, tmp_path: Path) -> None:
    path = made(tmp_path, {"a.b": [value], "a": ["x"]})

    assert await prompts(requests_from(path, template="{a.b}")) == [(None, text)]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["x", None], "there is no value"),
        ([1.0, float("nan")], "there is no value"),
        ([b"x", b"y"], "the value is a Python bytes, which is no text"),
        ([dt.timedelta(1), None], None),
    ],
)
async def test_what_is_no_text_is_told(
    values: Any, message: str | None, tmp_path: Path
) -> None:
    path = made(tmp_path, {"id": ["a", "b"], "text": values})

    problem = (await problems_of(requests_from(path, template="{text}", key="id")))[-1]

    assert (problem.line, problem.field) == (2, "text")
    assert problem.message == (message or "there is no value")


async def test_nan_is_no_key_and_may_be_filled_in(tmp_path: Path) -> None:
    path = made(tmp_path, {"id": [1.0, float("nan")], "text": [0.5, float("nan")]})

    read = await prompts(requests_from(path, template="<{text}>", missing="-"))
    problems = await problems_of(
        requests_from(path, template="{text}", key="id", missing="")
    )

    assert read == [(None, "<0.5>"), (None, "<->")]
    assert [problem.message for problem in problems] == [
        "a key is a text or a whole number; here it is a number",
        "a key is a text or a whole number; here it is missing",
    ]


async def test_wrong_columns_and_keys_are_told(tmp_path: Path) -> None:
    path = made(tmp_path, {"id": ["a", "b", "a"], "text": ["x", "y", "z"]})

    (column,) = await problems_of(requests_from(path, template="{tekst}", key="id"))
    (key,) = await problems_of(requests_from(path, template="{text}", key="id"))

    assert column.remedy == "Did you mean 'text'? There are 'id', 'text'."
    assert (column.line, column.field) == (None, "template")
    assert (key.line, key.field) == (3, "id")
    assert key.message == "the key 'a' was used on line 1 already"


async def test_a_column_that_is_there_twice_is_told(tmp_path: Path) -> None:
    table = pa.table([["x"], ["y"]], names=["text", "text"])
    path = tmp_path / "in.parquet"
    parquet.write_table(table, path)

    (problem,) = await problems_of(requests_from(path, template="{text}"))

    assert problem.message == "there are 2 columns 'text'"


@pytest.mark.parametrize("cut", [3, 100, -1])
async def test_what_is_no_parquet_is_told(cut: int, tmp_path: Path) -> None:
    whole = made(tmp_path, {"text": ["x" * 50] * 100}, compression="none").read_bytes()
    path = written(tmp_path, "cut.parquet", whole[:cut])

    (problem,) = await problems_of(requests_from(path, template="{text}"))

    assert problem.message.startswith("it cannot be read as Parquet: ")
    assert problem.file == str(path)


async def test_text_that_is_none_is_told(tmp_path: Path) -> None:
    bad = pa.array([b"\xff"]).view(pa.string())
    path = made(tmp_path, {"text": bad})

    with pytest.raises(InputError, match="cannot be read as Parquet"):
        await all_of(requests_from(path, template="{text}"))


def test_without_pyarrow_it_is_told_what_to_install(tmp_path: Path) -> None:
    path = made(tmp_path, {"text": ["x"]})
    script = f"""
import sys, asyncio
sys.modules["pyarrow"] = None
from gemini_batch.tables import requests_from

async def main():
    async for _ in requests_from({str(path)!r}, template="{{text}}"):
        pass

asyncio.run(main())
"""
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert run.returncode == 1
    assert "pip install 'gemini-batch[tables]'" in run.stderr
