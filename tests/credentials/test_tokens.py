"""Access tokens: fetched once for all who wait, ahead of their end, and sent nowhere else."""

import asyncio
import datetime as dt
import gc
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gemini_batch import (
    AuthenticationError,
    CredentialsError,
    Retry,
    TransportError,
)
from gemini_batch._transport import auth
from gemini_batch._wire.http import Request
from tests.support.cloud import TOKEN, StandIn, expiry_in, open_transport, vertex_at
from tests.support.looking_service import Service, service_that_looks

GET = Request(method="GET", path="/v1/x", idempotent=True)
POST = Request(method="POST", path="/v1/x", idempotent=False, body=b"{}")
ONCE = Retry(attempts=1)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with service_that_looks() as service:
        yield service


def transport_for(service: Service, credentials: Any, retry: Retry = ONCE) -> Any:
    return open_transport(vertex_at(service.url, credentials), retry)


async def test_a_token_is_sent_and_the_quota_project(service: Service) -> None:
    async with transport_for(service, StandIn(quota_project_id="payer")) as transport:
        await transport.send(GET)

    assert service.tokens == [f"Bearer {TOKEN}"]
    assert service.seen[0]["x-goog-user-project"] == "payer"
    assert "x-goog-api-key" not in service.seen[0]


async def test_a_thousand_calls_cause_one_refresh(service: Service) -> None:
    here = threading.get_ident()
    threads: list[int] = []
    credentials = StandIn(None, renew=lambda _: threads.append(threading.get_ident()))

    async with transport_for(service, credentials) as transport:
        await asyncio.gather(*(transport.send(GET) for _ in range(1000)))

    assert credentials.renewals == len(threads) == 1
    assert threads != [here]
    assert set(service.tokens) == {f"Bearer {TOKEN}1"}
    assert len(service.seen) == 1000


async def test_a_thousand_refused_calls_cause_one_refresh(service: Service) -> None:
    credentials = StandIn()
    service.refuse = 16

    async with transport_for(service, credentials) as transport:
        await asyncio.gather(*(transport.send(POST) for _ in range(1000)))

    assert credentials.renewals == 1
    assert len(service.seen) == 1016
    assert service.tokens.count(f"Bearer {TOKEN}1") == 1000


async def test_who_is_refused_late_takes_the_token_that_has_come(service: Service) -> None:
    credentials = StandIn()

    async with transport_for(service, credentials) as transport:
        refused = await transport._auth.get_headers()
        first = await transport._auth.replace(refused)
        second = await transport._auth.replace(refused)

    assert credentials.renewals == 1
    assert first.headers == second.headers != refused.headers


async def test_a_token_is_refused_twice(service: Service) -> None:
    """One retry, and the second refusal is told."""
    credentials = StandIn()
    service.refuse = 99

    async with transport_for(service, credentials) as transport:
        with pytest.raises(AuthenticationError):
            await transport.send(POST)

    assert (credentials.renewals, len(service.seen)) == (1, 2)


async def test_a_new_token_is_fetched_while_the_old_one_is_good(service: Service) -> None:
    gate = threading.Event()
    credentials = StandIn(left=120, lives=3600, renew=lambda _: gate.wait(5))

    async with transport_for(service, credentials) as transport:
        for _ in range(3):
            await transport.send(GET)
        assert service.tokens == [f"Bearer {TOKEN}"] * 3
        gate.set()
        await transport._auth._fetching
        await transport.send(GET)

    assert credentials.renewals == 1
    assert service.tokens[-1] == f"Bearer {TOKEN}1"


async def test_a_token_that_cannot_be_renewed_ahead_is_used_to_its_end(
    service: Service,
) -> None:
    def fail(_: StandIn) -> None:
        raise ValueError("no")

    credentials = StandIn(left=120, renew=fail)

    async with transport_for(service, credentials) as transport:
        await transport.send(GET)
        while not credentials.renewals:
            await asyncio.sleep(0.01)
        for _ in range(4):
            await transport.send(GET)
            await asyncio.sleep(0.01)
        # It is not tried at every call.
        assert credentials.renewals == 1
        credentials.expiry = expiry_in(-1)
        with pytest.raises(CredentialsError, match="gave no access token: no"):
            await transport.send(GET)

    assert service.tokens == [f"Bearer {TOKEN}"] * 5


async def test_tokens_that_live_for_minutes_are_not_fetched_at_each_call(
    service: Service,
) -> None:
    credentials = StandIn(None, lives=100)

    async with transport_for(service, credentials) as transport:
        for _ in range(5):
            await transport.send(GET)

    assert credentials.renewals == 1


