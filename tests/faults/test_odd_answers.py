"""Answers that a service should not give, and what becomes of them."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gemini_batch import (
    APIError,
    Client,
    DeveloperAPI,
    FileFailedError,
    FileState,
    NotFoundError,
    ServerError,
    TransportError,
)
from gemini_batch._transfer.upload import UploadPlan
from gemini_batch.testing import Emulator, Fault
from tests.support.raw_server import http, raw_server
from tests.support.recorded import recorded
from tests.support.settings import QUICK

UPLOADS = "/upload/*"
ACTIVE = {"X-Goog-Upload-Status": "active"}


async def download(api: DeveloperAPI, target: Path) -> bytes:
    async with Client(api, retry=QUICK) as client:
        return (await client.files.download("files/batch-x", target)).read_bytes()


# Downloads


async def test_a_part_without_its_place_is_refused(tmp_path: Path) -> None:
    for headers in [(), ("Content-Range: bytes */10",), ("Content-Range: lines 0-9/10",)]:
        async with raw_server(http("206 Partial Content", *headers, body=b"x")) as api:
            with pytest.raises(TransportError, match="without saying which"):
                await download(api, tmp_path / "out")


async def test_another_part_than_was_asked_for_is_refused(tmp_path: Path) -> None:
    part = http("206 Partial Content", "Content-Range: bytes 5-9/10", body=b"56789")

    async with raw_server(part) as api:
        with pytest.raises(TransportError, match="another part"):
            await download(api, tmp_path / "out")


async def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    first = http("200 OK", body=b"01234", length=10)
    second = http("206 Partial Content", "Content-Range: bytes 5-8/9", body=b"5678")

    async with raw_server(first, second) as api:
        with pytest.raises(TransportError, match="changed while it was read"):
            await download(api, tmp_path / "out")


async def test_a_file_that_got_shorter_is_refused(tmp_path: Path) -> None:
    first = http("200 OK", body=b"01234", length=10)
    second = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n012"

    async with raw_server(first, second) as api:
        with pytest.raises(TransportError, match="shorter than it was"):
            await download(api, tmp_path / "out")


async def test_a_part_of_a_file_of_unknown_size_is_taken(tmp_path: Path) -> None:
    first = http("200 OK", body=b"01234", length=10)
    second = http("206 Partial Content", "Content-Range: bytes 5-9/*", body=b"56789")

    async with raw_server(first, second) as api:
        assert await download(api, tmp_path / "out") == b"0123456789"


async def test_an_end_without_a_length_is_an_end(tmp_path: Path) -> None:
    async with raw_server(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n0123") as api:
        assert await download(api, tmp_path / "out") == b"0123"


async def test_results_of_unknown_size_end_where_nothing_follows() -> None:
    row = b'{"key":"a","error":{"code":4}}\n'
    part = http("206 Partial Content", f"Content-Range: bytes 0-{len(row) - 1}/*", body=row)
    job = recorded("gemini/get-succeeded-file.response.json")

    more = http(
        "206 Partial Content",
        f"Content-Range: bytes {len(row)}-{2 * len(row) - 1}/*",
        body=row,
    )

    async with (
        raw_server(http("200 OK", body=job), part, more, http("416 x")) as api,
        Client(api) as client,
    ):
        keys = [result.key async for result in client.batches.results("batches/x")]

    # Parts may be shorter than was asked for; only what follows tells the end.
    assert keys == ["a", "a"]


async def test_ranges_that_are_honoured_late_lose_nothing() -> None:
    rows = b"".join(b'{"key":"k%d","error":{"code":4}}\n' % n for n in range(100))
    half = len(rows) // 2
    job = http("200 OK", body=recorded("gemini/get-succeeded-file.response.json"))
    whole = http("200 OK", body=rows[:half], length=len(rows))
    place = f"Content-Range: bytes {half}-{len(rows) - 1}/{len(rows)}"
    rest = http("206 Partial Content", place, body=rows[half:])

    async with raw_server(job, whole, rest) as api, Client(api, retry=QUICK) as client:
        keys = [result.key async for result in client.batches.results("batches/x")]

    assert keys == [f"k{n}" for n in range(100)]


async def test_past_the_end_is_not_the_end_where_more_is_known_of(tmp_path: Path) -> None:
    first = http("200 OK", body=b"01234", length=10)

    async with raw_server(first, http("416 Range Not Satisfiable")) as api:
        with pytest.raises(APIError) as caught:
            await download(api, tmp_path / "out")

    assert caught.value.status_code == 416
    assert list(tmp_path.iterdir()) == []


async def test_results_that_change_while_they_are_read_are_an_error() -> None:
    rows = b'{"key":"a","error":{"code":4}}\n' * 2
    half = len(rows) // 2
    end = len(rows) - 1
    job = http("200 OK", body=recorded("gemini/get-succeeded-file.response.json"))
    first = http("200 OK", body=rows[:half], length=len(rows))
    other = http(
        "206 Partial Content",
        f"Content-Range: bytes {half}-{end}/{end + 9}",
        body=rows[half:],
    )

    for second, error in ((other, TransportError), (http("416 x"), APIError)):
        async with (
            raw_server(job, first, second) as api,
            Client(api, retry=QUICK) as client,
        ):
            with pytest.raises(error):
                [result async for result in client.batches.results("batches/x")]


# Error answers


async def test_an_error_whose_body_breaks_off_keeps_its_status() -> None:
    answer = http("503 Service Unavailable", body=b"{", length=1000)

    async with raw_server(answer) as api, Client(api, retry=QUICK) as client:
        with pytest.raises(ServerError) as caught:
            await client.batches.list()

    assert (caught.value.status_code, caught.value.message) == (
        503,
        "the answer has no body",
    )


async def test_what_is_not_http_is_a_transport_error_without_a_cause() -> None:
    """Such an error of aiohttp's holds the request's headers, the key among them."""
    async with (
        raw_server(b"HTTP/9 nonsense\r\n\r\n") as api,
        Client(api, retry=QUICK) as client,
    ):
        with pytest.raises(TransportError) as caught:
            await client.batches.list()

    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


# Uploads


async def test_an_upload_that_will_not_finish_is_asked_and_given_up(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(
        Fault(
            path=UPLOADS, command="upload, finalize", status=200, headers=ACTIVE, times=99
        )
    )

    with pytest.raises(TransportError, match="did not finish"):
        await client.files.upload(b"abc")


async def test_an_end_that_cannot_be_read_is_asked_for(
    emulator: Emulator, client: Client
) -> None:
    final = {"X-Goog-Upload-Status": "final"}
    emulator.faults.append(
        Fault(
            path=UPLOADS,
            command="upload, finalize",
            status=200,
            headers=final,
            body=b"<html>",
        )
    )

    file = await client.files.upload(b"abc")

    assert emulator.files[file.name].read() == b"abc"


async def test_an_upload_that_is_cancelled_is_begun_anew(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(
        Fault(
            path=UPLOADS,
            command="upload, finalize",
            status=200,
            headers={"X-Goog-Upload-Status": "cancelled"},
        )
    )

    file = await client.files.upload(b"abc")

    assert emulator.files[file.name].read() == b"abc"


async def test_an_upload_that_goes_back_again_and_again_ends() -> None:
    """A service that takes the first chunk and then has forgotten it."""
    commands: list[str] = []

    async def serve(request: web.Request) -> web.Response:
        command = request.headers["X-Goog-Upload-Command"]
        commands.append(command)
        await request.read()
        if command == "start":
            url = str(request.url.origin()) + "/upload/x"
            return web.Response(headers={"X-Goog-Upload-URL": url})
        if command == "query":
            return web.Response(headers={**ACTIVE, "X-Goog-Upload-Size-Received": "0"})
        first = request.headers["X-Goog-Upload-Offset"] == "0"
        return web.Response(status=200 if first else 503, headers=ACTIVE)

    app = web.Application(client_max_size=1 << 30)
    app.router.add_post("/{path:.*}", serve)
    async with TestServer(app) as server:
        api = DeveloperAPI(api_key="k", base_url=str(server.make_url("/")))
        async with Client(api, retry=QUICK) as client:
            with pytest.raises(ServerError):
                await client.files.upload(b"x" * ((64 << 20) + 1))

    # One after the whole in one request, then what a service gets that makes no progress.
    assert commands.count("query") == 1 + QUICK.attempts - 1


@pytest.mark.parametrize("drop", [False, True])
async def test_a_broken_upload_is_not_hashed_twice(
    emulator: Emulator, client: Client, drop: bool
) -> None:
    """aiohttp cancels its reader of the body while a block of it is being hashed."""
    data = bytes(6 << 20)
    for _ in range(12):
        emulator.faults.append(
            Fault(path=UPLOADS, command="upload, finalize", drop_body_after=3 << 20)
            if drop
            else Fault(path=UPLOADS, command="upload, finalize", status=503)
        )

        file = await client.files.upload(data)

        assert file.size_bytes == len(data)


async def test_more_bytes_than_there_are_is_an_error(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults += [
        Fault(path=UPLOADS, command="upload, finalize", status=503),
        Fault(
            path=UPLOADS,
            command="query",
            status=200,
            headers={**ACTIVE, "X-Goog-Upload-Size-Received": "4"},
        ),
    ]

    with pytest.raises(TransportError, match="more bytes"):
        await client.files.upload(b"abc")


async def test_a_finished_file_that_is_not_there_is_an_error(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(
        Fault(
            path=UPLOADS,
            command="upload, finalize",
            status=200,
            headers={"X-Goog-Upload-Status": "final"},
        )
    )

    with pytest.raises(TransportError, match="does not have it"):
        await client.files.upload(b"abc")


async def test_a_query_that_is_refused_ends_the_upload(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults += [
        Fault(path=UPLOADS, command="upload, finalize", status=503),
        Fault(path=UPLOADS, command="query", status=400),
    ]

    with pytest.raises(Exception, match="400"):
        await client.files.upload(b"abc")


async def test_a_delay_asked_for_during_an_upload_is_honoured(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(
        Fault(
            path=UPLOADS,
            command="upload, finalize",
            status=429,
            headers={"Retry-After": "1"},
        )
    )
    started = asyncio.get_running_loop().time()

    await client.files.upload(b"abc")

    assert asyncio.get_running_loop().time() - started >= 1.0


async def test_a_file_is_waited_for_while_it_is_processed(
    emulator: Emulator, client: Client
) -> None:
    # A finished upload whose file is worked on, then ready.
    processing = recorded("files/get-processing.response.json")
    emulator.faults += [
        Fault(
            path=UPLOADS,
            command="upload, finalize",
            status=200,
            headers={"X-Goog-Upload-Status": "final"},
            body=b'{"file": ' + processing + b"}",
        ),
        Fault(
            path="*/files/t5snrshrqff1",
            status=200,
            body=recorded("files/get-active.response.json"),
        ),
    ]

    file = await client.files.upload(recorded("jsonl/embed-input.jsonl"))

    assert file.state is FileState.ACTIVE


async def test_a_file_that_cannot_be_processed_is_an_error(
    emulator: Emulator, client: Client
) -> None:
    failed = recorded("files/get-failed.response.json")
    emulator.faults.append(
        Fault(
            path=UPLOADS,
            command="upload, finalize",
            status=200,
            headers={"X-Goog-Upload-Status": "final"},
            body=b'{"file": ' + failed + b"}",
        )
    )

    with pytest.raises(FileFailedError, match="Unsupported file content"):
        await client.files.upload(recorded("jsonl/embed-input.jsonl"))


@pytest.mark.parametrize(
    ("size", "granularity", "chunk", "steps"),
    [
        (0, 4, 8, [(0, True)]),
        (8, 4, 8, [(8, True)]),
        (9, 4, 8, [(8, False), (1, True)]),
        (17, 4, 11, [(8, False), (8, False), (1, True)]),
        (10, 8, 4, [(8, False), (2, True)]),
    ],
)
def test_a_plan_is_made_of_whole_granules_but_for_the_last(
    size: int, granularity: int, chunk: int, steps: list[tuple[int, bool]]
) -> None:
    plan = UploadPlan(size=size, granularity=granularity, chunk_size=chunk)
    offset = 0
    made: list[tuple[int, bool]] = []
    while not made or not made[-1][1]:
        made.append(plan.step(offset))
        offset += made[-1][0]

    assert made == steps
    assert offset == size


async def test_an_error_may_have_no_end() -> None:
    """Of an error's body only so much is read."""
    body = b"x" * 100_000

    async with (
        raw_server(http("503 x", body=body)) as api,
        Client(api, retry=QUICK) as client,
    ):
        with pytest.raises(ServerError) as caught:
            await client.batches.list()

    assert len(caught.value.message) == 500


async def test_a_file_that_is_on_neither_path_is_not_found(tmp_path: Path) -> None:
    async with raw_server(http("404 Not Found")) as api:
        with pytest.raises(NotFoundError):
            await download(api, tmp_path / "out")
