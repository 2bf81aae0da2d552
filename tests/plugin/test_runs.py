"""The fixtures in pytest runs of their own, under each plugin for async tests."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
import asyncio, threading, time, unittest
import pytest

async def program(client):
    job = await client.batches.submit(
        "gemini-2.5-flash", [{"contents": [{"parts": [{"text": "Hello"}]}]}]
    )
    job = await client.batches.poll(job)
    return [result.text async for result in client.batches.results(job)]
"""

ASYNC_TESTS = """
async def test_one(gemini_emulator, gemini_client):
    assert len(gemini_emulator.jobs) == 0
    gemini_emulator.answers(lambda request, model: "Answer")
    async with gemini_client as client:
        assert await program(client) == ["Answer"]
    assert len(gemini_emulator.jobs) == 1

async def test_another(gemini_emulator, gemini_client):
    assert len(gemini_emulator.jobs) == 0
    async with gemini_client as client:
        assert len(await program(client)) == 1
"""

SYNC_TESTS = """
def until(true):
    # Idle threads of the emulator's end by themselves, soon.
    ends = time.monotonic() + 5
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)

def test_one(gemini_emulator, gemini_client):
    async def main():
        async with gemini_client as client:
            return await program(client)

    assert len(asyncio.run(main())) == 1
    assert len(asyncio.run(main())) == 1
    assert len(gemini_emulator.jobs) == 2

def test_the_port_is_closed_and_the_thread_gone():
    import socket
    until(lambda: threading.active_count() == 1)
"""

NO_ASYNCIO = ("-p", "no:asyncio")
SCOPE = ("-o", "asyncio_default_fixture_loop_scope=function")
RUNS = {
    "anyio, marked": (
        PROGRAM + "pytestmark = pytest.mark.anyio\n" + ASYNC_TESTS,
        NO_ASYNCIO,
    ),
    "anyio, auto": (PROGRAM + ASYNC_TESTS, (*NO_ASYNCIO, "-o", "anyio_mode=auto")),
    "anyio, marked, beside pytest-asyncio": (
        PROGRAM + "pytestmark = pytest.mark.anyio\n" + ASYNC_TESTS,
        SCOPE,
    ),
    "pytest-asyncio, strict": (
        PROGRAM + "pytestmark = pytest.mark.asyncio\n" + ASYNC_TESTS,
        (*SCOPE, "-o", "asyncio_mode=strict"),
    ),
    "pytest-asyncio, one loop for all": (
        PROGRAM + "pytestmark = pytest.mark.asyncio(loop_scope='module')\n" + ASYNC_TESTS,
        (*SCOPE, "-o", "asyncio_mode=strict"),
    ),
    "pytest-asyncio, auto": (PROGRAM + ASYNC_TESTS, (*SCOPE, "-o", "asyncio_mode=auto")),
    "no plugin": (PROGRAM + SYNC_TESTS, (*NO_ASYNCIO, "-p", "no:anyio")),
}


@pytest.mark.parametrize("run", RUNS)
def test_the_fixtures_work_under(pytester: pytest.Pytester, run: str) -> None:
    code, options = RUNS[run]
    pytester.makepyfile(code)

    result = pytester.runpytest_subprocess(
        "-W", "error", "-p", "no:randomly", "-p", "no:cacheprovider", *options
    )

    result.assert_outcomes(passed=2)


def test_a_test_that_fails_takes_its_emulator_along(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import threading, time

        def test_fails(gemini_emulator):
            assert not gemini_emulator.url

        def test_after():
            ends = time.monotonic() + 5  # idle threads end by themselves, soon
            while threading.active_count() > 1 and time.monotonic() < ends:
                time.sleep(0.01)
            assert threading.active_count() == 1
        """
    )

    result = pytester.runpytest_subprocess(*NO_ASYNCIO, "-W", "error", "-p", "no:randomly")

    result.assert_outcomes(failed=1, passed=1)


def test_the_fixtures_are_described(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--fixtures", *NO_ASYNCIO)

    result.stdout.fnmatch_lines(
        [
            "gemini_emulator_options*",
            "*override it*",
            "gemini_emulator *",
            "*offline Gemini batch service*",
            "gemini_client *",
            "*async with*",
        ]
    )


@pytest.mark.parametrize("arguments", ["'--version'", "'-q', '-p', 'no:cacheprovider'"])
def test_a_run_without_the_fixtures_imports_nothing_heavy(
    pytester: pytest.Pytester, arguments: str
) -> None:
    pytester.makepyfile("def test_nothing(): pass")
    program = (
        f"import sys, pytest; pytest.main([{arguments}]);"
        "heavy = {'aiohttp', 'cattrs', 'msgspec', 'gemini_batch.client', 'gemini_batch.types'};"
        "print('imported:', sorted(heavy & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert "imported: []" in done.stdout
