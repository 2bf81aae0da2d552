"""Checking an input file without a key, a network or a cost."""

import os

from gemini_batch._codec import Codec
from gemini_batch._transfer.prepare import InputReport, check_path
from gemini_batch._wire.names import model_name

__all__ = ["InputReport", "check_input"]


async def check_input(
    path: str | os.PathLike[str], *, model: str | None = None
) -> InputReport:
    """Check a JSONL file as `client.batches.submit` does, and send nothing.

    Args:
        path: The file.
        model: The model the job would be for; rows that name another are problems.

    Raises:
        InputError: With file, line, field and remedy of every problem.
    """
    return await check_path(
        path, codec=Codec(), model=None if model is None else model_name(model)
    )
