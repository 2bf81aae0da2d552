"""What users call."""

from gemini_batch.resources.batches.batches import Batches
from gemini_batch.resources.files import Files

__all__ = ["Batches", "Files"]
