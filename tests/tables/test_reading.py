"""What a reader of tables does whatever the format."""

import threading
from pathlib import Path
from typing import Any
from uuid import UUID

from attrs import define, field

from gemini_batch._requests.problems import Problems
from gemini_batch.tables._columns import Columns
from gemini_batch.tables._table_reader import Plan, TableReader


@define
class Given:
    """Rows that are given, a block at a time; waits before each if asked to."""

    blocks: list[Any]
    go_on: threading.Event = field(factory=threading.Event)
    reading: threading.Event = field(factory=threading.Event)

    def block(self) -> Any:
        self.reading.set()
        self.go_on.wait(10)
        return self.blocks.pop(0) if self.blocks else None


def reader_of(path: Path, given: Given, problems: Problems) -> TableReader[Any]:
    path.write_text("x")
    plan: Plan[Any] = Plan(
        columns=Columns({"id": "key", "text": "template"}),
        key="id",
        make=lambda key, cells: (key, *cells),
        main="template",
        missing=None,
    )
    return TableReader(plan, given, problems, path=str(path))


def test_a_value_of_some_other_type_is_told_or_written_as_json_has_it(
    tmp_path: Path,
) -> None:
    problems = Problems(file="in", limit=5)
    given = Given([[(1, ["a", UUID(int=0)])], [(2, ["b", object()]), (3, ["c", "x"])]])
    given.go_on.set()
    reader = reader_of(tmp_path / "in", given, problems)

    assert reader.block() == [("a", "a", "00000000-0000-0000-0000-000000000000")]
    assert reader.block() == []
    reader.close()

    (problem,) = problems.problems
    assert (problem.line, problem.message) == (
        2,
        "the value is a Python object, which is no text",
    )


def test_nothing_is_read_once_it_is_closed(tmp_path: Path) -> None:
    given = Given([[(1, ["a", "x"])]])
    reader = reader_of(tmp_path / "in", given, Problems(file=None, limit=5))

    reader.close()

    assert reader.block() is None
    assert not given.reading.is_set()


def test_what_is_being_read_when_it_is_closed_is_finished_and_the_last(
    tmp_path: Path,
) -> None:
    given = Given([[(1, ["a", "x"])], [(2, ["b", "y"])]])
    reader = reader_of(tmp_path / "in", given, Problems(file=None, limit=5))
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.append(reader.block()))
    thread.start()
    assert given.reading.wait(10)

    reader.close()
    given.go_on.set()
    thread.join(10)

    assert seen == [[("a", "a", "x")]]
    assert reader.block() is None
