"""The command that runs the emulator."""

import datetime as dt
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import anyio
import pytest

from gemini_batch import Client, DeveloperAPI, NotFoundError
from gemini_batch.testing import Emulator
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
    assert "gemini-batch list --emulator --vertex\n" in ran.out
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
        "vertex": {
            "project": "emulator-project",
            "bucket": "emulator-bucket",
            "access_token": "emulator-token",
        },
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


async def test_what_it_keeps_is_there_the_next_time(cli: Program, tmp_path: Path) -> None:
    port = free_port()
    options = ["--port", port, "--data", tmp_path / "kept"]
    seen: list[list[str]] = []

    async def talk() -> None:
        await talk_to(port)()
        api = DeveloperAPI(api_key="emulator-key", base_url=f"http://127.0.0.1:{port}")
        async with Client(api) as client:
            seen.append([file.name async for file in client.files.list_all()])

    for _ in range(2):
        ran = await stopped_by(signal.SIGTERM, lambda: cli("emulator", *options), talk)

    assert f"Ctrl-C stops it; {tmp_path / 'kept'} keeps everything." in ran.out
    assert len(seen[0]) == 1
    assert len(seen[1]) == 2
    assert seen[1][1:] == seen[0]


async def test_a_folder_in_use_is_refused(cli: Program, tmp_path: Path) -> None:
    async with Emulator(data=tmp_path):
        ran = await cli("emulator", "--port", "0", "--data", tmp_path)

    assert ran.code == 2
    assert "another emulator keeps its data in" in ran.err
    assert "--data" in ran.err


async def test_a_folder_that_cannot_be_is_refused(cli: Program, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    ran = await cli("emulator", "--port", "0", "--data", tmp_path / "file")

    assert ran.code == 2
    assert "cannot keep data in" in ran.err


@pytest.mark.parametrize("clock", ["real", "hand"])
async def test_it_can_be_steered(cli: Program, tmp_path: Path, clock: str) -> None:
    port = free_port()
    faults = tmp_path / "faults.json"
    faults.write_text('[{"path": "/v1beta/files", "method": "GET", "status": 418}]')
    options = ["--port", port, "--clock", clock, "--faults", faults]
    seen: list[dict[str, str]] = []

    async def talk() -> None:
        await talk_to(port)()
        url = f"http://127.0.0.1:{port}"
        async with aiohttp.ClientSession() as session:
            for _ in range(2):
                async with session.get(url + "/emulator/status") as answer:
                    seen.append(await answer.json())
                sent = {"advance": 3600}
                async with session.post(url + "/emulator/clock", json=sent) as answer:
                    assert answer.status == 200
            headers = {"x-goog-api-key": "emulator-key"}
            async with session.get(url + "/v1beta/files", headers=headers) as answer:
                assert answer.status == 418

    ran = await stopped_by(signal.SIGTERM, lambda: cli("emulator", *options), talk)

    first, second = (dt.datetime.fromisoformat(status["now"]) for status in seen)
    assert 3600 <= (second - first).total_seconds() < 3660
    said = {"real": "in real time", "hand": "with a clock that is advanced by hand"}
    assert said[clock] in ran.out
    assert f"http://127.0.0.1:{port}/emulator/status" in ran.out


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "cannot read"),
        ("{", "faults.json: not JSON"),
        ('[{"status": 503}, {"delay": "long"}]', "faults.json: entry 2: 'delay' must be"),
    ],
)
async def test_a_file_of_faults_is_checked(
    cli: Program, tmp_path: Path, text: str | None, complaint: str
) -> None:
    path = tmp_path / "faults.json"
    if text is not None:
        path.write_text(text)

    ran = await cli("emulator", "--port", "0", "--faults", path)

    assert ran.code == 2
    assert complaint in ran.err.replace("\n", " ")


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
