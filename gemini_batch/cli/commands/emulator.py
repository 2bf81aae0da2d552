"""The command that runs the emulator for other programs."""

import datetime as dt
import os
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Literal

import anyio
from cyclopts import Parameter
from cyclopts.validators import Number

from gemini_batch import InputError
from gemini_batch.cli.connect import (
    DEFAULT_PORT,
    EMULATOR_BUCKET,
    EMULATOR_KEY,
    EMULATOR_PROJECT,
    EMULATOR_TOKEN,
    EMULATOR_VARIABLE,
)
from gemini_batch.cli.display import text
from gemini_batch.cli.display.screen import Screen
from gemini_batch.cli.exit_codes import ExitCode
from gemini_batch.cli.output_file import silence_broken
from gemini_batch.testing import (
    Emulator,
    Fault,
    LogEntry,
    ManualClock,
    SpeedClock,
    load_faults,
)

_ERRORS_FROM = 400
_UPLOAD_COMMAND = "X-Goog-Upload-Command"


async def emulator(
    *,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65535))] = DEFAULT_PORT,
    speed: Annotated[float, Parameter(validator=Number(gt=0, lte=1e9))] = 60.0,
    clock: Literal["real", "fast", "hand"] = "fast",
    data: Path | None = None,
    faults: Path | None = None,
    as_json: Annotated[
        bool, Parameter(name="--json", negative=(), show_default=False)
    ] = False,
) -> ExitCode:
    """Run an offline stand-in for the service until Ctrl-C; costs nothing.

    Jobs, uploads and results behave as at the service, Vertex AI with its Cloud Storage and
    BigQuery included; answers are made up. Everything is forgotten at the end, unless --data
    names a folder to keep it in. Programs on this machine can control it: GET and POST below
    /emulator/, such as /emulator/status.

    Parameters
    ----------
    host
        Address to listen on. Clients talk plain http to loopback addresses only.
    port
        Port to listen on; 0 takes a free one.
    speed
        Emulated seconds per second, with --clock fast.
    clock
        Real time, faster than that, or a clock that is advanced by hand only: POST
        /emulator/clock with {"advance": seconds}.
    data
        Folder to keep jobs and files in, for the next emulator with the same folder.
    faults
        JSON file with a list of faults: what goes wrong, and in which requests.
    as_json
        Write JSON lines to stdout: one when it listens, one per request, one at the end.
    """
    screen = Screen(as_json=as_json)
    log = _Log(screen)
    running = Emulator(
        host=host,
        port=port,
        clock=_clock(clock, speed),
        api_key=EMULATOR_KEY,
        access_log=log.write,
        data=data,
        control=True,
    )
    if faults is not None:
        running.faults += _read_faults(faults)
    async with AsyncExitStack() as stack:
        await _start(stack, running, f"{host} port {port}", data)
        pace = {"real": "in real time", "hand": "with a clock that is advanced by hand"}
        _announce(screen, running.url, pace.get(clock, f"{speed:g} x real time"), data)
        await _until_stopped()
    log.close()
    return ExitCode.OK


async def _start(
    stack: AsyncExitStack, running: Emulator, place: str, data: Path | None
) -> None:
    """Start it; `stack` stops it.

    Raises:
        InputError: It cannot listen there, or keep its data there.
    """
    try:
        await stack.enter_async_context(running)
    except OSError as exc:
        if data is not None and exc.filename is not None:
            raise InputError.one(
                f"cannot keep data in {data}: {exc.strerror or exc}",
                remedy="Name a folder with --data that can be made or written to.",
            ) from exc
        raise InputError.one(
            f"cannot listen on {place}: {exc.strerror or exc}",
            remedy="Choose another with --port; 0 takes a free one.",
        ) from exc
    except RuntimeError as exc:  # its folder is in use, or a newer one's
        raise InputError.one(f"{exc}", remedy="Choose another with --data.") from exc


def _clock(kind: str, speed: float) -> ManualClock | SpeedClock:
    if kind == "hand":
        return ManualClock(dt.datetime.now(dt.UTC))
    return SpeedClock(1.0 if kind == "real" else speed)


