"""What outlives the emulator's process."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest

from gemini_batch.testing import Emulator, Fault, Limits, ManualClock, SpeedClock
from gemini_batch.testing.emulator import Clock
from tests.emulator.service import Service, jsonl, request_of

# Runs one by itself; it says where, and stops when it is killed or its input ends.
PROGRAM = """
import sys, anyio
from gemini_batch.testing import Emulator, ManualClock

async def main():
    clock = ManualClock()
    async with Emulator(data=sys.argv[1], clock=clock, control=True) as emulator:
        print(emulator.url, flush=True)
        await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)

anyio.run(main)
"""


class _Elsewhere:
    """An emulator in another process, as `Service` needs it."""

    def __init__(self, url: str, process: "subprocess.Popen[str]") -> None:
        self.url = url
        self.process = process


@contextmanager
def _process(data: Path) -> Iterator[_Elsewhere]:
    command = [sys.executable, "-c", PROGRAM, str(data)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield _Elsewhere(process.stdout.readline().strip(), process)
        finally:
            process.kill()


@asynccontextmanager
async def _service(data: Path, clock: Clock, **options: Any) -> AsyncIterator[Service]:
    async with (
        Emulator(data=data, clock=clock, **options) as emulator,
        aiohttp.ClientSession() as session,
    ):
        yield Service(emulator, session)


async def _everything(service: Service) -> dict[str, Any]:
    """All a client can see."""
    files = await service.call("GET", "/v1beta/files?pageSize=100")
    jobs = [await service.get(name) for name in await _jobs(service)]
    listed = await service.call("GET", "/v1beta/batches?pageSize=100")
    outputs = [job["metadata"].get("output", {}).get("responsesFile") for job in jobs]
    seen = {
        "listed": listed.json,
        "files": files.json,
        "jobs": jobs,
        "results": [(await service.download(name)).body for name in outputs if name],
    }
    # Files carry the address they were asked at.
    text = json.dumps(seen, default=bytes.decode).replace(service.emulator.url, "")
    value = json.loads(text)
    assert isinstance(value, dict)
    return value


async def _fill(service: Service, advance: Any) -> None:
    """Jobs in several states, and files."""
    done = await service.create_from(["a", "[emulator:error:3]", "c"], displayName="done")
    await service.create_inline("x", "y", displayName="inline")
    await advance(60)
    await service.get(done)
    cancelled = await service.create_inline("z", priority="7")
    await service.call("POST", f"/v1beta/{cancelled}:cancel")
    gone = await service.create_inline("gone")
    await service.call("DELETE", f"/v1beta/{gone}")
    removed = await service.upload(b"x")
    await service.call("DELETE", f"/v1beta/{removed['name']}")
    await service.upload(jsonl(["kept"]), displayName="kept.jsonl")
    updated = await service.create_from([f"p{n}" for n in range(400)])
    await service.call(
        "PATCH",
        f"/v1beta/{updated}:updateGenerateContentBatch?updateMask=priority",
        json={"priority": "-2"},
    )
    await advance(7.5)
    await service.get(updated)


async def test_a_later_emulator_goes_on(tmp_path: Path) -> None:
    clock = ManualClock()

    async def advance(seconds: float) -> None:
        clock.advance(seconds)

    async with _service(tmp_path, clock) as service:
        await _fill(service, advance)
        before = await _everything(service)
    later = ManualClock()
    async with _service(tmp_path, later) as service:
        after = await _everything(service)
        assert later.now() == clock.now()
        later.advance(60)
        [updated, *_] = await _jobs(service)
        job = await service.get(updated)
        rows = (await service.download(job["response"]["responsesFile"])).body
        newest = await service.create_inline("newest")
        listed = await _jobs(service)

    assert after == before
    assert len(before["jobs"]) == 4
    assert before["files"]["files"][0]["mimeType"] == "application/jsonl"
    keys = [json.loads(line)["key"] for line in rows.splitlines()]
    assert keys == [f"row-{n}" for n in range(400)]
    assert listed[0] == newest


async def _jobs(service: Service) -> list[str]:
    listed = await service.call("GET", "/v1beta/batches?pageSize=100")
    return [job["name"] for job in listed.json["operations"]]


async def test_what_a_killed_process_answered_is_not_lost(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        with _process(tmp_path) as first:
            service = Service(first, session)  # type: ignore[arg-type]

            async def advance(seconds: float) -> None:
                sent = {"advance": seconds}
                await service.call("POST", "/emulator/clock", headers={}, json=sent)

            await _fill(service, advance)
            before = await _everything(service)
            os.kill(first.process.pid, signal.SIGKILL)
        with _process(tmp_path) as second:
            service = Service(second, session)  # type: ignore[arg-type]
            after = await _everything(service)
            names = await _jobs(service)
            await advance(60)
            ends = [(await service.get(name))["metadata"]["state"] for name in names]

    assert after == before
    assert [end.removeprefix("BATCH_STATE_") for end in ends] == [
        "SUCCEEDED",
        "CANCELLED",
        "SUCCEEDED",
        "SUCCEEDED",
    ]


async def test_a_process_killed_at_work_keeps_what_it_answered(tmp_path: Path) -> None:
    created, uploaded = list[str](), list[str]()
    async with aiohttp.ClientSession() as session:
        with _process(tmp_path) as first:
            service = Service(first, session)  # type: ignore[arg-type]

            async def work() -> None:
                with contextlib.suppress(aiohttp.ClientError):
                    while True:
                        created.append(await service.create_inline("x"))
                        uploaded.append((await service.upload(b"abc"))["name"])

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(work)
                tasks.start_soon(work)
                while len(uploaded) < 20:
                    await anyio.sleep(0.001)
                os.kill(first.process.pid, signal.SIGKILL)
        with _process(tmp_path) as second:
            service = Service(second, session)  # type: ignore[arg-type]
            jobs = await _jobs(service)
            files = await service.call("GET", "/v1beta/files?pageSize=100")

    assert set(created) <= set(jobs)
    assert set(uploaded) <= {file["name"] for file in files.json["files"]}


async def test_rows_that_were_not_answered_for_come_again(tmp_path: Path) -> None:
    clock = ManualClock()
    async with _service(tmp_path, clock) as service:
        name = await service.create_from([f"p{n}" for n in range(400)])
        clock.advance(8)
        await service.get(name)
        job = service.emulator.jobs[name]
        done = job.result_path.stat().st_size
    with job.result_path.open("ab") as file:
        file.write(b'{"key": "row-250", "resp')
    stray = job.result_path.with_name("stray")
    stray.write_bytes(b"half an upload")
    async with _service(tmp_path, clock) as service:
        assert service.emulator.jobs[name].result_path.stat().st_size == done > 0
        clock.advance(60)
        output = (await service.get(name))["response"]["responsesFile"]
        rows = (await service.download(output)).body.splitlines()

    assert [json.loads(row)["key"] for row in rows] == [f"row-{n}" for n in range(400)]
    assert not stray.exists()


async def test_a_script_goes_on_where_it_was(tmp_path: Path, clock: ManualClock) -> None:
    async with _service(tmp_path, clock) as service:
        name = await service.create_inline("x")
        failed = {"state": "BATCH_STATE_FAILED", "error": {"code": 9, "message": "No."}}
        service.emulator.script(name, "BATCH_STATE_RUNNING", failed)
        first = await service.get(name)
    async with _service(tmp_path, clock) as service:
        second = await service.get(name)
    clock.advance(9)
    async with _service(tmp_path, clock) as service:
        third = await service.get(name)

    assert first["metadata"]["state"] == "BATCH_STATE_RUNNING"
    assert second["error"] == {"code": 9, "message": "No."}
    assert third == second


async def test_quotas_are_not_forgotten(tmp_path: Path, clock: ManualClock) -> None:
    limits = Limits(enqueued_tokens=10)
    async with _service(tmp_path, clock, limits=limits) as service:
        await service.create_inline("x" * 40)
    async with _service(tmp_path, clock, limits=limits) as service:
        config = {"requests": {"requests": [{"request": request_of("x")}]}}
        assert (await service.create({"inputConfig": config})).status == 429
        clock.advance(60)
        assert (await service.create({"inputConfig": config})).status == 200


async def test_time_does_not_run_backwards(tmp_path: Path) -> None:
    fast = SpeedClock(3600)
    async with _service(tmp_path, fast) as service:
        fast.advance(1e6)
        last = fast.now()
        await service.call("GET", "/v1beta/files")
    slow = SpeedClock(1)
    async with _service(tmp_path, slow):
        assert slow.now() >= last


async def test_time_that_is_ahead_stays(tmp_path: Path, clock: ManualClock) -> None:
    async with _service(tmp_path, clock) as service:
        await service.call("GET", "/v1beta/files")
    clock.advance(5)
    ahead = clock.now()
    async with _service(tmp_path, clock):
        assert clock.now() == ahead


async def test_faults_are_forgotten(tmp_path: Path, clock: ManualClock) -> None:
    async with _service(tmp_path, clock) as service:
        service.emulator.faults.append(Fault(status=503))
    async with _service(tmp_path, clock) as service:
        assert (await service.call("GET", "/v1beta/files")).status == 200


async def test_one_folder_has_one_emulator(tmp_path: Path, clock: ManualClock) -> None:
    async with _service(tmp_path, clock) as service:
        with pytest.raises(RuntimeError, match="another emulator keeps its data in"):
            async with Emulator(data=tmp_path):
                pass
        with _process(tmp_path) as other:
            assert other.url == ""
        assert (await service.call("GET", "/v1beta/files")).status == 200


async def test_the_data_of_a_newer_emulator_are_left_alone(tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(tmp_path / "emulator.sqlite3")) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(RuntimeError, match="newer"):
        async with Emulator(data=str(tmp_path)):
            pass

    with closing(sqlite3.connect(tmp_path / "emulator.sqlite3")) as database:
        assert list(database.execute("PRAGMA user_version")) == [(99,)]


async def test_broken_data_are_told(tmp_path: Path) -> None:
    (tmp_path / "emulator.sqlite3").write_bytes(b"no database at all" * 100)

    with pytest.raises(RuntimeError, match="cannot be read"):
        async with Emulator(data=tmp_path):
            pass


async def test_a_port_in_use_lets_go_of_the_data(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with _service(tmp_path / "one", clock) as service:
        port = int(service.emulator.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            async with Emulator(data=tmp_path / "two", port=port):
                pass
        async with Emulator(data=tmp_path / "two"):
            pass
