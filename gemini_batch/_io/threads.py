"""Calls in worker threads."""

import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio
import anyio.lowlevel
from anyio import to_thread

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = 4
_limiter = anyio.lowlevel.RunVar[anyio.CapacityLimiter]("gemini_batch_file_threads")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `function` in a worker thread, under this package's own limit on threads.

    The default limit is shared with the whole process. Cancellation waits for the thread, so
    what runs there is short.
    """
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(_THREADS)
        _limiter.set(limiter)
    return await to_thread.run_sync(lambda: function(*args, **kwargs), limiter=limiter)


async def call_maybe_async(callback: Callable[[T], object], news: T) -> None:
    """Call a callback, and await what it returns if that can be awaited."""
    called = callback(news)
    if inspect.isawaitable(called):
        await called
