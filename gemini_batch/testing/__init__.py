"""Tools for testing programs that use Gemini batch jobs: an offline service with faults.

What is public is loaded when it is first asked for, because pytest imports this package in
every run, for the fixtures.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gemini_batch.testing._fault_files import load_faults
    from gemini_batch.testing.emulator import (
        Emulator,
        Limits,
        LogEntry,
        ManualClock,
        Model,
        SpeedClock,
    )
    from gemini_batch.testing.faults import Fault

__all__ = [
    "Emulator",
    "Fault",
    "Limits",
    "LogEntry",
    "ManualClock",
    "Model",
    "SpeedClock",
    "load_faults",
]

_MODULES = ("faults", "_fault_files", "emulator")

if not TYPE_CHECKING:  # else type checkers would believe in any name

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        for module in _MODULES:
            found = getattr(import_module(f"{__name__}.{module}"), name, None)
            if found is not None:
                break
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted(__all__)
