"""Settings under which tests do not dawdle."""

from gemini_batch import Retry

QUICK = Retry(
    attempts=4,
    wait_initial=0.001,
    wait_max=0.01,
    wait_jitter=0.0,
    lookup_pauses=(0.0, 0.005, 0.01),
)
