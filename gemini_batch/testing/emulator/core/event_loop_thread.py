"""Calls that come from other threads than the one the emulator answers in."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

_T = TypeVar("_T")


class EventLoopThread:
    """The event loop an emulator answers in.

    A test may run in another thread than its emulator, or in another event loop. What it
    changes must not change while a request is being looked at.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def settle(self) -> None:
        """Call the running event loop home."""
        self._loop = asyncio.get_running_loop()

    def leave(self) -> None:
        """Have no home any more; calls are made where they come from."""
        self._loop = None

    def do(self, call: Callable[[], _T]) -> _T:
        """Make `call` at home, between two steps of what goes on there; return its result.

        Waits for it, a moment only: nothing there waits for other threads.
        """
        loop = self._loop
        if loop is None or loop is _running_loop():
            return call()
        done = Future[_T]()

        def make() -> None:
            try:
                done.set_result(call())
            except BaseException as error:  # noqa: BLE001 - raised where the call came from
                done.set_exception(error)

        loop.call_soon_threadsafe(make)
        return done.result()

    async def run(self, call: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """Run a coroutine function at home; return its result."""
        loop = self._loop
        if loop is None or loop is _running_loop():
            return await call()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call(), loop))


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
