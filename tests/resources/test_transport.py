"""Sending: what is repeated and what is not, limits on time, and where the key goes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import anyio
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from attrs import evolve

from gemini_batch import (
    APIError,
    Client,
    DeveloperAPI,
    NotFoundError,
    RateLimitError,
    Retry,
    SecurityError,
    ServerError,
    Timeouts,
    TransportError,
)
from gemini_batch._transport.retry import backoff, may_repeat
from gemini_batch._wire.http import Pace, Request, StreamedBody
from gemini_batch._wire.trusted_url import check_own_url
from gemini_batch.testing import Emulator, Fault
from tests.support.rows import MODEL, row
from tests.support.settings import QUICK

GET = Request(method="GET", path="/x", idempotent=True)
POST = Request(method="POST", path="/x", idempotent=False)


def acquired(client: Client) -> int:
    """Connections that are neither free nor closed."""
    assert client._owned is not None
    assert client._owned.connector is not None
    return len(client._owned.connector._acquired)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_passing_failure_is_tried_again(
    emulator: Emulator, client: Client, status: int
) -> None:
    emulator.faults.append(Fault(status=status, times=3))

    await client.batches.list()

    assert len(emulator.log) == 4
    assert acquired(client) == 0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 499, 501])
async def test_a_lasting_failure_is_not(
    emulator: Emulator, client: Client, status: int
) -> None:
    emulator.faults.append(Fault(status=status, times=9))

    with pytest.raises(APIError) as caught:
        await client.batches.list()

    assert (caught.value.status_code, len(emulator.log)) == (status, 1)
    assert caught.value.tries == 1


async def test_tries_are_bounded_and_told(emulator: Emulator, client: Client) -> None:
    emulator.faults.append(Fault(status=503, times=99))

    with pytest.raises(ServerError) as caught:
        await client.batches.list()

    assert caught.value.tries == len(emulator.log) == QUICK.attempts


async def test_a_delay_the_service_asks_for_is_honoured(emulator: Emulator) -> None:
    slow = Retry(attempts=3, wait_initial=30, wait_max=60, timeout=60)
    emulator.faults.append(Fault(status=503, times=2, headers={"Retry-After": "0"}))

    # Its own pause of thirty seconds would outlast the test's limit.
    async with Client(emulator.api, retry=slow) as client:
        await client.batches.list()

    assert len(emulator.log) == 3


async def test_a_delay_beyond_the_time_for_retries_is_not_begun(emulator: Emulator) -> None:
    emulator.faults.append(Fault(status=429, headers={"Retry-After": "3600"}))

    async with Client(emulator.api, retry=QUICK) as client:
        with pytest.raises(RateLimitError) as caught:
            await client.batches.list()

    assert caught.value.retry_after == 3600
    assert len(emulator.log) == 1


@pytest.mark.parametrize("body", [b"", b"<html>" + b"x" * 1_000_000, b"[]"])
async def test_an_answer_is_always_released(
    emulator: Emulator, client: Client, body: bytes
) -> None:
    emulator.faults.append(Fault(status=404, body=body, times=99))

    for _ in range(40):  # more than there are connections
        with pytest.raises(NotFoundError):
            await client.batches.list()

    assert acquired(client) == 0


async def test_an_answer_that_takes_too_long_is_a_transport_error(
    emulator: Emulator,
) -> None:
    emulator.faults.append(Fault(delay=5, times=9))
    limits = Timeouts(short=0.05)

    async with Client(emulator.api, retry=QUICK, timeouts=limits) as client:
        with pytest.raises(TransportError, match="Timeout") as caught:
            await client.batches.list()
        assert acquired(client) == 0

    assert caught.value.maybe_received


async def test_redirects_are_not_followed(emulator: Emulator, client: Client) -> None:
    async with Emulator(api_key="emulator-key") as elsewhere:
        emulator.faults.append(
            Fault(status=307, headers={"Location": elsewhere.url + "/v1beta/batches"})
        )

        with pytest.raises(APIError) as caught:
            await client.batches.list()

        assert caught.value.status_code == 307
        assert elsewhere.log == []


async def test_an_upload_url_elsewhere_is_refused(
    emulator: Emulator, client: Client
) -> None:
    async with Emulator(api_key="emulator-key") as elsewhere:
        url = elsewhere.url + "/upload/v1beta/files?upload_id=SECRET"
        emulator.faults.append(Fault(status=200, headers={"X-Goog-Upload-URL": url}))

        with pytest.raises(SecurityError) as caught:
            await client.files.upload(b"x")

        assert elsewhere.log == []
    assert "SECRET" not in str(caught.value)


async def test_an_upload_without_a_url_is_an_error(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(Fault(status=200))

    with pytest.raises(TransportError, match="without giving its URL"):
        await client.files.upload(b"x")


async def test_the_key_is_not_sent_with_an_upload_url(
    emulator: Emulator, client: Client
) -> None:
    seen: list[str] = []
    session = client._owned
    assert session is not None
    original = session.request

    async def record(method: str, url: str, **options: Any) -> aiohttp.ClientResponse:
        has_key = "x-goog-api-key" in options["headers"]
        seen.append(
            f"{'key' if has_key else 'no key'} {options['headers'].get('X-Goog-Upload-Command')}"
        )
        return await original(method, url, **options)

    session.request = record  # type: ignore[method-assign,assignment]
    await client.files.upload(b"x")

    assert seen == ["key start", "no key upload, finalize"]


GOOGLE = "https://generativelanguage.googleapis.com"


@pytest.mark.parametrize(
    "url",
    [
        GOOGLE + "/upload?x",
        "https://upload.googleapis.com/x",
        "https://a.b.googleapis.com/",
    ],
)
def test_urls_of_the_apis_own_domain_are_taken(url: str) -> None:
    check_own_url(url, GOOGLE)


@pytest.mark.parametrize(
    "url",
    [
        "http://generativelanguage.googleapis.com/x",
        "https://generativelanguage.googleapis.com.evil.example/x",
        "https://evilgoogleapis.com/x",
        "https://googleapis.com@evil.example/x",
        "https://user@upload.googleapis.com/x",
        "//upload.googleapis.com/x",
        "nonsense",
        "",
    ],
)
def test_urls_that_lead_away_are_refused(url: str) -> None:
    with pytest.raises(SecurityError):
        check_own_url(url, GOOGLE)


def test_a_base_url_of_ones_own_has_its_own_origin_only() -> None:
    check_own_url("https://proxy.example/u", "https://proxy.example/base")
    with pytest.raises(SecurityError):
        check_own_url("https://upload.googleapis.com/u", "https://proxy.example")
    with pytest.raises(SecurityError):
        check_own_url("https://other.example/u", "https://proxy.example")


def test_what_may_be_repeated() -> None:
    busy = RateLimitError(status_code=429)
    down = ServerError(status_code=503)
    lost = TransportError(message="x")
    unsent = TransportError(message="x", maybe_received=False)

    assert [may_repeat(GET, e) for e in (busy, down, lost, unsent)] == [True] * 4
    assert [may_repeat(POST, e) for e in (busy, down, lost, unsent)] == [
        True,
        False,
        False,
        True,
    ]
    assert not may_repeat(GET, KeyError())
    assert not may_repeat(GET, SecurityError(message="x"))
    assert not may_repeat(GET, KeyboardInterrupt())


def test_the_time_already_spent_counts() -> None:
    now = [0.0]
    decide = backoff(GET, Retry(timeout=10), clock=lambda: now[0])

    assert decide(ServerError(status_code=503)) is True
    assert decide(ServerError(status_code=503, retry_after=10.0)) == 10.0
    now[0] = 0.5
    assert decide(ServerError(status_code=503, retry_after=10.0)) is False


async def test_a_create_is_not_repeated_by_the_transport(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(Fault(path="*:batchGenerateContent", status=500, times=9))

    with pytest.raises(Exception, match="unknown"):
        await client.batches.create(MODEL, inlined_requests=[row("a")])

    assert sum("batchGenerate" in entry.path for entry in emulator.log) == 1


async def test_an_upload_that_stands_still_is_given_up() -> None:
    """aiohttp has no limit on writing; a peer that reads nothing must not hold us for ever."""
    silent = asyncio.Event()

    async def never_read(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent.wait()
        writer.close()

    server = await asyncio.start_server(never_read, "127.0.0.1", 0, limit=1024)
    async with server:
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        taken: list[int] = []

        async def endless() -> AsyncGenerator[bytes, None]:
            while True:
                taken.append(1)
                yield b"x" * (1 << 20)

        request = Request(
            method="POST",
            path="/upload",
            url=base + "/u",
            pace=Pace.STREAM,
            idempotent=False,
            body=StreamedBody(length=1 << 40, open=endless),
        )
        limits = Timeouts(connect=0.1, read=0.1)
        api = DeveloperAPI(api_key="k", base_url=base)
        async with Client(api, retry=QUICK, timeouts=limits) as client:
            with anyio.fail_after(5), pytest.raises(TransportError, match="Timeout"):
                await client.files._transport.send_once(request)
            assert acquired(client) == 0
        silent.set()

    assert len(taken) < 100


# Turns


@asynccontextmanager
async def counting(pause: float) -> AsyncIterator[tuple[DeveloperAPI, list[int]]]:
    """A service that takes `pause` seconds to answer, and notes how many it answers at once."""
    inside = 0
    seen: list[int] = []

    async def serve(_: web.Request) -> web.Response:
        nonlocal inside
        inside += 1
        seen.append(inside)
        try:
            await anyio.sleep(pause)
        finally:
            inside -= 1
        return web.json_response({"name": "batches/a"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", serve)
    async with TestServer(app) as server:
        yield DeveloperAPI(api_key="k", base_url=str(server.make_url("/"))), seen


async def test_calls_side_by_side_share_sixteen_connections() -> None:
    async with counting(0.002) as (api, seen), Client(api) as client:
        await asyncio.gather(*(client.batches.get("a") for _ in range(200)))

        assert client._owned is not None
        assert client._owned.connector is not None
        pooled = sum(map(len, client._owned.connector._conns.values()))

    assert len(seen) == 200
    assert max(seen) == pooled == 16


async def test_the_time_a_call_may_take_begins_with_its_turn() -> None:
    limits = Timeouts(short=0.5)

    async with (
        counting(0.1) as (api, seen),
        Client(api, timeouts=limits, retry=Retry(attempts=1)) as client,
    ):
        # The last of them wait for six others: longer than a call may take.
        await asyncio.gather(*(client.batches.list() for _ in range(100)))

    assert len(seen) == 100


async def test_transfers_take_no_turns(emulator: Emulator, client: Client) -> None:
    file = await client.files.upload(b"x")
    output = emulator.files[file.name]
    assert output.size == 1
    request = client.files._wire.get(file.name)

    async with AsyncExitStack() as stack:
        for _ in range(16):
            await stack.enter_async_context(client.files._transport.stream(request))
        with anyio.fail_after(5):
            assert (await client.files.get(file.name)).name == file.name


async def test_calls_that_are_cancelled_in_line_give_up_their_place() -> None:
    async with counting(0.005) as (api, seen), Client(api) as client:
        with anyio.move_on_after(0.01):
            await asyncio.gather(*(client.batches.get("a") for _ in range(200)))
        assert acquired(client) == 0
        await anyio.sleep(0.05)  # the service is still busy with those it had begun

        await asyncio.gather(*(client.batches.get("a") for _ in range(40)))

    assert max(seen[-16:]) <= 16


# Large answers


async def test_a_large_answer_is_read_whole(emulator: Emulator, client: Client) -> None:
    name = "batches/" + "x" * 3_000_000
    body = f'{{"name": "{name}"}}'.encode()
    emulator.faults += [
        Fault(path="*/batches/*", status=200, body=body),
        Fault(path="*/batches/*", status=200, body=body, bytes_per_second=3e7),
        Fault(path="*/batches/*", status=200, body=body, without_length=True),
    ]

    for _ in range(3):
        assert (await client.batches.get("a")).name == name
        assert acquired(client) == 0


async def test_a_small_answer_may_come_in_pieces(
    emulator: Emulator, client: Client
) -> None:
    body = b'{"name": "batches/a"}'
    emulator.faults.append(
        Fault(path="*/batches/*", status=200, body=body, stall_after=9, delay=0.01)
    )

    assert (await client.batches.get("a")).name == "batches/a"


async def test_a_large_answer_that_breaks_off_is_read_again(
    emulator: Emulator, client: Client
) -> None:
    body = b'{"name": "batches/' + b"x" * 3_000_000 + b'"}'
    emulator.faults += [
        Fault(path="*/batches/*", status=200, body=body, truncate_after=2_000_000),
        Fault(path="*/batches/*", status=200, body=body),
    ]

    assert len((await client.batches.get("a")).name) == 3_000_008
    assert acquired(client) == 0
    assert len(emulator.log) == 2


@pytest.mark.parametrize("after", [0.0, 0.005, 0.02, 0.05])
async def test_cancelling_a_large_answer_leaves_no_connection(
    emulator: Emulator, client: Client, after: float
) -> None:
    body = b"x" * 3_000_000
    emulator.faults.append(
        Fault(path="*/batches/*", status=200, body=body, bytes_per_second=2e7)
    )

    with anyio.move_on_after(after):
        await client.batches.get("a")

    assert acquired(client) == 0


# The first try, and those that follow


async def test_the_time_of_the_first_try_counts(emulator: Emulator) -> None:
    emulator.faults.append(Fault(status=503, delay=0.05, times=9))
    brief = Retry(attempts=9, timeout=0.04, wait_initial=0.001, wait_max=0.002)

    async with Client(emulator.api, retry=brief) as client:
        with pytest.raises(ServerError) as caught:
            await client.batches.list()

    assert caught.value.tries == len(emulator.log) == 1


async def test_one_attempt_is_one_try(emulator: Emulator) -> None:
    emulator.faults.append(Fault(status=503, times=9))

    async with Client(emulator.api, retry=Retry(attempts=1)) as client:
        with pytest.raises(ServerError) as caught:
            await client.batches.list()

    assert caught.value.tries == len(emulator.log) == 1


async def test_what_a_later_try_raises_is_told_instead(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults += [Fault(status=503), Fault(status=404)]

    with pytest.raises(NotFoundError) as caught:
        await client.batches.list()

    assert caught.value.tries == 2
    assert caught.value.__context__ is None


async def test_opening_a_stream_is_tried_again(emulator: Emulator, client: Client) -> None:
    file = await client.files.upload(b"x")
    emulator.faults.append(Fault(method="GET", status=503, times=2))

    async with client.files._transport.stream(client.files._wire.get(file.name)) as stream:
        assert file.name.encode() in await stream.read()


# Where a call goes


@pytest.mark.parametrize("prefix", ["", "/behind/a%20proxy"])
@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/v1beta/batches/a-b.c_d~e:cancel", "/v1beta/batches/a-b.c_d~e:cancel"),
        ("/v1beta/batches/a b", "/v1beta/batches/a%20b"),
        ("/v1beta/batches/ü%20", "/v1beta/batches/%C3%BC%20"),
        ("/v1beta/batches/a\r\nX-Evil: 1", "/v1beta/batches/aX-Evil:%201"),
    ],
)
async def test_a_path_is_quoted_and_follows_the_base_url(
    prefix: str, path: str, sent: str
) -> None:
    seen: list[str] = []

    async def serve(request: web.Request) -> web.Response:
        seen.append(request.raw_path)
        assert "X-Evil" not in request.headers
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", serve)
    async with TestServer(app) as server:
        api = DeveloperAPI(api_key="k", base_url=str(server.make_url("/"))[:-1] + prefix)
        async with Client(api) as client:
            request = Request(method="GET", path=path, idempotent=True)
            await client.batches._transport.send(request)

    assert seen == [prefix + sent]


async def test_headers_of_ones_own_go_along(emulator: Emulator, client: Client) -> None:
    request = Request(
        method="POST",
        path="/v1beta/x",
        headers={"X-One": "1", "Content-Type": "text/plain"},
        body=b"{}",
        idempotent=True,
    )
    with pytest.raises(NotFoundError):
        await client.batches._transport.send(request)
    with pytest.raises(NotFoundError):
        await client.batches._transport.send(evolve(request, headers={}))

    own, usual = (entry.headers for entry in emulator.log)
    assert (own["X-One"], own["Content-Type"]) == ("1", "text/plain")
    assert usual["Content-Type"] == "application/json"
    assert own["User-Agent"] == usual["User-Agent"]


async def test_looks_that_are_tried_again_hold_no_turns_meanwhile() -> None:
    seen = 0

    async def serve(request: web.Request) -> web.Response:
        nonlocal seen
        if request.path.endswith("/batches"):
            return web.json_response({})
        seen += 1
        return web.Response(status=503)

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    patient = Retry(attempts=2, wait_initial=60, wait_max=60, timeout=300)
    async with TestServer(app) as server:
        api = DeveloperAPI(api_key="k", base_url=str(server.make_url("/")))
        async with Client(api, retry=patient) as client:
            waits = [asyncio.create_task(client.batches.poll(f"b{n}")) for n in range(20)]
            with anyio.fail_after(10):
                # Each look waits for its second try.
                while seen < 20:
                    await anyio.sleep(0.001)
                await client.batches.list()
            for task in waits:
                task.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

            limiter = client.batches._transport.limiter
            given = [limiter.acquire() for _ in range(17)]
            assert [limiter.has(turn) for turn in given] == [True] * 16 + [False]


async def test_a_wait_that_is_cancelled_leaves_the_line() -> None:
    async with counting(0.05) as (api, seen), Client(api) as client:
        waits = [asyncio.create_task(client.batches.poll(f"b{n}")) for n in range(40)]
        while len(seen) < 16:
            await anyio.sleep(0.001)
        for task in waits:
            task.cancel()
        await asyncio.gather(*waits, return_exceptions=True)

        assert all(task.cancelled() for task in waits)
        limiter = client.batches._transport.limiter
        given = [limiter.acquire() for _ in range(17)]
        assert [limiter.has(turn) for turn in given] == [True] * 16 + [False]
    assert len(seen) == 16
