"""Requests from tables: CSV, JSONL and Parquet, with a template whose gaps are columns.

    requests = tables.requests_from("reviews.csv", template="Summarise: {review}", key="id")
    job = await client.batches.submit("gemini-2.5-flash", requests)

Tables of any size are read in constant memory, in threads, as the requests are asked for; of a
file nothing is open in between. What is wrong with one is told with file, line and column,
many problems at once.
"""

import os
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, Literal, TypeAlias, TypeVar

from gemini_batch._io.input_file import shorten_path
from gemini_batch._requests.problems import Problems
from gemini_batch.errors import InputError
from gemini_batch.tables._build_requests import embedding, generating
from gemini_batch.tables._columns import Columns
from gemini_batch.tables._table_formats import records_of
from gemini_batch.tables._table_reader import (
    MAX_PROBLEMS,
    Make,
    Plan,
    TableReader,
    requests_of,
)
from gemini_batch.tables._template import read_template
from gemini_batch.types import (
    EmbedRequest,
    GenerateRequest,
    GenerationConfig,
    SafetySetting,
    TaskType,
    Tool,
    ToolConfig,
    few_shot,
)

__all__ = ["embed_requests_from", "requests_from"]

T = TypeVar("T")

FileFormat: TypeAlias = Literal["csv", "jsonl", "parquet"]


def requests_from(
    path: str | os.PathLike[str],
    *,
    template: str,
    key: str | None = None,
    system_instruction: str | None = None,
    examples: Iterable[tuple[str, str]] = (),
    generation_config: GenerationConfig | Mapping[str, Any] | None = None,
    safety_settings: Iterable[SafetySetting | Mapping[str, Any]] | None = None,
    tools: Iterable[Tool | Mapping[str, Any]] | None = None,
    tool_config: ToolConfig | Mapping[str, Any] | None = None,
    cached_content: str | None = None,
    file_format: FileFormat | None = None,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    missing: str | None = None,
) -> AsyncGenerator[GenerateRequest, None]:
    """Yield a generation request per row of a table, for `submit` to take.

    In both templates ``{column}`` stands for the text of that column, ``{{`` and ``}}`` for
    braces. There is no more to them: no attributes, indexes, conversions or formats, and what
    comes from the table is never looked at again. Numbers are written as in Python, other
    values of JSONL and Parquet as JSON.

    Args:
        path: A CSV file with a header, a JSONL file of plain objects, or a Parquet file,
            which needs the extra ``tables``. Python limits a cell of CSV to 131,072
            characters, for the whole process, until `csv.field_size_limit` says otherwise.
        template: The prompt.
        key: The column of the keys that name requests and answers. Left out, they are
            written, from the position of each row.
        system_instruction: The same for all rows, or a template, too. A row for which
            nothing but blanks is left of it has none.
        examples: Pairs of a prompt and the answer that should come, before each prompt. They
            are no templates.
        generation_config: For all rows. `submit` takes one as well, and needs it once.
        safety_settings: For all rows.
        tools: For all rows.
        tool_config: For all rows.
        cached_content: For all rows.
        file_format: Left out, it is told by the name.
        delimiter: Of CSV; left out, a comma, or a tab where the name ends in ``.tsv``.
        encoding: Of CSV. With utf-8, a byte order mark is skipped.
        missing: Text for null, nan, and members that a row of JSONL lacks. None has them
            reported. An empty cell of CSV is an empty text.

    Raises:
        InputError: Of the call: something is wrong with a template or an option. Of the
            iteration: something is wrong with the file, its columns or its rows.
    """
    prompt = read_template(template, "template")
    instruction = (
        None
        if system_instruction is None
        else read_template(system_instruction, "system_instruction")
    )
    if not prompt.columns:
        raise InputError.one(
            "the template names no column, so that all prompts would be the same",
            remedy="Write {column} where the text of a column goes.",
            field="template",
        )
    asked = [("template", column) for column in prompt.columns]
    if instruction is not None:
        asked += [("system_instruction", column) for column in instruction.columns]
    columns = _columns(key, asked)
    common = GenerateRequest(
        contents=few_shot(examples),
        generation_config=generation_config,
        safety_settings=None if safety_settings is None else tuple(safety_settings),
        tools=None if tools is None else tuple(tools),
        tool_config=tool_config,
        cached_content=cached_content,
    )
    plan = Plan(
        columns=columns,
        key=key,
        make=generating(prompt, instruction, columns.names, common),
        main="template",
        missing=missing,
    )
    return _requests(path, plan, file_format, delimiter, encoding)


def embed_requests_from(
    path: str | os.PathLike[str],
    *,
    text: str,
    key: str | None = None,
    title: str | None = None,
    task_type: TaskType | None = None,
    output_dimensionality: int | None = None,
    file_format: FileFormat | None = None,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    missing: str | None = None,
) -> AsyncGenerator[EmbedRequest, None]:
    """Yield an embedding request per row of a table, for `submit` to take.

    Args:
        path: As with `requests_from`.
        text: The column of what is embedded.
        key: The column of the keys that name requests and vectors. Left out, they are
            written, from the position of each row.
        title: The column of titles, which go with task type RETRIEVAL_DOCUMENT only. A row
            whose title is empty or null has none.
        task_type: What the embeddings are for.
        output_dimensionality: Numbers per vector; None for the model's own.
        file_format: As with `requests_from`; so are those that follow.
        delimiter: Of CSV.
        encoding: Of CSV.
        missing: Text for null, nan, and members that a row of JSONL lacks.

    Raises:
        InputError: Of the call: something is wrong with an option. Of the iteration:
            something is wrong with the file, its columns or its rows.
    """
    if title is not None and task_type != TaskType.RETRIEVAL_DOCUMENT:
        raise InputError.one(
            "titles go with task type RETRIEVAL_DOCUMENT only",
            remedy="Give task_type=TaskType.RETRIEVAL_DOCUMENT, or leave the title out.",
            field="title",
        )
    asked = [("text", text)] if title is None else [("text", text), ("title", title)]
    columns = _columns(key, asked)
    make: Make[EmbedRequest] = embedding(
        text,
        title,
        columns.names,
        task_type=task_type,
        output_dimensionality=output_dimensionality,
    )
    plan = Plan(
        columns=columns,
        key=key,
        make=make,
        main="text",
        missing=missing,
        optional=frozenset() if title is None else frozenset({title}),
    )
    return _requests(path, plan, file_format, delimiter, encoding)


def _columns(key: str | None, asked: Iterable[tuple[str, str]]) -> Columns:
    """Return the columns that are asked for, each with the first option that does."""
    uses = {} if key is None else {key: "key"}
    for option, column in asked:
        uses.setdefault(column, option)
    return Columns(uses)


def _requests(
    path: str | os.PathLike[str],
    plan: Plan[T],
    file_format: FileFormat | None,
    delimiter: str | None,
    encoding: str,
) -> AsyncGenerator[T, None]:
    path = os.fspath(path)
    problems = Problems(file=shorten_path(path), limit=MAX_PROBLEMS)
    records = records_of(
        path,
        plan.columns,
        problems,
        file_format=file_format,
        delimiter=delimiter,
        encoding=encoding,
        may_lack=plan.missing is not None,
    )
    return requests_of(TableReader(plan, records, problems, path=path))
