"""The README's Python runs as it stands, against the emulator."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gemini_batch import Client
from gemini_batch.testing import Emulator, Fault
from tests.support.rows import many
from tests.support.token_server import service_account_file
from tests.support.web import everything, serving

pytestmark = pytest.mark.slow

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
LINES = re.findall(r"```json\n(.*?)```", README.read_text(), re.DOTALL)


async def run(code: str, folder: Path, emulator: Emulator, **more: str) -> str:
    """Run code as a user would: in a process of its own, with the environment set."""
    environment = {
        **os.environ,
        **more,
        "GEMINI_API_KEY": emulator.api.api_key,
        "GOOGLE_GEMINI_BASE_URL": emulator.url,
        "PYTHONWARNINGS": "error",
    }
    environment.pop("GOOGLE_API_KEY", None)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


def test_there_are_blocks_to_run() -> None:
    assert len(BLOCKS) == 7
    assert len(LINES) == 1


async def test_the_first_example(tmp_path: Path) -> None:
    (tmp_path / "input.jsonl").write_bytes(LINES[0].encode() + many(2))

    async with Emulator(speed=600) as emulator:
        output = await run(BLOCKS[0], tmp_path, emulator)

    assert "succeeded 100.0 %" in output
    assert [line.split()[0] for line in output.splitlines()[-3:]] == ["row-1", "k0", "k1"]


async def test_the_typed_example() -> None:
    scope: dict[str, Any] = {}
    exec(compile(BLOCKS[1], "README", "exec"), scope)

    async with Emulator(speed=600) as emulator:
        found = await scope["recipes"](emulator.api, ["soup", "bread"])

    assert set(found) == {"soup", "bread"}
    assert all(isinstance(recipe, scope["Recipe"]) for recipe in found.values())


async def test_the_example_that_keeps_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "input.jsonl").write_bytes(many(3))
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}
    exec(compile(BLOCKS[2], "README", "exec"), scope)

    async with Emulator(speed=600) as emulator, Client(emulator.api) as client:
        file = await client.files.upload("input.jsonl")
        job = await client.batches.create("gemini-2.5-flash", file_name=file)
        emulator.faults.append(Fault.odd_rows("missing"))
        job = await client.batches.poll(job, poll_interval=0.05)
        await scope["keep"](client, job.name)

    assert len(Path("answers.jsonl").read_bytes().splitlines()) == 3
    (again,) = Path("failed.jsonl").read_bytes().splitlines(keepends=True)
    assert again in many(3)
    assert "missing" in capsys.readouterr().out


async def test_the_example_on_vertex_ai(tmp_path: Path) -> None:
    (tmp_path / "input.jsonl").write_bytes(many(2))
    code = BLOCKS[3].replace("my-", "emulator-")

    async def give(_: web.Request) -> web.StreamResponse:
        return web.json_response({"access_token": "emulator-token", "expires_in": 3600})

    async with Emulator(speed=600) as emulator, serving(everything(give)) as tokens:
        output = await run(
            code,
            tmp_path,
            emulator,
            GOOGLE_APPLICATION_CREDENTIALS=str(service_account_file(tmp_path, tokens)),
            GOOGLE_VERTEX_BASE_URL=emulator.url,
            STORAGE_EMULATOR_HOST=emulator.url,
        )
        (job,) = emulator.vertex_jobs.values()

    assert job.location == "us-central1"
    assert {line.split()[0] for line in output.splitlines()} == {"k0", "k1"}


@pytest.mark.timeout(30)
async def test_the_offline_example(tmp_path: Path) -> None:
    async with Emulator() as emulator:
        await run(BLOCKS[4], tmp_path, emulator)


def test_the_example_without_a_job() -> None:
    scope: dict[str, Any] = {}
    exec(compile(BLOCKS[6], "README", "exec"), scope)

    scope["test_title_of"]()
