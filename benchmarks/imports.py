"""Starting: a fresh interpreter that imports, and one that has a client ready to be used.

Whole interpreters are measured, from their start to their end. google-genai imports aiohttp
where it finds it, though its synchronous client has no use for it; so its sides are run as
well as if aiohttp were not installed, which is quicker, and that is what ours is compared with
wherever the client is not asynchronous.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from benchmarks._job import Job, Setting, Side, Target

TIMES: Final = 5

_NO_AIOHTTP: Final = "import sys; sys.modules['aiohttp'] = None"

IMPORT: Final = "gemini_batch: import"
_TYPES: Final = "gemini_batch: import, value types loaded"
READY: Final = "gemini_batch: client ready"
_NOTHING: Final = "Python: nothing"
ATTRS: Final = "attrs: import"
_AIOHTTP: Final = "aiohttp: import, open session"
THEIRS: Final = "google-genai without aiohttp: import"
_THEIRS_AIOHTTP: Final = "google-genai with aiohttp: import"
SYNC: Final = "google-genai without aiohttp: sync client ready"
_SYNC_AIOHTTP: Final = "google-genai with aiohttp: sync client ready"
ASYNC: Final = "google-genai with aiohttp: async client ready, session open"

_SYNC_CODE: Final = """
from google import genai
client = genai.Client(api_key="benchmark")
assert client.batches
"""
_PROGRAMS: Final = {
    IMPORT: "import gemini_batch",
    _TYPES: "from gemini_batch import GenerateRequest",
    READY: """
import asyncio
from gemini_batch import Client, DeveloperAPI

async def main():
    async with Client(DeveloperAPI(api_key="benchmark")) as client:
        assert client.batches

asyncio.run(main())
""",
    _NOTHING: "pass",
    ATTRS: "import attrs",
    _AIOHTTP: """
import asyncio
import aiohttp

async def main():
    async with aiohttp.ClientSession():
        pass

asyncio.run(main())
""",
    THEIRS: f"{_NO_AIOHTTP}\nfrom google import genai",
    _THEIRS_AIOHTTP: "from google import genai",
    SYNC: f"{_NO_AIOHTTP}\n{_SYNC_CODE}",
    _SYNC_AIOHTTP: _SYNC_CODE,
    # The session is made at the first call: this makes it without a call.
    ASYNC: """
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
        Target(side=IMPORT, against=THEIRS, size=TIMES, at_least=7),
        Target(side=IMPORT, against=ATTRS, size=TIMES, at_most=1.5),
        # Modules import what they use at their top, so that no call loads any inside of the
        # caller's loop, where the first submit stood still for 100 ms: `first_calls` holds
        # that. It makes a client ready 0.12 s later.
        Target(side=READY, against=SYNC, size=TIMES, at_least=1.5),
        Target(side=READY, against=ASYNC, size=TIMES, at_least=2),
        Target(side=READY, measure="process", size=TIMES, at_most=40),
    ),
)
