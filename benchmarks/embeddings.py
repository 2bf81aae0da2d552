"""Vectors of a result file, all kept: time, and memory per vector.

Sizes are dimensions; the number of vectors is always the same.
"""

from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks._clients import genai_client
from benchmarks._data import vector_rows, write_rows
from benchmarks._job import Job, Setting, Side, Target

ROWS: Final = 5_000
SMALL, LARGE = 768, 3_072
_WARM_ROWS: Final = 20

OURS: Final = "gemini_batch: embedding"
_ARRAYS: Final = "aiohttp: stream, split lines, orjson.loads, array('f')"
_THEIRS: Final = (
    "google-genai async (aiohttp): download(), json.loads, SingleEmbedContentResponse"
)
THEIR_FILE: Final = (
    "google-genai async (aiohttp): download(destination=file), json.loads, "
    "SingleEmbedContentResponse"
)


def _name(dimensions: int) -> str:
    return f"embed{dimensions}"


def _warm_name(dimensions: int) -> str:
    return f"embedwarm{dimensions}"


def prepare(data: Path, sizes: tuple[int, ...]) -> None:
    """Write a result file per number of dimensions, and a small one to warm up with."""
    for dimensions in sizes:
        path = data / f"{_name(dimensions)}.jsonl"
        write_rows(path, vector_rows(ROWS, dimensions))
        path = data / f"{_warm_name(dimensions)}.jsonl"
        write_rows(path, vector_rows(_WARM_ROWS, dimensions))


def _numbers(kept: list[Any], dimensions: int) -> int:
    """Return how many numbers are kept, which every side must agree on."""
    if any(len(vector) != dimensions for vector in kept):
        raise RuntimeError("a vector has another length")
    return len(kept) * dimensions


async def _ours(setting: Setting) -> int:
    from gemini_batch import Client, DeveloperAPI

    api = DeveloperAPI(api_key="benchmark", base_url=setting.url)
    async with Client(api) as client:

        async def vectors(name: str) -> list[object]:
            return [result.embedding async for result in client.batches.results(name)]

        await vectors(f"batches/{_warm_name(setting.size)}")
        with setting.meter:
            kept = await vectors(f"batches/{_name(setting.size)}")
    return _numbers(kept, setting.size)


async def _arrays(setting: Setting) -> int:
    import aiohttp
    import orjson

    async def vectors(session: aiohttp.ClientSession, name: str) -> list[object]:
        kept: list[object] = []
        pending: list[bytes] = []
        url = f"{setting.url}/v1beta/files/{name}:download?alt=media"
        async with session.get(url) as response:
            async for piece in response.content.iter_any():
                *lines, rest = piece.split(b"\n")
                for line in lines:
                    row = orjson.loads(b"".join((*pending, line)))
                    kept.append(array("f", row["response"]["embedding"]["values"]))
                    pending.clear()
                pending.append(rest)
        return kept

    async with aiohttp.ClientSession() as session:
        await vectors(session, _warm_name(setting.size))
        with setting.meter:
            kept = await vectors(session, _name(setting.size))
    return _numbers(kept, setting.size)


async def _their_vectors(setting: Setting, *, to_file: bool) -> int:
    import json

    from google.genai import types

    client = genai_client(setting.url)
    validate = types.SingleEmbedContentResponse.model_validate

    async def lines(name: str) -> Iterator[str | bytes]:
        if not to_file:
            content = await client.aio.files.download(file=f"files/{name}")
            return iter(content.decode("utf-8").split("\n"))
        path = setting.data / "downloaded.jsonl"
        await client.aio.files.download(file=f"files/{name}", destination=path)
        return _lines_of(path)

    async def vectors(name: str) -> list[object]:
        kept: list[object] = []
        for line in await lines(name):
            if line:
                model = validate(json.loads(line)["response"])
                assert model.embedding is not None
                kept.append(model.embedding.values)
        return kept

    try:
        await vectors(_warm_name(setting.size))
        with setting.meter:
            kept = await vectors(_name(setting.size))
    finally:
        await client.aio.aclose()
    return _numbers(kept, setting.size)


def _lines_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file
    path.unlink()


def _theirs(*, to_file: bool) -> Callable[[Setting], Any]:
    return lambda setting: _their_vectors(setting, to_file=to_file)


JOB = Job(
    name="embeddings",
    title=f"keep {ROWS:,} vectors of a result file",
    unit="dimensions",
    sizes=(SMALL, LARGE),
    sides=(
        Side(name=OURS, run=_ours),
        Side(name=_ARRAYS, run=_arrays),
        Side(name=_THEIRS, run=_theirs(to_file=False)),
        Side(name=THEIR_FILE, run=_theirs(to_file=True)),
    ),
    targets=(
        Target(side=OURS, against=_THEIRS, size=LARGE, at_least=1.9),
        Target(side=OURS, against=THEIR_FILE, size=LARGE, at_least=1.9),
        # What is left in the end: at its peak, theirs holds the file too, twice.
        Target(side=OURS, against=THEIR_FILE, measure="kept", size=LARGE, at_least=8),
    ),
    prepare=prepare,
    server="benchmarks._servers.files",
)
