"""The command that runs the emulator."""

import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import pytest

from gemini_batch import Client, DeveloperAPI, NotFoundError
from tests.cli.program import ARGV, Program, Ran


async def stopped_by(
    signum: int, run: Callable[[], Awaitable[Ran]], use: Callable[[], Awaitable[None]]
) -> Ran:
    """Run the command in this process, use it, then stop it with a signal."""
    ran: list[Ran] = []

    async def command() -> None:
        ran.append(await run())

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(command)
            await use()
            os.kill(os.getpid(), signum)
    return ran[0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def talk_to(port: int) -> Callable[[], Awaitable[None]]:
    async def talk() -> None:
        api = DeveloperAPI(api_key="emulator-key", base_url=f"http://127.0.0.1:{port}")
        async with Client(api) as client:
            for _ in range(200):
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    await anyio.sleep(0.01)
            await client.files.upload(b"{}\n")
            with pytest.raises(NotFoundError):
                await client.batches.get("nope")

    return talk


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
async def test_it_says_how_to_be_used_and_what_it_is_asked(
    cli: Program, monkeypatch: pytest.MonkeyPatch, signum: int
) -> None:
    port = free_port()
    monkeypatch.setenv("GOOGLE_API_KEY", "mine")

    ran = await stopped_by(signum, lambda: cli("emulator", "--port", port), talk_to(port))

    assert ran.code == 0
    assert "  export GEMINI_API_KEY=emulator-key\n" in ran.out
    assert f"  export GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:{port}\n" in ran.out
    assert "  unset GOOGLE_API_KEY" in ran.out
    assert f"GEMINI_BATCH_EMULATOR=http://127.0.0.1:{port} gemini-batch list" in ran.out
    log = ran.err.splitlines()
    assert any("200  POST    /upload/v1beta/files" in line for line in log)
    assert any("upload, finalize" in line and "3 B" in line for line in log)
    assert any("404  GET     /v1beta/batches/nope" in line for line in log)
    assert log[-1].startswith("Stopped after ")


async def test_for_machines(cli: Program) -> None:
    port = free_port()

    ran = await stopped_by(
        signal.SIGTERM, lambda: cli("emulator", f"--port={port}", "--json"), talk_to(port)
    )

    first, *requests, last = ran.lines
    assert first == {
        "event": "listening",
        "url": f"http://127.0.0.1:{port}",
        "api_key": "emulator-key",
    }
    assert {line["event"] for line in requests} == {"request"}
    assert requests[-1]["status"] == 404
    assert last == {"event": "stopped", "requests": len(requests)}


async def test_a_port_that_is_taken(cli: Program) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = await cli("emulator", "--port", taken.getsockname()[1])

    assert ran.code == 2
    assert "cannot listen on 127.0.0.1 port" in ran.err
    assert "--port" in ran.err


async def test_where_signals_cannot_be_received(
    cli: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def windows(*_: int) -> None:
        raise NotImplementedError

    monkeypatch.setattr("anyio.open_signal_receiver", windows)
    with anyio.move_on_after(0.2) as scope:
        await cli("emulator", "--port", "0")

    assert scope.cancelled_caught


@asynccontextmanager
async def emulator_process() -> AsyncIterator[tuple[anyio.abc.Process, str]]:
    """Run the emulator in a process of its own; yield it and its address."""
    argv = [*ARGV, "emulator", "--port=0", "--speed=1000", "--json"]
    async with await anyio.open_process(argv) as process:
        assert process.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            line += await process.stdout.receive()
        try:
            yield process, json.loads(line)["url"]
        finally:
            if process.returncode is None:
                process.kill()


async def test_another_process_talks_to_it() -> None:
    from tests.cli.program import in_process_of_its_own

    with anyio.fail_after(20):
        async with emulator_process() as (process, url):
            env = {"GEMINI_BATCH_EMULATOR": url}
            listed = await in_process_of_its_own("files", "list", "--emulator", **env)
            process.send_signal(signal.SIGINT)
            code = await process.wait()
            assert process.stdout is not None
            rest = (await process.stdout.receive()).decode()

    assert (listed.code, listed.err) == (0, "There are no files.\n")
    assert code == 0
    assert json.loads(rest.splitlines()[-1])["event"] == "stopped"
