"""Turns: so many at a time, in the order of coming, whatever is cancelled."""

import asyncio
import random

import anyio
import pytest

from gemini_batch._transport.fifo_limiter import Turns


class Room:
    """Counts who is inside."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.inside = 0
        self.most = 0
        self.entered: list[int] = []

    async def visit(self, number: int, stay: int = 1) -> None:
        async with self.turns:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.entered.append(number)
            try:
                for _ in range(stay):
                    await asyncio.sleep(0)
            finally:
                self.inside -= 1


async def test_at_most_so_many_are_in_and_the_first_to_come_go_first() -> None:
    room = Room(Turns(3))

    async with anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(room.visit, number)

    assert room.most == 3
    assert room.entered == list(range(50))


async def test_a_turn_is_passed_on_whatever_happens_inside() -> None:
    turns = Turns(1)
    for _ in range(3):
        with pytest.raises(KeyError):
            async with turns:
                raise KeyError

    await Room(turns).visit(1)


async def test_who_leaves_the_line_is_not_waited_for() -> None:
    room = Room(Turns(1))
    async with room.turns:
        first = asyncio.create_task(room.visit(1))
        second = asyncio.create_task(room.visit(2))
        await asyncio.sleep(0)
        first.cancel()
    await asyncio.wait_for(second, 1)

    assert first.cancelled()
    assert room.entered == [2]


async def test_a_turn_given_to_one_who_is_cancelled_goes_to_the_next() -> None:
    """Between being given a turn and taking it, a task may be cancelled."""
    room = Room(Turns(1))
    async with room.turns:
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
        room = Room(Turns(2))
        tasks = [
            asyncio.create_task(room.visit(number, stay=dice.randrange(3)))
            for number in range(8)
        ]
        for _ in range(dice.randrange(12)):
            if dice.random() < 0.5:
                dice.choice(tasks).cancel()
            await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        after = Room(room.turns)
        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(after.visit, number, 2)

        assert room.most <= 2
        # As many may enter as ever, and no more.
        assert after.most == 2


async def test_a_turn_is_left_once_however_often_it_is_left() -> None:
    turns = Turns(1)
    turn = turns.line_up()
    later = turns.line_up()
    assert turns.has(turn)
    assert not turns.has(later)

    turns.leave(turn)
    turns.leave(turn)
    assert not turns.has(turn)
    assert turns.has(later)

    turns.leave(later)
    await asyncio.wait_for(Room(turns).visit(1), 1)


async def test_who_was_given_no_turn_yet_leaves_the_line() -> None:
    turns = Turns(1)
    first, second, third = (turns.line_up() for _ in range(3))

    turns.leave(second)
    turns.leave(first)

    assert turns.has(third)
    assert not second.done()
