"""The measured part of a case: time, CPU, memory, and how long the event loop stood still."""

import asyncio
import gc
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from attrs import evolve, frozen

MB: Final = 1_000_000
"""Bytes. Memory and files are told in the same unit, so that they can be compared."""

_NAP: Final = 0.001
_STATUS: Final = "/proc/self/status"
_TELLING: Final = f"""
import sys
print(getattr(sys.modules.get("gemini_batch"), "__file__", ""))
print(open({_STATUS!r}).read())
"""


@frozen(kw_only=True)
class Reading:
    """What one run of one case cost."""

    wall: float
    """Seconds."""

    cpu: float
    """Seconds of CPU of the process, in user and system mode, threads included."""

    peak: float
    """Most MB held above what was held when the measured part began."""

    kept: float
    """MB held above that when it ended."""

    process: float
    """Most MB the process held from its start to the end of the measured part."""

    stall_max: float | None = None
    """Longest delay of the event loop in milliseconds; None for blocking programs."""

    stall_p99: float | None = None
    """The 99th percentile of the delays a task saw that wanted to wake every millisecond."""

    server: float | None = None
    """CPU seconds of the server meanwhile; None without one."""

    sockets: int | None = None
    """Most connections the server saw open at once; None where nobody counts them."""


class Meter:
    """``with meter:`` around the measured part; `reading` has the result afterwards.

    Memory is resident memory, read from ``/proc/self/status``, with its peak reset at the
    start: `ru_maxrss` would tell the peak of the parent that forked us. Pages of a mapped
    file would count too, so nothing here maps files.
    """

    def __init__(self, *, loop: bool, server_pid: int | None = None) -> None:
        self._loop = loop
        self._server_pid = server_pid
        self._napper: _Napper | None = None
        self._reading: Reading | None = None
        self.sockets: int | None = None
        """Set by sides whose server counts its connections."""

    @property
    def reading(self) -> Reading:
        """What was measured."""
        if self._reading is None:
            raise RuntimeError("nothing was measured: there was no `with meter:`")
        return evolve(self._reading, sockets=self.sockets)

    def __enter__(self) -> Self:
        gc.collect()
        self._high = _status("VmHWM")
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        self._base = _status("VmRSS")
        self._server = self._server_cpu()
        if self._loop:
            self._napper = _Napper()
        self._cpu = _own_cpu()
        self._wall = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        wall = time.perf_counter() - self._wall
        cpu = _own_cpu() - self._cpu
        delays = self._napper.stop() if self._napper is not None else None
        server = self._server_cpu()
        peak = _status("VmHWM")
        if exc is None:
            self._reading = Reading(
                wall=wall,
                cpu=cpu,
                peak=peak - self._base,
                kept=_status("VmRSS") - self._base,
                process=max(peak, self._high),
                stall_max=None if delays is None else delays[-1] * 1e3,
                stall_p99=None if delays is None else percentile(delays, 0.99) * 1e3,
                server=None
                if server is None or self._server is None
                else server - self._server,
            )

    def run_program(self, code: str, *, times: int) -> None:
        """Measure fresh interpreters that run `code`, one after the other, in place of a block.

        Times are sums over all of them; memory is the most that one of them held.
        """
        # The program tells its own peak: what `wait4` tells includes the parent it was
        # forked from. And it tells which package it loaded.
        program = f"{code}\n{_TELLING}"
        wall = cpu = high = 0.0
        for _ in range(times):
            started = time.perf_counter()
            child = subprocess.Popen(
                [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
            )
            assert child.stdout is not None
            said = child.stdout.read()
            _, ended, usage = os.wait4(child.pid, 0)
            wall += time.perf_counter() - started
            child.returncode = os.waitstatus_to_exitcode(ended)
            child.stdout.close()
            if child.returncode:
                raise RuntimeError(f"exit code {child.returncode} of {code!r}")
            package, _, status = said.partition("\n")
            if package and not Path(package).is_relative_to(Path.cwd()):
                raise RuntimeError(f"ran {package}, which is not in {Path.cwd()}")
            cpu += usage.ru_utime + usage.ru_stime
            high = max(high, memory(status, "VmHWM"))
        self._reading = Reading(wall=wall, cpu=cpu, peak=high, kept=high, process=high)

    def _server_cpu(self) -> float | None:
        return None if self._server_pid is None else process_cpu(self._server_pid)


class _Napper:
    """A task that wants to wake every millisecond, and writes down how late it was."""

    def __init__(self) -> None:
        self._delays: list[float] = []
        self._due = time.perf_counter() + _NAP
        self._task = asyncio.get_running_loop().create_task(self._nap())

    async def _nap(self) -> None:
        while True:
            await asyncio.sleep(_NAP)
            now = time.perf_counter()
            self._delays.append(max(0.0, now - self._due))
            self._due = now + _NAP

    def stop(self) -> list[float]:
        """Return the delays in seconds, sorted; the one that is under way counts too."""
        self._task.cancel()
        return sorted([*self._delays, max(0.0, time.perf_counter() - self._due)])


def percentile(ordered: list[float], share: float) -> float:
    """Return the smallest value that is not below `share` of all; they come sorted."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def memory(status: str, name: str) -> float:
    """Return an entry of a ``/proc/<pid>/status`` in MB."""
    for line in status.splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / MB
    raise ValueError(f"there is no {name} in the status")


def process_cpu(pid: int) -> float:
    """Return the CPU seconds that a process has used, its ended threads included."""
    # The name of the program, in brackets, may hold blanks.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _status(name: str) -> float:
    return memory(Path(_STATUS).read_text(), name)


def _own_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
