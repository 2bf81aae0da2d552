"""From what callers have to what is sent: input is read once, checked, keyed and spooled."""

import os
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
)
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import anyio
from attrs import frozen

from gemini_batch._codec import Codec
from gemini_batch._input.batching import RequestGroup
from gemini_batch._input.spool import RequestSpool
from gemini_batch._io.input_file import LineReader, shorten_path
from gemini_batch._io.threads import in_thread
from gemini_batch._requests.api_rules import DEVELOPER, ApiRules
from gemini_batch._requests.checker import MAX_REQUEST_BYTES, EncodedRequest, RequestChecker
from gemini_batch._wire.developer.files import MAX_FILE_BYTES
from gemini_batch.errors import InputError
from gemini_batch.types import (
    Content,
    EmbedRequest,
    GenerateRequest,
    GenerationConfig,
    JobKind,
)

INLINE_LIMIT: Final = 18_000_000
"""Bytes of inline rows: a safe margin under the 20 MB the service takes as one body."""

INLINE_REQUESTS: Final = 10_000
"""Rows of an inline job. Its results come back in one piece, twice, and are held in memory."""

_CLEANUP_SECONDS = 10.0

Requests: TypeAlias = str | os.PathLike[str] | Iterable[Any] | AsyncIterable[Any]
Instruction: TypeAlias = str | Content | Mapping[str, Any]
Config: TypeAlias = GenerationConfig | Mapping[str, Any]
Take: TypeAlias = Callable[[RequestSpool], Awaitable[None]]
"""Has all rows of an input checked."""


@frozen(kw_only=True)
class PreparedInput:
    """Checked input, ready to be sent: either `rows` or `path` is set."""

    kind: JobKind
    count: int
    """Rows."""

    size: int
    """Bytes as a file."""

    rows: tuple[EncodedRequest, ...] | None
    """The rows, if they are small enough to go inline."""

    path: Path | None
    """Temporary file of canonical JSONL, if they are not."""


@asynccontextmanager
async def prepare(
    requests: Requests,
    *,
    codec: Codec,
    model: str | None,
    kind: JobKind | None = None,
    generation_config: Config | None = None,
    system_instruction: Instruction | None = None,
    inline_limit: int = INLINE_LIMIT,
    max_file_bytes: int = MAX_FILE_BYTES,
    max_request_bytes: int = MAX_REQUEST_BYTES,
    api_rules: ApiRules = DEVELOPER,
) -> AsyncIterator[PreparedInput]:
    """Read input once, in constant memory, and make it ready to be sent.

    A temporary file, where one is needed, is gone when the block ends.

    Args:
        requests: Path of a JSONL file, or an iterable or async iterable of requests.
        codec: Reads and writes JSON.
        model: Model of the job, which rows must not contradict; None takes any.
        kind: What the rows must ask for; None takes it from the first.
        generation_config: Defaults for rows that do not set their own.
        system_instruction: Default for rows without one.
        inline_limit: Bytes of inline rows up to which nothing is spooled.
        max_file_bytes: Largest file, in bytes.
        max_request_bytes: Largest row, in bytes.
        api_rules: Which API the rows are for.

    Raises:
        InputError: Something is wrong with the input; all of it is told.
    """
    checker = RequestChecker(
        codec,
        file=file_of(requests),
        model=model,
        kind=kind,
        generation_config=generation_config,
        system_instruction=system_instruction,
        max_request_bytes=max_request_bytes,
        api_rules=api_rules,
    )
    async with taken(
        partial(_take, requests, max_request_bytes),
        checker,
        inline_limit=inline_limit,
        max_file_bytes=max_file_bytes,
    ) as intake:
        yield PreparedInput(
            kind=checker.kind or JobKind.GENERATE,
            count=intake.count,
            size=intake.size,
            rows=await in_thread(intake.rows),
            path=intake.path,
        )


@asynccontextmanager
async def taken(
    take: Take,
    checker: RequestChecker,
    *,
    inline_limit: int,
    max_file_bytes: int,
    spool: bool = True,
) -> AsyncIterator[RequestSpool]:
    intake = RequestSpool(
        checker,
        inline_limit=inline_limit,
        inline_requests=INLINE_REQUESTS,
        max_file_bytes=max_file_bytes,
        spool=spool,
    )
    try:
        await take(intake)
        checker.raise_if_any()
        if not intake.count:
            raise InputError.one(
                "there are no requests",
                remedy="Give at least one.",
                file=checker.file,
            )
        yield intake
    finally:
        # The quick part needs no await, so nothing can keep it from happening.
        intake.discard()
        try:
            with anyio.move_on_after(_CLEANUP_SECONDS, shield=True):
                await in_thread(intake.close)
        finally:
            # A task that is cancelled meanwhile may have kept its thread from starting.
            intake.close(wait=False)


async def _take(requests: Requests, max_request_bytes: int, intake: RequestSpool) -> None:
    if isinstance(requests, str | os.PathLike):
        await take_file(requests, max_request_bytes, intake)
    else:
        await _take_each(requests, intake)


async def take_file(
    path: str | os.PathLike[str], max_request_bytes: int, intake: RequestSpool
) -> None:
    reader = LineReader(path, max_line_bytes=max_request_bytes)

    def read_some() -> bool:
        lines = reader.block()
        if lines is not None:
            intake.lines(lines)
        return lines is not None

    await in_thread(reader.check)
    while await in_thread(read_some):
        pass


async def _take_each(requests: Requests, intake: RequestSpool) -> None:
    batch = RequestGroup(intake.checker)
    if isinstance(requests, AsyncIterable):
        iterator = aiter(requests)
        try:
            async for value in iterator:
                if batch.add(value):
                    batch = await _handed_over(batch, intake)
        finally:
            if isinstance(iterator, AsyncGenerator):
                await iterator.aclose()
    else:
        for value in _iterable(requests):
            if batch.add(value):
                batch = await _handed_over(batch, intake)
    await _handed_over(batch, intake)


async def _handed_over(batch: RequestGroup, intake: RequestSpool) -> RequestGroup:
    """Have a batch checked and kept, and return the one that follows."""
    if batch.count:
        await in_thread(intake.requests, batch.waiting, batch.rows)
    return RequestGroup(intake.checker, batch.following)


def _iterable(requests: Any) -> Iterable[Any]:
    if isinstance(requests, bytes | bytearray | Mapping | GenerateRequest | EmbedRequest):
        raise InputError.one(
            f"expected requests, got a single {type(requests).__name__}",
            remedy="Put it into a list; for a file, give its path.",
        )
    if not isinstance(requests, Iterable):
        raise InputError.one(
            f"expected a path or requests, got {type(requests).__name__}",
            remedy="Give the path of a JSONL file, a list, or an iterable, async or not.",
        )
    return requests


def file_of(requests: object) -> str | None:
    return (
        shorten_path(os.fspath(requests))
        if isinstance(requests, str | os.PathLike)
        else None
    )
