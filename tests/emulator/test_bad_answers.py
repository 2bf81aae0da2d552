"""Answers that come badly, or say what is not so."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from gemini_batch.testing import Emulator, Fault, Limits, ManualClock
from tests.emulator.service import KEY, Service, recorded, shape

FILES = "/v1beta/files"
CREATE = "*:batchGenerateContent"


async def _read_raw(emulator: Emulator, path: str) -> bytes:
    """All bytes of an answer, to the end of its connection."""
    port = int(emulator.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nx-goog-api-key: emulator-key\r\n\r\n"
    writer.write(head.encode())
    try:
        return await reader.read()
    finally:
        writer.close()


# How they come


async def test_a_page_can_stand_in_for_json(service: Service) -> None:
    service.emulator.faults += [Fault.html(), Fault.html(200)]

    first = await service.call("GET", FILES)
    second = await service.call("GET", FILES)

    assert (first.status, second.status) == (502, 200)
    assert first.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert first.body.startswith(b"<!DOCTYPE html>")


async def test_a_redirect_leads_elsewhere(service: Service) -> None:
    service.emulator.faults.append(Fault.redirect("http://elsewhere.example/", 302))

    answer = await service.call("GET", FILES, allow_redirects=False)

    assert answer.status == 302
    assert answer.headers["Location"] == "http://elsewhere.example/"


async def test_a_quota_may_name_a_pause(service: Service) -> None:
    service.emulator.faults += [Fault.quota(7), Fault.quota()]

    first = await service.call("GET", FILES)
    second = await service.call("GET", FILES)

    assert first.headers["Retry-After"] == "7"
    assert "Retry-After" not in second.headers
    assert first.json == second.json == recorded("errors/429-help-only.json")


@pytest.mark.parametrize("status", [None, 503])
async def test_a_short_body_breaks_its_promise(
    service: Service, status: int | None
) -> None:
    service.emulator.faults.append(Fault(truncate_after=3, status=status))

    with pytest.raises(aiohttp.ClientPayloadError):
        await service.call("GET", "/v1beta/batches/x")


async def test_without_a_length_a_short_body_looks_whole(
    service: Service, emulator: Emulator, clock: ManualClock
) -> None:
    name = await service.create_from(["a"])
    clock.advance(60)
    output = (await service.get(name))["response"]["responsesFile"]
    whole = await service.download(output)
    for path, body in (
        (f"/v1beta/{name}", None),
        (f"/download/v1beta/{output}:download?alt=media", whole.body),
    ):
        emulator.faults += [
            Fault(without_length=True),
            Fault(without_length=True, truncate_after=10),
        ]

        complete = await _read_raw(emulator, path)
        cut = await _read_raw(emulator, path)

        head, _, rest = complete.partition(b"\r\n\r\n")
        assert b"content-length" not in head.lower()
        assert b"chunked" not in head.lower()
        assert json.loads(rest)
        assert body is None or rest == body
        assert cut.partition(b"\r\n\r\n")[2] == rest[:10]


async def test_a_body_stalls_in_the_middle(service: Service) -> None:
    service.emulator.faults.append(Fault(stall_after=5, delay=0.05))
    started = time.monotonic()

    url = service.emulator.url + "/v1beta/batches/x"
    async with service.session.get(url, headers=KEY) as response:
        pieces = [piece async for piece in response.content.iter_any()]

    assert len(pieces[0]) == 5
    assert time.monotonic() - started >= 0.05 * 0.9
    assert json.loads(b"".join(pieces))["error"]["code"] == 404


async def test_bytes_can_be_slow(service: Service) -> None:
    service.emulator.faults.append(Fault(bytes_per_second=5000, path="/v1beta/batches/*"))
    started = time.monotonic()

    answer = await service.call("GET", "/v1beta/batches/x")

    assert answer.json["error"]["code"] == 404
    assert time.monotonic() - started >= len(answer.body) / 5000 * 0.9


async def test_nobody_listens_for_a_while(service: Service, emulator: Emulator) -> None:
    emulator.faults.append(Fault(refuse=0.05, path=CREATE))

    with pytest.raises(aiohttp.ClientError):
        await service.create_inline("x")
    with pytest.raises(aiohttp.ClientConnectorError):
        await service.call("GET", FILES)
    await asyncio.sleep(0.07)

    assert (await service.call("GET", FILES)).status == 200
    assert not emulator.jobs


async def test_closed_doors_cut_what_is_open(service: Service, emulator: Emulator) -> None:
    url = emulator.url
    async with emulator.unreachable():
        with pytest.raises(aiohttp.ClientConnectorError):
            await service.call("POST", FILES)
        async with emulator.unreachable():
            pass

    assert emulator.url == url
    assert (await service.call("GET", FILES)).status == 200


async def test_an_emulator_may_close_while_nobody_listens() -> None:
    async with Emulator() as emulator, aiohttp.ClientSession() as session:
        emulator.faults += [Fault(refuse=60)]
        with pytest.raises(aiohttp.ClientError):
            await Service(emulator, session).call("POST", FILES)


# What they say


async def test_chance_is_the_same_every_time(clock: ManualClock) -> None:
    seen = []
    for seed in (1, 1, 2):
        async with Emulator(clock=clock) as emulator, aiohttp.ClientSession() as session:
            fault = Fault(probability=0.4, seed=seed, times=None, status=503)
            emulator.faults.append(fault)
            service = Service(emulator, session)
            seen.append([(await service.call("GET", FILES)).status for _ in range(40)])
            assert emulator.faults == [fault]

    assert seen[0] == seen[1] != seen[2]
    assert 8 < seen[0].count(503) < 24


async def test_a_fault_that_was_removed_counts_no_more(service: Service) -> None:
    fault = Fault(skip=1, status=503)
    service.emulator.faults.append(fault)
    await service.call("GET", FILES)
    service.emulator.faults.clear()
    await service.call("GET", FILES)
    service.emulator.faults.append(fault)

    seen = [(await service.call("GET", FILES)).status for _ in range(2)]

    assert seen == [200, 503]


async def test_output_comes_late(service: Service, clock: ManualClock) -> None:
    name = await service.create_from(["a", "b", "c", "d"], displayName="sample")
    service.emulator.faults.append(Fault.output_late(2))
    running = await service.get(name)
    clock.advance(60)
    seen = [await service.get(name) for _ in range(3)]

    sample = recorded("gemini/get-succeeded-output-not-ready.response.json")
    assert "response" not in running
    assert [shape(job) for job in seen[:2]] == [shape(sample)] * 2
    assert seen[2]["response"]["responsesFile"]


async def test_a_state_nobody_knows_is_no_end(service: Service, clock: ManualClock) -> None:
    name = await service.create_inline("a")
    clock.advance(60)
    frozen = {"state": "BATCH_STATE_FROZEN"}
    service.emulator.faults += [Fault(**frozen), Fault(**frozen)]  # type: ignore[arg-type]

    job = await service.get(name)
    listed = await service.call("GET", "/v1beta/batches?pageSize=5")

    assert job.keys() == {"name", "metadata"}
    assert not {"output", "endTime"} & job["metadata"].keys()
    assert listed.json["operations"][0]["metadata"]["state"] == "BATCH_STATE_FROZEN"


async def test_counts_can_be_old_or_absent(service: Service, clock: ManualClock) -> None:
    name = await service.create_inline("a", "b")
    clock.advance(60)
    service.emulator.faults += [Fault(counts="stale"), Fault(counts="missing")]

    listed = await service.call("GET", "/v1beta/batches?pageSize=5")
    job = await service.get(name)

    metadata = listed.json["operations"][0]["metadata"]
    assert metadata["state"] == "BATCH_STATE_SUCCEEDED"
    assert metadata["batchStats"] == {"requestCount": "2", "pendingRequestCount": "2"}
    assert "batchStats" not in job["metadata"]


@pytest.mark.parametrize("kind", ["batches", "files"])
async def test_empty_pages_lead_on(service: Service, kind: str) -> None:
    for number in range(3):
        if kind == "files":
            await service.upload(b"x", name=f"files/f{number}")
        else:
            await service.create_inline("x")
    service.emulator.faults += [
        Fault.empty_pages(2, path=f"*/{kind}"),
        Fault(path=f"*/{kind}", empty_page=True, skip=1, times=2),
    ]
    names, tokens, token = list[str](), list[str](), ""
    while True:
        page = (
            await service.call(
                "GET", f"/v1beta/{kind}", params={"pageSize": "2", "pageToken": token}
            )
        ).json
        names += [x["name"] for x in page.get("operations", page.get("files", ()))]
        token = page.get("nextPageToken", "")
        if not token:
            break
        tokens.append(token)

    assert len(names) == len(set(names)) == 3
    assert len(tokens) == len(set(tokens)) == 5


async def test_a_session_may_be_wrong_about_what_it_holds(service: Service) -> None:
    url = (await service.start_upload()).headers["X-Goog-Upload-URL"]
    await service.send(url, "upload", 0, b"x" * 262144)
    service.emulator.faults += [Fault.wrong_offset(-1000), Fault.wrong_offset(-(10**9))]
    service.emulator.faults.append(Fault.wrong_offset(5))

    told = [
        (await service.send(url, "query")).headers["X-Goog-Upload-Size-Received"]
        for _ in range(4)
    ]

    assert told == ["261144", "0", "262149", "262144"]


# In the list of faults


@pytest.fixture
async def lingering() -> AsyncIterator[Service]:
    """Jobs that are pending for long."""
    limits = Limits(pending=1000)
    async with (
        Emulator(clock=ManualClock(), limits=limits) as emulator,
        aiohttp.ClientSession() as session,
    ):
        yield Service(emulator, session)


async def test_a_fault_may_wait_for_a_state(lingering: Service) -> None:
    name = await lingering.create_inline("x")
    fault = Fault(when="*_CANCELLED", status=503, times=None)
    lingering.emulator.faults.append(fault)
    clock = lingering.emulator.clock
    assert isinstance(clock, ManualClock)

    before = await lingering.call("GET", f"/v1beta/{name}")
    await lingering.call("POST", f"/v1beta/{name}:cancel")
    clock.advance(60)
    after = await lingering.call("GET", f"/v1beta/{name}")
    other = await lingering.call("GET", FILES)

    assert (before.status, after.status, other.status) == (200, 503, 200)
