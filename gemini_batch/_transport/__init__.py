"""Sending requests. aiohttp lives here, and nowhere else."""

from gemini_batch._transport._origin import check_api
from gemini_batch._transport._session import open_session
from gemini_batch._transport._tasks import Tasks, stop
from gemini_batch._transport._transport import ByteStream, Transport
from gemini_batch._transport._turns import Turn, Turns

__all__ = [
    "ByteStream",
    "Tasks",
    "Transport",
    "Turn",
    "Turns",
    "check_api",
    "open_session",
    "stop",
]
