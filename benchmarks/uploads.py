"""Upload of one file over TLS."""

import base64
import hashlib
import json
import os
import random
import ssl
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks._certificates import AUTHORITY, make_certificates
from benchmarks._clients import AIO, SYNC, genai_client, our_api
from benchmarks._job import Beyond, Job, Setting, Side, Target
from benchmarks._raw import RawClient
from benchmarks._servers.upload import digest_path

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.genai.types import UploadFileConfig

    from gemini_batch import Client, Retry

RAW = "raw TLS socket"
HASHED = "raw TLS socket, SHA-256 of what is sent"

_MIB = 1 << 20
WARM = 8  # MiB: one piece of either SDK


def prepare(data: Path, sizes: tuple[int, ...]) -> None:
    """Make the files, their digests, and a certificate for localhost."""
    for size in (WARM, *sizes):
        _make_file(data, size)
    make_certificates(data)


def _make_file(data: Path, size: int) -> None:
    told = digest_path(data, size * _MIB)
    if told.exists():
        return
    block = random.Random(4).randbytes(_MIB)
    digest = hashlib.sha256()
    with path_of(data, size).open("wb") as file:
        for _ in range(size):
            file.write(block)
            digest.update(block)
    told.write_text(digest.hexdigest())


def path_of(data: Path, size: int) -> Path:
    return data / f"upload-{size}.jsonl"


async def ours(setting: Setting) -> int:
    async with connected(setting) as client:
        await client.files.upload(path_of(setting.data, WARM))
        with setting.meter:
            file = await client.files.upload(path_of(setting.data, setting.size))
    return file.size_bytes or 0


@asynccontextmanager
async def connected(
    setting: Setting, *, retry: "Retry | None" = None
) -> "AsyncIterator[Client]":
    import aiohttp

    from gemini_batch import Client

    context = ssl.create_default_context(cafile=setting.data / AUTHORITY)
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
        Client(our_api(setting.url), session=session, retry=retry) as client,
    ):
        yield client


async def genai_aio(setting: Setting) -> int:
    _trust(setting.data)
    client = genai_client(setting.url).aio
    config = _config()
    await client.files.upload(file=path_of(setting.data, WARM), config=config)
    with setting.meter:
        file = await client.files.upload(
            file=path_of(setting.data, setting.size), config=config
        )
    await client.aclose()
    return file.size_bytes or 0


async def genai_sync(setting: Setting) -> int:
    _trust(setting.data)
    client = genai_client(setting.url)
    config = _config()
    client.files.upload(file=path_of(setting.data, WARM), config=config)
    with setting.meter:
        file = client.files.upload(file=path_of(setting.data, setting.size), config=config)
    client.close()
    return file.size_bytes or 0


def _config() -> "UploadFileConfig":
    from google.genai.types import UploadFileConfig

    return UploadFileConfig(mime_type="application/jsonl")


def _trust(data: Path) -> None:
    # Its asynchronous upload leaves out the `ssl` argument it is configured with. aiohttp
    # makes its own context when it is imported, which comes later.
    os.environ["SSL_CERT_FILE"] = str(data / AUTHORITY)


async def raw_socket(setting: Setting) -> int:
    return _raw(setting, hashed=False)


async def raw_hashed(setting: Setting) -> int:
    return _raw(setting, hashed=True)


def _raw(setting: Setting, *, hashed: bool) -> int:
    context = ssl.create_default_context(cafile=setting.data / AUTHORITY)
    with RawClient(setting.url, context) as client:
        _upload(client, path_of(setting.data, WARM), hashed=hashed)
        with setting.meter:
            return _upload(client, path_of(setting.data, setting.size), hashed=hashed)


def _upload(client: RawClient, path: Path, *, hashed: bool) -> int:
    """Upload a file in one request, from one buffer."""
    digest = hashlib.sha256()
    size = path.stat().st_size
    block = memoryview(bytearray(_MIB))
    start = {
        "X-Goog-Upload-Command": "start",
        "X-Goog-Upload-Header-Content-Length": str(size),
    }
    client.ask("POST", "/upload/v1beta/files", headers=start)
    target = client.answer()[0]["X-Goog-Upload-URL"]
    headers = {"X-Goog-Upload-Command": "upload, finalize", "X-Goog-Upload-Offset": "0"}
    client.ask("POST", urlsplit(target).path, headers=headers, length=size)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(block):
            if hashed:
                digest.update(block[:count])
            client.send(block[:count])
    stored = json.loads(client.answer()[1])["file"]
    if hashed and base64.b64decode(stored["sha256Hash"]).decode() != digest.hexdigest():
        raise RuntimeError("the server has other bytes")
    return int(stored["sizeBytes"])


def held(figure: float) -> Beyond:
    """Return what is held of a target that the digest puts beyond reach."""
    return Beyond(held=figure, proof="upload-and-digest")


OURS = Side(name="gemini_batch", run=ours)
THEIRS = (
    Side(name=AIO, run=genai_aio),
    Side(name=SYNC, run=genai_sync, loop=False),
)

JOB = Job(
    name="uploads",
    title="upload a file over TLS",
    unit="MiB",
    sizes=(128, 512),
    sides=(
        OURS,
        *THEIRS,
        Side(name=RAW, run=raw_socket, loop=False),
        Side(name=HASHED, run=raw_hashed, loop=False),
    ),
    targets=(
        Target(against=AIO, size=512, at_least=2.5, beyond=held(1.9)),
        Target(against=SYNC, size=512, at_least=1.0, beyond=held(0.75)),
        Target(against=RAW, size=512, at_most=1.35, beyond=held(1.75)),
        Target(measure="peak", size=512, at_most=10),
        Target(measure="stall_max", size=512, at_most=5),
    ),
    prepare=prepare,
    server="benchmarks._servers.upload",
)
