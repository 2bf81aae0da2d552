"""So many at a time, the others in line."""

import asyncio
from collections import OrderedDict

Permit = asyncio.Future[None]
"""A place in the line, and the turn that it becomes: done when it is one."""


class FifoLimiter:
    """Lets so many in at a time; who comes later waits for a turn, in the order of coming.

    A semaphore in all but two respects: where thousands wait and are cancelled together, each
    leaves the line at the same small cost - those of asyncio and anyio search it, and anyio's
    limiter takes several times as long to let one in -, and a turn can be handed to whoever
    is to use it.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: OrderedDict[Permit, None] = OrderedDict()
        self._granted: set[Permit] = set()

    def acquire(self) -> Permit:
        """Return a place in the line: await it, then `release`, whatever comes between."""
        permit: Permit = asyncio.get_running_loop().create_future()
        if self._free:
            self._free -= 1
            self._grant(permit)
        else:
            self._waiting[permit] = None
        return permit

    def release(self, permit: Permit) -> None:
        """Give a turn back, or leave the line. A second time, do nothing."""
        if permit in self._granted:
            self._granted.remove(permit)
            self._pass_on()
        else:
            self._waiting.pop(permit, None)

    def has(self, permit: Permit) -> bool:
        """Return True if the turn was given and has not been given back."""
        return permit in self._granted

    async def __aenter__(self) -> None:
        permit = self.acquire()
        try:
            await permit
        except BaseException:
            self.release(permit)
            raise
        # Whose it is now need not be known: they leave by the end of their block.
        self._granted.remove(permit)

    async def __aexit__(self, *_: object) -> None:
        self._pass_on()

    def _grant(self, permit: Permit) -> None:
        self._granted.add(permit)
        permit.set_result(None)

    def _pass_on(self) -> None:
        while self._waiting:
            permit, _ = self._waiting.popitem(last=False)
            if not permit.done():
                self._grant(permit)
                return
        self._free += 1
