"""So many at a time, the others in line."""

import asyncio
from collections import OrderedDict

Turn = asyncio.Future[None]
"""A place in the line, and the turn that it becomes: done when it is one."""


class Turns:
    """Lets so many in at a time; who comes later waits for a turn, in the order of coming.

    A semaphore in all but two respects: where thousands wait and are cancelled together, each
    leaves the line at the same small cost - those of asyncio and anyio search it, and anyio's
    limiter takes several times as long to let one in -, and a turn can be handed to whoever
    is to use it.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._line: OrderedDict[Turn, None] = OrderedDict()
        self._given: set[Turn] = set()

    def line_up(self) -> Turn:
        """Return a place in the line: await it, then `leave`, whatever comes between."""
        turn: Turn = asyncio.get_running_loop().create_future()
        if self._free:
            self._free -= 1
            self._give(turn)
        else:
            self._line[turn] = None
        return turn

    def leave(self, turn: Turn) -> None:
        """Give a turn back, or leave the line. A second time, do nothing."""
        if turn in self._given:
            self._given.remove(turn)
            self._pass_on()
        else:
            self._line.pop(turn, None)

    def has(self, turn: Turn) -> bool:
        """Return True if the turn was given and has not been given back."""
        return turn in self._given

    async def __aenter__(self) -> None:
        turn = self.line_up()
        try:
            await turn
        except BaseException:
            self.leave(turn)
            raise
        # Whose it is now need not be known: they leave by the end of their block.
        self._given.remove(turn)

    async def __aexit__(self, *_: object) -> None:
        self._pass_on()

    def _give(self, turn: Turn) -> None:
        self._given.add(turn)
        turn.set_result(None)

    def _pass_on(self) -> None:
        while self._line:
            turn, _ = self._line.popitem(last=False)
            if not turn.done():
                self._give(turn)
                return
        self._free += 1
