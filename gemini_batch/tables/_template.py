"""Templates: text with names of columns in braces, filled without running anything."""

import re
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from attrs import frozen

from gemini_batch.errors import InputError

Fill: TypeAlias = Callable[[Sequence[str]], str]
"""Returns the text that cells make."""

_BRACES: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_FORM: Final = (
    "Write {column} where the text of a column goes, and {{ and }} for braces themselves."
)


@frozen
class Template:
    """A text with gaps. What goes into a gap is text, and never looked at again."""

    literals: tuple[str, ...]
    """What stands before, between and after the gaps: one more than these."""

    columns: tuple[str, ...]
    """The column of each gap, by its full name: dots and brackets in it mean nothing."""

    def bound(self, names: Sequence[str]) -> Fill:
        """Return what fills the gaps from cells that stand in the order of `names`."""
        pieces = [""] * (2 * len(self.columns) + 1)
        pieces[::2] = self.literals
        gaps = [
            (2 * place + 1, names.index(column))
            for place, column in enumerate(self.columns)
        ]

        def fill(cells: Sequence[str]) -> str:
            for place, cell in gaps:
                pieces[place] = cells[cell]
            return "".join(pieces)

        return fill


def read_template(text: str, option: str) -> Template:
    """Take a template apart.

    Args:
        text: The template, as `str.format` would take it with nothing but names in braces.
        option: What it is given as, for problems.

    Raises:
        InputError: A brace stands alone, or a gap has no name.
    """
    literals, columns = [""], []
    end = 0
    for found in _BRACES.finditer(text):
        literals[-1] += text[end : found.start()]
        end = found.end()
        braces, column = found.group(), found.group(1)
        if column:
            columns.append(column)
            literals.append("")
        elif braces in ("{{", "}}"):
            literals[-1] += braces[0]
        else:
            what = "is empty" if braces == "{}" else "stands alone"
            raise InputError.one(
                f"{braces!r} at character {found.start() + 1} {what}",
                remedy=_FORM,
                field=option,
            )
    literals[-1] += text[end:]
    return Template(tuple(literals), tuple(columns))
