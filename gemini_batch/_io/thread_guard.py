"""Thread hops on something that a cancelled task may leave behind."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class ThreadGuard:
    """Lets one thread at a time at something, and lets go of it once nobody wants it any more.

    A task that is cancelled natively leaves its hop running. What is discarded then is released
    when the hop ends, because whoever discarded it may be gone.
    """

    def __init__(self, release: Callable[[], None]) -> None:
        """Begin.

        Args:
            release: Lets go of everything; blocks, and may be called more than once.
        """
        self._release = release
        self._lock = threading.Lock()
        self.discarded = False
        """Nobody wants it any more: hops are to do nothing."""

    @contextmanager
    def hold(self) -> Iterator[bool]:
        """Wait for one's turn; tell whether there is something to be done in it."""
        try:
            with self._lock:
                yield not self.discarded
        finally:
            if self.discarded:
                self.close()

    def close(self, *, wait: bool = True) -> None:
        """Discard and release it, once no hop runs any more. May be called more than once.

        Without `wait`, a hop that still runs does so at its end.
        """
        self.discarded = True
        if not self._lock.acquire(blocking=wait):
            return
        try:
            self._release()
        finally:
            self._lock.release()
