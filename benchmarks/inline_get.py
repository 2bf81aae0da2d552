"""An inline job that has succeeded, its answers in the body: got and held, and read."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks._clients import AIO, genai_client, our_api
from benchmarks._inline_jobs import ROW, write_job
from benchmarks._job import Job, Run, Setting, Side, Target
from benchmarks._meter import MB
from benchmarks._raw import RawClient

if TYPE_CHECKING:
    from google.genai.types import BatchJob as TheirJob

    from gemini_batch import Client

SMALL, LARGE = 2_000, 10_000
BODY = ROW * LARGE / MB
"""MB that the large job has."""

GET = "gemini_batch: get"
READ = "aiohttp: read the body"
DECODE = "aiohttp: read the body, orjson.loads"
RAW = "raw socket: read the body"
THEIRS = f"{AIO}: get"
_TEXTS = "gemini_batch: get, text of each"
_THEIR_TEXTS = f"{AIO}: get, text of each"

_WARM = 50

Held = tuple[object, int]
"""What a look leaves in memory, kept until all is measured; and how many rows it has."""


def preparing(*, twice: bool) -> Callable[[Path, tuple[int, ...]], None]:
    """Return a function that writes the jobs, their answers there once or twice."""

    def prepare(data: Path, sizes: tuple[int, ...]) -> None:
        for rows in (_WARM, *sizes):
            write_job(_path(data, rows), rows, twice=twice)

    return prepare


def _name(rows: int) -> str:
    return f"inline-{rows}"


def _path(data: Path, rows: int) -> Path:
    return data / f"{_name(rows)}.json"


# Ours


def _ours(*, texts: bool) -> Run:
    async def look(client: "Client", rows: int) -> Held:
        job = await client.batches.get(f"batches/{_name(rows)}")
        if not texts:
            assert job.dest is not None
            return job, len(job.dest.inlined_responses or ())
        read = [result.text for result in await client.batches.get_responses(job)]
        return (job, read), sum(text is not None for text in read)

    async def run(setting: Setting) -> int:
        from gemini_batch import Client

        async with Client(our_api(setting.url)) as client:
            await look(client, _WARM)
            with setting.meter:
                _, count = held = await look(client, setting.size)
            del held
            return count

    return run


# Theirs


def _responses(job: "TheirJob") -> list[Any]:
    assert job.dest is not None
    return job.dest.inlined_responses or []


def _theirs(*, texts: bool) -> Run:
    async def run(setting: Setting) -> int:
        client = genai_client(setting.url).aio

        async def look(rows: int) -> Held:
            job = await client.batches.get(name=f"batches/{_name(rows)}")
            if not texts:
                return job, len(_responses(job))
            read = [row.response.text for row in _responses(job)]
            return (job, read), sum(text is not None for text in read)

        await look(_WARM)
        with setting.meter:
            _, count = held = await look(setting.size)
        del held
        await client.aclose()
        return count

    return run


# Floors


def _reading(take: Callable[[bytes, int, Path], Held]) -> Run:
    """Return a run that reads the body and makes of it what `take` does."""

    async def run(setting: Setting) -> int:
        import aiohttp

        async with aiohttp.ClientSession() as session:

            async def look(rows: int) -> Held:
                url = f"{setting.url}/v1beta/batches/{_name(rows)}"
                async with session.get(url) as response:
                    return take(await response.read(), rows, setting.data)

            await look(_WARM)
            with setting.meter:
                _, count = held = await look(setting.size)
            del held
            return count

    return run


def _whole(body: bytes, rows: int, data: Path) -> Held:
    if len(body) != _path(data, rows).stat().st_size:
        raise RuntimeError("the body is not whole")
    return body, rows


def _decoded(body: bytes, _rows: int, _data: Path) -> Held:
    import orjson

    job = orjson.loads(body)
    return job, len(job["metadata"]["output"]["inlinedResponses"]["inlinedResponses"])


async def _raw(setting: Setting) -> int:
    with RawClient(setting.url) as client:

        def look(rows: int) -> Held:
            client.ask("GET", f"/v1beta/batches/{_name(rows)}")
            return _whole(client.answer()[1], rows, setting.data)

        look(_WARM)
        with setting.meter:
            _, count = held = look(setting.size)
        del held
        return count


JOB = Job(
    name="inline_get",
    title="get an inline job that has succeeded, 2 kB a row",
    unit="rows",
    sizes=(SMALL, LARGE),
    sides=(
        Side(name=GET, run=_ours(texts=False)),
        Side(name=_TEXTS, run=_ours(texts=True)),
        Side(name=READ, run=_reading(_whole)),
        Side(name=DECODE, run=_reading(_decoded)),
        Side(name=RAW, run=_raw, loop=False),
        Side(name=THEIRS, run=_theirs(texts=False)),
        Side(name=_THEIR_TEXTS, run=_theirs(texts=True)),
    ),
    targets=(
        Target(side=GET, against=THEIRS, size=LARGE, at_least=70),
        Target(side=_TEXTS, against=_THEIR_TEXTS, size=LARGE, at_least=20),
        Target(side=GET, against=READ, size=LARGE, at_most=1.5),
        Target(side=GET, measure="peak", size=LARGE, at_most=2 * BODY),
        Target(side=GET, measure="stall_max", size=LARGE, at_most=25),
    ),
    prepare=preparing(twice=False),
    server="benchmarks._servers.stored",
)