@pytest.mark.parametrize(
    "expiry",
    [
        None,
        dt.datetime.now(dt.UTC) + dt.timedelta(hours=1),
        (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).replace(tzinfo=None),
    ],
)
async def test_a_token_with_time_left_is_used(
    service: Service, expiry: dt.datetime | None
) -> None:
    credentials = StandIn()
    credentials.expiry = expiry

    async with transport_for(service, credentials) as transport:
        await transport.send(GET)

    assert credentials.renewals == 0


async def test_credentials_that_are_anonymous(service: Service) -> None:
    """As for emulators that ask for none."""
    from google.auth.credentials import AnonymousCredentials

    anonymous = AnonymousCredentials()  # type: ignore[no-untyped-call]
    async with transport_for(service, anonymous) as transport:
        await transport.send(GET)

    assert service.tokens == [""]


async def test_a_failure_fails_those_who_wait_and_the_next_call_tries_again(
    service: Service,
) -> None:
    gate = threading.Event()

    def fail_once(credentials: StandIn) -> None:
        gate.wait(5)
        if credentials.renewals == 1:
            raise ValueError("not this time")

    credentials = StandIn(None, renew=fail_once)

    async with transport_for(service, credentials) as transport:
        calls = [asyncio.ensure_future(transport.send(GET)) for _ in range(10)]
        await asyncio.sleep(0.01)
        gate.set()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(error) for error in ended] == [CredentialsError] * 10
        # Each has an error of its own.
        assert len({id(error) for error in ended}) == 10
        assert credentials.renewals == 1

        await transport.send(GET)

    assert credentials.renewals == 2
    assert service.tokens == [f"Bearer {TOKEN}2"]


@pytest.mark.parametrize("leavers", [1, 5])
async def test_one_who_stops_waiting_does_not_stop_the_others(
    service: Service, leavers: int
) -> None:
    gate = threading.Event()
    credentials = StandIn(None, renew=lambda _: gate.wait(5))

    async with transport_for(service, credentials) as transport:
        calls = [asyncio.ensure_future(transport.send(GET)) for _ in range(5)]
        await asyncio.sleep(0.01)
        for call in calls[:leavers]:
            call.cancel()
        await asyncio.sleep(0.01)
        gate.set()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        await transport.send(GET)

    assert [isinstance(e, asyncio.CancelledError) for e in ended] == [
        number < leavers for number in range(5)
    ]
    assert credentials.renewals == 1


async def test_closing_does_not_wait_for_a_thread_that_stands_still(
    service: Service,
) -> None:
    gate = threading.Event()
    credentials = StandIn(None, renew=lambda _: gate.wait(10))
    try:
        async with transport_for(service, credentials) as transport:
            call = asyncio.ensure_future(transport.send(GET))
            await asyncio.sleep(0.02)

        with pytest.raises(CredentialsError, match="the client was closed"):
            await call
    finally:
        gate.set()
    assert service.seen == []


async def test_a_token_that_does_not_come_in_time(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    credentials = StandIn(None, renew=lambda _: gate.wait(10))
    try:
        async with transport_for(service, credentials) as transport:
            transport._auth._timeout = 0.02
            with pytest.raises(TransportError, match="no access token came") as caught:
                await transport.send(POST)
    finally:
        gate.set()
    assert not caught.value.maybe_received


async def test_a_token_is_fetched_once_more_after_a_passing_failure(
    service: Service,
) -> None:
    """Also for a call that is not repeated otherwise: nothing of it has been sent."""
    from google.auth.exceptions import TransportError as Passing

    def fail_once(credentials: StandIn) -> None:
        if credentials.renewals == 1:
            raise Passing("Connection refused")  # type: ignore[no-untyped-call]

    credentials = StandIn(None, renew=fail_once)
    quick = Retry(attempts=2, wait_initial=0.001, wait_jitter=0.0)

    async with transport_for(service, credentials, quick) as transport:
        await transport.send(POST)

    assert credentials.renewals == 2
    assert len(service.seen) == 1


@pytest.mark.parametrize("token", ["line\nbreak", "sp ace", "Ünicode"])
async def test_what_cannot_be_a_token(service: Service, token: str) -> None:
    async with transport_for(service, StandIn(token)) as transport:
        with pytest.raises(CredentialsError) as caught:
            await transport.send(GET)

    assert token not in str(caught.value)
    assert service.seen == []


async def test_nothing_is_left_of_a_refresh_that_nobody_waits_for(
    service: Service,
) -> None:
    """A failure that nobody asked for is no complaint of the event loop's."""
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, c: problems.append(c))

    def fail(_: StandIn) -> None:
        raise ValueError("no")

    async with transport_for(service, StandIn(left=60, renew=fail)) as transport:
        await transport.send(GET)
        await asyncio.sleep(0.02)
    gc.collect()

    assert problems == []


def test_when_tokens_are_renewed() -> None:
    """Later than the metadata server has new ones, earlier than google-auth thinks them old."""
    assert 60 < auth.EARLY < 240
