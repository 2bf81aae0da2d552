"""The program in a process of its own: signals, pipes, terminals, a missing extra."""

import asyncio
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from gemini_batch import Client
from gemini_batch.testing import Emulator, Fault
from tests.cli.program import ARGV, KEY, in_process_of_its_own

CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")

program = in_process_of_its_own


async def running_job(service: Emulator, path: Path) -> str:
    """Create a job that never ends."""
    service.script("*", "BATCH_STATE_RUNNING")
    async with Client() as client:
        return (await client.batches.submit("gemini-2.5-flash", path)).name


async def test_without_a_terminal_there_are_no_control_characters(
    service: Emulator, input_file: Path
) -> None:
    ran = await program(
        "submit",
        input_file,
        "-m=gemini-2.5-flash",
        "--wait",
        "--poll-interval=0.05",
        FORCE_COLOR="1",
        TTY_COMPATIBLE="1",
    )
    helped = await program("--help", FORCE_COLOR="1")

    assert ran.code == 0
    assert not CONTROLS.search(ran.out + ran.err + helped.out)
    assert "3 of 3 requests (100 %)" in ran.err


async def test_codes_reach_the_shell(service: Emulator, input_file: Path) -> None:
    wrong = await program("check", "/no/such/file", "--json")
    job = await running_job(service, input_file)
    late = await program("wait", job, "--timeout=0.2", "--poll-interval=0.1")

    assert (wrong.code, wrong.err) == (2, "")
    assert wrong.document["error"]["type"] == "InputError"
    assert late.code == 4
    assert KEY not in late.out + late.err


async def test_a_locale_without_letters(service: Emulator, input_file: Path) -> None:
    ran = await program(
        "check", "/no/such/ü", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C"
    )

    assert ran.code == 2
    assert "/no/such/" in ran.err
    assert "Traceback" not in ran.err


async def interrupted(
    argv: list[str], signum: int, ready: Callable[[], bool]
) -> tuple[int, str, str]:
    """Run a command, send a signal once `ready`, return its code and its words."""
    process = await asyncio.create_subprocess_exec(
        *ARGV, *argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with anyio.fail_after(15):
        while not ready():
            await anyio.sleep(0.02)
        await anyio.sleep(0.1)
        process.send_signal(signum)
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_ctrl_c_leaves_the_job_running(service: Emulator, input_file: Path) -> None:
    name = await running_job(service, input_file)
    before = len(service.log)

    code, out, err = await interrupted(
        ["wait", name, "--poll-interval=0.05"],
        signal.SIGINT,
        lambda: len(service.log) > before + 2,
    )

    assert (code, out) == (130, "")
    assert err.endswith(
        f"Interrupted. The job keeps running; come back with\n  gemini-batch wait {name}\n"
    )
    assert service.jobs[name].state == "BATCH_STATE_RUNNING"
    assert all(entry.method == "GET" for entry in service.log[before:])


async def test_ctrl_c_is_told_to_machines(service: Emulator, input_file: Path) -> None:
    service.script("*", "BATCH_STATE_RUNNING")

    code, out, err = await interrupted(
        f"submit {input_file} -m=gemini-2.5-flash --wait --json --poll-interval=0.05".split(),
        signal.SIGINT,
        lambda: len(service.log) > 3,
    )

    (name,) = service.jobs
    last = json.loads(out.splitlines()[-1])
    assert (code, err) == (130, "")
    assert last == {
        "event": "interrupted",
        "job": name,
        "running": True,
        "come_back": f"gemini-batch wait {name}",
    }


async def test_a_termination_says_the_same(service: Emulator, input_file: Path) -> None:
    name = await running_job(service, input_file)
    before = len(service.log)

    code, _, err = await interrupted(
        ["wait", name, "--poll-interval=0.05"],
        signal.SIGTERM,
        lambda: len(service.log) > before + 2,
    )

    assert code == 143
    assert f"gemini-batch wait {name}" in err


async def test_ctrl_c_in_the_demo(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *ARGV, "demo", stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    with anyio.fail_after(15):
        seen = b""
        while b"running" not in seen:
            seen += await process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()

    assert process.returncode == 130
    assert out == b""
    assert err.decode().endswith("The job ends with the emulator inside this command.\n")


async def test_a_reader_that_leaves_ends_it_quietly(
    service: Emulator, many_rows: Callable[[int], Path]
) -> None:
    async with Client() as client:
        job = await client.batches.submit("gemini-2.5-flash", many_rows(1500))
        await client.batches.poll(job, poll_interval=0.2)

    done = await anyio.run_process(
        ["sh", "-c", f"{' '.join(ARGV)} results {job.name} | head -n 1"], check=False
    )

    assert json.loads(done.stdout)["key"] == "k0"
    assert done.stderr == b""


@pytest.mark.parametrize("missing", ["cyclopts", "rich"])
async def test_without_the_extra_it_says_what_to_install(missing: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv = ['gemini-batch', 'demo'];"
        "from gemini_batch.__main__ import main; sys.exit(main())"
    )
    done = await anyio.run_process([sys.executable, "-c", code], check=False)

    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.decode().count("\n") == 1
    assert "pip install 'gemini-batch[cli]'" in done.stderr.decode()


async def test_another_missing_module_is_a_bug() -> None:
    code = (
        "import sys; sys.modules['gemini_batch.testing'] = None;"
        "from gemini_batch.__main__ import main; sys.exit(main())"
    )
    done = await anyio.run_process([sys.executable, "-c", code], check=False)

    assert done.returncode == 1
    assert b"gemini_batch.testing" in done.stderr


def on_a_terminal(argv: list[str], *, interrupt_at: str = "") -> tuple[int, str]:
    """Run a command under a pseudo-terminal; return its code and all it wrote."""
    master, slave = pty.openpty()
    env = {**os.environ, "COLUMNS": "90", "LINES": "40"}
    process = subprocess.Popen(
        [*ARGV, *argv], stdin=slave, stdout=slave, stderr=slave, env=env
    )
    os.close(slave)
    seen, deadline = b"", time.monotonic() + 20
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.05)[0]:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            seen += piece
            if interrupt_at and interrupt_at.encode() in seen:
                process.send_signal(signal.SIGINT)
                interrupt_at = ""
    os.close(master)
    return process.wait(5), seen.decode()


async def test_on_a_real_terminal(service: Emulator, input_file: Path) -> None:
    argv = ["submit", str(input_file), "-m=gemini-2.5-flash", "--wait"]
    code, seen = await anyio.to_thread.run_sync(
        lambda: on_a_terminal([*argv, "--poll-interval=0.05"])
    )

    assert code == 0
    assert "3 of 3 requests" in seen
    assert "━" in seen
    assert seen.count("\x1b[?25l") == seen.count("\x1b[?25h") == 1


async def test_ctrl_c_gives_the_cursor_back(service: Emulator, input_file: Path) -> None:
    name = await running_job(service, input_file)

    code, seen = await anyio.to_thread.run_sync(
        lambda: on_a_terminal(["wait", name, "--poll-interval=0.05"], interrupt_at="waited")
    )

    assert code == 130
    assert seen.count("\x1b[?25l") == seen.count("\x1b[?25h") == 1
    assert f"gemini-batch wait {name}" in seen


async def test_why_nothing_happens_is_said(service: Emulator) -> None:
    """A service that fails is tried again, which takes a while."""
    service.faults.append(Fault(status=503, headers={"Retry-After": "0"}))

    ran = await program("list", "--json")

    assert ran.code == 0
    assert "503 UNAVAILABLE" in ran.err
    assert "trying again in a moment" in ran.err
    assert KEY not in ran.err
