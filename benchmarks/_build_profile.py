"""Where the time of building input goes: ``python -m benchmarks._build_profile``.

Every stage is run together with all before it, and costs what that takes more than the run
without it. A run counts by the least CPU time of several; all runs take turns. Beside them run
the floor, and what a row costs that has no check at all: key and text encoded and joined.
"""

import asyncio
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import orjson

from benchmarks.build import asked, mappings, own, shared
from gemini_batch._codec import Codec
from gemini_batch._codec.request_structs import encode_plain
from gemini_batch._input.batching import RequestGroup
from gemini_batch._input.prepare import prepare
from gemini_batch._input.spool import RequestSpool
from gemini_batch._requests.checker import RequestChecker

_ROWS: Final = 50_000
_REPEATS: Final = 7
_MODEL: Final = "gemini-2.5-flash"

Make = Callable[[int], Iterable[Any]]


def _checker(make: Make) -> RequestChecker:
    checker = RequestChecker(Codec(), model=_MODEL)
    for number, value in enumerate(make(3), start=1):
        checker.request(value, number)  # what all rows share is known from here on
    return checker


def _construct(make: Make) -> None:
    deque(make(_ROWS), 0)


def _check(make: Make) -> None:
    made = _checker(make).made
    for number, value in enumerate(make(_ROWS), start=1):
        made(value, number)


def _draw(make: Make) -> None:
    batch = RequestGroup(checker := _checker(make))
    for value in make(_ROWS):
        if batch.add(value):
            batch = RequestGroup(checker, batch.following)


def _keep(make: Make, *, spool: bool = True) -> None:
    checker = _checker(make)
    batch = RequestGroup(checker)
    intake = RequestSpool(
        checker, inline_limit=0, inline_requests=0, max_file_bytes=sys.maxsize, spool=spool
    )
    for value in make(_ROWS):
        if batch.add(value):
            intake.requests(batch.waiting, batch.rows)
            batch = RequestGroup(checker, batch.following)
    intake.requests(batch.waiting, batch.rows)
    intake.close()


def _keys(make: Make) -> None:
    _keep(make, spool=False)


def _prepare(make: Make) -> None:
    async def run() -> None:
        async with prepare(make(_ROWS), codec=Codec(), model=_MODEL, inline_limit=0):
            pass

    asyncio.run(run())


def _encode(_: Make) -> None:
    # Of 1 kB as well: what is before, between and after.
    before, between, after = b'{"key":', b"," * 60, b"}" * 460
    for name, text in asked(_ROWS):
        b"".join((before, encode_plain(name), between, encode_plain(text), after))


def _ask(_: Make) -> None:
    deque(asked(_ROWS), 0)


def _map(_: Make) -> None:
    deque(mappings(_ROWS), 0)


def _floor(_: Make) -> None:
    with TemporaryDirectory() as folder, (Path(folder) / "rows").open("wb") as file:
        for line in map(orjson.dumps, mappings(_ROWS)):
            file.write(line)
            file.write(b"\n")


_STAGES: Final[dict[str, Callable[[Make], None]]] = {
    "construct the caller's objects": _construct,
    "check and encode": _check,
    "draw: count, weigh, gather": _draw,
    "keys and sizes": _keys,
    "spool": _keep,
    "thread hops and the loop": _prepare,
}

_BESIDE: Final[dict[str, Callable[[Make], None]]] = {
    "keys and texts made, as in all of these": _ask,
    "keys and texts made, encoded, joined": _encode,
    "mappings made": _map,
    "mappings made, encoded by orjson, written": _floor,
}


def _spent(run: Callable[[Make], None], make: Make) -> float:
    before = time.process_time()
    run(make)
    return (time.process_time() - before) / _ROWS * 1e6


def main() -> None:
    """Print a table in Markdown: microseconds of CPU time per row."""
    kinds: dict[str, Make] = {"own config": own, "shared config": shared}
    runs = [(run, make) for make in kinds.values() for run in _STAGES.values()]
    runs += [(run, own) for run in _BESIDE.values()]
    least = dict.fromkeys(runs, float("inf"))
    for _ in range(_REPEATS):
        for run, make in runs:
            least[run, make] = min(least[run, make], _spent(run, make))
    print(f"| us per row | {' | '.join(kinds)} |\n|---|---|---|")
    before = dict.fromkeys(kinds.values(), 0.0)
    for stage, run in _STAGES.items():
        costs = [least[run, make] - before[make] for make in kinds.values()]
        before = {make: least[run, make] for make in kinds.values()}
        print(f"| {stage} | {' | '.join(f'{cost:.2f}' for cost in costs)} |")
    print(f"| **all** | {' | '.join(f'{cost:.2f}' for cost in before.values())} |")
    for name, run in _BESIDE.items():
        print(f"| {name} | {least[run, own]:.2f} | |")


if __name__ == "__main__":
    main()
