"""All results of a file kept in memory, as a program does that looks at them later."""

from typing import Final

from benchmarks._clients import genai_client
from benchmarks._data import result_bytes
from benchmarks._job import Job, Setting, Side, Target
from benchmarks._meter import MB
from benchmarks._result_files import WARM, WIDE

SMALL, LARGE = 10_000, 100_000

OURS: Final = "gemini_batch: results"
_DICTS: Final = "aiohttp: stream, split lines, orjson.loads, dicts"
THEIRS: Final = "google-genai async (aiohttp): download(), json.loads, models"


async def _ours(setting: Setting) -> int:
    from gemini_batch import Client, DeveloperAPI

    api = DeveloperAPI(api_key="benchmark", base_url=setting.url)
    async with Client(api) as client:
        async for _ in client.batches.results(f"batches/{WIDE.name(WARM)}"):
            pass
        with setting.meter:
            kept = [
                result
                async for result in client.batches.results(
                    f"batches/{WIDE.name(setting.size)}"
                )
            ]
    return len(kept)


async def _dicts(setting: Setting) -> int:
    import aiohttp
    import orjson

    async def rows(session: aiohttp.ClientSession, wanted: int) -> list[object]:
        kept: list[object] = []
        rest = b""
        async with session.get(WIDE.url(setting, wanted)) as response:
            async for piece in response.content.iter_any():
                *lines, rest = (rest + piece).split(b"\n")
                kept += map(orjson.loads, lines)
        return kept

    async with aiohttp.ClientSession() as session:
        await rows(session, WARM)
        with setting.meter:
            kept = await rows(session, setting.size)
    return len(kept)


async def _theirs(setting: Setting) -> int:
    import json

    from google.genai import types

    client = genai_client(setting.url)
    validate = types.GenerateContentResponse.model_validate

    async def rows(wanted: int) -> list[object]:
        lines = await WIDE.decoded(client, wanted)
        kept: list[object] = []
        for line in lines:
            if line:
                row = json.loads(line)
                kept.append((row["key"], validate(row["response"])))
        return kept

    try:
        await rows(WARM)
        with setting.meter:
            kept = await rows(setting.size)
        return len(kept)
    finally:
        await client.aio.aclose()


JOB = Job(
    name="keep",
    title="keep every result of a file, 1.5 kB a row",
    unit="rows",
    sizes=(SMALL, LARGE),
    sides=(
        Side(name=OURS, run=_ours),
        Side(name=_DICTS, run=_dicts),
        Side(name=THEIRS, run=_theirs, quick=SMALL, rounds=3),
    ),
    targets=(
        Target(side=OURS, against=THEIRS, size=LARGE, at_least=40),
        Target(
            side=OURS,
            measure="peak",
            size=LARGE,
            at_most=1.15 * result_bytes(LARGE) / MB,
        ),
    ),
    prepare=WIDE.prepare,
    server="benchmarks._servers.files",
)
