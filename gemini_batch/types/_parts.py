"""Parts of requests, in the forms that are quick to write."""

from collections.abc import Iterable
from typing import Any, TypeAlias

from gemini_batch.types._content import Content, Part
from gemini_batch.types._files import File

PartLike: TypeAlias = str | Part | File
"""A text, a part, or a file that was uploaded."""

Parts: TypeAlias = PartLike | Iterable[PartLike]
"""One of these, or several in order."""


def few_shot(examples: Iterable[tuple[Parts, Parts]]) -> tuple[Content, ...]:
    """Return turns that show a model what is wanted: a prompt, its answer, and so on.

    They go before the prompt proper: ``GenerateRequest.from_parts(…, examples=…)`` puts them
    there. For many requests with the same examples, make them once:
    ``GenerateRequest(contents=(*shots, Content.from_text("…", role="user")))``.

    Args:
        examples: Pairs of a prompt and the answer that should come.

    Raises:
        TypeError: Something is not a pair, or not a part.
        ValueError: A prompt or an answer has no parts, or a file no URI.
    """
    turns = []
    pair: Any  # callers are not all type-checked
    for pair in examples:
        if isinstance(pair, str) or len(pair) != 2:  # noqa: PLR2004 - a pair
            raise TypeError(f"an example is a pair of prompt and answer, not {pair!r:.80}")
        turns += [
            Content(parts=to_parts(turn), role=role)
            for turn, role in zip(pair, ("user", "model"), strict=True)
        ]
    return tuple(turns)


def to_parts(parts: Parts) -> tuple[Part, ...]:
    """Return parts of what stands for them.

    Raises:
        TypeError: Something is not a part.
        ValueError: There are none, or a file has no URI.
    """
    # A single text is an iterable of texts, too, and one prompt per letter is never meant.
    several = (parts,) if isinstance(parts, str | Part | File) else parts
    made = tuple([_part(part) for part in several])
    if not made:
        raise ValueError("there are no parts: give at least one text, Part or File")
    return made


def _part(part: PartLike) -> Part:
    if isinstance(part, Part):
        return part
    if isinstance(part, str):
        return Part(text=part)
    if not isinstance(part, File):
        raise TypeError(f"a part is a text, a Part or a File, not {type(part).__name__}")
    if not part.uri:
        raise ValueError(
            f"{part.name} has no URI to point at: get it again once it is active"
        )
    return Part.from_uri(part.uri, mime_type=part.mime_type)
