"""How long the caller's event loop stands still during the first call of each kind.

Each call is made by a process of its own directly after ``async with Client()``, and beside it
the same call made for the second time by another. What makes the first one stall is work that
is done once: importing modules, making a TLS context, generating hooks, loading google-auth.
"""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks._certificates import BUNDLE, make_certificates
from benchmarks._clients import our_api
from benchmarks._data import result_rows, write_rows
from benchmarks._job import Job, Run, Setting, Side, Target

if TYPE_CHECKING:
    from gemini_batch import Client

_MODEL: Final = "gemini-2.5-flash"
_SOME: Final = 200
_MANY: Final = 10_001
"""Rows that are more than go inline."""

_ACCOUNT: Final = "account.json"
_PAUSE: Final = 0.2
"""Seconds between the first and the second call: what goes on behind the first ends."""

Call = Callable[["Client", Setting, int], Awaitable[object]]
"""Makes the call of that number. Not None if it went as it should."""

Opened = Callable[[Setting], AbstractAsyncContextManager["Client"]]


def _prepare(data: Path, _sizes: tuple[int, ...]) -> None:
    """Make input, results, certificates and the key of a service account."""
    write_rows(data / "done.jsonl", result_rows(_SOME, lean=True))
    for name, count in (("some", _SOME), ("many", _MANY)):
        line = b'{"key":"r%d","request":{"contents":[{"parts":[{"text":"Why?"}]}]}}\n'
        write_rows(data / f"{name}.jsonl", (line % number for number in range(count)))
    make_certificates(data)
    _make_account(data)


def _make_account(data: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = {
        "type": "service_account",
        "project_id": "benchmark",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "benchmark@benchmark.iam.gserviceaccount.com",
    }
    (data / _ACCOUNT).write_text(json.dumps(account))


# Clients


@asynccontextmanager
async def _developer(setting: Setting) -> AsyncIterator["Client"]:
    # Before anything is imported: aiohttp makes its TLS context when it is.
    os.environ["SSL_CERT_FILE"] = str(setting.data / BUNDLE)
    from gemini_batch import Client, Retry

    logging.getLogger("stamina").setLevel(logging.ERROR)  # it warns of each retry
    retry = Retry(wait_initial=0.001, wait_jitter=0.0)
    async with Client(our_api(setting.url), retry=retry) as client:
        yield client


@asynccontextmanager
async def _vertex(setting: Setting) -> AsyncIterator["Client"]:
    """Open a client that finds a service account as most programs do: in the environment."""
    bundle = str(setting.data / BUNDLE)
    os.environ |= {"SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle}
    account = json.loads((setting.data / _ACCOUNT).read_text())
    own = setting.data / f"account-{os.getpid()}.json"
    own.write_text(json.dumps({**account, "token_uri": f"{setting.url}/token"}))
    os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(own)
    from gemini_batch import Client, VertexAI

    api = VertexAI(project="benchmark", location="us-central1", base_url=setting.url)
    try:
        async with Client(api) as client:
            yield client
    finally:
        own.unlink()


# Calls


async def _submit_inline(client: "Client", _: Setting, number: int) -> object:
    prompt = {"contents": [{"parts": [{"text": f"Why {number}?"}]}]}
    return (await client.batches.submit(_MODEL, [prompt])).name


async def _submit_file(client: "Client", setting: Setting, _: int) -> object:
    return (await client.batches.submit(_MODEL, setting.data / "many.jsonl")).name


async def _wait(client: "Client", _: Setting, number: int) -> object:
    name = f"batches/running{os.getpid()}x{number}"
    async for progress in client.batches.wait(name, poll_interval=0.001):
        polls = progress.polls
    return polls == 2 or None


async def _results(client: "Client", _: Setting, __: int) -> object:
    read = [
        result
        async for result in client.batches.results("batches/done")
        if result.text and result.response
    ]
    return len(read) == _SOME or None


async def _retry(client: "Client", _: Setting, number: int) -> object:
    return (await client.batches.get(f"batches/flaky{os.getpid()}x{number}")).name


async def _get_on_vertex(client: "Client", _: Setting, number: int) -> object:
    name = f"projects/benchmark/locations/us-central1/batchPredictionJobs/{number + 1}"
    return (await client.batches.get(name)).name


def _calling(opened: Opened, call: Call, *, second: bool) -> Run:
    async def run(setting: Setting) -> int:
        async with opened(setting) as client:
            if second:
                await call(client, setting, 0)
                await asyncio.sleep(_PAUSE)
            with setting.meter:
                went = await call(client, setting, 1)
        if went is None:
            raise RuntimeError("the call did not go as it should")
        return setting.size

    return run


def _opening(*, second: bool) -> Run:
    """Return a run that opens a client: work moved there from a first call is seen."""

    async def run(setting: Setting) -> int:
        os.environ["SSL_CERT_FILE"] = str(setting.data / BUNDLE)
        from gemini_batch import Client

        if second:
            async with Client(our_api(setting.url)):
                pass
        with setting.meter:
            async with Client(our_api(setting.url)):
                pass
        return setting.size

    return run


_CALLS: Final[dict[str, tuple[Opened, Call]]] = {
    "submit, inline": (_developer, _submit_inline),
    "submit of a file": (_developer, _submit_file),
    "wait": (_developer, _wait),
    "results, text and answer of each": (_developer, _results),
    "get with a retry": (_developer, _retry),
    "get on Vertex AI, service account": (_vertex, _get_on_vertex),
}


def _first(name: str) -> str:
    return f"gemini_batch: first {name}"


def _second(name: str) -> str:
    return f"gemini_batch: second {name}"


def _sides() -> tuple[Side, ...]:
    name = "opening of a client"
    made = [
        Side(name=_first(name), run=_opening(second=False)),
        Side(name=_second(name), run=_opening(second=True), before_most=0),
    ]
    for name, (opened, call) in _CALLS.items():
        made += [
            Side(name=_first(name), run=_calling(opened, call, second=False)),
            Side(
                name=_second(name),
                run=_calling(opened, call, second=True),
                before_most=0,
            ),
        ]
    return tuple(made)


JOB = Job(
    name="first_calls",
    title="the first call of each kind, and the second",
    unit="calls",
    sizes=(1,),
    sides=_sides(),
    targets=tuple(
        # What a first call does more than a second, a connection and a token, is waited for,
        # not worked on: 10 ms are what a garbage collection or another process may add.
        Target(
            side=_first(name),
            against=_second(name),
            measure="stall_max",
            by="difference",
            size=1,
            at_most=10,
        )
        for name in _CALLS
    ),
    headline="stall_max",
    prepare=_prepare,
    server="benchmarks._servers.first_calls",
)
