"""The program as the tests see it."""

import io
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
from attrs import frozen

KEY = "AIzaPlantedKey-0123456789"
DEMO = Path(__file__).parents[2] / "gemini_batch/cli/demo_input.jsonl"
ARGV = [sys.executable, "-m", "gemini_batch"]


@frozen(kw_only=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        lines = self.lines
        assert len(lines) == 1, self.out
        return lines[0]

    @property
    def lines(self) -> list[Any]:
        """The JSON lines on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


Program = Callable[..., Awaitable[Ran]]


async def in_process_of_its_own(*tokens: object, **env: str) -> Ran:
    """Run a command as a shell would, without a terminal."""
    done = await anyio.run_process(
        [*ARGV, *map(str, tokens)], check=False, env={**os.environ, **env}
    )
    return Ran(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def __init__(self) -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding="utf-8", write_through=True)

    def isatty(self) -> bool:
        return True


def write_rows(path: Path, count: int, *, text: str = "Say hello") -> Path:
    """Write an input file of `count` sound rows."""
    rows = (
        {"key": f"k{i}", "request": {"contents": [{"parts": [{"text": f"{text} {i}"}]}]}}
        for i in range(count)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


async def create(cli: Program, path: Path, *options: str) -> str:
    """Create a job and return its name."""
    ran = await cli("submit", path, "--model", "gemini-2.5-flash", *options)
    assert ran.code == 0, ran.err
    return ran.out.strip()
