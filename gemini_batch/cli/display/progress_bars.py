"""Progress bars of uploads, downloads and results that are read."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gemini_batch import TransferProgress
from gemini_batch.cli.display import text
from gemini_batch.cli.display.live import live
from gemini_batch.cli.display.screen import Screen

_PAUSE = 5.0  # seconds between two plain lines
_RESULTS = 100  # results between two updates

OnBytes = Callable[[TransferProgress], None]
OnResults = Callable[[int], None]


class BarView:
    """A bar on a terminal: amount, speed, time left.

    Args:
        verb: Such as ``uploading``.
        amount: Writes an amount.
        speed: Writes an amount per second.
        clock: Where seconds come from.
    """

    def __init__(
        self,
        verb: str,
        *,
        amount: Callable[[float], str] = text.size,
        speed: Callable[[float], str] = lambda value: f"{text.size(value)}/s",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._verb = verb
        self._amount = amount
        self._speed = speed
        self._clock = clock
        self._started = clock()
        self.state = TransferProgress(done=0, total=None)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        done, total = self.state.done, self.state.total
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.add_column(no_wrap=True)
        grid.add_column(ratio=1)
        for _ in range(2):
            grid.add_column(no_wrap=True, justify="right")
        speed = done / max(self._clock() - self._started, 1e-3)
        amount, left = self._amount(done), self._speed(speed)
        if total is not None:
            amount = f"{amount} of {self._amount(total)}"
            if speed and done < total:
                left += f", {text.duration((total - done) / speed)} left"
        bar = ProgressBar(
            total=max(total or 0, 1),
            completed=done,
            complete_style="cyan",
            finished_style="green",
        )
        # Without a total there is nothing to draw a share of.
        grid.add_row(
            Text(self._verb, style="bold"), "" if total is None else bar, amount, left
        )
        yield grid


@contextmanager
def transfer(screen: Screen, verb: str) -> Iterator[OnBytes]:
    """Show an upload or a download while the block runs, once there is one.

    Args:
        screen: Where to show it; nothing is shown with ``--json``.
        verb: Such as ``uploading``.
    """
    with ExitStack() as stack:
        if screen.as_json:
            yield lambda _: None
        elif screen.err.is_terminal:
            yield _Lazily(screen, stack, BarView(verb)).update
        else:
            yield _Lines(screen, verb, text.size).update


@contextmanager
def reading(screen: Screen, total: int | None) -> Iterator[OnResults]:
    """Show how many results have been read while the block runs; wiped at the end.

    The block calls the function it is given with the number so far, as often as it likes.

    Args:
        screen: Where to show it; nothing is shown with ``--json``.
        total: Number of results, if known.
    """

    def every_so_often(results: int) -> None:
        if not results % _RESULTS:
            update(TransferProgress(done=results, total=total))

    with ExitStack() as stack:
        if screen.err.is_terminal:
            view = BarView("reading", amount=_number, speed=_speed)
            update = _Lazily(screen, stack, view, transient=True).update
        else:
            update = _Lines(screen, "reading", _number, at_end=False).update
        yield (lambda _: None) if screen.as_json else every_so_often


def _number(results: float) -> str:
    return f"{results:,.0f}"


def _speed(per_second: float) -> str:
    return text.rate(per_second, "results")


class _Lazily:
    """Begins to draw at the first update: a small job uploads nothing."""

    def __init__(
        self, screen: Screen, stack: ExitStack, view: BarView, *, transient: bool = False
    ) -> None:
        self._screen = screen
        self._stack = stack
        self._view = view
        self._transient = transient
        self._drawn = False

    def update(self, progress: TransferProgress) -> None:
        self._view.state = progress
        if not self._drawn:
            self._drawn = True
            drawn = self._stack.enter_context(live(self._screen, self._view))
            drawn.transient = self._transient


class _Lines:
    """Writes a line every few seconds, and one at the end."""

    def __init__(
        self,
        screen: Screen,
        verb: str,
        amount: Callable[[float], str],
        *,
        at_end: bool = True,
    ) -> None:
        self._screen = screen
        self._verb = verb
        self._amount = amount
        self._at_end = at_end
        self._said = time.monotonic()

    def update(self, progress: TransferProgress) -> None:
        ended = self._at_end and progress.done == progress.total
        if not ended and time.monotonic() - self._said < _PAUSE:
            return
        self._said = time.monotonic()
        of = "" if progress.total is None else f" of {self._amount(progress.total)}"
        self._screen.remark(f"{self._verb}: {self._amount(progress.done)}{of}")
