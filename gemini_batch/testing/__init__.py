"""Tools for testing programs that use Gemini batch jobs: an offline service, faults, results.

Public names are loaded when they are first used, because pytest imports this package in every
run, for the fixtures.
"""

from typing import TYPE_CHECKING

from gemini_batch._lazy import loader

if TYPE_CHECKING:
    from gemini_batch.testing._load_faults import load_faults
    from gemini_batch.testing._results import result
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
    "result",
]

if not TYPE_CHECKING:  # else type checkers would believe in any name
    __getattr__ = loader(
        __name__, __all__, ("faults", "_load_faults", "_results", "emulator")
    )


def __dir__() -> list[str]:
    return sorted(__all__)
