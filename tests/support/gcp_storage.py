"""gcp-storage-emulator (PyPI) as a process of its own: a Cloud Storage we did not write."""

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUCKET = "bucket"

# It takes a port but does not tell one: this begins it on a free one, and says which.
_START = """
import sys
from gcp_storage_emulator.server import create_server

server = create_server("127.0.0.1", 0, in_memory=True, default_bucket=sys.argv[1])
server.start()
print("port", server._api._httpd.server_address[1], flush=True)
sys.stdin.read()
server.stop()
"""


@contextmanager
def gcp_storage(log: Path) -> Iterator[int]:
    """Run it, with one bucket, and give its port; what it says goes to a file."""
    with log.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", _START, BUCKET],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode()
            told = re.fullmatch(r"port (\d+)\n", line)
            assert told, f"gcp-storage-emulator did not start:\n{log.read_text()}"
            yield int(told[1])
        finally:
            process.communicate(timeout=10)


def wipe(port: int) -> None:
    """Remove all objects and uploads."""
    urllib.request.urlopen(f"http://127.0.0.1:{port}/wipe?keep-buckets=true").close()
