"""What must not be left behind."""

import asyncio


def stray_tasks() -> list[str]:
    """Return the tasks that are neither the test's own nor the emulator's connections."""
    return [
        repr(task)
        for task in asyncio.all_tasks()
        if task is not asyncio.current_task()
        and "aiohttp/web_protocol" not in repr(task)
        and "_call_in_runner_task" not in repr(task)
        and "_run_tests_and_fixtures" not in repr(task)
    ]
