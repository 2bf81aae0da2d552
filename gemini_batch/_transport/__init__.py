"""Sending requests. aiohttp lives here, and nowhere else."""

from gemini_batch._transport.background_tasks import BackgroundTasks, stop
from gemini_batch._transport.fifo_limiter import FifoLimiter, Permit
from gemini_batch._transport.origin_check import check_api
from gemini_batch._transport.session import open_session
from gemini_batch._transport.transport import ByteStream, Transport

__all__ = [
    "BackgroundTasks",
    "ByteStream",
    "FifoLimiter",
    "Permit",
    "Transport",
    "check_api",
    "open_session",
    "stop",
]
