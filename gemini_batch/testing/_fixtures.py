"""What is behind the pytest fixtures."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from anyio.from_thread import start_blocking_portal

from gemini_batch.client import Client
from gemini_batch.testing.emulator import Emulator, Limits
from gemini_batch.types import Retry

__all__ = ["client_of", "serving"]

# At this speed a job ends half a millisecond after its create, before anybody can look at
# it, while a file lives for half an hour: long enough for a debugger.
_HURRIED: Final[Mapping[str, Any]] = {
    "speed": 100.0,
    "limits": Limits(pending=0.025, least_running=0.025, rows_per_second=1e6, lag=0.0),
}
_TIMES: Final = frozenset(("clock", "limits", "speed"))
_RETRY: Final = Retry(
    wait_initial=0.01,
    wait_max=0.1,
    wait_jitter=0.01,
    lookup_pauses=(0.0, 0.05, 0.1),
)


@contextmanager
def serving(options: Mapping[str, Any]) -> Iterator[Emulator]:
    """Run an emulator in a thread of its own while the ``with`` block runs.

    Args:
        options: Arguments of `Emulator`. Without any of ``clock``, ``limits`` and
            ``speed``, jobs end before the first look.
    """
    hurried = {} if _TIMES & options.keys() else _HURRIED
    emulator = Emulator(**hurried, **options)
    with (
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(emulator),
    ):
        yield emulator


def client_of(emulator: Emulator) -> Client:
    """Return a client that is not open yet, with short pauses between its tries."""
    return Client(emulator.api, retry=_RETRY)
