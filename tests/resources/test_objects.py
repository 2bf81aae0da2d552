"""Objects of Cloud Storage through the client: whole or not there, whatever happens."""

import asyncio
import contextlib
import gc
import hashlib
import logging
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from attrs import evolve

from gemini_batch import (
    Client,
    ConflictError,
    GeminiBatchError,
    InputError,
    NotFoundError,
    StoredObject,
    TransferProgress,
    TransportError,
)
from gemini_batch.testing import Emulator, Fault
from tests.faults.test_secrets import texts_of
from tests.support.leaks import stray_tasks
from tests.support.rows import MODEL, row
from tests.support.settings import QUICK

URI = "gs://emulator-bucket/some folder/ü.jsonl"
DATA = bytes(range(256)) * 4096 + b"end"
TOKEN = "emulator-token"

START: Mapping[str, Any] = {"method": "POST", "path": "/upload/storage/*"}
SEND: Mapping[str, Any] = {"method": "PUT", "path": "/upload/storage/*"}
READ: Mapping[str, Any] = {"method": "GET", "path": "/storage/v1/b/*/o/*"}
DELETE: Mapping[str, Any] = {"method": "DELETE", "path": "/storage/v1/b/*/o/*"}


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[Client]:
    async with Client(emulator.vertex, retry=evolve(QUICK, attempts=6)) as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where temporary files go."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


async def pieces() -> AsyncIterator[bytes]:
    for start in range(0, len(DATA), 100_000):
        yield DATA[start : start + 100_000]
        await anyio.sleep(0)


async def read(client: Client, uri: str = URI) -> bytes:
    async with client.objects.open_download(uri) as download:
        return b"".join([piece async for piece in download])


# What is given, and what is there


@pytest.mark.parametrize(
    "form", [lambda path: path, str, lambda _: DATA, bytearray, lambda _: pieces()]
)
async def test_there_and_back(
    emulator: Emulator, client: Client, folder: Path, tmp_path: Path, form: Any
) -> None:
    path = tmp_path / "in.bin"
    path.write_bytes(DATA)
    source: Any = bytearray(DATA) if form is bytearray else form(path)
    told: list[TransferProgress] = []

    stored = await client.objects.upload(source, URI, on_progress=told.append)

    assert emulator.objects[URI].read() == DATA
    assert stored == StoredObject(
        name=URI,
        generation=emulator.objects[URI].generation,
        size_bytes=len(DATA),
        md5=hashlib.md5(DATA).hexdigest(),
    )
    assert (told[-1].done, told[-1].total) == (len(DATA), len(DATA))
    assert await client.objects.get(URI) == stored
    assert await client.objects.get(stored) == stored
    assert await read(client) == DATA
    target = tmp_path / "out.bin"
    assert await client.objects.download(stored, target, on_progress=told.append) == target
    assert target.read_bytes() == DATA
    assert (told[-1].done, told[-1].total) == (len(DATA), len(DATA))
    await client.objects.delete(stored)
    assert dict(emulator.objects) == {}
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "mime_type", "type_"),
    [
        ("a.jsonl", None, "application/jsonl"),
        ("a.CSV", None, "text/csv"),
        ("a", None, "application/jsonl"),
        ("a.csv", "text/plain", "text/plain"),
    ],
)
async def test_the_ending_tells_the_type(
    emulator: Emulator, client: Client, name: str, mime_type: str | None, type_: str
) -> None:
    uri = f"gs://emulator-bucket/{name}"

    await client.objects.upload(b"x", uri, mime_type=mime_type)

    assert emulator.objects[uri].content_type == type_


async def test_an_empty_object(emulator: Emulator, client: Client) -> None:
    stored = await client.objects.upload(b"", URI)

    assert stored.size_bytes == 0
    assert await read(client) == b""


async def test_a_prefix_is_listed_in_order(emulator: Emulator, client: Client) -> None:
    names = [f"gs://emulator-bucket/in/{letter}" for letter in "bca"]
    for name in [*names, "gs://emulator-bucket/other"]:
        emulator.objects.put(name, b"x")

    found = client.objects.list_all("gs://emulator-bucket/in/")

    assert [stored.name async for stored in found] == sorted(names)


async def test_the_same_bytes_are_the_outcome_of_an_earlier_try(
    emulator: Emulator, client: Client
) -> None:
    first = await client.objects.upload(DATA, URI)
    second = await client.objects.upload(pieces(), URI)

    assert first == second
    assert emulator.objects[URI].generation == first.generation


