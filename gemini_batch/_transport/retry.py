"""When a failed call is tried again. The loop itself is stamina's."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gemini_batch._wire.http import Request
from gemini_batch.errors import APIError, RateLimitError, TransportError
from gemini_batch.types import Retry

T = TypeVar("T")

_TRANSIENT = frozenset({408, 500, 502, 503, 504})


def may_repeat(request: Request, error: BaseException) -> bool:
    """Return True if sending `request` again after `error` cannot do its work twice."""
    if isinstance(error, TransportError):
        return request.idempotent or not error.maybe_received
    if isinstance(error, RateLimitError):
        return True  # refused before any work was done
    if isinstance(error, APIError):
        return request.idempotent and error.status_code in _TRANSIENT
    return False


async def send_with_retry(
    once: Callable[[Request], Awaitable[T]], request: Request, retry: Retry
) -> T:
    """Send `request` with `once`, again where that is safe, within the limits of `retry`."""
    started = time.monotonic()
    try:
        return await once(request)
    except (APIError, TransportError) as exc:
        if not may_repeat(request, exc):
            raise
        failure = exc
    return await _again(once, request, retry, failure, time.monotonic() - started)


async def _again(
    once: Callable[[Request], Awaitable[T]],
    request: Request,
    retry: Retry,
    failure: APIError | TransportError,
    spent: float,
) -> T:
    """Go on after a first try that ended in `failure` and took `spent` seconds.

    Nearly all calls succeed at once; what stamina sets up for a call costs as much as the
    call itself, and loading it is a part of the client's start. So it takes over here, and
    is told of the first try by way of its first attempt.
    """
    if spent >= retry.timeout:
        raise failure
    import stamina  # noqa: PLC0415 - see above

    async for attempt in stamina.retry_context(
        on=backoff(request, retry, spent=spent),
        attempts=retry.attempts,
        timeout=retry.timeout - spent,
        wait_initial=retry.wait_initial,
        wait_max=retry.wait_max,
        wait_jitter=retry.wait_jitter,
    ):
        with attempt:
            if attempt.num == 1:
                raise failure
            try:
                return await once(request)
            except APIError as exc:
                exc.tries = attempt.num
                raise
    raise AssertionError("stamina ended without a result")  # pragma: no cover


def backoff(
    request: Request,
    retry: Retry,
    *,
    spent: float = 0.0,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[Exception], bool | float]:
    """Return stamina's hook for one call: False to give up, True, or seconds to pause.

    `spent` is how long ago, in seconds, the call was begun.
    """
    started = clock() - spent

    def decide(error: Exception) -> bool | float:
        if not may_repeat(request, error):
            return False
        pause = error.retry_after if isinstance(error, APIError) else None
        if pause is None:
            return True
        # A pause that ends after the last moment for a try is not worth beginning.
        return pause if clock() - started + pause <= retry.timeout else False

    return decide
