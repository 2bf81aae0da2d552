"""Output of a command: answers to stdout, progress and remarks to stderr.

On a terminal that is rich text; elsewhere plain lines; with ``--json`` stdout holds JSON and
nothing else. No text is interpreted as markup: keys and prompts come from elsewhere.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

from gemini_batch import InputError, InputProblem
from gemini_batch.cli.display.json import Json, dumps, error_json
from gemini_batch.cli.display.table import Column, print_table
from gemini_batch.cli.display.text import clean, count
from gemini_batch.cli.output_file import write_stdout
from gemini_batch.cli.remedies import explain

Style = str
_EXPLANATION = ("What is wrong", "What to do")


class _Console(Console):
    """A console that raises an error when the reader of its stream has gone."""

    def on_broken_pipe(self) -> None:
        """Raise it; rich would end the program with a failure code."""
        raise BrokenPipeError


def console_for(stream: TextIO) -> Console:
    """Return a console that is a terminal only if `stream` is one.

    rich would obey FORCE_COLOR, and draw live bars into the logs of a build server.
    """
    terminal = stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")
    return _Console(
        file=stream,
        force_terminal=terminal,
        force_interactive=terminal,
        force_jupyter=False,
        no_color=not terminal or None,
        markup=False,
        highlight=False,
        emoji=False,
    )


class Screen:
    """The two streams of one command.

    Args:
        as_json: Machine output.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.out = console_for(sys.stdout)
        self.err = console_for(sys.stderr)

    def line(self, *parts: str | tuple[str, Style]) -> None:
        """Write one line of an answer; parts may carry a style."""
        _write_line(self.out, parts)

    def remark(self, *parts: str | tuple[str, Style], whole: bool = False) -> None:
        """Write something beside the answer, wrapped where a terminal is narrow.

        Args:
            parts: What to write; parts may carry a style.
            whole: True to leave the wrapping to the terminal, so that names can be copied.
        """
        _write_line(self.err, parts, whole=whole)

    def command(self, introduction: str, command: str) -> None:
        """Show a command to go on with; it is not wrapped, so that it can be copied."""
        self.remark(introduction)
        _write_line(self.err, ["  ", (clean(command), "bold")])

    def document(self, value: Json) -> None:
        """Write one line of JSON to stdout, at once."""
        write_stdout(dumps(value))

    def facts(self, facts: dict[str, str], **styles: Style) -> None:
        """Write names and texts, one per line, without those that are empty."""
        known = {name: text for name, text in facts.items() if text}
        width = max(map(len, known))
        for name, text in known.items():
            styled = (clean(text), styles.get(name, ""))
            self.line((f"{name:<{width}}  ", "dim"), styled)

    def error(self, error: BaseException) -> None:
        """Show an error: as text on stderr, or as JSON on stdout."""
        if self.as_json:
            self.document(error_json(error))
            return
        explained = explain(error)
        problems = explained.problems
        if self.err.is_terminal and any(p.line is not None for p in problems):
            self._problem_table(_head_of(error), problems)
            if explained.omitted:
                self.remark(f"… and {explained.omitted:,} more")
            return
        lines = [*explained.message.splitlines(), *explained.remedy.splitlines()]
        for index, line in enumerate(lines):
            head = ("error: ", "bold red") if not index else "       "
            self.remark(head, clean(line))

    def _problem_table(self, head: str, problems: Sequence[InputProblem]) -> None:
        file = problems[0].file
        one_file = all(problem.file == file for problem in problems)
        where = Column("Line", right=True, whole=True, style="cyan")
        if not one_file:
            where = Column("Where", style="cyan")
        self.remark(("error: ", "bold red"), head)
        print_table(
            self.err,
            [where, Column("Field", style="magenta"), *map(Column, _EXPLANATION)],
            [
                (
                    _where(problem, one_file),
                    problem.field or "",
                    problem.message,
                    problem.remedy,
                )
                for problem in problems
            ],
        )


def _where(problem: InputProblem, one_file: bool) -> str:
    parts = (None if one_file else problem.file, problem.line)
    return ":".join(str(part) for part in parts if part is not None)


def _head_of(error: BaseException) -> str:
    if not isinstance(error, InputError):
        return clean(str(error))
    amount = count(len(error.problems) + error.omitted, "problem")
    files = {problem.file for problem in error.problems}
    file = files.pop() if len(files) == 1 else None
    return f"{amount}{f' in {clean(file)}' if file else ''}; nothing was sent"


def _write_line(
    console: Console, parts: Iterable[str | tuple[str, Style]], *, whole: bool = True
) -> None:
    whole = whole or not console.is_terminal
    console.print(Text.assemble(*parts), soft_wrap=whole)
