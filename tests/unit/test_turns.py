"""Turns: so many at a time, in the order of coming, whatever is cancelled."""

import asyncio
import random

import anyio
import pytest

from gemini_batch._transport.fifo_limiter import FifoLimiter


class Room:
    """Counts who is inside."""

    def __init__(self, limiter: FifoLimiter) -> None:
        self.limiter = limiter
        self.inside = 0
        self.most = 0
        self.entered: list[int] = []

    async def visit(self, number: int, stay: int = 1) -> None:
        async with self.limiter:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.entered.append(number)
            try:
                for _ in range(stay):
                    await asyncio.sleep(0)
            finally:
                self.inside -= 1


async def test_at_most_so_many_are_in_and_the_first_to_come_go_first() -> None:
    room = Room(FifoLimiter(3))

    async with anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(room.visit, number)

    assert room.most == 3
    assert room.entered == list(range(50))


async def test_a_turn_is_passed_on_whatever_happens_inside() -> None:
    limiter = FifoLimiter(1)
    for _ in range(3):
        with pytest.raises(KeyError):
            async with limiter:
                raise KeyError

    await Room(limiter).visit(1)


async def test_who_leaves_the_line_is_not_waited_for() -> None:
    room = Room(FifoLimiter(1))
    async with room.limiter:
        first = asyncio.create_task(room.visit(1))
        second = asyncio.create_task(room.visit(2))
        await asyncio.sleep(0)
        first.cancel()
    await asyncio.wait_for(second, 1)

    assert first.cancelled()
    assert room.entered == [2]


async def test_a_turn_given_to_one_who_is_cancelled_goes_to_the_next() -> None:
    """Between being given a turn and taking it, a task may be cancelled."""
    room = Room(FifoLimiter(1))
    async with room.limiter:
        first = asyncio.create_task(room.visit(1))
        second = asyncio.create_task(room.visit(2))
        await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait_for(second, 1)

    assert room.entered == [2]
    await asyncio.wait_for(room.visit(3), 1)


async def test_no_turn_is_lost_or_won_however_tasks_are_cancelled() -> None:
    dice = random.Random(7)
    for _ in range(200):
        room = Room(FifoLimiter(2))
        tasks = [
            asyncio.create_task(room.visit(number, stay=dice.randrange(3)))
            for number in range(8)
        ]
        for _ in range(dice.randrange(12)):
            if dice.random() < 0.5:
                dice.choice(tasks).cancel()
            await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        after = Room(room.limiter)
        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(after.visit, number, 2)

        assert room.most <= 2
        # As many may enter as ever, and no more.
        assert after.most == 2


async def test_a_turn_is_left_once_however_often_it_is_left() -> None:
    limiter = FifoLimiter(1)
    permit = limiter.acquire()
    later = limiter.acquire()
    assert limiter.has(permit)
    assert not limiter.has(later)

    limiter.release(permit)
    limiter.release(permit)
    assert not limiter.has(permit)
    assert limiter.has(later)

    limiter.release(later)
    await asyncio.wait_for(Room(limiter).visit(1), 1)


async def test_who_was_given_no_turn_yet_leaves_the_line() -> None:
    limiter = FifoLimiter(1)
    first, second, third = (limiter.acquire() for _ in range(3))

    limiter.release(second)
    limiter.release(first)

    assert limiter.has(third)
    assert not second.done()
