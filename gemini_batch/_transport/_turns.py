"""So many at a time, the others in line."""

import asyncio
from collections import OrderedDict


class Turns:
    """Lets so many in at a time; who comes later waits for a turn, in the order of coming.

    A semaphore in all but one respect: where thousands wait and are cancelled together, each
    leaves the line at the same small cost. Those of asyncio and anyio search it, and anyio's
    limiter takes several times as long to let one in.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._line: OrderedDict[asyncio.Future[None], None] = OrderedDict()

    async def __aenter__(self) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._line[turn] = None
        try:
            await turn
        except BaseException:
            self._line.pop(turn, None)
            if not turn.cancelled():
                # It was given just before: the next in line gets it.
                self._pass_on()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        while self._line:
            turn, _ = self._line.popitem(last=False)
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
