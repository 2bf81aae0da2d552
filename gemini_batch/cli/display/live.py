"""Progress of a job: a live display, plain lines, or lines of JSON."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gemini_batch import BatchJob, JobState, Progress
from gemini_batch.cli.display import text as _text
from gemini_batch.cli.display.json import progress_json
from gemini_batch.cli.display.screen import Screen

_STALL = 120.0  # seconds without change that are shown; counts of the service lag
_STYLES = {
    JobState.SUCCEEDED: "bold green",
    JobState.PARTIALLY_SUCCEEDED: "bold yellow",
    JobState.FAILED: "bold red",
    JobState.EXPIRED: "bold red",
    JobState.CANCELLED: "bold yellow",
    JobState.CANCELLING: "yellow",
    JobState.RUNNING: "bold cyan",
}


def state_style(state: JobState) -> str:
    """Return the colour of a state."""
    return _STYLES.get(state, "bold")


def requests_done(progress: Progress) -> tuple[int, int] | None:
    """Return requests done and requests in all; None while the service has no counts."""
    stats = progress.stats
    if stats is None or not stats.total_count:
        return None
    # Counts lag even at the end; a job that succeeded has done all of its requests.
    done = stats.total_count if progress.job.succeeded else stats.done_count
    return done, stats.total_count


def details(progress: Progress, *, since: float = 0.0) -> list[str]:
    """Return the details of a poll that is `since` seconds old, key facts first."""
    parts = []
    ended = progress.job.done
    if progress.rate is not None:
        parts.append(_text.rate(progress.rate, "requests"))
    if not ended and progress.eta is not None:
        parts.append(f"about {_text.duration(progress.eta - since)} left")
    verb = "took" if ended else "waited"
    parts.append(f"{verb} {_text.duration(progress.elapsed + since)}")
    if progress.stats is not None and progress.stats.failure_count:
        parts.append(f"{progress.stats.failure_count:,} failed")
    stalled = progress.stalled_for + since
    if not ended and stalled > _STALL:
        parts.append(f"no change for {_text.duration(stalled)}")
    return parts


def plain_line(progress: Progress) -> str:
    """Return the progress at one poll as a line of text."""
    counted = requests_done(progress)
    if counted is None:
        counts = ["no counts from the service yet"] if not progress.job.done else []
    else:
        counts = [f"{counted[0]:,} of {counted[1]:,} requests ({_percent(progress)})"]
    return f"{_text.clean(progress.state)}: " + ", ".join(counts + details(progress))


def _percent(progress: Progress) -> str:
    # Rounded down: 100 % is shown when it is true.
    return f"{int(progress.percent or 0.0)} %"


class JobView:
    """A job on a terminal: state and name, bar and counts, speed and times.

    It is drawn several times a second, so that times advance between two polls.

    Args:
        named: Whether its name is shown; False where the line above has it already.
        clock: Where seconds come from.
    """

    def __init__(
        self, *, named: bool = True, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._named = named
        self._clock = clock
        self._progress: Progress | None = None
        self._seen = 0.0

    @property
    def empty(self) -> bool:
        """True before the first poll: there is nothing worth leaving on the screen."""
        return self._progress is None

    def update(self, progress: Progress) -> None:
        """Show the progress of a new poll."""
        self._progress, self._seen = progress, self._clock()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        progress = self._progress
        if progress is None:
            yield Text("waiting for the service", style="dim")
            return
        state = _text.clean(progress.state)
        since = 0.0 if progress.job.done else self._clock() - self._seen
        yield _one_line(
            Text.assemble(
                (state, state_style(progress.state)), "  ", self._title(progress.job)
            )
        )
        counted = requests_done(progress)
        if counted is not None:
            yield self._bar(progress, counted)
        parts = details(progress, since=since)
        if counted is None and not progress.job.done:
            parts.insert(0, "no counts from the service yet")
        yield _one_line(Text(" · ".join(parts), style="dim"))

    def _title(self, job: BatchJob) -> str:
        name = _text.job_name(job.name) if self._named else ""
        parts = (name, job.display_name, _text.model(job.model))
        return " · ".join(_text.clean(part) for part in parts if part)

    @staticmethod
    def _bar(progress: Progress, counted: tuple[int, int]) -> RenderableType:
        done, total = counted
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.add_column(ratio=1)
        grid.add_column(no_wrap=True, justify="right")
        grid.add_column(no_wrap=True, justify="right")
        style = state_style(progress.state)
        bar = ProgressBar(
            total=total, completed=done, complete_style=style, finished_style=style
        )
        grid.add_row(bar, f"{done:,} of {total:,} requests", _percent(progress))
        return grid


def _one_line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


@contextmanager
def job_progress(
    screen: Screen, *, named: bool = True
) -> Iterator[Callable[[Progress], None]]:
    """Show a job's progress while the block runs, by the function the block is given."""
    if screen.as_json:
        yield lambda progress: screen.document(progress_json(progress))
    elif screen.err.is_terminal:
        view = JobView(named=named)
        with live(screen, view) as drawn:
            try:
                yield view.update
            finally:
                drawn.transient = view.empty
    else:
        yield _Changes(screen).update


def live(screen: Screen, view: RenderableType) -> Live:
    """Return a display that is drawn again several times a second."""
    # rich would redirect stdout to this console, which is stderr.
    return Live(
        view,
        console=screen.err,
        refresh_per_second=8,
        redirect_stdout=False,
    )


class _Changes:
    """Writes a line when state or counts have changed, not for every poll."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._last: object = None

    def update(self, progress: Progress) -> None:
        now = (progress.state, progress.stats)
        if now != self._last:
            self._last = now
            self._screen.remark(plain_line(progress))
