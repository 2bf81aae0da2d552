"""Decides which fault hits which request."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import Final

from attrs import define, field

from gemini_batch.testing.emulator.core.seeded_random import SeededRandom
from gemini_batch.testing.faults import Fault

_SIDES: Final = 1 << 30


@define
class _Count:
    fault: Fault
    """Kept, so that no later fault can have its identity."""

    dice: SeededRandom = field(init=False)
    passed: int = 0
    hit: int = 0

    def __attrs_post_init__(self) -> None:
        self.dice = SeededRandom(f"fault {self.fault.seed}")

    def strikes(self) -> bool:
        """Count one matching request; tell whether the fault hits it."""
        if self.passed < self.fault.skip:
            self.passed += 1
            return False
        if self.dice.below(_SIDES) >= self.fault.probability * _SIDES:
            return False
        self.hit += 1
        return True

    @property
    def used_up(self) -> bool:
        return self.fault.times is not None and self.hit >= self.fault.times


class FaultPlan:
    """Counts what faults let pass and what they hit.

    Args:
        faults: The list that tests append to; used-up faults are taken off it.
        state_of: Tells the state of the job that a path names; None if it names none.
    """

    def __init__(
        self, faults: list[Fault], state_of: Callable[[str], str | None] = lambda _: None
    ) -> None:
        self._faults = faults
        self._state_of = state_of
        self._counts: dict[int, _Count] = {}

    def take(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        partial: bool = False,
    ) -> Fault | None:
        """Return the fault that hits this request, if one does, and count it.

        `partial` tells whether it asks for a part of an answer.
        """
        self._forget_removed()
        for fault in tuple(self._faults):
            if fault.fields is not None and not partial:
                continue
            if not self._matches(fault, method, path, headers):
                continue
            count = self._counts.setdefault(id(fault), _Count(fault))
            if not count.strikes():
                continue
            if count.used_up:
                self._drop(fault)
            return fault
        return None

    def _forget_removed(self) -> None:
        """Forget the counts of faults that a test took off the list."""
        present = {id(fault) for fault in self._faults}
        for known in self._counts.keys() - present:
            del self._counts[known]

    def _drop(self, fault: Fault) -> None:
        del self._counts[id(fault)]
        # By identity: equal faults may stand in the list twice on purpose.
        for index, candidate in enumerate(self._faults):
            if candidate is fault:
                # A test in another thread may have cleared the list this moment.
                with suppress(IndexError):
                    del self._faults[index]
                return

    def _matches(
        self, fault: Fault, method: str, path: str, headers: Mapping[str, str]
    ) -> bool:
        if fault.command is not None:
            command = headers.get("X-Goog-Upload-Command", "")
            if command.replace(" ", "") != fault.command.replace(" ", ""):
                return False
        if not (fnmatchcase(method, fault.method) and fnmatchcase(path, fault.path)):
            return False
        if fault.when is None:
            return True
        state = self._state_of(path)
        return state is not None and fnmatchcase(state, fault.when)
