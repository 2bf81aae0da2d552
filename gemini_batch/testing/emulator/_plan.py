"""Decides which fault hits which request."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

from attrs import define

from gemini_batch.testing.faults import Fault


@define
class _Count:
    passed: int = 0
    hit: int = 0


class FaultPlan:
    """Counts what faults let pass and what they hit.

    Args:
        faults: The list that tests append to; used-up faults are taken off it.
    """

    def __init__(self, faults: list[Fault]) -> None:
        self._faults = faults
        self._counts: dict[int, _Count] = {}

    def take(self, method: str, path: str, headers: Mapping[str, str]) -> Fault | None:
        """Return the fault that hits this request, if one does, and count it."""
        for fault in tuple(self._faults):
            if not _matches(fault, method, path, headers):
                continue
            count = self._counts.setdefault(id(fault), _Count())
            if count.passed < fault.skip:
                count.passed += 1
                continue
            count.hit += 1
            if count.hit >= fault.times:
                self._drop(fault)
            return fault
        return None

    def _drop(self, fault: Fault) -> None:
        del self._counts[id(fault)]
        # By identity: equal faults may stand in the list twice on purpose.
        for index, candidate in enumerate(self._faults):
            if candidate is fault:
                del self._faults[index]
                return


def _matches(fault: Fault, method: str, path: str, headers: Mapping[str, str]) -> bool:
    if fault.command is not None:
        command = headers.get("X-Goog-Upload-Command", "")
        if command.replace(" ", "") != fault.command.replace(" ", ""):
            return False
    return fnmatchcase(method, fault.method) and fnmatchcase(path, fault.path)
