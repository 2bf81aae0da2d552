"""What a person sees on a terminal."""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from gemini_batch import Client
from gemini_batch.testing import Emulator, Fault
from tests.cli.program import Program
from tests.support.settings import QUICK

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def plain(text: str) -> str:
    """Return text without colours and movements of the cursor."""
    return ESCAPES.sub("", text)


async def test_problems_are_a_table(terminal: Program, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text("not json\n" * 3)

    ran = await terminal("check", path, width=70)

    rows = plain(ran.err).splitlines()
    assert ran.code == 2
    assert plain(ran.err).startswith("error: 3 problems in ")
    assert any(
        row.split() == ["Line", "What", "is", "wrong", "What", "to", "do"] for row in rows
    )
    assert [row.split()[0] for row in rows if row.strip()[:1].isdigit()] == ["1", "2", "3"]
    assert max(map(len, rows)) <= 70


async def test_many_problems_are_counted(terminal: Program, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text("not json\n" * 5000)

    ran = await terminal("check", path)

    assert "5,000 problems in" in plain(ran.err).replace("\n", " ")
    assert re.search(r"… and [\d,]+ more", plain(ran.err))


async def test_rows_the_service_refused_are_a_table(
    terminal: Program, service: Emulator, input_file: Path
) -> None:
    body = {
        "error": {
            "code": 400,
            "status": "INVALID_ARGUMENT",
            "message": "Line 2: something is off",
        }
    }
    fault = Fault(
        path="*:batchGenerateContent", status=400, body=json.dumps(body).encode(), times=9
    )
    service.faults.append(fault)

    ran = await terminal("submit", input_file, "-m", "gemini-2.5-flash")

    assert ran.code == 1
    assert "something is off" in plain(ran.err)


async def test_waiting_is_a_live_display(
    terminal: Program, service: Emulator, many_rows: Callable[[int], Path]
) -> None:
    ran = await terminal(
        "submit",
        many_rows(200),
        "-m=gemini-2.5-flash",
        "--display-name=Nightly [bold]",
        "--wait",
        "--poll-interval=0.02",
    )

    (name,) = service.jobs
    assert ran.code == 0
    assert plain(ran.out) == f"{name} succeeded\n"
    assert "\x1b[" in ran.out
    seen = plain(ran.err)
    assert "succeeded  Nightly [bold] · gemini-2.5-flash" in seen
    assert "200 of 200 requests  100 %" in seen
    assert ran.err.count("\x1b[?25l") == ran.err.count("\x1b[?25h") == 1


async def test_a_job_that_is_waited_for_by_name_is_named(
    terminal: Program, service: Emulator, input_file: Path
) -> None:
    name = plain(
        (await terminal("submit", input_file, "-m", "gemini-2.5-flash")).out
    ).strip()

    ran = await terminal("wait", name, "--poll-interval=0.02", width=140)

    assert f"succeeded  {name} · gemini-2.5-flash" in plain(ran.err)


async def test_uploads_have_a_bar(
    terminal: Program, service: Emulator, input_file: Path
) -> None:
    ran = await terminal("files", "upload", input_file)

    assert re.search(r"uploading  ━+  \d+ B of \d+ B", plain(ran.err))
    assert plain(ran.out).startswith("files/")


async def test_a_large_input_is_uploaded_with_a_bar(
    terminal: Program, service: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "large.jsonl"
    text = "x" * 4_000_000
    rows = (
        {"key": f"k{i}", "request": {"contents": [{"parts": [{"text": text}]}]}}
        for i in range(6)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    ran = await terminal("submit", path, "-m", "gemini-2.5-flash")

    assert ran.code == 0, ran.err
    assert "24.0 MB of 24.0 MB" in plain(ran.err)


async def test_a_broken_upload_leaves_the_terminal_usable(
    terminal: Program, service: Emulator, input_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gemini_batch.cli.connect.Client", partial(Client, retry=QUICK))
    service.faults.append(Fault(path="/upload/*", status=403, times=99, skip=1))

    ran = await terminal("files", "upload", input_file)

    assert ran.code == 1
    assert ran.err.count("\x1b[?25l") == ran.err.count("\x1b[?25h")


async def test_sums_are_a_table(
    terminal: Program, service: Emulator, mixed_file: Path, tmp_path: Path
) -> None:
    await terminal(
        "submit", mixed_file, "-m", "gemini-2.5-flash", "--wait", "--poll-interval=0.02"
    )
    (name,) = service.jobs

    ran = await terminal("results", name, "-o", tmp_path / "out.jsonl")

    seen = plain(ran.err)
    assert ran.code == 3
    assert re.search(r"blocked +1 +refused-by\S+ +the prompt was blocked", seen)
    assert "────" in seen


@pytest.mark.parametrize("raw", [False, True])
async def test_no_answer_steers_the_terminal(
    terminal: Program, service: Emulator, input_file: Path, raw: bool
) -> None:
    text = "\x1b]0;owned\x07 \x9b31m [red]"
    rows = [
        {
            "response": {
                "candidates": [
                    {"content": {"parts": [{"text": text}]}, "finishReason": "SAFETY"}
                ]
            },
            "metadata": {"key": "k\x1b[31m\x9b[red]"},
        }
    ]
    output = {"inlinedResponses": {"inlinedResponses": rows}}
    service.script(
        "*", {"state": "BATCH_STATE_SUCCEEDED", "output": output, "response": None}
    )
    await terminal("submit", input_file, "-m", "gemini-2.5-flash")
    (name,) = service.jobs

    ran = await terminal("results", name, *(["--raw"] if raw else []))

    both = ran.out + ESCAPES.sub("", ran.err)
    assert "\x1b" not in both
    assert "\x9b" not in both
    assert "\x07" not in both
    assert "[red]" in ran.out
    assert "[red]" in ran.err


async def test_lists_are_tables(
    terminal: Program, service: Emulator, input_file: Path
) -> None:
    for _ in range(2):
        await terminal("submit", input_file, "-m", "gemini-2.5-flash")
    await terminal("files", "upload", input_file)

    jobs = await terminal("list", width=70)
    files = await terminal("files", "list", width=70)
    (name, _) = service.jobs
    job = await terminal("get", name)

    assert all(name in plain(jobs.out) for name in service.jobs)
    assert all(name in plain(files.out) for name in service.files)
    assert max(len(row) for row in plain(jobs.out).splitlines()) <= 70
    assert f"name      {name}\n" in plain(job.out)


async def test_no_colour_is_respected(
    terminal: Program, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    ran = await terminal("get", "batches/nope")

    assert ran.err.startswith("\x1b[1merror: \x1b[0m404")
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", ran.err)


async def test_a_dumb_terminal_gets_plain_lines(
    terminal: Program, service: Emulator, monkeypatch: pytest.MonkeyPatch, input_file: Path
) -> None:
    monkeypatch.setenv("TERM", "dumb")

    ran = await terminal(
        "submit", input_file, "-m=gemini-2.5-flash", "--wait", "--poll-interval=0.02"
    )

    assert "\x1b" not in ran.out + ran.err
    assert "3 of 3 requests (100 %)" in ran.err


async def test_help_fits_the_terminal(terminal: Program) -> None:
    ran = await terminal("--help", width=70)

    assert ran.code == 0
    assert max(len(row) for row in plain(ran.out).splitlines()) <= 70
    assert "130: interrupted by Ctrl-C" in plain(ran.out)


async def test_nothing_is_left_of_a_wait_that_saw_nothing(
    terminal: Program, service: Emulator
) -> None:
    ran = await terminal("wait", "batches/nope")

    assert ran.code == 1
    assert plain(ran.err).splitlines()[-1].startswith("error: 404")
    # The line that said so is wiped.
    assert "\x1b[1A\x1b[2K" in ran.err


async def test_reading_many_rows_has_a_bar_that_goes_away(
    terminal: Program, service: Emulator, many_rows: Callable[[int], Path], tmp_path: Path
) -> None:
    argv = ["submit", many_rows(250), "-m=gemini-2.5-flash", "--wait"]
    await terminal(*argv, "--poll-interval=0.02")
    (name,) = service.jobs

    to_file = await terminal("results", name, "-o", tmp_path / "out.jsonl")
    to_screen = await terminal("results", name)

    assert re.search(r"reading  [━╸╺]+  \d+ of 250  [\d,.]+ results/s", plain(to_file.err))
    assert "\x1b[1A\x1b[2K" in to_file.err
    assert "reading" not in to_screen.err
