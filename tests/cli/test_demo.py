"""The demo, and the Python it shows."""

import shutil
import sys
from pathlib import Path

import anyio
import pytest

from gemini_batch.cli.commands.demo import PYTHON
from gemini_batch.testing import Emulator
from tests.cli.program import DEMO, Program


async def test_the_demo_runs_offline_without_a_key(cli: Program) -> None:
    ran = await cli("demo", "--speed", "40")

    assert ran.code == 0, ran.err
    lines = ran.err.splitlines()
    assert lines[0].startswith("Offline demo")
    assert "no cost" in lines[0]
    assert "300 requests" in lines[1]
    assert any("300 of 300 requests (100 %)" in line for line in lines)
    out = ran.out.splitlines()
    assert out[1].split() == ["Outcome", "Requests", "Example", "Reason"]
    assert {line.split()[0] for line in out[2:5]} == {"ok", "blocked", "truncated"}
    assert out[5].startswith("Tokens: ")
    assert "recipe-json" in ran.out
    assert PYTHON in ran.out
    assert "\x1b" not in ran.out + ran.err


async def test_the_demo_is_to_be_looked_at(terminal: Program) -> None:
    ran = await terminal("demo", "--requests=40", "--speed=40", width=70)

    assert ran.code == 0
    assert "\x1b[?25l" in ran.err
    assert "import" in ran.out
    assert "fr-news-summary" in ran.out


async def test_the_demo_for_machines(cli: Program) -> None:
    ran = await cli("demo", "--requests=20", "--speed=40", "--json")

    events = [line["event"] for line in ran.lines]
    assert ran.err == ""
    assert events[:2] == ["begin", "created"]
    assert set(events[2:-1]) == {"progress"}
    assert ran.lines[0]["live"] is False
    assert ran.lines[-1]["total"] == 20
    assert ran.lines[-1]["python"] == PYTHON


async def test_the_demo_goes_where_the_environment_says(
    cli: Program, service: Emulator
) -> None:
    ran = await cli("demo", "--requests=3")

    assert ran.code == 0, ran.err
    assert service.url in ran.err.splitlines()[0]
    assert "Paid if that is live" in ran.err.splitlines()[0]
    assert len(service.jobs) == 1


async def test_the_emulator_goes_before_a_key(cli: Program, service: Emulator) -> None:
    ran = await cli("demo", "--requests=3", "--speed=40", "--emulator")

    assert ran.code == 0
    assert ran.err.startswith("Offline demo")
    assert service.log == []


async def test_on_the_live_service_it_says_that_it_is_paid(
    cli: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise ConnectionAbortedError

    monkeypatch.setenv("GEMINI_API_KEY", "x")
    monkeypatch.setattr("gemini_batch.cli.commands.demo._create", stop)

    ran = await cli("demo")

    assert ran.err.startswith(
        "Live demo on https://generativelanguage.googleapis.com with your key. This is paid."
    )


async def test_a_job_that_fails_fails_the_demo(cli: Program, service: Emulator) -> None:
    service.script("*", "BATCH_STATE_FAILED")

    ran = await cli("demo", "--requests=3")

    assert ran.code == 1
    assert " failed and has no results: " in ran.err


async def test_the_python_it_shows_runs(service: Emulator, tmp_path: Path) -> None:
    shutil.copy(DEMO, tmp_path / "input.jsonl")

    done = await anyio.run_process([sys.executable, "-c", PYTHON], cwd=tmp_path)

    lines = done.stdout.decode().splitlines()
    assert len(lines) > 300
    assert any(line.startswith("succeeded 100.0") for line in lines)


def test_the_python_it_shows_is_short() -> None:
    lines = [line for line in PYTHON.splitlines() if line]

    assert len(lines) <= 11
    assert max(map(len, lines)) < 80
