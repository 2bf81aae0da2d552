"""The emulator in a process of its own, as foreign clients see it."""

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SERVE = Path(__file__).parent / "serve.py"


class Stage:
    """Starts `serve.py` and gives it commands."""

    url = ""
    key = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.communicate(timeout=10)

    def _do(self, command: str, /, **members: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": command, **members}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def open(self, **limits: float) -> None:
        """Put a fresh emulator in place of the one before; takes members of `Limits`."""
        opened = self._do("open", limits=limits)
        self.url, self.key = opened["url"], opened["key"]

    def advance(self, seconds: float) -> None:
        """Let emulated time pass."""
        self._do("advance", seconds=seconds)

    def fault(self, **members: Any) -> None:
        """Let something go wrong; the members are those of `Fault`."""
        self._do("fault", **members)

    def script(self, name: str, *looks: Any) -> None:
        """Fix the course of a job."""
        self._do("script", name=name, looks=looks)

    def put(self, uri: str, text: str) -> None:
        """Store an object."""
        self._do("put", uri=uri, text=text)

    def read(self, uri: str) -> str:
        """Return what is in an object."""
        return str(self._do("read", uri=uri))

    def table(self, uri: str, rows: list[dict[str, Any]]) -> None:
        """Make a table."""
        self._do("table", uri=uri, rows=rows)

    def rows(self, uri: str) -> list[dict[str, Any]]:
        """Return what is in a table."""
        found: list[dict[str, Any]] = self._do("rows", uri=uri)
        return found

    def log(self) -> list[dict[str, Any]]:
        """Return what arrived."""
        found: list[dict[str, Any]] = self._do("log")
        return found
