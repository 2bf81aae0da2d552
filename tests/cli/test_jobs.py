"""Jobs there are: wait, get, list, cancel, delete; what is said, and exit codes."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from gemini_batch import Client
from gemini_batch.testing import Emulator
from tests.cli.program import KEY, Program, create
from tests.support.settings import QUICK


async def test_lines_are_written_for_changes_not_for_looks(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    service.script("*", *["BATCH_STATE_PENDING"] * 20, "BATCH_STATE_SUCCEEDED")
    name = await create(cli, input_file)

    ran = await cli("wait", name, "--poll-interval", "0.001")

    assert len([row for row in ran.err.splitlines() if row.startswith("pending")]) == 1


@pytest.mark.parametrize(
    ("state", "code"),
    [("SUCCEEDED", 0), ("FAILED", 1), ("CANCELLED", 1), ("EXPIRED", 1)],
)
async def test_wait_tells_how_a_job_ended(
    cli: Program, service: Emulator, input_file: Path, state: str, code: int
) -> None:
    service.script("*", f"BATCH_STATE_{state}")
    name = await create(cli, input_file)

    ran = await cli("wait", name)

    assert ran.code == code
    assert ran.out.startswith(f"{name} {state.lower()}")


async def test_wait_tells_rows_that_failed(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    stats = {"requestCount": "3", "successfulRequestCount": "1", "failedRequestCount": "2"}
    service.script("*", {"state": "BATCH_STATE_SUCCEEDED", "batchStats": stats})
    name = await create(cli, input_file)

    ran = await cli("wait", name)

    assert ran.code == 0
    assert ran.out == f"{name} succeeded, but 2 of 3 requests failed\n"


async def test_wait_tells_when_all_rows_failed(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    stats = {"requestCount": "3", "failedRequestCount": "3"}
    service.script("*", {"state": "BATCH_STATE_SUCCEEDED", "batchStats": stats})
    name = await create(cli, input_file)

    ran = await cli("wait", name)

    assert ran.out == f"{name} succeeded, but all requests failed\n"


async def test_wait_ends_at_its_deadline(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    service.script("*", "BATCH_STATE_RUNNING")
    name = await create(cli, input_file)

    told = await cli("wait", name, "--timeout=0.1", "--poll-interval=0.02")
    data = await cli("wait", name, "--timeout=0.1", "--poll-interval=0.02", "--json")

    assert (told.code, data.code) == (4, 4)
    assert "keeps running" in told.err
    assert data.lines[-1]["error"]["type"] == "WaitTimeoutError"
    assert data.lines[-1]["error"]["job"] == name


async def test_wait_for_a_job_that_is_not_there(cli: Program, service: Emulator) -> None:
    ran = await cli("wait", "batches/nope")

    assert ran.code == 1
    assert ran.err.startswith("error: 404 NOT_FOUND")


async def test_wait_without_counts(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    service.script(
        "*",
        {"state": "BATCH_STATE_PENDING", "batchStats": None},
        {"state": "BATCH_STATE_FAILED", "batchStats": None},
    )
    name = await create(cli, input_file)

    ran = await cli("wait", name, "--poll-interval=0.01")

    assert ran.err.startswith("pending: no counts from the service yet, waited 0 s\n")
    assert "INTERNAL" in ran.out


async def test_get_shows_what_is_known(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    name = await create(cli, input_file, "--display-name=Nightly", "--priority=5")
    await cli("wait", name, "--poll-interval=0.02")

    ran = await cli("get", name.removeprefix("batches/"))

    facts = dict(row.split("  ", 1) for row in ran.out.splitlines())
    shown = {fact.strip(): text.strip() for fact, text in facts.items()}
    assert ran.code == 0
    assert shown["name"] == name
    assert shown["display name"] == "Nightly"
    assert shown["state"] == "succeeded"
    assert shown["requests"] == "3: 3 answered, 0 failed, 0 pending"
    assert shown["results"] == "3 inline"
    assert shown["priority"] == "5"
    assert "error" not in shown


async def test_get_as_json(cli: Program, service: Emulator, input_file: Path) -> None:
    name = await create(cli, input_file)

    job = (await cli("get", name, "--json")).document

    assert job["name"] == name
    assert job["completion_stats"]["total_count"] == 3
    assert job["create_time"].endswith("Z")
    assert job["expected_by"] > job["create_time"]


async def test_list_is_aligned_and_whole(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    names = [await create(cli, input_file, f"--display-name=job {i}") for i in range(3)]

    ran = await cli("list")

    head, *rows = ran.out.splitlines()
    assert head.split() == ["Job", "State", "Requests", "Created", "Model", "Name"]
    assert sorted(row.split()[0] for row in rows) == sorted(names)
    assert all(row.endswith(f"job {2 - i}") for i, row in enumerate(rows))
    assert ran.err == ""


async def test_list_stops_at_its_limit(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    for _ in range(3):
        await create(cli, input_file)

    told = await cli("list", "--limit=2")
    data = await cli("list", "--limit=2", "--json")
    every = await cli("list", "--limit=0", "--json")
    exact = await cli("list", "--limit=3", "--json")

    assert len(told.out.splitlines()) == 3
    assert "--limit 0 shows all" in told.err
    assert len(data.document["jobs"]) == 2
    assert data.document["more"] is True
    assert len(every.document["jobs"]) == len(exact.document["jobs"]) == 3
    assert exact.document["more"] is False


async def test_list_filters(cli: Program, service: Emulator, input_file: Path) -> None:
    await create(cli, input_file, "--display-name=alpha")
    await create(cli, input_file, "--display-name=beta")

    found = await cli("list", "--filter", 'display_name:"alpha"', "--json")
    none = await cli("list", "--filter", 'display_name:"gamma"')
    wrong = await cli("list", "--filter", "what is this")

    assert [job["display_name"] for job in found.document["jobs"]] == ["alpha"]
    assert (none.out, none.err) == ("", "No job matches.\n")
    assert wrong.code == 2


async def test_list_of_nothing(cli: Program, service: Emulator) -> None:
    told = await cli("list")
    data = await cli("list", "--json")

    assert (told.code, told.out, told.err) == (0, "", "There are no jobs.\n")
    assert data.document == {"jobs": [], "more": False}


async def test_cancel_then_delete(
    cli: Program, service: Emulator, many_rows: Callable[[int], Path]
) -> None:
    name = await create(cli, many_rows(4000))

    asked = await cli("cancel", name)
    await cli("wait", name, "--poll-interval=0.02")
    again = await cli("cancel", name, "--json")
    gone = await cli("delete", name)
    get = await cli("get", name)

    assert asked.out == f"requested to cancel {name}\n"
    assert again.code == 1
    assert again.document["error"]["type"] == "BadRequestError"
    assert gone.out == f"deleted {name}\n"
    assert get.code == 1


async def test_cancel_and_delete_as_json(
    cli: Program, service: Emulator, many_rows: Callable[[int], Path]
) -> None:
    name = await create(cli, many_rows(4000))

    asked = await cli("cancel", name, "--json")
    gone = await cli("delete", name, "--json")

    assert asked.document == {"job": name, "cancel_requested": True}
    assert gone.document == {"job": name, "deleted": True}


async def test_a_service_that_is_not_there(
    cli: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gemini_batch.cli.connect.Client", partial(Client, retry=QUICK))
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:9")

    ran = await cli("list")

    assert ran.code == 1
    assert ran.err.startswith("error: ")
    assert "Traceback" not in ran.err
