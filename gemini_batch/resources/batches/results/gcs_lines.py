"""Results in Cloud Storage: which objects have them, read side by side as one stream."""

import re
from collections import deque
from collections.abc import Iterable
from contextlib import AsyncExitStack, aclosing
from typing import Final

from gemini_batch._io.lines import LineSplitter
from gemini_batch._transfer.cloud_storage import Objects
from gemini_batch._transfer.read_ahead import ReadAhead
from gemini_batch._transport import Transport
from gemini_batch._wire.gcs import Gcs, ObjectContent
from gemini_batch.errors import NotFoundError, ResultsUnavailableError
from gemini_batch.resources.batches.results.locations import is_own, nothing_in
from gemini_batch.types import BatchJob, JobDestination, StoredObject

AT_ONCE: Final = 4
"""Objects that are read at a time."""

TURN: Final = 1 << 20
"""Bytes taken from one object before the next has its turn. What comes in which order depends
on the objects alone, and not on how fast each arrives."""

_WHOLE: Final = "predictions.jsonl"
# Copies of half a job, incremental_predictions.jsonl, would come twice; so would any other.
_SHARD: Final = re.compile(r"(?:predictions|errors)_[^/]*\.jsonl")


class ObjectLines:
    """The lines of several objects, as one stream that is the same every time."""

    def __init__(self, transport: Transport, objects: Iterable[StoredObject]) -> None:
        self._transport = transport
        self._store = Listed(objects)
        self._waiting = deque(self._store.names)
        self._open: deque[_Shard] = deque()
        self._left = TURN

    async def read(self) -> Iterable[bytes] | None:
        """Return the lines that the next piece completes; None at the end."""
        while len(self._open) < AT_ONCE and self._waiting:
            name = self._waiting.popleft()
            self._open.append(_Shard(ReadAhead(self._transport, self._store, name)))
        if not self._open:
            return None
        shard = self._open[0]
        piece = await shard.read(self._left)
        if not piece:
            await shard.reader.aclose()
            self._open.popleft()
            rest = shard.splitter.finish()
            return (rest,) if rest else ()
        self._left -= len(piece)
        if not self._left:
            self._open.rotate(-1)
            self._left = TURN
        return shard.splitter.feed(piece)

    async def aclose(self) -> None:
        """Stop fetching."""
        async with AsyncExitStack() as stack:
            for shard in self._open:
                stack.push_async_callback(shard.reader.aclose)


class _Shard:
    """One object that is being read."""

    def __init__(self, reader: ReadAhead) -> None:
        # The others wait for their turn with their first bytes at hand.
        reader.start()
        self.reader = reader
        self.splitter = LineSplitter()
        self._kept = b""

    async def read(self, most: int) -> bytes:
        """Return the next bytes, at most so many; empty at the end."""
        piece = self._kept or await self.reader.read()
        self._kept = piece[most:]
        return piece[:most]


class Listed:
    """Objects as they were when they were listed."""

    def __init__(self, objects: Iterable[StoredObject]) -> None:
        self._generations = {item.name: item.generation for item in objects}

    @property
    def names(self) -> Iterable[str]:
        """What they are called, in their order."""
        return self._generations

    def content(self, name: str) -> ObjectContent:
        """Return the content of one of them, to be read."""
        return ObjectContent(name=name, generation=self._generations[name])


async def find_shards(transport: Transport, gcs: Gcs, job: BatchJob) -> ObjectLines:
    """Find the objects that have the results of a job.

    Raises:
        ResultsUnavailableError: There are none, or it cannot be told which are the job's.
        JobFailedError: There are none, and the job did not get to its end.
    """
    dest = job.dest or JobDestination()
    location = (dest.gcs_directory or dest.gcs_uri or "").rstrip("/")
    folders = await _folders(Objects(transport, gcs), f"{location}/")
    if dest.gcs_directory is not None:
        folders = {name: found for name, found in folders.items() if not name}
    elif folders and (len(folders) > 1 or not is_own(job, location)):
        raise ResultsUnavailableError(reason="not_located", job=job, location=location)
    if not folders:
        raise nothing_in(location, job)
    (found,) = folders.values()
    whole = [item for item in found if item.name.endswith(f"/{_WHOLE}")]
    return ObjectLines(transport, whole or found)


async def _folders(objects: Objects, prefix: str) -> dict[str, list[StoredObject]]:
    """Return objects that hold results, by their folder below a prefix, if they have one."""
    folders: dict[str, list[StoredObject]] = {}
    listed = objects.list_all(prefix)
    try:
        async with aclosing(listed):
            async for item in listed:
                folder, _, name = item.name.removeprefix(prefix).rpartition("/")
                if name == _WHOLE or _SHARD.fullmatch(name):
                    folders.setdefault(folder, []).append(item)
    except NotFoundError:
        # The bucket itself is gone.
        return {}
    return folders
