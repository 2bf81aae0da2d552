"""Sending requests. aiohttp lives here, and nowhere else."""

from gemini_batch._transport.background_tasks import Tasks, stop
from gemini_batch._transport.fifo_limiter import Turn, Turns
from gemini_batch._transport.origin_check import check_api
from gemini_batch._transport.session import open_session
from gemini_batch._transport.transport import ByteStream, Transport

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