async def test_other_bytes_are_never_replaced(
    emulator: Emulator, client: Client, folder: Path
) -> None:
    emulator.objects.put(URI, b"mine")

    with pytest.raises(ConflictError) as caught:
        await client.objects.upload(pieces(), URI)

    assert f"{URI} is there already, and has other bytes: delete it, or" in str(
        caught.value
    )
    assert emulator.objects[URI].read() == b"mine"
    assert list(folder.iterdir()) == []


# What is wrong with a call


@pytest.mark.parametrize("uri", ["rows.jsonl", "gs://b", "gs://b-b/", "", Path("x")])
async def test_what_names_no_object(emulator: Emulator, client: Client, uri: Any) -> None:
    drawn = []

    async def source() -> AsyncIterator[bytes]:
        drawn.append(1)
        yield b"x"

    for call in (
        lambda: client.objects.upload(source(), uri),
        lambda: client.objects.get(uri),
        lambda: client.objects.delete(uri),
        lambda: client.objects.download(uri, "out"),
        lambda: read(client, uri),
    ):
        with pytest.raises(InputError, match="is not the name of an object"):
            await call()
    assert (drawn, emulator.log) == ([], [])


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("/absent", "it does not exist"),
        ("/", "it is not a file"),
        (3, "expected a path, bytes or an async iterable, got int"),
    ],
)
async def test_what_is_no_source(
    emulator: Emulator, client: Client, source: Any, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        await client.objects.upload(source, URI)

    assert emulator.log == []


@pytest.mark.parametrize("odd", ["text", None])
async def test_a_source_that_fails_leaves_nothing(
    emulator: Emulator, client: Client, folder: Path, odd: Any
) -> None:
    closed = []

    async def source() -> AsyncIterator[Any]:
        try:
            yield b"x"
            if odd is None:
                raise OSError("gone")
            yield odd
        finally:
            closed.append(1)

    with pytest.raises(InputError if odd else OSError):
        await client.objects.upload(source(), URI)

    assert closed == [1]
    assert emulator.log == []
    assert list(folder.iterdir()) == []


async def test_a_target_that_cannot_be_written(
    emulator: Emulator, client: Client, tmp_path: Path
) -> None:
    emulator.objects.put(URI, DATA)

    with pytest.raises(InputError, match="there is no folder"):
        await client.objects.download(URI, tmp_path / "none" / "out")

    assert emulator.log == []


async def test_an_object_that_is_not_there(client: Client, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"old")

    for call in (
        lambda: client.objects.get(URI),
        lambda: client.objects.delete(URI),
        lambda: client.objects.download(URI, target),
    ):
        with pytest.raises(NotFoundError, match="404"):
            await call()

    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


async def test_the_developer_api_has_none(emulator: Emulator) -> None:
    async with Client(emulator.api) as client:
        objects = client.objects
        for call in (
            lambda: objects.upload(b"x", URI),
            lambda: objects.get(URI),
            lambda: objects.delete(URI),
            lambda: objects.download(URI, "/absent/out"),
        ):
            with pytest.raises(InputError, match=r"does not have it.*belongs to Vertex AI"):
                await call()
        for now in (
            lambda: objects.list_all("gs://emulator-bucket"),
            lambda: objects.open_download(URI),
        ):
            with pytest.raises(InputError, match=r"client\.files"):
                now()

    assert emulator.log == []


async def test_a_client_that_is_closed_has_none(emulator: Emulator) -> None:
    client = Client(emulator.vertex)

    with pytest.raises(RuntimeError, match="open the client first"):
        client.objects  # noqa: B018


# What goes wrong on the way


@pytest.mark.parametrize(
    "fault",
    [
        Fault(**START, status=503, times=2),
        Fault(**SEND, status=503, times=2),
        Fault(**SEND, drop_body_after=300_000, times=2),
        Fault(**SEND, keep=262_144),
        Fault(**SEND, drop="after", times=2),
    ],
)
async def test_an_upload_goes_on(emulator: Emulator, client: Client, fault: Fault) -> None:
    emulator.faults.append(fault)

    await client.objects.upload(pieces(), URI)

    assert emulator.objects[URI].read() == DATA
    assert len(emulator.objects) == 1


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(**READ, status=503, times=2)],
        [Fault(**READ, truncate_after=n) for n in (1, 300_000, 600_000)],
        [
            Fault(**READ, truncate_after=300_000),
            Fault(**READ, status=503),
            Fault(**READ, ignore_range=True),
        ],
    ],
)
async def test_a_download_goes_on(
    emulator: Emulator, client: Client, tmp_path: Path, faults: list[Fault]
) -> None:
    emulator.objects.put(URI, DATA)
    emulator.faults += faults

    await client.objects.download(URI, tmp_path / "out")

    assert (tmp_path / "out").read_bytes() == DATA
    assert emulator.faults == []


