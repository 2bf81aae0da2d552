"""Between bytes and values. cattrs and msgspec live here, and nowhere else."""

from cattrs import Converter

from gemini_batch._codec._codec import Codec
from gemini_batch._codec._lines import LineSplitter
from gemini_batch._codec._names import snake_name, wire_name
from gemini_batch._codec._rows import RowDecoder

__all__ = ["Codec", "Converter", "LineSplitter", "RowDecoder", "snake_name", "wire_name"]
