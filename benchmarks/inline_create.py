"""A job created with its rows in the call, from prompts to the job's name."""

import json
from collections.abc import Iterator
from typing import Any

from benchmarks._clients import AIO, KEY, genai_client, our_api
from benchmarks._data import CONFIG, INSTRUCTION
from benchmarks._job import Job, Setting, Side, Target
from benchmarks._raw import RawClient
from benchmarks.build import asked, mappings, shared

SMALL, LARGE = 1_000, 10_000

_MODEL = "gemini-2.5-flash"
_PATH = f"/v1beta/models/{_MODEL}:batchGenerateContent"
_WARM = 100

TYPES = f"{AIO}: InlinedRequest"
_DICTS = f"{AIO}: mappings"
_ENCODED = "aiohttp: mappings, orjson.dumps"
_RAW = "raw socket: ready bytes"


async def ours(setting: Setting) -> int:
    from gemini_batch import Client

    async with Client(our_api(setting.url)) as client:

        async def create(count: int) -> str:
            job = await client.batches.create(_MODEL, inlined_requests=shared(count))
            return job.name

        await create(_WARM)
        with setting.meter:
            name = await create(setting.size)
    return _arrived(setting.url, name)


def _arrived(url: str, name: str | None) -> int:
    """Return how many rows the last create had, which must have answered with a name."""
    if not name:
        raise RuntimeError("no job was created")
    with RawClient(url) as client:
        client.ask("GET", "/_rows")
        return int(client.answer()[1])


# Theirs


def _typed(count: int) -> list[Any]:
    from google.genai import types

    config = types.GenerateContentConfig(
        system_instruction=INSTRUCTION,
        temperature=CONFIG["temperature"],
        top_p=CONFIG["topP"],
        top_k=CONFIG["topK"],
        max_output_tokens=CONFIG["maxOutputTokens"],
        candidate_count=CONFIG["candidateCount"],
        stop_sequences=CONFIG["stopSequences"],
    )
    return [
        types.InlinedRequest(
            contents=[types.Content(role="user", parts=[types.Part(text=text)])],
            metadata={"key": name},
            config=config,
        )
        for name, text in asked(count)
    ]


def _untyped(count: int) -> list[Any]:
    config = {
        "system_instruction": INSTRUCTION,
        "temperature": CONFIG["temperature"],
        "top_p": CONFIG["topP"],
        "top_k": CONFIG["topK"],
        "max_output_tokens": CONFIG["maxOutputTokens"],
        "candidate_count": CONFIG["candidateCount"],
        "stop_sequences": CONFIG["stopSequences"],
    }
    return [
        {
            "contents": [{"role": "user", "parts": [{"text": text}]}],
            "metadata": {"key": name},
            "config": config,
        }
        for name, text in asked(count)
    ]


async def typed(setting: Setting) -> int:
    client = genai_client(setting.url).aio

    async def create(count: int) -> str | None:
        return (await client.batches.create(model=_MODEL, src=_typed(count))).name

    await create(_WARM)
    with setting.meter:
        name = await create(setting.size)
    await client.aclose()
    return _arrived(setting.url, name)


async def untyped(setting: Setting) -> int:
    client = genai_client(setting.url).aio

    async def create(count: int) -> str | None:
        return (await client.batches.create(model=_MODEL, src=_untyped(count))).name

    await create(_WARM)
    with setting.meter:
        name = await create(setting.size)
    await client.aclose()
    return _arrived(setting.url, name)


# Floors


def _rows(count: int) -> Iterator[dict[str, Any]]:
    for row in mappings(count):
        yield {"request": row["request"], "metadata": {"key": row["key"]}}


def _body(count: int) -> bytes:
    import orjson

    source = {"requests": {"requests": list(_rows(count))}}
    return orjson.dumps({"batch": {"displayName": "floor", "inputConfig": source}})


async def encoded(setting: Setting) -> int:
    import io

    import aiohttp
    import orjson

    headers = {"x-goog-api-key": KEY, "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def create(count: int) -> str:
            body = io.BytesIO(_body(count))
            async with session.post(setting.url + _PATH, data=body) as answer:
                name: str = orjson.loads(await answer.read())["name"]
                return name

        await create(_WARM)
        with setting.meter:
            name = await create(setting.size)
    return _arrived(setting.url, name)


async def raw_socket(setting: Setting) -> int:
    with RawClient(setting.url) as client:

        def create(body: bytes) -> str:
            client.ask("POST", _PATH, length=len(body))
            client.send(body)
            name: str = json.loads(client.answer()[1])["name"]
            return name

        create(_body(_WARM))
        body = _body(setting.size)
        with setting.meter:
            name = create(body)
    return _arrived(setting.url, name)


JOB = Job(
    name="inline_create",
    title="create a job of inline requests, 1 kB a row",
    unit="rows",
    sizes=(SMALL, LARGE),
    sides=(
        Side(name="gemini_batch", run=ours),
        Side(name=TYPES, run=typed, quick=SMALL, rounds=3),
        Side(name=_DICTS, run=untyped, quick=SMALL, rounds=3),
        Side(name=_ENCODED, run=encoded),
        Side(name=_RAW, run=raw_socket, loop=False),
    ),
    targets=(
        Target(against=TYPES, size=SMALL, at_least=30),
        Target(against=TYPES, size=LARGE, at_least=30),
    ),
    server="benchmarks._servers.create",
)
