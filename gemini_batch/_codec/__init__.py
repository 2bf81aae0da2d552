"""Between bytes and values. cattrs and msgspec are used here, and nowhere else."""

from cattrs import Converter

from gemini_batch._codec.codec import Codec
from gemini_batch._codec.member_names import snake_name, wire_name
from gemini_batch._codec.results.decoder import MissingResults, ResultDecoder

__all__ = [
    "Codec",
    "Converter",
    "MissingResults",
    "ResultDecoder",
    "snake_name",
    "wire_name",
]
