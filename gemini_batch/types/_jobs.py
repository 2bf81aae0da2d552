"""Batch jobs: what the service says of one, and what waiting for one shows."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from gemini_batch.types._enums import JobKind, JobState
from gemini_batch.types._results import BatchResult
from gemini_batch.types._status import RpcStatus

T = TypeVar("T")

TARGET_TURNAROUND = dt.timedelta(hours=24)
"""The service's own target, without a promise: https://ai.google.dev/gemini-api/docs/batch-api."""


@frozen(kw_only=True)
class CompletionStats:
    """How many requests of a job are where. The service's counts lag behind its work."""

    total_count: int = 0
    """0 also while the service does not know how many there are (Vertex AI)."""

    success_count: int = 0
    failure_count: int = 0
    pending_count: int = 0

    @property
    def done_count(self) -> int:
        """Requests that ended, well or not."""
        return self.success_count + self.failure_count


@frozen(kw_only=True)
class JobSource:
    """Where the requests of a job come from; empty for inline ones, which are not echoed."""

    file_name: str | None = None
    """``files/<id>`` of the input file, on the Developer API."""

    gcs_uris: tuple[str, ...] = ()
    """``gs://bucket/object`` of the input files, which may hold wildcards, on Vertex AI."""

    bigquery_uri: str | None = None
    """``bq://project.dataset.table`` of the input table, on Vertex AI."""

    vertex_dataset: str | None = None
    """Full name of the multimodal dataset the requests are in, on Vertex AI."""


@frozen(kw_only=True)
class JobDestination:
    """Where the results of a job are, or will be.

    The Developer API tells when they are there. Vertex AI is told where they are to go, and
    says in the end where exactly they went: see `located`.
    """

    file_name: str | None = None
    """``files/batch-<id>`` of the result file."""

    inlined_responses: Sequence[BatchResult] | None = field(
        default=None,
        repr=lambda rows: "None" if rows is None else f"<{len(rows)} results>",
    )
    """The results themselves, for inline jobs: in all respects like a tuple, except that
    each is made when it is first asked for."""

    gcs_uri: str | None = None
    """``gs://bucket/prefix`` under which they were asked for."""

    gcs_directory: str | None = None
    """Directory below `gcs_uri` that the service put them in; None until it says."""

    bigquery_uri: str | None = None
    """``bq://project``, perhaps with dataset and table, as asked for."""

    bigquery_table: str | None = None
    """``bq://project.dataset.table`` they were written to; None until the service says."""

    vertex_dataset: str | None = None
    """Name of the multimodal dataset they were written to; None until the service says."""

    @property
    def located(self) -> bool:
        """True once the service has said where the results are."""
        return self.inlined_responses is not None or any(
            (self.file_name, self.gcs_directory, self.bigquery_table, self.vertex_dataset)
        )


@frozen(kw_only=True)
class WebhookConfig:
    """Whom the service tells when a job ends."""

    uris: tuple[str, ...] = ()
    """Addresses to post to. When set they replace the project's static webhooks for this
    job."""

    user_metadata: Mapping[str, Any] | None = None
    """Sent back with each event, unchanged."""


@frozen(kw_only=True)
class BatchJob:
    """A batch job as the service described it at one moment."""

    name: str
    """``batches/<id>``; on Vertex AI
    ``projects/<number>/locations/<location>/batchPredictionJobs/<id>``."""

    state: JobState
    kind: JobKind
    model: str = ""
    """``models/<id>``; on Vertex AI ``publishers/google/models/<id>``, or the full name of a
    tuned model."""

    display_name: str | None = None
    """The caller's own text; without the token that `intent_token` holds."""

    intent_token: str | None = None
    """What this client wrote into the job's name to find it again; None for jobs made
    otherwise."""

    source: JobSource = JobSource()
    dest: JobDestination | None = None
    """Where the results are; None until the service says. On Vertex AI it is there from the
    first, as it was asked for, and `JobDestination.located` tells whether there is more."""

    create_time: dt.datetime | None = None
    start_time: dt.datetime | None = None
    """First moment of running. The Developer API does not tell."""

    end_time: dt.datetime | None = None
    update_time: dt.datetime | None = None
    error: RpcStatus | None = None
    partial_failures: tuple[RpcStatus, ...] = ()
    """What went wrong beside the job as a whole, such as input files that could not be read.
    Vertex AI tells up to 20."""

    completion_stats: CompletionStats | None = None
    priority: int = 0
    """Larger runs first; negative is allowed."""

    labels: Mapping[str, str] = field(factory=dict)
    webhook: WebhookConfig | None = None

    @property
    def id(self) -> str:
        """The name's last segment."""
        return self.name.rpartition("/")[2]

    @property
    def done(self) -> bool:
        """True once the job cannot change any more."""
        return self.state.is_terminal

    @property
    def succeeded(self) -> bool:
        """True if the job ran to its end. Single rows may still have failed."""
        return self.state in (JobState.SUCCEEDED, JobState.PARTIALLY_SUCCEEDED)

    @property
    def failed(self) -> bool:
        """True if the job as a whole failed or expired."""
        return self.state in (JobState.FAILED, JobState.EXPIRED)

    @property
    def running(self) -> bool:
        """True while the service works on the job."""
        return self.state == JobState.RUNNING

    @property
    def cancelled(self) -> bool:
        """True once the job has been cancelled."""
        return self.state == JobState.CANCELLED

    @property
    def progress(self) -> float | None:
        """Percent of the requests that ended, 0.0 to 100.0; None until there are counts."""
        if self.succeeded:
            # Counts may be stale even now; a job that succeeded has been through all rows.
            return 100.0
        stats = self.completion_stats
        if stats is None or not stats.total_count:
            return None
        return min(100.0, 100.0 * stats.done_count / stats.total_count)

    @property
    def expected_by(self) -> dt.datetime | None:
        """When the service means to be done: 24 hours after creation, without a promise."""
        return None if self.create_time is None else self.create_time + TARGET_TURNAROUND


@frozen(kw_only=True)
class Progress:
    """One look at a job while waiting for it."""

    job: BatchJob
    elapsed: float
    """Seconds since waiting began."""

    polls: int
    """Looks so far, this one and failed ones included."""

    next_poll_in: float
    """Seconds until the next look; 0.0 when the job has ended."""

    rate: float | None = None
    """Requests ended per second over the looks so far; None until counts have moved."""

    eta: float | None = None
    """Seconds until the end at this rate; None while unknown, 0.0 when the job has ended."""

    stalled_for: float = 0.0
    """Seconds since state or counts last changed. The service's counts lag: minutes mean
    little."""

    @property
    def state(self) -> JobState:
        """State of the job."""
        return self.job.state

    @property
    def stats(self) -> CompletionStats | None:
        """Counts of the job, or None where the service gave none."""
        return self.job.completion_stats

    @property
    def percent(self) -> float | None:
        """Percent of the requests that ended, 0.0 to 100.0; None until there are counts."""
        return self.job.progress

    @property
    def fraction(self) -> float | None:
        """Share of the requests that ended, 0.0 to 1.0; None until there are counts."""
        return None if self.percent is None else self.percent / 100.0


@frozen(kw_only=True)
class Page(Generic[T]):
    """One page of a list."""

    items: tuple[T, ...]
    next_page_token: str | None = None
    """What to pass for the next page; None on the last one. A page may be empty and still
    have a next one."""

    @property
    def has_more(self) -> bool:
        """True if there is a next page."""
        return self.next_page_token is not None
