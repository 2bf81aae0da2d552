"""Requests from CSV: dialects, encodings, and everything that can be wrong with a row."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch._requests.problems import Problems
from gemini_batch.tables import requests_from
from gemini_batch.tables._columns import Columns
from gemini_batch.tables._table_formats import CsvRecords
from tests.support.tables import (
    problems_of,
    problems_of_call,
    prompts,
    until_wrong,
    written,
)

SOUND = "id,text\na,one\nb,two\n"
LONG = SOUND + "".join(f"k{n},three\n" for n in range(5_000))
NOTHING_ELSE = (
    "A gap takes the name of a column and nothing else: {text}, without attributes, indexes, "
    "conversions or formats. There are 'id', 'text', 'Model Name'."
)


async def test_every_row_becomes_a_request(tmp_path: Path) -> None:
    path = written(tmp_path, "in.csv", SOUND)

    assert await prompts(requests_from(path, template="<{text}>", key="id")) == [
        ("a", "<one>"),
        ("b", "<two>"),
    ]
    assert await prompts(requests_from(str(path), template="{id}: {text}{text}")) == [
        (None, "a: oneone"),
        (None, "b: twotwo"),
    ]


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (SOUND.replace("\n", "\r\n"), {}),
        (SOUND.replace("\n", "\r"), {}),
        (SOUND.rstrip(), {}),
        (SOUND.replace("\n", "\n\n"), {}),
        ("\n" + SOUND, {}),
        ('"id","text"\n"a","one"\n"b",two\n', {}),
        (SOUND.encode("utf-8-sig"), {}),
        (SOUND.encode("utf-8-sig"), {"encoding": "UTF8"}),
        (SOUND.encode("utf-16"), {"encoding": "utf-16"}),
        (SOUND.encode("cp037"), {"encoding": "cp037"}),
        (SOUND.replace(",", ";"), {"delimiter": ";"}),
        (SOUND.replace(",", "\t"), {"delimiter": "\t"}),
    ],
)
async def test_dialects_and_encodings(content: Any, options: Any, tmp_path: Path) -> None:
    path = written(tmp_path, "in.csv", content)

    read = await prompts(requests_from(path, template="{text}", key="id", **options))

    assert read == [("a", "one"), ("b", "two")]


async def test_the_name_tells_tabs_and_the_format_may_be_told(tmp_path: Path) -> None:
    tabs = written(tmp_path, "in.TSV", SOUND.replace(",", "\t"))
    other = written(tmp_path, "in.dat", SOUND)

    for requests in (
        requests_from(tabs, template="{text}"),
        requests_from(other, template="{text}", file_format="csv"),
    ):
        assert await prompts(requests) == [(None, "one"), (None, "two")]


async def test_quotes_delimiters_and_newlines_may_be_in_a_cell(tmp_path: Path) -> None:
    path = written(
        tmp_path, "in.csv", 'id,text\r\na,"one, ""two""\r\nthree\u2028{id}"\r\n"b\nc",x\r\n'
    )

    assert await prompts(requests_from(path, template="{text}", key="id")) == [
        ("a", 'one, "two"\r\nthree\u2028{id}'),
        ("b\nc", "x"),
    ]


@given(
    rows=st.lists(
        st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=2),
        min_size=1,
        max_size=5,
    ),
    delimiter=st.sampled_from([",", ";", "\t"]),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_was_written_as_csv_is_read(
    rows: Any, delimiter: Any, end: Any, encoding: Any, tmp_path_factory: Any
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(
        text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL
    )
    writer.writerows([["a", "b"], *rows])
    path = tmp_path_factory.getbasetemp() / "given.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    columns = Columns({"b": "template", "a": "key"})
    problems = Problems(file=None, limit=5)

    records = CsvRecords(
        str(path), columns, problems, delimiter=delimiter, encoding=encoding
    )

    read = []
    while (block := records.block()) is not None:
        read += block
    assert [tuple(cells) for _, cells in read] == [(b, a) for a, b in rows]
    assert problems.problems == []


async def test_there_may_be_more_rows_than_one_hop_reads(tmp_path: Path) -> None:
    many = "".join(f"k{n},text {n}\n" for n in range(2_000))
    wide = "".join(f"w{n},{'x' * 100_000}\n" for n in range(10))
    path = written(tmp_path, "in.csv", "id,text\n" + many + wide)

    read = await prompts(requests_from(path, template="{text}", key="id"))

    assert read[:2_000] == [(f"k{n}", f"text {n}") for n in range(2_000)]
    assert read[2_000:] == [(f"w{n}", "x" * 100_000) for n in range(10)]


# What is wrong


@pytest.mark.parametrize(
    ("options", "field", "message", "remedy"),
    [
        (
            {"template": "{tekst}"},
            "template",
            "there is no column 'tekst'",
            "Did you mean 'text'? There are 'id', 'text', 'Model Name'.",
        ),
        (
            {"template": "{text}", "key": "ID "},
            "key",
            "there is no column 'ID '",
            "Did you mean 'id'? There are 'id', 'text', 'Model Name'.",
        ),
        (
            {"template": "{text}", "system_instruction": "{model name}"},
            "system_instruction",
            "there is no column 'model name'",
            "Did you mean 'Model Name'? There are 'id', 'text', 'Model Name'.",
        ),
        (
            {"template": "{text.__class__}"},
            "template",
            "there is no column 'text.__class__'",
            NOTHING_ELSE,
        ),
        (
            {"template": "{text[0]!r:>10}"},
            "template",
            "there is no column 'text[0]!r:>10'",
            NOTHING_ELSE,
        ),
        (
            {"template": '{"answer": 1} {text}'},
            "template",
            "there is no column '\"answer\": 1'",
            "For braces that are text, write {{ and }}. There are 'id', 'text', 'Model Name'.",
        ),
        (
            {"template": "{zzz}"},
            "template",
            "there is no column 'zzz'",
            "There are 'id', 'text', 'Model Name'.",
        ),
    ],
)
async def test_wrong_columns_are_told(
    options: Any, field: str, message: str, remedy: str, tmp_path: Path
) -> None:
    path = written(tmp_path, "in.csv", "id,text,Model Name\na,one,x\n")

    (problem,) = await problems_of(requests_from(path, **options))

    assert (problem.file, problem.line, problem.field) == (str(path), 1, field)
    assert (problem.message, problem.remedy) == (message, remedy)


async def test_all_wrong_columns_are_told_together(tmp_path: Path) -> None:
    path = written(tmp_path, "in.csv", SOUND)

    problems = await problems_of(requests_from(path, template="{x} {y} {x}", key="z"))

    assert [(problem.field, problem.message) for problem in problems] == [
        ("key", "there is no column 'z'"),
        ("template", "there is no column 'x'"),
        ("template", "there is no column 'y'"),
    ]


async def test_many_columns_are_not_all_shown(tmp_path: Path) -> None:
    path = written(tmp_path, "in.csv", ",".join(f"c{n}" for n in range(30)))

    (problem,) = await problems_of(requests_from(path, template="{x}"))

    assert problem.remedy.endswith("'c18', 'c19', ….")


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
async def test_a_wrong_delimiter_is_told(delimiter: str, tmp_path: Path) -> None:
    path = written(tmp_path, "in.csv", SOUND.replace(",", delimiter))

    (problem,) = await problems_of(requests_from(path, template="{text}"))

    assert problem.remedy.endswith(f"give delimiter={delimiter!r}.")


async def test_the_only_column_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, "in.csv", "body\nx\n")

    (problem,) = await problems_of(requests_from(path, template="{text}"))

    assert problem.remedy == "There is 'body'."


async def test_a_column_that_is_there_twice_is_told_if_it_is_asked_for(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, "in.csv", "text,text,x,x,id\na,b,c,d,e\n")

    assert await prompts(requests_from(path, template="{id}")) == [(None, "e")]
    (problem,) = await problems_of(requests_from(path, template="{text}"))
    assert (problem.line, problem.message) == (1, "there are 2 columns 'text'")


async def test_what_is_wrong_with_rows_is_told_with_their_lines(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "in.csv",
        'id,text\na,"one\nmore"\n,two\n\nb,three,x\na,four\n  ,five\nc\nd,  \nd,x\n',
    )

    problems = await problems_of(requests_from(path, template="{text}", key="id"))

    assert [(problem.line, problem.field, problem.message) for problem in problems] == [
        (4, "id", "the key is empty"),
        (6, None, "the row has 3 cells, the header 2"),
        (7, "id", "the key 'a' was used on line 2 already"),
        (8, "id", "the key is empty"),
        (9, None, "the row has 1 cells, the header 2"),
        (10, "template", "nothing is left to ask"),
        (11, "id", "the key 'd' was used on line 10 already"),
    ]
    assert {problem.file for problem in problems} == {str(path)}


async def test_after_a_wrong_row_there_are_no_more_requests(tmp_path: Path) -> None:
    rows = "".join(f"k{n},x\n" for n in range(1_000))
    path = written(tmp_path, "in.csv", f"id,text\n{rows},x\n{rows}")

    seen, error = await until_wrong(requests_from(path, template="{text}", key="id"))

    assert [request.key for request in seen] == [f"k{n}" for n in range(512)]
    assert error.problems[0].line == 1002
    # One in a block is as good as a hundred: the others are most likely the same.
    assert 100 <= len(error.problems) + error.omitted < 1_000


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ('id,text\na,x\nb,"two\nc,x\n', 4, "unexpected end of data"),
        ('id,text\na,x\nb,"two"x\nc,x\n', 3, "',' expected after '\"'"),
        ("id,text\na,x\nb," + "x" * 200_000, 3, "field larger than field limit (131072)"),
        (b"id,text\na,x\nb,\xfc\n", 3, "the text is not utf-8: "),
        (LONG.encode() + b"\xfc", 5004, "the text is not utf-8: "),
        ("id,text\na,x\n".encode("utf-16"), 1, "the text is not utf-8: "),
        ("\n\n", 2, "it has no header"),
    ],
)
async def test_what_is_no_csv_is_told(
    content: Any, line: int, message: str, tmp_path: Path
) -> None:
    path = written(tmp_path, "in.csv", content)

    (problem,) = await problems_of(requests_from(path, template="{text}", key="id"))

    assert problem.message.startswith(message)
    assert problem.remedy
    assert (problem.file, problem.line) == (str(path), line)


async def test_how_to_read_larger_cells_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, "in.csv", "text\n" + "x" * 200_000)

    (problem,) = await problems_of(requests_from(path, template="{text}"))
    assert "csv.field_size_limit(20_000_000)" in problem.remedy

    before = csv.field_size_limit(20_000_000)
    try:
        ((_, text),) = await prompts(requests_from(path, template="{text}"))
    finally:
        csv.field_size_limit(before)
    assert len(text) == 200_000


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"encoding": "klingon"}, "encoding"),
        ({"encoding": "base64"}, "encoding"),
        ({"delimiter": "ab"}, "delimiter"),
        ({"delimiter": ""}, "delimiter"),
    ],
)
def test_wrong_options_are_told_before_anything_is_read(options: Any, field: str) -> None:
    problem = problems_of_call(lambda: requests_from("x.csv", template="{a}", **options))

    assert problem.field == field
