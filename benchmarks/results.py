"""Results of a file, read row by row: from the service to what a program looks at."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks._clients import genai_client
from benchmarks._data import result_bytes, result_rows, write_rows
from benchmarks._job import Beyond, Job, Setting, Side, Target

if TYPE_CHECKING:
    from google import genai

    from gemini_batch import BatchResult

SMALL, LARGE = 50_000, 500_000
WARM = 200

_STREAM = "aiohttp: stream, discard"
_DECODE = "aiohttp: stream, split lines, orjson.loads"
_THEIRS = "google-genai async (aiohttp): download(), json.loads, model_validate"
_THEIR_TEXT = "google-genai async (aiohttp): download(), json.loads, model_validate, .text"
_THEIR_DICTS = "google-genai async (aiohttp): download(), json.loads, text of the dict"
_THEIR_FILE = (
    "google-genai async (aiohttp): download(destination=file), json.loads, model_validate"
)
_KEYS = "gemini_batch: key and raw"
_TEXTS = "gemini_batch: text"
_STRUCTURED = "gemini_batch: response, structured"


def name_of(rows: int) -> str:
    """Return the name that a job and its file have."""
    return f"rows{rows}"


def prepare(data: Path, sizes: tuple[int, ...]) -> None:
    """Write a result file per size, and a small one to warm up with."""
    for rows in (*sizes, WARM):
        write_rows(data / f"{name_of(rows)}.jsonl", result_rows(rows))


# Ours


async def _ours(setting: Setting, look: Callable[["BatchResult"], bool]) -> int:
    from gemini_batch import Client, DeveloperAPI

    api = DeveloperAPI(api_key="benchmark", base_url=setting.url)
    async with Client(api) as client:
        async for result in client.batches.results(f"batches/{name_of(WARM)}"):
            look(result)
        count = 0
        with setting.meter:
            async for result in client.batches.results(f"batches/{name_of(setting.size)}"):
                count += look(result)
    return count


async def _keys(setting: Setting) -> int:
    return await _ours(setting, lambda result: bool(result.key and result.raw))


async def _texts(setting: Setting) -> int:
    return await _ours(setting, lambda result: bool(result.text))


async def _structured(setting: Setting) -> int:
    return await _ours(setting, lambda result: result.response is not None)


# Floors


def url_of(setting: Setting, rows: int) -> str:
    """Return the address of a file's content."""
    return f"{setting.url}/v1beta/files/{name_of(rows)}:download?alt=media"


async def _discard(setting: Setting) -> int:
    import aiohttp

    async def take(session: aiohttp.ClientSession, rows: int) -> int:
        held = 0
        async with session.get(url_of(setting, rows)) as response:
            async for piece in response.content.iter_any():
                held += len(piece)
        return held

    async with aiohttp.ClientSession() as session:
        await take(session, WARM)
        with setting.meter:
            held = await take(session, setting.size)
    if held != result_bytes(setting.size):
        raise RuntimeError(f"{held} bytes came instead of {result_bytes(setting.size)}")
    return setting.size


async def _decode(setting: Setting) -> int:
    import aiohttp
    import orjson

    async def rows(session: aiohttp.ClientSession, wanted: int) -> int:
        count = 0
        rest = b""
        async with session.get(url_of(setting, wanted)) as response:
            async for piece in response.content.iter_any():
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    count += "response" in orjson.loads(line)
        return count

    async with aiohttp.ClientSession() as session:
        await rows(session, WARM)
        with setting.meter:
            return await rows(session, setting.size)


# Theirs


async def downloaded(client: "genai.Client", rows: int) -> Iterable[str]:
    """Return the lines of a file as the guide does: downloaded, decoded and split."""
    content = await client.aio.files.download(file=f"files/{name_of(rows)}")
    # Not `splitlines`, as the guide has it: it would cut rows at U+2028 and U+0085.
    return content.decode("utf-8").split("\n")


async def _in_file(client: "genai.Client", rows: int, folder: Path) -> Iterator[bytes]:
    path = folder / "downloaded.jsonl"
    await client.aio.files.download(file=f"files/{name_of(rows)}", destination=path)

    def lines() -> Iterator[bytes]:
        with path.open("rb") as file:
            yield from file
        path.unlink()

    return lines()


async def _theirs(
    setting: Setting, look: Callable[[Any], bool], *, to_file: bool = False
) -> int:
    import json

    client = genai_client(setting.url)

    async def rows(wanted: int) -> int:
        count = 0
        for line in (
            await _in_file(client, wanted, setting.data)
            if to_file
            else await downloaded(client, wanted)
        ):
            if line:
                count += look(json.loads(line)["response"])
        return count

    try:
        await rows(WARM)
        with setting.meter:
            return await rows(setting.size)
    finally:
        await client.aio.aclose()


def _validating(look: Callable[[Any], bool]) -> Callable[[Any], bool]:
    from google.genai import types

    validate = types.GenerateContentResponse.model_validate
    return lambda response: look(validate(response))


async def _their_models(setting: Setting) -> int:
    return await _theirs(setting, _validating(lambda model: model is not None))


async def _their_texts(setting: Setting) -> int:
    return await _theirs(setting, _validating(lambda model: bool(model.text)))


async def _their_file(setting: Setting) -> int:
    look = _validating(lambda model: model is not None)
    return await _theirs(setting, look, to_file=True)


async def _their_dicts(setting: Setting) -> int:
    return await _theirs(
        setting,
        lambda response: bool(response["candidates"][0]["content"]["parts"][0]["text"]),
    )


JOB = Job(
    name="results",
    title="iterate over the results of a file, 1.5 kB a row",
    unit="rows",
    sizes=(SMALL, LARGE),
    sides=(
        Side(name=_KEYS, run=_keys),
        Side(name=_TEXTS, run=_texts),
        Side(name=_STRUCTURED, run=_structured),
        Side(name=_STREAM, run=_discard),
        Side(name=_DECODE, run=_decode),
        Side(name=_THEIRS, run=_their_models, quick=SMALL),
        Side(name=_THEIR_TEXT, run=_their_texts, quick=SMALL),
        Side(name=_THEIR_DICTS, run=_their_dicts, most=SMALL),
        Side(name=_THEIR_FILE, run=_their_file, most=SMALL),
    ),
    targets=(
        Target(side=_KEYS, against=_THEIRS, size=LARGE, at_least=35),
        Target(
            side=_KEYS,
            against=_STREAM,
            size=LARGE,
            at_most=2.0,
            beyond=Beyond(held=2.6, proof="rows-of-results"),
        ),
        Target(side=_KEYS, measure="process", size=LARGE, at_most=60),
        Target(side=_KEYS, measure="stall_max", size=LARGE, at_most=2),
        Target(
            side=_TEXTS,
            against=_THEIR_TEXT,
            size=LARGE,
            at_least=20,
            beyond=Beyond(held=15, proof="text-of-results"),
        ),
        Target(side=_TEXTS, measure="process", size=LARGE, at_most=60),
        Target(side=_TEXTS, measure="stall_max", size=LARGE, at_most=2),
        Target(side=_STRUCTURED, against=_THEIRS, size=LARGE, at_least=6),
        Target(side=_STRUCTURED, against=_DECODE, size=LARGE, at_most=2.1),
        Target(side=_STRUCTURED, measure="process", size=LARGE, at_most=60),
        Target(side=_STRUCTURED, measure="stall_max", size=LARGE, at_most=8),
    ),
    prepare=prepare,
    server="benchmarks._file_server",
)
