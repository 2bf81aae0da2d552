"""When a failed call is tried again. The loop itself is stamina's."""

import time
from collections.abc import Callable

from gemini_batch._wire._request import Request
from gemini_batch.errors import ApiError, RateLimitError, TransportError
from gemini_batch.types import Retry

_TRANSIENT = frozenset({408, 500, 502, 503, 504})


def may_repeat(request: Request, error: BaseException) -> bool:
    """Return True if sending `request` again after `error` cannot do its work twice."""
    if isinstance(error, TransportError):
        return request.idempotent or not error.maybe_received
    if isinstance(error, RateLimitError):
        return True  # refused before any work was done
    if isinstance(error, ApiError):
        return request.idempotent and error.status in _TRANSIENT
    return False


def backoff(
    request: Request, retry: Retry, *, clock: Callable[[], float] = time.monotonic
) -> Callable[[Exception], bool | float]:
    """Return stamina's hook for one call: False to give up, True, or seconds to pause."""
    started = clock()

    def decide(error: Exception) -> bool | float:
        if not may_repeat(request, error):
            return False
        pause = error.retry_after if isinstance(error, ApiError) else None
        if pause is None:
            return True
        # A pause that ends after the last moment for a try is not worth beginning.
        return pause if clock() - started + pause <= retry.timeout else False

    return decide
