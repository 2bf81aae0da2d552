"""Results held against the keys that were asked for, in the order of these.

The file has its rows in no order, or in that of the keys. Who does not spill rows to a disk holds
them all in memory.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks._clients import genai_client
from benchmarks._data import key, result_rows, write_rows
from benchmarks._job import Job, Setting, Side, Target
from benchmarks._result_files import WARM, WIDE

SMALL, LARGE = 100_000, 1_000_000

SHUFFLED: Final = "gemini_batch: ordered=True, rows in no order"
_IN_ORDER: Final = "gemini_batch: ordered=True, rows in order"
_ARRIVING: Final = "gemini_batch: expected=keys, rows in no order"
_DICT: Final = "aiohttp: stream, split lines, dict by orjson.loads(line)['key']"
THEIRS: Final = "google-genai async (aiohttp): download(), json.loads, dict by key"


def _shuffled_name(rows: int) -> str:
    return f"shuffled{rows}"


def prepare(data: Path, sizes: tuple[int, ...]) -> None:
    """Write two result files per size, and two small ones to warm up with."""
    for rows in (*sizes, WARM):
        write_rows(data / f"{WIDE.name(rows)}.jsonl", result_rows(rows))
        shuffled = result_rows(rows, shuffled=True)
        write_rows(data / f"{_shuffled_name(rows)}.jsonl", shuffled)


def _keys(rows: int) -> Iterator[str]:
    return map(key, range(rows))


# Ours


async def _ours(setting: Setting, *, shuffled: bool, ordered: bool = True) -> int:
    from gemini_batch import Client, DeveloperAPI

    api = DeveloperAPI(api_key="benchmark", base_url=setting.url)
    async with Client(api) as client:

        async def keys(rows: int) -> AsyncIterator[str]:
            name = _shuffled_name(rows) if shuffled else WIDE.name(rows)
            results = client.batches.results(
                f"batches/{name}", expected=_keys(rows), ordered=ordered
            )
            async for result in results:
                if result.key and result.raw:
                    yield result.key

        async for _ in keys(WARM):
            pass
        due = _keys(setting.size)
        count = 0
        with setting.meter:
            async for found in keys(setting.size):
                count += not ordered or found == next(due)
    return count


async def _shuffled(setting: Setting) -> int:
    return await _ours(setting, shuffled=True)


async def _in_order(setting: Setting) -> int:
    return await _ours(setting, shuffled=False)


async def _arriving(setting: Setting) -> int:
    return await _ours(setting, shuffled=True, ordered=False)


# Theirs


async def _dict(setting: Setting) -> int:
    import aiohttp
    import orjson

    async def rows(session: aiohttp.ClientSession, wanted: int) -> int:
        found: dict[str, bytes] = {}
        rest = b""
        url = WIDE.url(setting, wanted).replace(WIDE.name(wanted), _shuffled_name(wanted))
        async with session.get(url) as response:
            async for piece in response.content.iter_any():
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    found[orjson.loads(line)["key"]] = line
        return sum(bool(found.get(one)) for one in _keys(wanted))

    async with aiohttp.ClientSession() as session:
        await rows(session, WARM)
        with setting.meter:
            return await rows(session, setting.size)


async def _theirs(setting: Setting) -> int:
    import json

    client = genai_client(setting.url)

    async def rows(wanted: int) -> int:
        found: dict[str, Any] = {}
        for line in await WIDE.decoded(client, wanted):
            if line:
                row = json.loads(line)
                found[row["key"]] = row["response"]
        return sum(bool(found.get(one)) for one in _keys(wanted))

    try:
        await rows(WARM)
        with setting.meter:
            return await rows(setting.size)
    finally:
        await client.aio.aclose()


JOB = Job(
    name="ordered",
    title="results of a file in the order of their requests, 1.5 kB a row",
    unit="rows",
    sizes=(SMALL, LARGE),
    sides=(
        # A million rows take most of a minute, and their memory hardly varies.
        Side(name=SHUFFLED, run=_shuffled, rounds=3, before_most=SMALL),
        Side(name=_IN_ORDER, run=_in_order, rounds=3, before_most=SMALL),
        Side(name=_ARRIVING, run=_arriving, rounds=3, before_most=SMALL),
        Side(name=_DICT, run=_dict, most=SMALL),
        Side(name=THEIRS, run=_theirs, most=SMALL),
    ),
    targets=(
        Target(side=SHUFFLED, measure="process", size=LARGE, at_most=200),
        Target(side=_IN_ORDER, measure="process", size=LARGE, at_most=200),
        Target(side=_ARRIVING, measure="process", size=LARGE, at_most=200),
        Target(side=SHUFFLED, against=THEIRS, size=SMALL, at_least=1),
    ),
    prepare=prepare,
    server="benchmarks._servers.files",
)
