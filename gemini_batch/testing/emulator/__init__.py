"""An offline stand-in for Gemini's batch jobs: the Developer API, and Vertex AI.

It shares no code with the SDK it tests: a name that one side misspells must not cancel
itself out on the other.
"""

from gemini_batch.testing.emulator.core.clock import Clock, ManualClock, SpeedClock
from gemini_batch.testing.emulator.core.file_store import StoredFile
from gemini_batch.testing.emulator.core.limits import Limits
from gemini_batch.testing.emulator.core.request_log import LogEntry
from gemini_batch.testing.emulator.developer.jobs import Job
from gemini_batch.testing.emulator.emulator import Emulator
from gemini_batch.testing.emulator.google_cloud.buckets import (
    Buckets,
    StoredObject,
)
from gemini_batch.testing.emulator.google_cloud.tables import Column, Table, Tables
from gemini_batch.testing.emulator.model.model import Model
from gemini_batch.testing.emulator.vertex.jobs import VertexJob

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
