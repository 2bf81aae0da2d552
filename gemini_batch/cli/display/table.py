"""Tables: drawn on a terminal, aligned and never cut elsewhere."""

from collections.abc import Sequence

from attrs import frozen
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gemini_batch.cli.display.text import clean

_GAP = 3  # characters between two columns as drawn
_NARROW = 10  # a column that wraps its text gets no narrower


@frozen
class Column:
    """One column and how it is shown."""

    head: str
    right: bool = False
    """True for numbers."""

    whole: bool = False
    """True if a terminal must not wrap it, so that names can be copied."""

    style: str = ""
    drop: int = 0
    """Order in which columns are left out where a terminal is narrow, 1 first; 0 stays."""


def print_table(
    console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str]]
) -> None:
    """Print rows of texts from elsewhere. A column that is empty throughout is left out."""
    used = [i for i in range(len(columns)) if any(row[i] for row in rows)]
    columns = [columns[i] for i in used]
    cells = [[clean(row[i]) for i in used] for row in rows]
    if console.is_terminal:
        console.print(_drawn(columns, cells, console.width))
        return
    heads = [column.head for column in columns]
    widths = [max(map(cell_len, texts)) for texts in zip(heads, *cells, strict=True)]
    for texts in (heads, *cells):
        line = "  ".join(map(_padded, texts, widths, columns)).rstrip()
        console.print(Text(line), soft_wrap=True)


def _padded(text: str, width: int, column: Column) -> str:
    space = " " * (width - cell_len(text))
    return space + text if column.right else text + space


def _drawn(columns: Sequence[Column], cells: Sequence[Sequence[str]], width: int) -> Table:
    kept = _fitting(columns, cells, width)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for column in (columns[i] for i in kept):
        table.add_column(
            column.head,
            justify="right" if column.right else "left",
            overflow="fold",
            no_wrap=column.whole,
            style=column.style,
        )
    for row in cells:
        table.add_row(*(Text(row[i]) for i in kept))
    return table


def _fitting(
    columns: Sequence[Column], cells: Sequence[Sequence[str]], width: int
) -> list[int]:
    """Return the indexes of the columns that fit."""
    needs = []
    for i, column in enumerate(columns):
        widest = max(cell_len(text) for text in (column.head, *(row[i] for row in cells)))
        needs.append(widest if column.whole else min(widest, _NARROW))
    kept = list(range(len(columns)))
    for i in sorted((i for i in kept if columns[i].drop), key=lambda i: columns[i].drop):
        if sum(needs[k] + _GAP for k in kept) - _GAP > width:
            kept.remove(i)
    return kept
