"""Readers that leave early, and streams that are closed."""

import subprocess
import sys

import pytest

from gemini_batch.cli.commands import emulator
from gemini_batch.cli.display.screen import Screen
from gemini_batch.testing import LogEntry
from tests.cli.program import ARGV

SHELL = 'exec 3>&1; { "$@"; echo $? >&3; } '


def _in_shell(end: str, *tokens: str) -> "subprocess.CompletedProcess[str]":
    command = ["bash", "-c", SHELL + end, "bash", *ARGV, *tokens]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("tokens", [["--help"], ["--version"], ["demo"]])
def test_a_reader_that_leaves_is_no_failure(tokens: list[str]) -> None:
    ran = _in_shell("| true", *tokens)

    assert ran.stdout.strip() == "0", ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_closed_stdout_is_no_crash() -> None:
    done = subprocess.run(
        ["bash", "-c", '"$@" >&-', "bash", *ARGV, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_log_goes_silent_when_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        encoding = "utf-8"
        writes = 0

        def isatty(self) -> bool:
            return False

        def write(self, text: str) -> int:
            self.writes += 1
            raise BrokenPipeError

        def flush(self) -> None:
            pass

    broken = Broken()
    monkeypatch.setattr(sys, "stderr", broken)
    log = emulator._Log(Screen())
    entry = LogEntry(method="GET", path="/", query={}, headers={})

    for _ in range(3):
        log.write(entry)
    log.close()

    assert broken.writes == 1
