"""Starting: a fresh interpreter that imports, and one that has a client ready to be used.

Whole interpreters are measured, from their start to their end. google-genai imports aiohttp
where it finds it, though its synchronous client has no use for it; so its sides are run as
well as if aiohttp were not installed, which is quicker, and that is what ours is compared with
wherever the client is not asynchronous.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from benchmarks._job import Job, Setting, Side, Target

TIMES: Final = 10

_NO_AIOHTTP: Final = "import sys; sys.modules['aiohttp'] = None"

_IMPORT: Final = "gemini_batch: import"
_TYPES: Final = "gemini_batch: import, value types loaded"
_READY: Final = "gemini_batch: client ready"
_NOTHING: Final = "Python: nothing"
_ATTRS: Final = "attrs: import"
_AIOHTTP: Final = "aiohttp: import, open session"
_THEIRS: Final = "google-genai without aiohttp: import"
_THEIRS_AIOHTTP: Final = "google-genai with aiohttp: import"
_SYNC: Final = "google-genai without aiohttp: sync client ready"
_SYNC_AIOHTTP: Final = "google-genai with aiohttp: sync client ready"
_ASYNC: Final = "google-genai with aiohttp: async client ready, session open"

_SYNC_CODE: Final = """
from google import genai
client = genai.Client(api_key="benchmark")
assert client.batches
"""
_PROGRAMS: Final = {
    _IMPORT: "import gemini_batch",
    _TYPES: "from gemini_batch import GenerateRequest",
    _READY: """
import asyncio
from gemini_batch import Client, DeveloperAPI

async def main():
    async with Client(DeveloperAPI(api_key="benchmark")) as client:
        assert client.batches

asyncio.run(main())
""",
    _NOTHING: "pass",
    _ATTRS: "import attrs",
    _AIOHTTP: """
import asyncio
import aiohttp

async def main():
    async with aiohttp.ClientSession():
        pass

asyncio.run(main())
""",
    _THEIRS: f"{_NO_AIOHTTP}\nfrom google import genai",
    _THEIRS_AIOHTTP: "from google import genai",
    _SYNC: f"{_NO_AIOHTTP}\n{_SYNC_CODE}",
    _SYNC_AIOHTTP: _SYNC_CODE,
    # The session is made at the first call: this makes it without a call.
    _ASYNC: """
import asyncio
from google import genai

async def main():
    client = genai.Client(api_key="benchmark")
    assert client.aio.batches
    await client._api_client._get_aiohttp_session()
    await client.aio.aclose()

asyncio.run(main())
""",
}


def _starting(code: str) -> Callable[[Setting], Awaitable[int]]:
    async def run(setting: Setting) -> int:
        setting.meter.run_program(code, times=1)  # its modules are compiled and cached now
        setting.meter.run_program(code, times=setting.size)
        return setting.size

    return run


JOB = Job(
    name="imports",
    title="start, import, have a client ready",
    unit="interpreters",
    sizes=(TIMES,),
    sides=tuple(
        Side(name=name, run=_starting(code), loop=False) for name, code in _PROGRAMS.items()
    ),
    targets=(
        Target(side=_IMPORT, against=_THEIRS, size=TIMES, at_least=7),
        Target(side=_IMPORT, against=_ATTRS, size=TIMES, at_most=1.5),
        Target(side=_READY, against=_SYNC, size=TIMES, at_least=2.3),
        Target(side=_READY, against=_ASYNC, size=TIMES, at_least=3),
        Target(side=_READY, measure="process", size=TIMES, at_most=40),
    ),
)