async def test_an_object_that_changes_while_it_is_read(
    emulator: Emulator, client: Client, tmp_path: Path
) -> None:
    emulator.objects.put(URI, DATA)
    emulator.faults += [
        Fault(**READ, truncate_after=300_000),
        Fault.object_changed(),
    ]

    with pytest.raises(TransportError, match="changed while it was read"):
        await client.objects.download(URI, tmp_path / "out")

    assert list(tmp_path.iterdir()) == []


async def test_a_delete_whose_answer_was_lost(emulator: Emulator, client: Client) -> None:
    emulator.objects.put(URI, DATA)
    emulator.faults.append(Fault(**DELETE, drop="after", times=2))

    await client.objects.delete(URI)

    assert dict(emulator.objects) == {}


# Cancellation


async def cut(
    operation: Callable[[], Any], reached: Callable[[], bool], *, native: bool
) -> None:
    """Cancel an operation at a moment, in one way or the other."""

    async def until_reached() -> None:
        while not reached():
            await anyio.sleep(0.001)

    if native:
        task = asyncio.ensure_future(operation())
        await until_reached()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(operation)
        await until_reached()
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("moment", ["drawing", "opening", "midway"])
async def test_a_cancelled_upload_leaves_nothing(
    emulator: Emulator, client: Client, folder: Path, native: bool, moment: str
) -> None:
    there: list[str] = []

    async def source() -> AsyncIterator[bytes]:
        yield DATA * 2
        if moment == "drawing":
            there.append(moment)
            await anyio.sleep(30)

    async def report(progress: TransferProgress) -> None:
        if moment == "midway" and 0 < progress.done < (progress.total or 0):
            there.append(moment)
            await anyio.sleep(30)

    async def upload() -> None:
        await client.objects.upload(source(), URI, on_progress=report)

    if moment == "opening":
        emulator.faults.append(Fault(**START, delay=30))
        await cut(upload, lambda: bool(emulator.log), native=native)
    else:
        await cut(upload, lambda: bool(there), native=native)
    for _ in range(5):
        # aiohttp's task that was cancelled with it needs a turn of the loop to end.
        await asyncio.sleep(0)
    gc.collect()

    assert dict(emulator.objects) == {}
    assert stray_tasks() == []
    assert list(folder.iterdir()) == []


async def test_a_cancelled_download_leaves_nothing(
    emulator: Emulator, client: Client, tmp_path: Path
) -> None:
    emulator.objects.put(URI, DATA)
    emulator.faults.append(Fault(**READ, stall_after=300_000, delay=30))

    with anyio.move_on_after(0.2) as scope:
        await client.objects.download(URI, tmp_path / "out")

    assert scope.cancelled_caught
    assert list(tmp_path.iterdir()) == []
    assert stray_tasks() == []


async def test_four_at_a_time_send_those_of_submit_included(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(Fault(**START, delay=30, times=None))

    async with anyio.create_task_group() as tasks:
        for number in range(3):
            tasks.start_soon(client.objects.upload, b"x", f"{URI}{number}")
            tasks.start_soon(client.batches.submit, MODEL, [row("a")])
        while len(emulator.log) < 4:
            await anyio.sleep(0.001)
        await anyio.sleep(0.02)
        sent = len(emulator.log)
        tasks.cancel_scope.cancel()

    assert sent == 4


# Secrets


@pytest.mark.parametrize(
    "fault",
    [
        Fault(**START, status=403, times=99),
        Fault(**START, status=401, times=99),
        Fault(**SEND, drop="before", times=99),
        Fault(
            **START, status=200, headers={"Location": "https://evil.example/?upload_id=a"}
        ),
        Fault(**READ, status=403, times=99),
    ],
)
async def test_no_token_shows(
    emulator: Emulator, client: Client, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    emulator.faults.append(fault)
    call: Callable[[], Any] = (
        (lambda: client.objects.get(URI))
        if fault.method == "GET"
        else (lambda: client.objects.upload(b"x", URI))
    )

    with pytest.raises(GeminiBatchError) as caught:
        await call()

    shown = [*texts_of(caught.value), repr(client.objects), repr(vars(client.objects))]
    for record in caplog.records:
        shown += [record.getMessage(), repr(record.args), repr(vars(record))]
    for text in shown:
        assert TOKEN not in text
        assert "upload_id" not in text
