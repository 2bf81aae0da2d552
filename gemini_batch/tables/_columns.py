"""The columns that are asked for, and what is said where a table does not have them."""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from attrs import frozen

from gemini_batch._requests.problems import Problems

_SHOWN: Final = 20
_CUTOFF: Final = 0.6
_DELIMITERS: Final = ",;\t|"
_SYNTAX: Final = re.compile(r"[.\[!:]")


@frozen
class Columns:
    """Names of the columns that are asked for, in the order in which cells are taken."""

    uses: Mapping[str, str]
    """The option that asks for each column."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names, each once."""
        return tuple(self.uses)

    def check_header(
        self, header: Sequence[str], problems: Problems, *, line: int | None = None
    ) -> None:
        """Check that a table has each column that is asked for, once.

        Raises:
            InputError: It does not.
        """
        self.check(header, problems, line=line)
        for name, option in self.uses.items():
            if header.count(name) > 1:
                problems.report(
                    f"there are {header.count(name)} columns {name!r}",
                    remedy="Give them different names.",
                    number=line,
                    field=option,
                )
        problems.raise_if_any()

    def check(
        self, there: Collection[str], problems: Problems, *, line: int | None = None
    ) -> bool:
        """Report each column that is asked for and not there; return True if there is none.

        Args:
            there: Names of the columns that are there.
            problems: Takes what is wrong.
            line: Where these names stand.
        """
        lacking = [name for name in self.uses if name not in there]
        for name in lacking:
            problems.report(
                f"there is no column {name!r}",
                remedy=_remedy(name, [*there], self.uses[name]),
                number=line,
                field=self.uses[name],
            )
        return not lacking


def _remedy(name: str, there: Sequence[str], option: str) -> str:
    if len(there) == 1:
        inside = [mark for mark in _DELIMITERS if mark in there[0]]
        if inside:
            return f"The header is one column, {there[0]!r}: give delimiter={inside[0]!r}."
    shown = ", ".join(map(repr, there[:_SHOWN])) + (", …" if len(there) > _SHOWN else "")
    return (
        f"{_meant(name, there, option)}There {'is' if len(there) == 1 else 'are'} {shown}."
    )


def _meant(name: str, there: Sequence[str], option: str) -> str:
    known = {column.lower().strip(): column for column in there}
    close = difflib.get_close_matches(name.lower().strip(), known, n=1, cutoff=_CUTOFF)
    bare = _SYNTAX.split(name)[0]
    if bare != name and bare in there:
        return (
            f"A gap takes the name of a column and nothing else: {{{bare}}}, without "
            "attributes, indexes, conversions or formats. "
        )
    if close:
        return f"Did you mean {known[close[0]]!r}? "
    if option in ("template", "system_instruction") and not name.isidentifier():
        return "For braces that are text, write {{ and }}. "
    return ""
