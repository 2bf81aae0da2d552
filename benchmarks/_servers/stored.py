"""Answers of batch jobs from files: ``GET /<version>/batches/<name>`` sends ``<name>.json`` of
the data folder.

From memory, not by `sendfile`: what comes from a socket is then as finely cut as it is from a
network, where the kernel would hand over large pages at once, which cost a client more.
"""

import sys
from functools import cache, partial
from pathlib import Path

from benchmarks._servers._blocking import Connection, Head, serve


def answer(data: Path, connection: Connection, head: Head, _url: str) -> None:
    """Answer one request."""
    path = data / f"{head.path.rpartition('/')[2]}.json"
    if path.exists():
        connection.answer(_content(path))
    else:
        connection.missing()


@cache
def _content(path: Path) -> bytes:
    return path.read_bytes()


if __name__ == "__main__":
    serve(partial(answer, Path(sys.argv[1])))
