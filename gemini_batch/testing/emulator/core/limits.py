"""What the emulated service allows, and how fast it works."""

from collections.abc import Mapping
from typing import Literal

from attrs import frozen

_DAY = 86400.0


@frozen(kw_only=True)
class Limits:
    """Bounds and speeds of the emulated service. Times are emulated seconds."""

    pending: float = 2.0
    """A new job stays PENDING this long; ``math.inf`` for ever."""

    least_running: float = 4.0
    """A job is RUNNING at least this long."""

    rows_per_second: float = 50.0
    """Requests answered per second by each job."""

    lag: float = 5.0
    """The counters that clients see are refreshed at this interval only."""

    cancel_delay: float = 1.0
    """Time between a cancel call and the state CANCELLED."""

    job_expiry: float = 2 * _DAY
    """A job that has not ended by then is EXPIRED."""

    queue_expiry: float = 3 * _DAY
    """A Vertex job that has not started by then is EXPIRED."""

    run_expiry: float = _DAY
    """A Vertex job that runs this long is EXPIRED."""

    delete_delay: float = 0.0
    """Time until the operation that deletes a Vertex job is done."""

    file_retention: float = 2 * _DAY
    """Life of an uploaded file."""

    result_retention: float = 42 * _DAY
    """Life of a result file, from the end of its job."""

    max_open_jobs: int = 100
    """Jobs that may be pending or running at a time."""

    enqueued_tokens: Mapping[str, int] | int | None = None
    """Prompt tokens that the open jobs of one model may have together: a number for every
    model, or numbers by bare model name, others being unbounded. None sets no bound."""

    quota_answer: Literal["help", "retry_info"] = "help"
    """What a 429 for too many open jobs or tokens carries. Both were recorded: a link to
    the documentation alone, or the quota that was exceeded and the pause to make."""

    quota_retry_delay: float = 34.4
    """Pause that a 429 with ``"retry_info"`` asks for."""

    partial_output: bool = False
    """Whether a cancelled job has the results of what was answered until then. Not known
    of the service."""

    max_request_bytes: int = 20 * 1024 * 1024
    """Largest JSON body."""

    max_file_bytes: int = 2 * 1024**3
    """Largest file."""

    max_page_size: int = 100
    """Largest page of a list; what asks for more gets this many."""

    file_page_size: int = 10
    """Page of `files.list` when none is asked for."""

    granularity: int = 256 * 1024
    """Every chunk of an upload but the last is a multiple of this many bytes."""

    long_file_ids: bool = False
    """Whether `files.get` works on result files, whose ids exceed the 40 characters of the
    Files API. The service refused it until 2026 and `files.delete` still is."""

    def tokens_allowed(self, model: str) -> int | None:
        """Return `enqueued_tokens` of a model, given by its resource name."""
        if self.enqueued_tokens is None or isinstance(self.enqueued_tokens, int):
            return self.enqueued_tokens
        return self.enqueued_tokens.get(model.rpartition("/")[2])
