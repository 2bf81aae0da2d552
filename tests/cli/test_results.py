"""Reading results: rows, sums, targets, exit codes."""

import json
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gemini_batch import Client
from gemini_batch.testing import Emulator
from tests.cli.program import Program
from tests.support.settings import QUICK

Make = Callable[[Program, Path], Awaitable[str]]

RISKY = "\u2028 next \x9b31m"


async def finished(cli: Program, path: Path, model: str = "gemini-2.5-flash") -> str:
    """Run a job to its end and return its name."""
    ran = await cli("submit", path, "-m", model, "--wait", "--poll-interval=0.02")
    assert ran.code == 0, ran.err
    return ran.out.split()[0]


async def from_file(cli: Program, path: Path) -> str:
    """The same for a job whose input is a file, and so its results."""
    async with Client() as client:
        file = await client.files.upload(path)
        job = await client.batches.create("gemini-2.5-flash", file_name=file)
        await client.batches.poll(job, poll_interval=0.02)
    return job.name


@pytest.mark.parametrize("make", [finished, from_file])
async def test_results_are_json_lines_on_stdout_and_sums_on_stderr(
    cli: Program, service: Emulator, input_file: Path, make: Make
) -> None:
    name = await make(cli, input_file)

    ran = await cli("results", name)

    assert ran.code == 0
    assert [row["key"] for row in ran.lines] == ["k0", "k1", "k2"]
    assert all(row["outcome"] == "ok" and row["text"] for row in ran.lines)
    assert ran.lines[0]["usage"]["total_token_count"] > 0
    assert list(ran.lines[0]) == ["key", "outcome", "text", "usage"]
    assert ran.err.splitlines()[:2] == ["Outcome  Requests", "ok              3"]
    assert ran.err.splitlines()[2].startswith("Tokens: ")


async def test_rows_that_are_not_ok_have_an_exit_code(
    cli: Program, service: Emulator, mixed_file: Path
) -> None:
    name = await finished(cli, mixed_file)

    ran = await cli("results", name)

    assert ran.code == 3
    outcomes = {row["outcome"]: row for row in ran.lines}
    assert set(outcomes) == {"ok", "blocked", "truncated"}
    assert outcomes["blocked"]["error"]["message"].startswith("the prompt was blocked")
    assert "cut-short" in ran.err
    assert "refused-by" in ran.err


async def test_results_into_a_file(
    cli: Program, service: Emulator, input_file: Path, tmp_path: Path
) -> None:
    name = await finished(cli, input_file)
    target = tmp_path / "out.jsonl"
    target.write_text("old")

    ran = await cli("results", name, "-o", target, "--json")

    rows = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    assert [row["key"] for row in rows] == ["k0", "k1", "k2"]
    assert ran.document["output"] == str(target)
    assert ran.document["total"] == 3
    assert ran.document["outcomes"] == {"ok": 3}
    assert ran.document["usage"]["total_token_count"] > 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["input.jsonl", "out.jsonl"]


