"""An offline stand-in for Gemini's batch jobs: the Developer API, and Vertex AI.

It shares no code with the SDK it tests: a name that one side misspells must not cancel
itself out on the other.
"""

from gemini_batch.testing.emulator._buckets import Buckets, StoredObject
from gemini_batch.testing.emulator._clock import Clock, ManualClock, SpeedClock
from gemini_batch.testing.emulator._jobs import Job
from gemini_batch.testing.emulator._limits import Limits
from gemini_batch.testing.emulator._log import LogEntry
from gemini_batch.testing.emulator._model import Model
from gemini_batch.testing.emulator._server import Emulator
from gemini_batch.testing.emulator._store import StoredFile
from gemini_batch.testing.emulator._tables import Column, Table, Tables
from gemini_batch.testing.emulator._vertex_jobs import VertexJob

__all__ = [
    "Buckets",
    "Clock",
    "Column",
    "Emulator",
    "Job",
    "Limits",
    "LogEntry",
    "ManualClock",
    "Model",
    "SpeedClock",
    "StoredFile",
    "StoredObject",
    "Table",
    "Tables",
    "VertexJob",
]
