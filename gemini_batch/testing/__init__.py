"""Tools for testing programs that use Gemini batch jobs: an offline service with faults."""

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
]
