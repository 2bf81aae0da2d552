"""Moves gigabytes in a process of its own, and prints what it took.

Run as ``python -m tests.bulk.child <work> <url or path> ...``.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from gemini_batch import Client, DeveloperAPI, InputError
from gemini_batch.preflight import check_input
from gemini_batch.resources import files

_STATUS = Path("/proc/self/status")


def megabytes(name: str) -> float:
    """Return an entry of this process's status in MB."""
    (line,) = [x for x in _STATUS.read_text().splitlines() if x.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024 / 1e6


async def measured(work: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """Await `work`; add the most memory that was held above what is held now."""
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    base = megabytes("VmRSS")
    found = await work
    return {**found, "peak": megabytes("VmHWM") - base}


def client_of(url: str) -> Client:
    return Client(DeveloperAPI(api_key="key", base_url=url))


async def check(path: str, small: str) -> dict[str, Any]:
    """Check an input file, after a small one."""

    async def work(path: str) -> dict[str, Any]:
        try:
            report = await check_input(path)
        except InputError as exc:
            return {"problems": [(p.line, p.message) for p in exc.problems]}
        return {"count": report.count}

    await work(small)
    return await measured(work(path))


async def upload(url: str, path: str) -> dict[str, Any]:
    """Upload a file that is larger than the service allows."""
    vars(files).update(MAX_FILE_BYTES=2**63)
    told = []

    async def work(client: Client) -> dict[str, Any]:
        file = await client.files.upload(
            path, on_progress=lambda news: told.append(news.done)
        )
        # The digest of what has arrived has been compared.
        assert file.sha256 is not None
        return {"size": file.size_bytes, "last": told[-1]}

    async with client_of(url) as client:
        await client.batches.get("batches/bulk")
        return await measured(work(client))


async def results(url: str) -> dict[str, Any]:
    """Read all results; the keys must come in order, each once."""

    async def work(client: Client) -> dict[str, Any]:
        count = read = 0
        async for result in client.batches.results("batches/bulk"):
            assert result.key == f"row-{count:09}", f"{result.key} in place {count}"
            if not count % 1000:
                assert result.text is not None
                assert result.text.startswith(f"answer {count:09} lorem")
                read += 1
            count += 1
        return {"count": count, "read": read}

    async with client_of(url) as client:
        await client.batches.get("batches/bulk")
        return await measured(work(client))


WORKS: dict[str, Callable[..., Coroutine[Any, Any, dict[str, Any]]]] = {
    "check": check,
    "upload": upload,
    "results": results,
}

if __name__ == "__main__":
    work, *arguments = sys.argv[1:]
    sys.stdout.write(json.dumps(asyncio.run(WORKS[work](*arguments))))
