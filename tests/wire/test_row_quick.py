"""Rows that are written without a walk are what the walk makes, or are left to it."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gemini_batch._requests.checker import EncodedRequest, RequestChecker, numbered
from gemini_batch.types import JobKind
from tests.support.checked import CODEC
from tests.support.odd_requests import EMBEDS, GENERATE, JSON_ODD, ODD, OPTIONS, requests_of


def outcome(checker: Any, row: EncodedRequest | None) -> tuple[Any, ...]:
    return row, checker.problems, checker.omitted, checker.kind


def checkers(options: Any) -> tuple[RequestChecker, RequestChecker]:
    options = dict(options)
    if options.get("kind") == JobKind.EMBED:
        options.pop("generation_config", None)
        options.pop("system_instruction", None)
    return RequestChecker(CODEC, **options), RequestChecker(CODEC, **options)


def agree(values: Any, options: Any) -> None:
    """Check each of some values both ways, several times: what is shared is remembered."""
    quick, walk = checkers(options)
    blocks, drawing = checkers(options)
    for number, value in enumerate(values * 3, start=1):
        drawing.kind = walk.kind
        expected = outcome(walk, walk.full_check_request(value, number))

        assert outcome(quick, quick.request(value, number)) == expected

        row = expected[0]
        block = blocks.requests([numbered(number, value)])
        assert outcome(blocks, row) == expected
        if row is None:
            assert block.lines == []
        elif row.metadata is None:
            assert (block.keys, block.numbers) == ([row.key], [number])
            assert block.lines == [row.file_line()]

        made = drawing.made(value, number)
        assert made in (None, row and (row.key, row.file_line(), row.metadata))
        assert drawing.problems == []


@given(st.lists(GENERATE | EMBEDS, min_size=1, max_size=2), OPTIONS)
def test_typed_requests_are_what_the_walk_makes_of_them(values: Any, options: Any) -> None:
    agree(values, options)


@given(st.lists(requests_of(ODD), min_size=1, max_size=2), OPTIONS)
def test_mappings_are_what_the_walk_makes_of_them(values: Any, options: Any) -> None:
    agree(values, options)


@given(st.lists(requests_of(JSON_ODD), min_size=1, max_size=2), OPTIONS, st.booleans())
def test_lines_are_what_the_walk_makes_of_them(
    values: Any, options: Any, spaced: Any
) -> None:
    lines = [json.dumps(value, indent=1 if spaced else None).encode() for value in values]

    agree(lines, options)

    quick, walk = checkers(options)
    for number, line in enumerate(lines * 2, start=1):
        expected = outcome(walk, walk.full_check_line(line, number))
        assert outcome(quick, quick.line(line, number)) == expected


@given(st.binary() | st.text().map(str.encode), st.integers(1, 2))
def test_what_is_no_line_is_left_to_the_walk(line: Any, number: Any) -> None:
    quick, walk = checkers({})

    for text in (line, b'{"key":"a","request":%b}' % line, b"\xef\xbb\xbf" + line):
        expected = outcome(walk, walk.full_check_line(text, number))
        assert outcome(quick, quick.line(text, number)) == expected
