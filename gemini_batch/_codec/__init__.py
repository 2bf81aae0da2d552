"""Between bytes and values. cattrs and msgspec live here, and nowhere else."""

from typing import TYPE_CHECKING

from gemini_batch._lazy import loader

if TYPE_CHECKING:
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

if not TYPE_CHECKING:  # pragma: no branch - else type checkers would believe in any name
    # A client that waits decodes no rows, and needs neither cattrs nor the classes of answers.
    __getattr__ = loader(
        __name__, __all__, ("member_names", "codec", "results.decoder", "converter")
    )
