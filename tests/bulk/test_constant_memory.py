"""Gigabytes go in and out, and memory does not grow. Each in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.bulk_server import ROW_BYTES, bulk_server
from tests.support.rows import jsonl, row

pytestmark = [pytest.mark.slow, pytest.mark.bulk, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
GB = 10**9
INPUT = 5 * GB
RESULTS = 3 * GB
MOST = 40.0  # MB above what an idle client holds


def moved(work: str, *arguments: object) -> dict[str, Any]:
    """Run one of the works of child.py, and return what it printed."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bulk.child", work, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def test_a_sparse_input_of_5_gb_is_checked(tmp_path: Path) -> None:
    """A hole is a line of zeros, too long for the service, between lines that are read."""
    small, path = tmp_path / "small.jsonl", tmp_path / "in.jsonl"
    small.write_bytes(jsonl(row("a")))
    last = b"\n" + jsonl(row("b"), row("a"))
    with path.open("wb") as file:
        file.write(jsonl(row("a")))
        file.seek(INPUT - len(last))
        file.write(last)
    assert path.stat().st_size == INPUT

    told = moved("check", path, small)

    (hole, twin) = told["problems"]
    assert hole[0] == 2
    assert twin == [4, "the key 'a' was used on line 1 already"]
    assert told["peak"] < MOST


def test_a_sparse_file_of_5_gb_is_uploaded(tmp_path: Path) -> None:
    """Its connection breaks on the way; all bytes are compared by their digest."""
    path = tmp_path / "in.jsonl"
    with path.open("wb") as file:
        for gigabyte in range(5):
            file.seek(gigabyte * GB)
            file.write(b"%d" % gigabyte)
        file.truncate(INPUT)

    with bulk_server(break_at=2 * GB) as server:
        told = moved("upload", server.url, path)

    assert (told["size"], told["last"]) == (INPUT, INPUT)
    assert (server.received, server.breaks) == (INPUT, 1)
    assert told["peak"] < MOST


def test_results_of_3_gb_are_read() -> None:
    """Their connection breaks on the way; every row comes once, in order."""
    count = RESULTS // ROW_BYTES + 1

    with bulk_server(row_count=count, break_at=GB) as server:
        told = moved("results", server.url)

    assert (told["count"], told["read"]) == (count, -(-count // 1000))
    assert server.breaks == 1
    assert told["peak"] < MOST
