"""What outlives the emulator's process of its Google Cloud, and who may steer it."""

import datetime as dt
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import anyio.to_thread
import pytest

from gemini_batch.testing import Emulator, Fault, Limits, ManualClock
from gemini_batch.testing.emulator import Clock
from tests.emulator.cloud import BUCKET, DATA, IN, JOBS, Cloud, keyed, object_path
from tests.emulator.service import request_of


@asynccontextmanager
async def _cloud(clock: Clock, **options: Any) -> AsyncIterator[Cloud]:
    async with (
        Emulator(clock=clock, **options) as emulator,
        aiohttp.ClientSession() as session,
    ):
        yield Cloud(emulator, session)


async def _everything(cloud: Cloud) -> dict[str, Any]:
    """All a client can see."""
    jobs = (await cloud.call("GET", JOBS)).json
    objects = (await cloud.call("GET", f"/storage/v1/b/{BUCKET}/o")).json
    names = [item["name"] for item in objects.get("items", ())]
    rows = (await cloud.call("GET", f"{DATA}/tables/asked/data")).json
    seen = {
        "jobs": jobs,
        "objects": objects,
        "bytes": [(await cloud.read(name)).body for name in names],
        "table": (await cloud.call("GET", f"{DATA}/tables/asked")).json,
        "rows": {**rows, "etag": ""},
        "bucket": (await cloud.call("GET", "/storage/v1/b/made")).status,
    }
    text = json.dumps(seen, default=bytes.decode).replace(cloud.emulator.url, "")
    value = json.loads(text)
    assert isinstance(value, dict)
    return value


async def test_a_later_emulator_goes_on(tmp_path: Path) -> None:
    clock = ManualClock()
    moment = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
    async with _cloud(clock, data=tmp_path) as cloud:
        emulator = cloud.emulator
        await cloud.call("POST", "/storage/v1/b", json={"name": "made"})
        emulator.tables["emulator-project.data.asked"] = [
            {"key": "a", "when": moment, "request": request_of("x")}
        ]
        emulator.tables["emulator-project.data.gone"] = []
        del emulator.tables["emulator-project.data.gone"]
        done = await cloud.create_from(keyed(["a", "[emulator:error:3]"]))
        clock.advance(60)
        await cloud.get(done)
        gone = (await cloud.create(displayName="gone")).json["name"]
        clock.advance(60)
        await cloud.call("DELETE", f"/v1/{gone}")
        emulator.objects.put(f"gs://{BUCKET}/gone", b"x")
        await cloud.call("DELETE", object_path("gone"))
        emulator.script("scripted", "JOB_STATE_RUNNING", "JOB_STATE_EXPIRED")
        scripted = (await cloud.create(displayName="scripted")).json["name"]
        await cloud.get(scripted)
        emulator.faults.append(
            Fault(method="POST", path="*/batchPredictionJobs", rows=("foreign",))
        )
        half = await cloud.create_from(keyed(map(str, range(400))))
        clock.advance(6)
        await cloud.get(half)
        before = await _everything(cloud)
        path = emulator.vertex_jobs[half].result_path
    with path.open("ab") as file:
        file.write(b'{"key": "row-250", "resp')
    later = ManualClock()
    async with _cloud(later, data=tmp_path) as cloud:
        after = await _everything(cloud)
        emulator = cloud.emulator
        later.advance(60)
        expired = await cloud.get(scripted)
        rows = cloud.rows(await cloud.get(half))
        gone_table = await cloud.call("GET", f"{DATA}/tables/gone")

    assert after == before
    assert before["bucket"] == 200
    assert len(before["jobs"]["batchPredictionJobs"]) == 3
    assert expired["state"] == "JOB_STATE_EXPIRED"
    assert gone_table.status == 404
    keys = [row["key"] for row in rows]
    assert sorted(keys) == sorted([f"row-{n}" for n in range(400)] + ["foreign-1"])


