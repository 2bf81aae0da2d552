"""How the tests of the command line run it: in this process, in another, on a terminal."""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gemini_batch.cli import run
from gemini_batch.testing import Emulator, Limits
from tests.cli.program import DEMO, KEY, Program, Ran, Terminal, write_rows

_FOREIGN = (
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "GOOGLE_GEMINI_BASE_URL",
    "GOOGLE_GENAI_API_VERSION",
    "GOOGLE_GENAI_USE_VERTEXAI",
    "GOOGLE_GENAI_USE_ENTERPRISE",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_LOCATION",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_QUOTA_PROJECT",
    "GOOGLE_VERTEX_BASE_URL",
    "STORAGE_EMULATOR_HOST",
    "BIGQUERY_EMULATOR_HOST",
    "GEMINI_BATCH_EMULATOR",
    "NO_COLOR",
    "FORCE_COLOR",
    "TTY_COMPATIBLE",
    "COLUMNS",
    "LINES",
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key and no preference of the machine reaches a test."""
    for name in _FOREIGN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Emulator]:
    """An emulator the environment points to; it takes the planted key only."""
    limits = Limits(pending=1.0, least_running=2.0, lag=0.5)
    async with Emulator(api_key=KEY, speed=40.0, limits=limits) as emulator:
        monkeypatch.setenv("GEMINI_API_KEY", KEY)
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", emulator.url)
        yield emulator


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Program:
    """Run a command in this process; stdout and stderr are no terminal."""

    async def ran(*tokens: object) -> Ran:
        capsys.readouterr()
        code = await run([str(token) for token in tokens])
        out, err = capsys.readouterr()
        return Ran(code=code, out=out, err=err)

    return ran


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Program:
    """Run a command in this process on a terminal of 100 columns."""

    async def ran(*tokens: object, width: int = 100) -> Ran:
        out, err = Terminal(), Terminal()
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setenv("LINES", "60")
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            code = await run([str(token) for token in tokens])
        texts = [stream.bytes.getvalue().decode() for stream in (out, err)]
        return Ran(code=code, out=texts[0], err=texts[1])

    return ran


@pytest.fixture
def input_file(tmp_path: Path) -> Path:
    """A sound input of three rows."""
    return write_rows(tmp_path / "input.jsonl", 3)


@pytest.fixture
def many_rows(tmp_path: Path) -> Callable[[int], Path]:
    """Make a sound input of many rows."""
    return lambda count: write_rows(tmp_path / "many.jsonl", count)


@pytest.fixture
def mixed_file(tmp_path: Path) -> Path:
    """Three rows: a good one, one that is cut short, one that the filter refuses."""
    bad = write_rows(tmp_path / "mixed.jsonl", 1)
    lines = DEMO.read_text("utf-8").splitlines(keepends=True)
    chosen = [line for line in lines if '"cut-short"' in line or '"refused-by' in line]
    with bad.open("a", encoding="utf-8") as file:
        file.writelines(chosen)
    return bad
