"""Runs emulators for programs in other processes: one JSON command per line of stdin.

Every command is answered with one JSON line on stdout. The process ends with its stdin.

- ``{"do": "open", "limits": {…}}`` starts a fresh emulator in place of the one before:
  ``{"url", "key"}``. Its clock stands still.
- ``{"do": "advance", "seconds": 6}`` turns the clock.
- ``{"do": "fault", "status": 503, …}`` appends a `Fault` of these members.
- ``{"do": "script", "name": "…", "looks": […]}`` fixes a job's course.
- ``{"do": "put", "uri": "gs://…", "text": "…"}`` stores an object, ``{"do": "read", "uri":
  "gs://…"}`` returns one: its text; ``{"do": "table", "uri": "bq://…", "rows": […]}`` and
  ``{"do": "rows", "uri": "bq://…"}`` do the same for tables.
- ``{"do": "log"}`` returns ``[{"method", "path", "command", "bytes_in", "status"}]``.
"""

import json
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import anyio
import anyio.to_thread

from gemini_batch.testing import Emulator, Fault, Limits, ManualClock
from gemini_batch.testing.emulator import Table


class Stage:
    """The emulator of the moment."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._clock = ManualClock()
        self._emulator = Emulator()

    async def open(self, limits: Mapping[str, Any]) -> dict[str, str]:
        await self._stack.aclose()
        self._clock = ManualClock()
        self._emulator = Emulator(clock=self._clock, limits=Limits(**limits))
        await self._stack.enter_async_context(self._emulator)
        return {"url": self._emulator.url, "key": self._emulator.api.api_key}

    async def obey(self, command: Mapping[str, Any]) -> Any:
        match command:
            case {"do": "open", "limits": dict(limits)}:
                return await self.open(limits)
            case {"do": "advance", "seconds": float(seconds) | int(seconds)}:
                self._clock.advance(seconds)
            case {"do": "fault", **members}:
                if "body" in members:
                    members["body"] = members["body"].encode()
                self._emulator.faults.append(Fault(**members))
            case {"do": "script", "name": str(name), "looks": list(looks)}:
                self._emulator.script(name, *looks)
            case {"do": "put" | "read" | "table" | "rows"}:
                return self.handle(command)
            case {"do": "log"}:
                return [
                    {
                        "method": entry.method,
                        "path": entry.path,
                        "command": entry.headers.get("X-Goog-Upload-Command"),
                        "bytes_in": entry.bytes_in,
                        "status": entry.status,
                    }
                    for entry in self._emulator.log
                ]
            case _:
                raise ValueError(f"no such command: {command}")
        return None

    def handle(self, command: Mapping[str, Any]) -> Any:
        """Write or read what is stored beside the jobs."""
        match command:
            case {"do": "put", "uri": str(uri), "text": str(text)}:
                self._emulator.objects.put(uri, text.encode())
            case {"do": "read", "uri": str(uri)}:
                return self._emulator.objects[uri].read().decode()
            case {"do": "table", "uri": str(uri), "rows": list(rows)}:
                self._emulator.tables[uri] = Table.of(rows)
            case {"do": "rows", "uri": str(uri)}:
                found = self._emulator.tables[uri].rows
                return json.loads(json.dumps(found, default=str))
        return None


async def main() -> None:
    async with AsyncExitStack() as stack:
        stage = Stage(stack)
        while line := await anyio.to_thread.run_sync(sys.stdin.readline):
            sys.stdout.write(json.dumps(await stage.obey(json.loads(line))) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    anyio.run(main)
