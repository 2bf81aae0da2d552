"""Templates fill gaps with text, and run nothing."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_batch import InputError
from gemini_batch.tables._template import read_template

NAMES = ["a", "b c", "user.name", "x[0]", "n:>10", "n!r", "0"]


def filled(template: str, **cells: str) -> str:
    names = [*cells]
    return read_template(template, "template").bound(names)([*cells.values()])


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{a}", "1"),
        ("{a}{b}{a}", "121"),
        ("x {a} y", "x 1 y"),
        ("{{a}} {a}", "{a} 1"),
        ("{{{a}}}", "{1}"),
        ('{{"x": {{}}}} {b}', '{"x": {}} 2'),
        ("nothing", "nothing"),
        ("", ""),
    ],
)
def test_gaps_are_filled(template: str, expected: str) -> None:
    assert filled(template, a="1", b="2") == expected


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("ab {", "'{' at character 4 stands alone"),
        ("}", "'}' at character 1 stands alone"),
        ("{a} {", "'{' at character 5 stands alone"),
        ("{a{b}}", "'{' at character 1 stands alone"),
        ("{}", "'{}' at character 1 is empty"),
    ],
)
def test_braces_that_mean_nothing_are_told(template: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read_template(template, "template")

    (problem,) = caught.value.problems
    assert (problem.message, problem.field) == (says, "template")
    assert "{{ and }}" in problem.remedy


@given(st.lists(st.sampled_from(NAMES) | st.text(), max_size=6), st.data())
def test_what_goes_into_a_gap_is_text_and_stays_as_it_is(pieces: Any, data: Any) -> None:
    """Names are looked up as they stand; cells with braces in them are not filled again."""
    cells = {
        name: data.draw(st.text() | st.sampled_from(["{a}", "{{", "}"])) for name in NAMES
    }
    source = expected = ""
    for piece in pieces:
        is_gap = piece in NAMES and data.draw(st.booleans())
        source += f"{{{piece}}}" if is_gap else piece.replace("{", "{{").replace("}", "}}")
        expected += cells[piece] if is_gap else piece

    assert filled(source, **cells) == expected


@given(st.text(alphabet="{}ab "))
def test_plain_templates_mean_what_they_mean_to_format(template: str) -> None:
    cells = {"a": "1", "b": "{2}", "ab": "3"}
    try:
        expected = string.Formatter().vformat(template, (), cells)
        read = read_template(template, "template")
    except (InputError, ValueError, KeyError, IndexError):
        return
    if set(read.columns) <= cells.keys():
        assert filled(template, **cells) == expected