async def test_with_json_on_stdout_the_sums_go_to_stderr(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    name = await finished(cli, input_file)

    ran = await cli("results", name, "--json", "-o", "-")

    assert [row["key"] for row in ran.lines] == ["k0", "k1", "k2"]
    assert json.loads(ran.err)["outcomes"] == {"ok": 3}


@pytest.mark.parametrize("make", [finished, from_file])
async def test_raw_rows_are_the_services_own(
    cli: Program, service: Emulator, input_file: Path, make: Make
) -> None:
    name = await make(cli, input_file)

    ran = await cli("results", name, "--raw")

    assert len(ran.lines) == 3
    assert all("candidates" in row["response"] for row in ran.lines)


async def test_vectors_are_lists_of_numbers(
    cli: Program, service: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "embed.jsonl"
    row = {"key": "e", "request": {"content": {"parts": [{"text": "hi"}]}}}
    path.write_text(json.dumps(row) + "\n")
    name = await finished(cli, path, "gemini-embedding-001")

    ran = await cli("results", name)

    assert len(ran.document["embedding"]) > 100
    assert all(isinstance(value, float) for value in ran.document["embedding"])


async def test_results_of_a_job_that_runs(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    service.script("*", "BATCH_STATE_RUNNING")
    name = (await cli("submit", input_file, "-m", "gemini-2.5-flash")).out.strip()

    told = await cli("results", name)
    data = await cli("results", name, "--json")

    assert (told.code, data.code) == (4, 4)
    assert "gemini-batch wait" in told.err
    assert data.document["error"]["reason"] == "not_finished"


async def test_results_of_a_job_that_failed(
    cli: Program, service: Emulator, input_file: Path, tmp_path: Path
) -> None:
    service.script("*", "BATCH_STATE_FAILED")
    name = (await cli("submit", input_file, "-m", "gemini-2.5-flash")).out.strip()
    target = tmp_path / "out.jsonl"

    told = await cli("results", name, "-o", target)
    data = await cli("results", name, "--json")

    assert (told.code, data.code) == (1, 1)
    assert not target.exists()
    assert data.document["error"]["job"] == name


@pytest.mark.parametrize("target", ["{tmp}", "{tmp}/none/out.jsonl"])
async def test_a_target_that_cannot_be_is_refused_before_anything_is_asked(
    cli: Program, service: Emulator, tmp_path: Path, target: str
) -> None:
    ran = await cli("results", "batches/x", "-o", target.format(tmp=tmp_path))

    assert ran.code == 2
    assert service.log == []


async def test_a_device_is_written_to_not_replaced(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    name = await finished(cli, input_file)

    ran = await cli("results", name, "-o", "/dev/null")

    assert ran.code == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


async def test_a_link_stays_a_link(
    cli: Program, service: Emulator, input_file: Path, tmp_path: Path
) -> None:
    name = await finished(cli, input_file)
    link, target = tmp_path / "link", tmp_path / "target"
    target.write_text("old")
    link.symlink_to(target)

    await cli("results", name, "-o", link)

    assert link.is_symlink()
    assert len(target.read_text().splitlines()) == 3


async def test_a_failure_leaves_no_half_file(
    cli: Program, service: Emulator, input_file: Path, tmp_path: Path
) -> None:
    name = await from_file(cli, input_file)
    await service.aclose()
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gemini_batch.cli.connect.Client", lambda *a: Client(*a, retry=QUICK))
        ran = await cli("results", name, "-o", folder / "out.jsonl")

    assert ran.code == 1
    assert list(folder.iterdir()) == []


async def test_a_reader_that_has_had_enough(
    cli: Program, service: Emulator, input_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await finished(cli, input_file)

    monkeypatch.setattr("gemini_batch.cli.commands.results.open_output", _broken)
    ran = await cli("results", name)

    assert (ran.code, ran.out, ran.err) == (0, "", "")


def _broken(output: object) -> object:
    raise BrokenPipeError


async def test_rows_of_others_are_told_by_their_place(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    answer = {"candidates": [{"finishReason": "SAFETY"}]}
    call = {
        "candidates": [
            {
                "content": {"parts": [{"functionCall": {"name": "f", "args": {}}}]},
                "finishReason": "STOP",
            }
        ]
    }
    rows = [
        {"response": answer},
        {"response": call, "metadata": {"key": "c", "note": RISKY}},
        {"error": {"code": 8, "message": "quota"}},
    ]
    output = {"inlinedResponses": {"inlinedResponses": rows}}
    service.script(
        "*", {"state": "BATCH_STATE_SUCCEEDED", "output": output, "response": None}
    )
    name = (await cli("submit", input_file, "-m", "gemini-2.5-flash")).out.strip()

    ran = await cli("results", name)

    blocked, called, failed = ran.lines
    assert (blocked["key"], blocked["index"]) == (None, 0)
    assert called["response"]["candidates"][0]["content"]["parts"][0]["functionCall"]
    assert called["key"] == "c"
    assert called["metadata"] == {"note": RISKY}
    assert failed["error"] == {
        "code": 8,
        "reason": "RESOURCE_EXHAUSTED",
        "message": "quota",
    }
    assert "(result 0)" in ran.err
    assert "\x9b" not in ran.out
    assert "\u2028" not in ran.out
