"""A planted key, and every upload URL, walked for in logs, reprs and exceptions."""

import logging
import pickle
import traceback
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gemini_batch import BatchResult, Client, GeminiBatchError
from gemini_batch.testing import Emulator, Fault, ManualClock
from tests.support.rows import MODEL, many, row
from tests.support.settings import QUICK

KEY = "AIzaPLANTED0123456789abcdefghijklmnop"

FAULTS = [
    Fault(status=400, times=99),
    Fault(status=401, times=99),
    Fault(status=403, times=99),
    Fault(status=404, times=99),
    Fault(status=429, times=99),
    Fault(status=500, body=b"<html>", times=99),
    Fault(status=503, times=3),
    Fault(status=307, headers={"Location": "http://127.0.0.1:1/"}, times=99),
    Fault(status=200, body=b"<html>", times=99),
    Fault(drop="before", times=99),
    Fault(drop="after", times=99),
    Fault(drop_body_after=0, times=99),
    Fault(truncate_after=1, times=99),
    Fault(command="upload, finalize", status=503, times=99),
    Fault(command="upload, finalize", drop="after", times=99),
    Fault(command="upload, finalize", status=200, times=99),
    Fault(command="query", status=404, times=99),
    Fault(status=200, headers={"X-Goog-Upload-URL": "https://evil.example/?upload_id=abc"}),
]


def chain(exc: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and all that hangs on it, groups included."""
    seen: set[int] = set()
    waiting = [exc]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


def texts_of(exc: BaseException) -> Iterator[str]:
    """Yield everything an exception may show."""
    yield "".join(traceback.format_exception(exc))
    for one in chain(exc):
        yield repr(one)
        yield str(one)
        yield repr(one.args)
        yield repr(vars(one))
        yield "".join(getattr(one, "__notes__", ()))
        if isinstance(one, GeminiBatchError):
            yield repr(pickle.dumps(one))


async def scenario(
    client: Client, clock: ManualClock, tmp_path: Path
) -> Iterator[BaseException]:
    """Do everything there is to do, and return what went wrong."""
    caught: list[BaseException] = []
    path = tmp_path / "in.jsonl"
    path.write_bytes(many(3))

    async def attempt(
        call: Callable[..., Awaitable[Any]], *args: Any, **options: Any
    ) -> Any:
        try:
            return await call(*args, **options)
        except Exception as exc:  # noqa: BLE001 - whatever comes is looked at
            caught.append(exc)
            return None

    async def wait() -> None:
        async for _ in client.batches.wait("batches/abc", poll_interval=0.001, timeout=0.2):
            pass

    async def results(name: str) -> list[BatchResult]:
        return [result async for result in client.batches.results(name)]

    file = await attempt(client.files.upload, path)
    await attempt(client.files.list)
    job = await attempt(client.batches.create, MODEL, file_name=file or "files/x")
    await attempt(client.batches.create, MODEL, inlined_requests=[row("a")])
    await attempt(client.batches.submit, MODEL, path, idempotency_key="x")
    clock.advance(3600)
    await attempt(client.batches.list)
    await attempt(wait)
    await attempt(results, job or "batches/abc")
    await attempt(client.files.download, "files/batch-abc", tmp_path / "out")
    await attempt(client.batches.cancel, "batches/abc")
    await attempt(client.batches.update, "batches/abc", priority=1)
    await attempt(client.files.delete, "files/abc")
    return iter(caught)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("skip", [0, 1])
async def test_no_secret_shows(
    fault: Fault, skip: int, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    from attrs import evolve

    caplog.set_level(logging.DEBUG)
    clock = ManualClock()
    async with Emulator(clock=clock, api_key=KEY) as emulator:
        emulator.faults.append(evolve(fault, skip=skip))
        async with Client(emulator.api, retry=QUICK) as client:
            caught = list(await scenario(client, clock, tmp_path))
            shown = [repr(client), repr(emulator.api), str(client), repr(client._codec)]
            shown += [
                repr(vars(client)),
                repr(vars(client.batches)),
                repr(vars(client.files)),
            ]

    shown += [text for exc in caught for text in texts_of(exc)]
    for record in caplog.records:
        shown += [record.getMessage(), repr(record.args), repr(vars(record))]
    assert caught or fault.times == 3 or skip or "URL" in str(fault)
    for text in shown:
        assert KEY not in text
        assert "upload_id" not in text


async def test_the_walk_can_find_a_secret() -> None:
    """The walk above looks where secrets hide."""
    hidden = ValueError("plain")
    hidden.__cause__ = KeyError(KEY)

    assert any(KEY in text for text in texts_of(hidden))
