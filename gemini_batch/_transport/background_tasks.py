"""Tasks that work beside the caller's, and none of which outlives the client."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import anyio

T = TypeVar("T")

_CLOSING_SECONDS = 10.0


class BackgroundTasks:
    """The tasks that a client has started and that have not ended yet."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Start `work`. Whoever starts it awaits or stops it."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def aclose(self) -> None:
        """Stop all that still run."""
        await stop(*self._running)


async def stop(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks, wait until they have ended, and take note of what they raised."""
    for task in tasks:
        task.cancel()
    if tasks:
        # Also when everything around is being cancelled, but not for ever.
        with anyio.move_on_after(_CLOSING_SECONDS, shield=True):
            await asyncio.wait(tasks)
    for task in tasks:
        if task.done() and not task.cancelled():
            task.exception()
