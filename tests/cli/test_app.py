"""Usage, help, credentials, secrets, and which service a command talks to."""

import json
import sys
from pathlib import Path

import pytest

from gemini_batch import __version__
from gemini_batch.cli.exit_codes import ExitCode
from gemini_batch.testing import Emulator, Fault
from tests.cli.program import KEY, Program

COMMANDS = [
    ["demo"],
    ["emulator"],
    ["check"],
    ["submit"],
    ["wait"],
    ["results"],
    ["get"],
    ["list"],
    ["cancel"],
    ["delete"],
    ["files"],
    ["files", "upload"],
    ["files", "get"],
    ["files", "list"],
    ["files", "delete"],
    ["files", "download"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_every_command_has_help(cli: Program, command: list[str]) -> None:
    ran = await cli(*command, "--help")

    assert ran.code == 0
    assert ran.err == ""
    assert all(code.text.split(";")[0] in ran.out for code in ExitCode)
    if command != ["files"]:
        assert "--json" in ran.out
    assert "\x1b" not in ran.out


async def test_help_and_version(cli: Program) -> None:
    bare = await cli()
    version = await cli("--version")

    assert bare.code == 0
    assert all(command[0] in bare.out for command in COMMANDS)
    assert version.out.strip() == __version__


@pytest.mark.parametrize(
    "tokens",
    [
        ["get"],
        ["nope"],
        ["get", "x", "--nope"],
        ["submit", "x.jsonl"],
        ["list", "--limit", "-1"],
        ["list", "--limit", "many"],
        ["emulator", "--speed", "0"],
        ["emulator", "--port", "65536"],
        ["demo", "--requests", "0"],
        ["get", "x", "--api-key", KEY],
    ],
    ids=" ".join,
)
async def test_wrong_usage(cli: Program, tokens: list[str]) -> None:
    told = await cli(*tokens)
    data = await cli(*tokens, "--json")

    assert (told.code, data.code) == (2, 2)
    assert told.out == data.err == ""
    assert told.err.startswith("error: ")
    assert told.err.rstrip().endswith("--help")
    assert data.document["error"]["type"] == "UsageError"


async def test_without_a_key(cli: Program) -> None:
    told = await cli("list")
    data = await cli("list", "--json")

    assert (told.code, data.code) == (2, 2)
    assert "GEMINI_API_KEY" in told.err
    assert "--emulator" in told.err
    assert data.document["error"]["type"] == "CredentialsError"


async def test_a_key_is_not_sent_over_plain_http(
    cli: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://example.com")

    ran = await cli("list")

    assert ran.code == 2
    assert KEY not in ran.err


@pytest.mark.parametrize("flags", [[], ["--json"]])
async def test_the_key_is_in_no_output(
    cli: Program,
    service: Emulator,
    input_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    flags: list[str],
) -> None:
    said = []

    async def say(*tokens: object) -> str:
        ran = await cli(*tokens, *flags)
        said.append(ran.out + ran.err)
        return ran.out

    out = await say("submit", input_file, "-m", "gemini-2.5-flash")
    name = json.loads(out)["name"] if flags else out.strip()
    await say("wait", name, "--poll-interval=0.02")
    await say("results", name)
    await say("get", name)
    await say("list")
    await say("files", "upload", input_file)
    await say("files", "list")
    for status in (400, 401, 403, 404):
        service.faults.append(Fault(status=status))
        await say("get", name)
    monkeypatch.setenv("GEMINI_API_KEY", KEY + "-wrong")
    await say("get", name)
    await say("submit", input_file, "-m", "gemini-2.5-flash")
    assert len(said) == 13
    assert KEY not in "".join(said)


async def test_a_bug_is_not_dressed_up(
    cli: Program, monkeypatch: pytest.MonkeyPatch, input_file: Path
) -> None:
    def bug(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("gemini_batch.cli.commands.submit.check_input", bug)

    with pytest.raises(ZeroDivisionError):
        await cli("check", input_file)


async def test_a_full_disk(
    cli: Program, monkeypatch: pytest.MonkeyPatch, input_file: Path
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gemini_batch.cli.commands.submit.check_input", full)

    ran = await cli("check", input_file)

    assert ran.code == 1
    assert "No space left" in ran.err


async def test_an_emulator_that_runs_is_used(
    cli: Program, monkeypatch: pytest.MonkeyPatch, input_file: Path
) -> None:
    async with Emulator(speed=1000.0) as emulator:
        monkeypatch.setenv("GEMINI_BATCH_EMULATOR", emulator.url)
        ran = await cli("submit", input_file, "-m", "gemini-2.5-flash", "--emulator")

        (name,) = emulator.jobs

    assert ran.out.strip() == name
    assert ran.err == f"Wait for it with\n  gemini-batch wait {name} --emulator\n"


async def test_else_one_is_started(
    cli: Program, monkeypatch: pytest.MonkeyPatch, input_file: Path
) -> None:
    monkeypatch.setenv("GEMINI_BATCH_EMULATOR", "http://127.0.0.1:9")

    once = await cli("submit", input_file, "-m", "gemini-2.5-flash", "--emulator")
    waited = await cli(
        "submit",
        input_file,
        "-m=gemini-2.5-flash",
        "--emulator",
        "--wait",
        "--poll-interval=0.05",
    )
    data = await cli("list", "--emulator", "--json")

    assert once.code == waited.code == 0
    assert once.err.startswith("No emulator runs at http://127.0.0.1:9: using one inside")
    assert "Wait for it" not in once.err
    assert "Read the results" not in waited.err
    assert data.document == {"jobs": [], "more": False}


async def test_something_else_at_the_emulators_address(
    cli: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Emulator(api_key="another") as emulator:
        monkeypatch.setenv("GEMINI_BATCH_EMULATOR", emulator.url)
        ran = await cli("list", "--emulator")

    assert ran.code == 0
    assert ran.err.startswith("Something else than an emulator answers at ")


async def test_the_emulators_address_is_this_machine(
    cli: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_BATCH_EMULATOR", "http://example.com:8765")

    ran = await cli("list", "--emulator")

    assert ran.code == 2


def test_main_runs_the_arguments_of_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], input_file: Path
) -> None:
    from gemini_batch.__main__ import main

    monkeypatch.setattr(sys, "argv", ["gemini-batch", "check", str(input_file)])
    assert main() == 0
    monkeypatch.setattr(sys, "argv", ["gemini-batch", "check", "/no/such/file"])
    assert main() == 2
    assert capsys.readouterr().out.startswith("ok: ")


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), ("cancelled", 143)])
def test_main_when_it_is_stopped(
    monkeypatch: pytest.MonkeyPatch, error: object, code: int
) -> None:
    import asyncio

    from gemini_batch.cli import main

    raised = asyncio.CancelledError if error == "cancelled" else KeyboardInterrupt

    async def stopped(tokens: object) -> int:
        raise raised

    monkeypatch.setattr("gemini_batch.cli.app.run", stopped)
    assert main() == code
