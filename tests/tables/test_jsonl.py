"""Requests from JSONL: one plain object per line."""

import json
from pathlib import Path
from typing import Any

import pytest

from gemini_batch import InputError
from gemini_batch.tables import requests_from
from tests.support.tables import all_of, problems_of, problems_of_call, prompts, written


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


async def test_every_object_becomes_a_request(tmp_path: Path) -> None:
    path = written(
        tmp_path, "in.jsonl", lines({"id": "a", "text": "x"}, {"text": "y", "id": 5})
    )

    read = await prompts(requests_from(path, template="<{text}>", key="id"))

    assert read == [("a", "<x>"), ("5", "<y>")]


@pytest.mark.parametrize(
    "content",
    [
        b'\xef\xbb\xbf{"id":"a","text":"x"}',
        b'\n{"id":"a","text":"x"}\r\n\n',
        b' {"text":"x","id":"a"} ',
    ],
)
async def test_marks_and_blank_lines_are_skipped(content: bytes, tmp_path: Path) -> None:
    path = written(tmp_path, "in.ndjson", content)

    assert await prompts(requests_from(path, template="{text}", key="id")) == [("a", "x")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("ü {x}", "ü {x}"),
        (5, "5"),
        (0.5, "0.5"),
        (10**30, "1" + "0" * 30),
        (True, "true"),
        ([1, "x", None], '[1,"x",null]'),
        ({"a": {"b": "ü"}}, '{"a":{"b":"ü"}}'),
    ],
)
async def test_values_are_written_as_text(value: Any, text: str, tmp_path: Path) -> None:
    path = written(tmp_path, "in.jsonl", lines({"value": value, "user": {"name": "x"}}))

    assert await prompts(requests_from(path, template="{value}")) == [(None, text)]


async def test_what_is_wrong_with_rows_is_told_with_their_lines(tmp_path: Path) -> None:
    rows: list[Any] = [
        {"id": "a", "text": "x"},
        ["x"],
        {"id": "b"},
        {"id": "a", "text": "y"},
        {"id": None, "text": "y"},
        {"id": 1.5, "text": "y"},
        {"id": True, "text": "y"},
        {"id": ["a"], "text": "y"},
        {"id": "", "text": "y"},
        {"id": "c", "text": None},
        {"id": "d", "txt": "y"},
        "x",
    ]
    path = written(tmp_path, "in.jsonl", lines(*rows) + "{'id': 1}\n")

    problems = await problems_of(requests_from(path, template="{text}", key="id"))

    assert [(problem.line, problem.field, problem.message) for problem in problems] == [
        (2, None, "a row is an object, not a list"),
        (3, "template", "there is no column 'text'"),
        (4, "id", "the key 'a' was used on line 1 already"),
        (5, "id", "a key is a text or a whole number; here it is missing"),
        (6, "id", "a key is a text or a whole number; here it is a number"),
        (7, "id", "a key is a text or a whole number; here it is true"),
        (8, "id", "a key is a text or a whole number; here it is a list"),
        (9, "id", "the key is empty"),
        (10, "text", "there is no value"),
        (11, "template", "there is no column 'text'"),
        (12, None, "a row is an object, not a string"),
        (
            13,
            None,
            "not JSON at column 2: Expecting property name enclosed in double quotes",
        ),
    ]
    assert problems[9].remedy == "Did you mean 'txt'? There are 'id', 'txt'."
    assert "json.dumps" in problems[-1].remedy


async def test_a_text_for_what_is_missing_may_be_given(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "in.jsonl",
        lines({"id": "a"}, {"id": "b", "text": None}, {"id": "c", "text": "x"}),
    )

    read = await prompts(requests_from(path, template="<{text}>", key="id", missing="-"))

    assert read == [("a", "<->"), ("b", "<->"), ("c", "<x>")]


async def test_what_no_row_has_is_wrong_all_the_same(tmp_path: Path) -> None:
    path = written(tmp_path, "in.jsonl", lines({"id": "a", "text": "x"}, {"id": "b"}))

    (problem,) = await problems_of(
        requests_from(path, template="{id}{text}{textt}", missing="")
    )

    assert problem.message == "there is no column 'textt'"


async def test_no_text_stands_in_for_a_key(tmp_path: Path) -> None:
    path = written(tmp_path, "in.jsonl", lines({"id": None, "text": "x"}))

    (problem,) = await problems_of(
        requests_from(path, template="{text}", key="id", missing="-")
    )

    assert (problem.line, problem.field) == (1, "id")


async def test_when_everything_is_wrong_reading_stops(tmp_path: Path) -> None:
    path = written(tmp_path, "in.jsonl", lines(*[{"tekst": "x" * 1_000}] * 5_000))

    with pytest.raises(InputError) as caught:
        await all_of(requests_from(path, template="{text}"))

    assert len(caught.value.problems) == 100
    assert caught.value.problems[0].remedy.startswith("Did you mean 'tekst'?")
    # A block of half a megabyte was looked at, not all five.
    assert caught.value.omitted < 2_000


async def test_a_line_that_is_too_long_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, "in.jsonl", b'{"text":"' + b"x" * 20_000_000 + b'"}\n')

    (problem,) = await problems_of(requests_from(path, template="{text}"))

    assert (problem.line, problem.message) == (1, "the line is larger than 20 MB")


async def test_a_file_of_blank_lines_gives_no_request(tmp_path: Path) -> None:
    path = written(tmp_path, "in.jsonl", "\n\n")

    assert await all_of(requests_from(path, template="{text}")) == []


def test_there_is_no_delimiter() -> None:
    problem = problems_of_call(
        lambda: requests_from("x.jsonl", template="{a}", delimiter=";")
    )

    assert (problem.field, problem.message) == (
        "delimiter",
        "a jsonl file has no delimiter",
    )
