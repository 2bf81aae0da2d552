"""What a benchmark is: sides that do the same work, at several sizes, and what we aim at."""

from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Final, Literal

from attrs import frozen

from benchmarks._meter import Meter

Measure = Literal[
    "wall", "cpu", "peak", "kept", "process", "stall_max", "stall_p99", "sockets"
]
"""Seconds; CPU seconds; MB above the base, at most and in the end; MB of the whole process;
milliseconds."""

BEFORE: Final = "gemini_batch before"
"""What `Target.against` says for the same side run with the package as it was before."""


@frozen(kw_only=True)
class Setting:
    """What a side finds in its process."""

    size: int
    url: str
    """Where the job's server listens; empty if it has none."""

    data: Path
    """Folder of the job's input, made once for all sides. Temporary files go there too."""

    meter: Meter
    """``with setting.meter:`` around the measured part alone; warm up before it."""


Run = Callable[[Setting], Awaitable[int]]
"""Does the work once and returns what it counted (rows, bytes), which must be the same for
every side of a job."""


@frozen(kw_only=True)
class Side:
    """One program in a comparison."""

    name: str
    """Begins with ``gemini_batch`` if it is ours and with ``google-genai`` if it is theirs;
    any other is a floor: the least the machine can do."""

    run: Run
    loop: bool = True
    """Whether the stall of the event loop is measured: False for blocking programs."""

    most: int | None = None
    """Largest size that is run at all, for sides without a target that take minutes; None:
    every size."""

    quick: int | None = None
    """Largest size that is run with ``--quick``; None: every size."""

    rounds: int | None = None
    """Most rounds it takes part in, for sides that take most of a minute; None: all."""

    before_most: int | None = None
    """Largest size that is also run with the package as it was before; None: every size."""

    @property
    def is_ours(self) -> bool:
        """Whether it runs this package."""
        return self.name.startswith("gemini_batch")


@frozen(kw_only=True)
class Target:
    """What we aim at: a ratio or a difference of two sides of one run, or a figure of ours."""

    side: str = "gemini_batch"
    against: str | None = None
    """The other side: its median divided by ours for `at_least`, ours divided by its for
    `at_most`. `BEFORE`: the same side with the package as it was before, compared round by
    round. None: our own figure, `at_most`."""

    by: Literal["ratio", "difference"] = "ratio"
    """``difference``: how much larger ours may be than the other side's, `at_most`."""

    measure: Measure = "wall"
    size: int
    at_least: float | None = None
    at_most: float | None = None
    beyond: "Beyond | None" = None
    """Set where a profile shows that it cannot be reached. It stays what we aim at."""


@frozen(kw_only=True)
class Beyond:
    """A target out of reach: what is held instead, and where its proof is."""

    held: float
    """What must not be lost again, in the target's own terms."""

    proof: str
    """Anchor of the heading in ``benchmarks/results/beyond-reach.md`` under which it is."""


@frozen(kw_only=True)
class Job:
    """One job of perf.md, done by several programs."""

    name: str
    """That of its module."""

    title: str
    unit: str
    """What `sizes` count, in the plural."""

    sizes: tuple[int, ...]
    sides: tuple[Side, ...]
    targets: tuple[Target, ...]
    headline: Literal["wall", "stall_max"] = "wall"
    """What its picture shows beside memory."""

    prepare: Callable[[Path, tuple[int, ...]], None] | None = None
    """Makes input files, once, before anything is measured; leaves those that are there."""

    server: str | None = None
    """Module run as ``python -m <server> <data folder>`` in a process of its own. It prints
    its base URL as its first line and serves until its standard input ends."""

    def side(self, name: str) -> Side:
        """Return the side of that name."""
        for side in self.sides:
            if side.name == name:
                return side
        names = "\n  ".join(side.name for side in self.sides)
        raise SystemExit(f"{self.name} has no side {name!r}; it has\n  {names}")


def find_job(name: str) -> Job:
    """Return the job that the module of that name defines."""
    try:
        module = import_module(f"benchmarks.{name}")
    except ModuleNotFoundError as exc:
        if exc.name == f"benchmarks.{name}":
            raise SystemExit(f"there is no job {name!r}") from exc
        raise
    job = module.JOB
    assert isinstance(job, Job)
    return job
