"""An offline stand-in for the Gemini Developer API's batch jobs and files.

It shares no code with the SDK it tests: a name that one side misspells must not cancel
itself out on the other.
"""

from gemini_batch.testing.emulator._clock import Clock, ManualClock, SpeedClock
from gemini_batch.testing.emulator._jobs import Job
from gemini_batch.testing.emulator._limits import Limits
from gemini_batch.testing.emulator._log import LogEntry
from gemini_batch.testing.emulator._model import Model
from gemini_batch.testing.emulator._server import Emulator
from gemini_batch.testing.emulator._store import StoredFile

__all__ = [
    "Clock",
    "Emulator",
    "Job",
    "Limits",
    "LogEntry",
    "ManualClock",
    "Model",
    "SpeedClock",
    "StoredFile",
]