async def test_files_of_jobs_and_objects_that_are_gone_leave_the_disk(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    async with _cloud(clock, data=tmp_path) as cloud:
        name = await cloud.create_from(keyed(["a"]))
        cloud.emulator.objects.put(IN, keyed(["b"]))
        clock.advance(60)
        await cloud.get(name)
        await cloud.call("DELETE", f"/v1/{name}")
        for stored in list(cloud.emulator.objects.values()):
            await cloud.call("DELETE", object_path(stored.name))

    assert list((tmp_path / "files").iterdir()) == []


async def test_both_apis_at_one_address(tmp_path: Path) -> None:
    async with _cloud(ManualClock()) as cloud:
        key = {"x-goog-api-key": "emulator-key"}
        developer = await cloud.call("GET", "/v1beta/batches?pageSize=5", token=key)
        crossed = await cloud.call("GET", "/v1beta/batches?pageSize=5")
        vertex = await cloud.call("GET", JOBS)
        nowhere = await cloud.call("PATCH", f"{JOBS}/1")

    assert developer.status == vertex.status == 200
    assert crossed.status == 403
    assert nowhere.status == 404
    assert nowhere.headers["Content-Type"].startswith("text/html")


async def test_it_is_steered_over_http() -> None:
    async with _cloud(ManualClock(), control=True) as cloud:
        name = await cloud.create_from(keyed(["a"]))
        sent = {"job": name, "looks": ["JOB_STATE_PAUSED"]}
        await cloud.call("POST", "/emulator/script", json=sent)
        job = await cloud.get(name)
        status = (await cloud.call("GET", "/emulator/status")).json
        missing = {"job": name[:-1], "looks": ["JOB_STATE_PAUSED"]}
        answer = await cloud.call("POST", "/emulator/script", json=missing)

    assert job["state"] == "JOB_STATE_PAUSED"
    assert status["jobs"][name] == {
        "state": "JOB_STATE_PAUSED",
        "display_name": "test",
        "row_count": 1,
        "looks": 1,
    }
    assert answer.status == 404


async def test_it_may_be_filled_from_another_thread(tmp_path: Path) -> None:
    clock = ManualClock()
    async with _cloud(clock, data=tmp_path) as cloud:
        emulator = cloud.emulator

        def fill() -> None:
            emulator.objects.put(IN, keyed(["a"]))
            emulator.tables["emulator-project.data.asked"] = [{"key": "a"}]
            emulator.tables["emulator-project.data.other"] = []
            del emulator.tables["emulator-project.data.other"]
            emulator.expire_token()

        await anyio.to_thread.run_sync(fill)
        token = {"Authorization": "Bearer emulator-token-2"}
        answer = await cloud.call("GET", object_path("in/rows.jsonl"), token=token)

    assert answer.status == 200


@pytest.mark.parametrize("path", [JOBS, f"/storage/v1/b/{BUCKET}/o", f"{DATA}/tables/t"])
async def test_an_odd_status_comes_in_the_form_of_its_api(path: str) -> None:
    async with _cloud(ManualClock()) as cloud:
        cloud.emulator.faults.append(Fault(status=503))
        error = (await cloud.call("GET", path)).json["error"]
        cloud.emulator.faults.append(Fault(status=503, body=b"odd"))
        odd = await cloud.call("GET", path)

    assert error["code"] == 503
    assert ("errors" in error) == (path != JOBS)
    assert ("status" in error) == ("/storage/" not in path)
    assert odd.body == b"odd"


async def test_a_job_deleted_while_it_is_worked_on() -> None:
    started = anyio.Event()
    go_on = anyio.Event()

    def slow(request: dict[str, Any], model: str) -> str:
        anyio.from_thread.run_sync(started.set)
        anyio.from_thread.run(go_on.wait)
        return "x"

    clock = ManualClock()
    async with _cloud(clock, model=slow, limits=Limits(lag=0.0)) as cloud:
        name = await cloud.create_from(keyed(["a", "b"]))
        clock.advance(60)
        job = cloud.emulator.vertex_jobs[name]

        async def look() -> None:
            answers.append(await cloud.call("GET", f"/v1/{name}"))

        answers: list[Any] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look)
            await started.wait()
            job.abandoned = True
            go_on.set()

    assert answers[0].status == 404
    assert len(cloud.emulator.objects) == 1
