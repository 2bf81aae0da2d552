"""Check and submit: what is said, to people and to machines, and exit codes."""

import json
from functools import partial
from pathlib import Path

import anyio
import pytest

from gemini_batch import Client
from gemini_batch.testing import Emulator, Fault
from tests.cli.program import Program, create
from tests.support.settings import QUICK


async def test_check_counts_a_sound_file(cli: Program, input_file: Path) -> None:
    ran = await cli("check", input_file)

    assert ran.code == 0
    assert ran.out.startswith("ok: 3 generation requests, ")
    assert ran.out.endswith("sent inline\n")
    assert ran.err == ""


async def test_check_as_json(cli: Program, input_file: Path) -> None:
    ran = await cli("check", input_file, "--json")

    report = ran.document
    assert report["count"] == 3
    assert report["kind"] == "generate"
    assert report["inline"] is True
    assert report["size"] > 100


async def test_check_tells_every_problem(cli: Program, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text("not json\n" * 30)

    ran = await cli("check", path)

    assert ran.code == 2
    assert ran.out == ""
    assert all(f"{path}:{line}: " in ran.err for line in range(1, 31))
    assert "Traceback" not in ran.err


async def test_check_tells_problems_to_machines(cli: Program, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"key": "a"}\nnot json\n')

    ran = await cli("check", path, "--json")

    assert ran.code == 2
    assert ran.err == ""
    error = ran.document["error"]
    assert error["type"] == "InputError"
    assert [problem["line"] for problem in error["problems"]] == [1, 2]
    assert error["problems"][1]["file"] == str(path)


async def test_check_of_a_file_that_is_not_there(cli: Program) -> None:
    ran = await cli("check", "/no/such/file.jsonl")

    assert ran.code == 2
    assert "no such file" in ran.err


async def test_submit_prints_the_name_and_nothing_else(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    ran = await cli("submit", input_file, "-m", "gemini-2.5-flash", "--display-name", "n")

    assert ran.code == 0
    assert ran.out.strip() in service.jobs
    assert ran.err == f"Wait for it with\n  gemini-batch wait {ran.out}"


async def test_submit_hands_on_its_options(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    ran = await cli(
        "submit",
        input_file,
        "--model=gemini-2.5-flash",
        "--display-name=Nightly",
        "--priority=-3",
        "--system-instruction=Be brief",
        '--generation-config={"temperature": 0.5}',
        "--json",
    )

    job = ran.document
    assert (job["display_name"], job["priority"]) == ("Nightly", -3)
    assert job["model"] == "models/gemini-2.5-flash"
    created = json.loads(service.log[-1].body or b"{}")
    assert "Be brief" in json.dumps(created)
    assert '"temperature": 0.5' in json.dumps(created)


async def test_submit_reads_a_config_from_a_file(
    cli: Program, service: Emulator, input_file: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"temperature": 0.25}')

    await create(cli, input_file, f"--generation-config=@{config}")

    assert b"0.25" in (service.log[-1].body or b"")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("{", "it is not JSON"),
        ("[1]", "not an object"),
        ("@/no/such/file", "No such file"),
    ],
)
async def test_submit_refuses_a_config(
    cli: Program, service: Emulator, input_file: Path, value: str, told: str
) -> None:
    ran = await cli("submit", input_file, "-m", "m", "--generation-config", value)

    assert ran.code == 2
    assert told in ran.err
    assert "--generation-config" in ran.err
    assert service.log == []


async def test_submit_with_a_key_adopts_its_job(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    first = await create(cli, input_file, "--idempotency-key=nightly-7")
    again = await create(cli, input_file, "--idempotency-key=nightly-7")

    assert first == again
    assert len(service.jobs) == 1


async def test_submit_of_a_wrong_file_sends_nothing(
    cli: Program, service: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text("{}\n")

    ran = await cli("submit", path, "-m", "gemini-2.5-flash")

    assert ran.code == 2
    assert service.log == []


async def test_submit_and_wait(cli: Program, service: Emulator, input_file: Path) -> None:
    ran = await cli(
        "submit", input_file, "-m", "gemini-2.5-flash", "--wait", "--poll-interval=0.02"
    )

    (name,) = service.jobs
    assert ran.code == 0
    assert ran.out == f"{name} succeeded\n"
    lines = ran.err.splitlines()
    assert lines[0] == f"created {name}"
    assert any("3 of 3 requests (100 %)" in line for line in lines)
    assert lines[-1] == f"  gemini-batch results {name} -o results.jsonl"


async def test_submit_and_wait_tell_machines_line_by_line(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    ran = await cli(
        "submit",
        input_file,
        "-m=gemini-2.5-flash",
        "--wait",
        "--poll-interval=0.02",
        "--json",
    )

    assert ran.err == ""
    events = [line["event"] for line in ran.lines]
    assert events[0] == "created"
    assert events[-1] == "ended"
    assert set(events[1:-1]) == {"progress"}
    assert ran.lines[-2]["percent"] == 100.0
    assert ran.lines[-1]["job"]["state"] == "succeeded"


async def test_an_unknown_outcome_of_a_create_has_a_code_of_its_own(
    cli: Program, service: Emulator, input_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The pauses between the looks for the job sum up to a minute and a half.
    monkeypatch.setattr("gemini_batch.cli.connect.Client", partial(Client, retry=QUICK))
    service.faults.append(Fault(path="*:batchGenerateContent", drop="before", times=99))

    ran = await cli("submit", input_file, "-m", "gemini-2.5-flash", "--json")

    assert ran.code == 5
    assert ran.document["error"]["type"] == "CreateOutcomeUnknownError"
    assert ran.document["error"]["intent_token"]


@pytest.mark.parametrize("flags", [[], ["--json"]])
async def test_interrupted_while_waiting(
    cli: Program,
    service: Emulator,
    input_file: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
) -> None:
    service.script("*", "BATCH_STATE_RUNNING")
    name = await create(cli, input_file)

    with anyio.move_on_after(0.2) as scope:
        await cli("wait", name, "--poll-interval=0.02", *flags)

    out, err = capsys.readouterr()
    assert scope.cancelled_caught
    assert f"gemini-batch wait {name}" in (out if flags else err)
    assert service.jobs[name].cancel_time is None


async def test_interrupted_while_waiting_for_a_job_that_ends_with_the_command(
    cli: Program, input_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with anyio.move_on_after(0.5):
        await cli("submit", input_file, "-m=gemini-2.5-flash", "--wait", "--emulator")

    err = capsys.readouterr().err
    assert "The job ends with the emulator" in err
    assert "come back" not in err


async def test_interrupted_while_creating(
    cli: Program, service: Emulator, input_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service.faults.append(Fault(path="*:batchGenerateContent", delay=5.0))

    with anyio.move_on_after(0.3) as scope:
        await cli("submit", input_file, "-m", "gemini-2.5-flash")

    err = capsys.readouterr().err
    assert scope.cancelled_caught
    assert "gemini-batch list" in err
