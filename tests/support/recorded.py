"""Recorded payloads; tests/recorded/README.md tells where each came from."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1] / "recorded"


def recorded(name: str) -> bytes:
    """Return the bytes of one payload."""
    return (ROOT / name).read_bytes()


def recorded_json(name: str) -> Any:
    """Return one payload as Python values."""
    return json.loads(recorded(name))


def names(pattern: str) -> list[str]:
    """Return the payloads that match, sorted; never none."""
    found = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob(pattern))
    assert found, pattern
    return found