def _read_faults(path: Path) -> list[Fault]:
    """Read a file of faults.

    Raises:
        InputError: It cannot be read, or holds something else.
    """
    try:
        return load_faults(path)
    except OSError as exc:
        problem = f"cannot read {path}: {exc.strerror or exc}"
        raise InputError.one(problem, remedy="Check the path.") from exc
    except ValueError as exc:
        remedy = "It is a list of objects with the members of gemini_batch.testing.Fault."
        raise InputError.one(f"{exc}", remedy=remedy) from exc


def _announce(screen: Screen, url: str, pace: str, data: Path | None) -> None:
    if screen.as_json:
        vertex = {
            "project": EMULATOR_PROJECT,
            "bucket": EMULATOR_BUCKET,
            "access_token": EMULATOR_TOKEN,
        }
        screen.document(
            {"event": "listening", "url": url, "api_key": EMULATOR_KEY, "vertex": vertex}
        )
        return
    screen.line(("Emulator", "bold"), f" of Gemini batch jobs at {url}, {pace}")
    screen.line()
    screen.line("For this client and for google-genai:")
    for name, value in (("GEMINI_API_KEY", EMULATOR_KEY), ("GOOGLE_GEMINI_BASE_URL", url)):
        screen.line(f"  export {name}={value}")
    if os.environ.get("GOOGLE_API_KEY"):
        screen.line("  unset GOOGLE_API_KEY   # it would be used instead")
    screen.line()
    at_home = url == f"http://127.0.0.1:{DEFAULT_PORT}"
    first = "" if at_home else f"{EMULATOR_VARIABLE}={url} "
    screen.line(f"Or without them: {first}gemini-batch list --emulator")
    screen.line(f"The same on Vertex AI: {first}gemini-batch list --emulator --vertex")
    screen.line(
        f"  with project {EMULATOR_PROJECT}, bucket {EMULATOR_BUCKET}, "
        f"access token {EMULATOR_TOKEN}"
    )
    screen.line(f"To control it: {url}/emulator/status, faults, clock, log, script")
    kept = (
        "nothing is kept" if data is None else f"{text.clean(str(data))} keeps everything"
    )
    screen.line(f"Ctrl-C stops it; {kept}.")
    screen.line()
    screen.out.file.flush()


async def _until_stopped() -> None:
    """Return at Ctrl-C or SIGTERM."""
    try:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                return
    except NotImplementedError:  # Windows: Ctrl-C ends the program itself
        await anyio.sleep_forever()


class _Log:
    """Writes a line per request, until the reader of its stream has gone."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._count = 0
        self._unread = False

    def write(self, entry: LogEntry) -> None:
        """Write a request that has been answered."""
        self._count += 1
        self._try(lambda: self._write(entry))

    def _try(self, write: Callable[[], None]) -> None:
        if self._unread:
            return
        try:
            write()
        except OSError:
            # The emulator goes on for its clients.
            self._unread = True
            silence_broken()

    def _write(self, entry: LogEntry) -> None:
        command = entry.headers.get(_UPLOAD_COMMAND)
        if self._screen.as_json:
            self._screen.document(
                {
                    "event": "request",
                    "method": entry.method,
                    "path": entry.path,
                    "status": entry.status,
                    "bytes_in": entry.bytes_in,
                    "upload_command": command,
                }
            )
            return
        bad = entry.status is None or entry.status >= _ERRORS_FROM
        extra = [text.clean(command)] if command else []
        if entry.bytes_in:
            extra.append(text.size(entry.bytes_in))
        self._screen.remark(
            (f"{dt.datetime.now().astimezone():%H:%M:%S}  ", "dim"),
            (f"{entry.status or 'cut'}  ", "red" if bad else "green"),
            f"{text.clean(entry.method):<6}  {text.clean(entry.path)}",
            ("  " + ", ".join(extra) if extra else "", "dim"),
        )

    def close(self) -> None:
        """Write the end."""
        self._try(self._close)

    def _close(self) -> None:
        if self._screen.as_json:
            self._screen.document({"event": "stopped", "requests": self._count})
        else:
            self._screen.remark(f"Stopped after {text.count(self._count, 'request')}.")
