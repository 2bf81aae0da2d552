"""Tables for tests, and what is read from them."""

from collections.abc import AsyncIterable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gemini_batch import GenerateRequest, InputError, InputProblem

T = TypeVar("T")


async def all_of(requests: AsyncIterable[T]) -> list[T]:
    """Return all requests."""
    return [request async for request in requests]


async def prompts(requests: AsyncIterable[GenerateRequest]) -> list[tuple[Any, Any]]:
    """Return key and prompt of all requests."""
    return [
        (request.key, request.contents[-1].parts[0].text)
        for request in await all_of(requests)
    ]


async def problems_of(requests: AsyncIterable[Any]) -> tuple[InputProblem, ...]:
    """Return what is wrong with a table of which something is wrong."""
    with pytest.raises(InputError) as caught:
        await all_of(requests)
    return caught.value.problems


async def until_wrong(requests: AsyncIterable[T]) -> tuple[list[T], InputError]:
    """Return the requests before the error, and the error."""
    seen: list[T] = []
    with pytest.raises(InputError) as caught:  # noqa: PT012 - what came before is kept
        async for request in requests:
            seen.append(request)  # noqa: PERF401 - the same
    return seen, caught.value


def problems_of_call(call: Callable[[], Any]) -> InputProblem:
    """Return what is wrong with a call, before anything is read."""
    with pytest.raises(InputError) as caught:
        call()
    (problem,) = caught.value.problems
    return problem


def written(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a table, newlines as they are."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
