"""Steers the emulator over HTTP, for tests in other processes and languages.

All of it is under ``/emulator/``, speaks JSON, wants no key, and answers programs on the
same machine only. No fault hits it and the log leaves it out.

==========================  ============================================================
``GET /emulator/status``    The time, the jobs, how many files, faults and requests.
``GET /emulator/faults``    ``{"faults": […]}``: those not used up yet.
``POST /emulator/faults``   Adds a list of faults, with the members of `Fault`.
``DELETE /emulator/faults`` Removes them all.
``POST /emulator/clock``    ``{"advance": seconds}`` lets emulated time pass.
``GET /emulator/log``       ``?since=n``: requests from the n-th on, and ``next``.
``POST /emulator/script``   ``{"job": name or pattern, "looks": […]}``, as `Emulator.script`.
==========================  ============================================================
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiohttp import web
from attrs import frozen

from gemini_batch.testing._load_faults import fault_entry, read_faults
from gemini_batch.testing.emulator.core.address import host_named, is_loopback
from gemini_batch.testing.emulator.core.clock import Clock, Turnable, stamp
from gemini_batch.testing.emulator.core.errors import (
    Refusal,
    failed_precondition,
    invalid,
)
from gemini_batch.testing.emulator.core.file_store import Store
from gemini_batch.testing.emulator.core.request_log import LogEntry
from gemini_batch.testing.emulator.developer.jobs import Look
from gemini_batch.testing.emulator.developer.registry import Registry
from gemini_batch.testing.emulator.http.web import json_answer, refusal_answer
from gemini_batch.testing.emulator.vertex.registry import VertexJobs
from gemini_batch.testing.faults import Fault

PREFIX: Final = "/emulator/"
_LONGEST: Final = 1 << 20
_DEEPEST: Final = 100
# More requests than any log has.
_MOST_DIGITS: Final = 18

Body = Any
Answer = dict[str, Any]


@frozen(kw_only=True)
class Control:
    """Answers what is asked of the emulator itself."""

    registry: Registry
    vertex_jobs: VertexJobs
    store: Store
    clock: Clock
    faults: list[Fault]
    log: list[LogEntry]
    script: Callable[[str, tuple[Look, ...]], None]
    """Fixes the course of a job, as `Emulator.script`."""

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        """Answer one request under ``/emulator/``."""
        try:
            _check_nearness(request)
            action = self._action(request)
            body = await _body(request) if request.method == "POST" else request.query
            return json_answer(action(body))
        except Refusal as refusal:
            return refusal_answer(refusal)

    def _action(self, request: web.BaseRequest) -> Callable[[Body], Answer]:
        actions: Mapping[str, Mapping[str, Callable[[Body], Answer]]] = {
            "status": {"GET": self._status},
            "faults": {
                "GET": self._list_faults,
                "POST": self._add_faults,
                "DELETE": self._clear_faults,
            },
            "clock": {"POST": self._turn_clock},
            "log": {"GET": self._read_log},
            "script": {"POST": self._script},
        }
        methods = actions.get(request.path.removeprefix(PREFIX), {})
        if not methods:
            raise Refusal(404)
        if request.method not in methods:
            raise Refusal(405, "Method not allowed.", headers={"Allow": ", ".join(methods)})
        return methods[request.method]

    def _status(self, _: Body) -> Answer:
        jobs = {
            name: {
                "state": job.state,
                "display_name": job.display_name,
                "row_count": job.row_count,
                "tokens": job.tokens,
                "looks": job.looks,
            }
            for name, job in self.registry.items()
        }
        jobs |= {
            name: {
                "state": self.vertex_jobs.moment(job).state,
                "display_name": job.display_name,
                "row_count": job.row_count,
                "looks": job.looks,
            }
            for name, job in self.vertex_jobs.items()
        }
        return {
            "now": stamp(self.clock.now()),
            "jobs": jobs,
            "files": len(self.store),
            "faults": len(self.faults),
            "requests": len(self.log),
        }

    def _list_faults(self, _: Body) -> Answer:
        return {"faults": [fault_entry(fault) for fault in self.faults]}

    def _add_faults(self, body: Body) -> Answer:
        try:
            self.faults.extend(read_faults(body))
        except ValueError as error:
            raise invalid(str(error)) from None
        return self._list_faults(body)

    def _clear_faults(self, _: Body) -> Answer:
        self.faults.clear()
        return {}

    def _turn_clock(self, body: Body) -> Answer:
        if not isinstance(self.clock, Turnable):
            raise failed_precondition("This emulator's clock cannot be turned.")
        seconds = _member(body, "advance", (int, float))
        try:
            self.clock.advance(seconds)
        except (ValueError, OverflowError) as error:
            raise invalid(f"'advance': {error}") from None
        return {"now": stamp(self.clock.now())}

    def _read_log(self, query: Body) -> Answer:
        since = query.get("since", "0")
        if not since.isdecimal() or len(since) > _MOST_DIGITS:
            raise invalid("'since' must be a number of requests.")
        entries = [_log_entry(entry) for entry in self.log[int(since) :]]
        return {"entries": entries, "next": len(self.log)}

    def _script(self, body: Body) -> Answer:
        name, looks = _member(body, "job", str), _member(body, "looks", list)
        if not all(isinstance(look, str | dict) for look in looks):
            raise invalid("'looks' are states or objects.")
        try:
            self.script(name, tuple(looks))
        except KeyError:
            raise Refusal(404, f"There is no job {name}.") from None
        except ValueError as error:
            raise invalid(f"'looks': {error}") from None
        return {}


def _check_nearness(request: web.BaseRequest) -> None:
    """Let in who is on this machine and no web page.

    Raises:
        Refusal: It comes from elsewhere.
    """
    named = host_named(request)
    # A page in a browser here could send requests too: it says where it is from, or, if
    # its name was bent to this address, still calls us by that name.
    if not is_loopback(request.remote or "") or "Origin" in request.headers:
        raise Refusal(403)
    if named != "localhost" and not is_loopback(named):
        raise Refusal(403)


async def _body(request: web.BaseRequest) -> Any:
    pieces = bytearray()
    async for piece in request.content.iter_any():
        if len(pieces) <= _LONGEST:
            pieces += piece
    if len(pieces) > _LONGEST:
        raise invalid(f"The body exceeds {_LONGEST} bytes.")
    try:
        value = json.loads(pieces.decode())
    except ValueError as error:
        raise invalid(f"The body is not JSON: {error}") from None
    except RecursionError:
        raise invalid("The body is nested too deep.") from None
    _check_depth(value)
    return value


def _check_depth(value: Any) -> None:
    """Check that what comes back in answers can be written there.

    Raises:
        Refusal: It is nested too deep.
    """
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(_DEEPEST):
        inside = (v.values() if isinstance(v, dict) else v for v in level)
        level = [v for part in inside for v in part if isinstance(v, dict | list)]
        if not level:
            return
    raise invalid("The body is nested too deep.")


def _member(body: Body, name: str, kind: type | tuple[type, ...]) -> Any:
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise invalid(f"'{name}' is missing, or of the wrong type.")
    return value


def _log_entry(entry: LogEntry) -> dict[str, Any]:
    body = None if entry.body is None else entry.body.decode(errors="replace")
    return {
        "method": entry.method,
        "path": entry.path,
        "query": dict(entry.query),
        "headers": dict(entry.headers),
        "status": entry.status,
        "bytes_in": entry.bytes_in,
        "body": body,
    }
