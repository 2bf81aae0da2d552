"""Answers in plain text: short sentences that quote the prompt, in its language."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from gemini_batch.testing.emulator.core.seeded_random import SeededRandom
from gemini_batch.testing.emulator.model.phrases import (
    LANGUAGES_OF,
    SCRIPTS,
    SENTENCES,
    SPACELESS,
    STOP_WORDS,
)

# The beginning of a prompt tells its language; the whole of it would cost time.
_SAMPLE: Final = 400
_QUOTED_FROM: Final = 800
_WORD: Final = re.compile(r"[^\W\d_]+")
# What separates clauses in the scripts at hand. The apostrophe is part of words.
_BREAKS: Final = re.compile(
    r"[.,;:!?\n()\[\]{}\"`|/\\=<>*#"
    r"\u2026\u2014\u2013\u201c\u201d\u201e\u201a\u2018\u00ab\u00bb\u060c\u061f\u0964"
    r"\u3001\u3002\u300c\u300d\u300e\u300f\uff0c\uff1b\uff1a\uff01\uff1f\uff08\uff09]+"
)
_LONGEST_PIECE: Final = 16
_SHORTEST_WORD: Final = 4
_UKRAINIAN: Final = frozenset("іїєґ")
_CHARS_PER_TOKEN: Final = 4


def count_tokens(text: str) -> int:
    """Return about how many tokens `text` has; 0 only if it is empty."""
    return -(-len(text) // _CHARS_PER_TOKEN)


def cut_to_tokens(text: str, tokens: int) -> str:
    """Return the beginning of `text` that has `tokens` tokens."""
    return text[: tokens * _CHARS_PER_TOKEN]


def _script_of(point: int) -> str:
    for first, last, language in SCRIPTS:
        if first <= point <= last:
            return language
    return ""


def language_of(text: str) -> str:
    """Return the code of the language `text` is probably written in."""
    sample = text[:_SAMPLE]
    counts: dict[str, int] = {}
    # A text in ASCII alone needs no look at its letters.
    for point in () if sample.isascii() else map(ord, sample):
        if point >= SCRIPTS[0][0]:
            language = _script_of(point)
            counts[language] = counts.get(language, 0) + 1
    counts.pop("", None)
    if counts and sum(counts.values()) * 3 > len(sample):
        if "ja" in counts:
            # Japanese is mostly Han characters; Chinese has no kana at all.
            return "ja"
        language = max(counts, key=lambda name: counts[name])
        if language == "ru" and _UKRAINIAN & set(sample.lower()):
            return "uk"
        return language
    scores = Counter(
        language
        for word in _WORD.findall(sample.lower())
        for language in LANGUAGES_OF.get(word, ())
    )
    # English comes first among equals, and where no word is known.
    return max(STOP_WORDS, key=lambda name: scores[name])


def quotations(prompt: str, language: str) -> list[str]:
    """Return what an answer may quote: short runs of words that begin and end with weight.

    They are taken from what follows the instruction, if the prompt has several paragraphs.
    """
    passage = prompt.partition("\n\n")[2] or prompt
    clauses = _BREAKS.split(passage[:_QUOTED_FROM])
    if language in SPACELESS:
        pieces = [piece[:_LONGEST_PIECE] for clause in clauses for piece in clause.split()]
        return [piece for piece in pieces if len(piece) > 1] or ["…"]
    found = [
        quotation for clause in clauses for quotation in _runs(clause.split(), language)
    ]
    found = list(dict.fromkeys(found))
    return found or _WORD.findall(passage[:_QUOTED_FROM]) or ["…"]


def _runs(words: Sequence[str], language: str) -> Iterator[str]:
    """Yield runs of up to three words that begin and end with one that has weight."""
    stop = STOP_WORDS.get(language, frozenset())
    heavy = [len(word) >= _SHORTEST_WORD and word.lower() not in stop for word in words]
    start = 0
    while start < len(words):
        length = 1
        if heavy[start]:
            window = heavy[start : start + 3]
            length = max(place for place, weighty in enumerate(window, 1) if weighty)
            yield " ".join(words[start : start + length]).strip("'\u2019-")
        start += length


def text_answer(prompt: str) -> str:
    """Return the answer to a prompt: one to three sentences."""
    language = language_of(prompt)
    dice = SeededRandom(prompt)
    quoted = quotations(prompt, language)
    sentences = SENTENCES[language]
    first = dice.below(len(sentences))
    count = min(1 + dice.below(3), len(sentences))
    chosen = [sentences[(first + step) % len(sentences)] for step in range(count)]
    gap = "" if language in {"ja", "zh"} else " "
    pairs = [_two(dice, quoted) for _ in chosen]
    return gap.join(s.format(a=a, b=b) for s, (a, b) in zip(chosen, pairs, strict=True))


def _two(dice: SeededRandom, choices: Sequence[str]) -> tuple[str, str]:
    """Return two of `choices`, different ones if there are."""
    first = dice.below(len(choices))
    second = (first + 1 + dice.below(max(1, len(choices) - 1))) % len(choices)
    return choices[first], choices[second]
