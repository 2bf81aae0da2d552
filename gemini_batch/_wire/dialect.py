"""What both APIs have in common: a resource speaks to one of them without asking which."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from attrs import frozen

from gemini_batch._wire.http import Request
from gemini_batch.types import (
    BatchJob,
    File,
    JobDestination,
    JobKind,
    JobSource,
    JobState,
    Page,
    WebhookConfig,
)

if TYPE_CHECKING:
    from gemini_batch._requests.api_rules import ApiRules

Predicate = Callable[[BatchJob], bool]


@frozen(kw_only=True)
class JobSummary:
    """What tells a job apart in a list."""

    name: str
    intent_token: str | None
    model: str
    kind: JobKind
    state: JobState
    create_time: dt.datetime | None


@frozen(kw_only=True)
class Search:
    """A filter taken apart."""

    sent: str | None
    """What the service is asked; None for everything."""

    keeps: Predicate
    """What is left to be done with each job that comes back."""


@frozen(kw_only=True)
class InputRules:
    """What requests may be that are checked here and sent as a whole."""

    api_rules: "ApiRules"
    inline: bool
    """Whether few of them may travel in the create itself."""

    max_bytes: int
    """Most bytes of all, as a file."""

    max_requests: Mapping[JobKind, int]
    """Most requests of a job; no bound for what is left out."""


class Dialect(Protocol):
    """Builds the calls on batch jobs of one API and reads their answers. Pure.

    What an API does not have it refuses with an `InputError`, before anything is sent.
    """

    def job_name(self, name: str | BatchJob) -> str:
        """Return the full name of a job for its name, its bare id, or the job."""
        ...

    def model_name(self, model: str) -> str:
        """Return the full name of a model."""
        ...

    def same_model(self, one: str, other: str) -> bool:
        """True if two full names mean one model."""
        ...

    def source(
        self,
        *,
        file_name: str | File | None,
        inlined_requests: object,
        gcs_uri: str | Iterable[str] | None,
        bigquery_uri: str | None,
        vertex_dataset: str | None,
    ) -> JobSource:
        """Return the one source that is given, checked; an empty one for inline requests."""
        ...

    def destination(
        self, dest: str | None, *, source: JobSource, token: str
    ) -> JobDestination:
        """Return where the results of the job with this token are asked for."""
        ...

    def input_rules(self, model: str) -> InputRules:
        """Return what requests for a model may be. `model` is a full name."""
        ...

    def check_kind(self, kind: JobKind, model: str) -> None:
        """Refuse to pay for a job that its model cannot do, where the service would not."""
        ...

    def check_options(
        self,
        *,
        display_name: str | None = None,
        labels: Mapping[str, str] | None = None,
        service_account: str | None = None,
        kms_key_name: str | None = None,
        priority: int | None = None,
        webhook: WebhookConfig | None = None,
    ) -> None:
        """Refuse options that are wrong, or that this API does not have."""
        ...

    def create_options(
        self,
        *,
        kind: JobKind,
        display_name: str,
        token: str,
        labels: Mapping[str, str] | None = None,
        service_account: str | None = None,
        kms_key_name: str | None = None,
        priority: int | None = None,
        webhook: WebhookConfig | None = None,
    ) -> dict[str, Any]:
        """Return the members of a create beside model, source and destination."""
        ...

    def create(
        self,
        model: str,
        source: JobSource,
        dest: JobDestination,
        options: Mapping[str, Any],
        *,
        kind: JobKind,
        rows: Sequence[bytes] = (),
    ) -> Request:
        """Create a job.

        Args:
            model: Its full name.
            source: Where the requests are.
            dest: Where the results are asked for.
            options: As `create_options` gave them.
            kind: The one they were asked for with.
            rows: Encoded inline requests, if the source is empty.
        """
        ...

    def get(self, name: str) -> Request:
        """Ask for one job."""
        ...

    def poll(self, name: str) -> Request:
        """Ask what may have changed of a job, and for none of its results."""
        ...

    def list(
        self,
        *,
        page_size: int,
        page_token: str | None,
        filter: str | None = None,  # noqa: A002 - the service's own word
    ) -> Request:
        """Ask for one page. `filter` is one that `search` or `of_intent` gave."""
        ...

    def search(self, text: str) -> Search:
        """Return what to ask of the service for a caller's filter, and what to do here."""
        ...

    def of_intent(self, token: str) -> str | None:
        """Return the filter that finds the jobs with this token; None if there is none."""
        ...

    def cancel(self, name: str) -> Request:
        """Ask the service to stop a job."""
        ...

    def delete(self, name: str) -> Request:
        """Remove a job's record."""
        ...

    def unfinished(self, body: bytes, begun: Request) -> Request | None:
        """Return how to ask on after an answer to a delete; None once all is done.

        Args:
            body: The answer, or that to what this returned before.
            begun: The delete.

        Raises:
            APIError: It failed after its answer.
        """
        ...

    def update_priority(self, name: str, kind: JobKind, priority: int) -> Request:
        """Give a job another priority."""
        ...

    def read_job(self, body: bytes) -> BatchJob:
        """Read a job."""
        ...

    def read_poll(self, body: bytes, known: BatchJob) -> BatchJob:
        """Read the answer to `poll`; what it leaves out is as it was in `known`."""
        ...

    def read_resource(self, body: bytes, kind: JobKind) -> BatchJob:
        """Read what an update answers with."""
        ...

    def read_page(self, body: bytes) -> Page[BatchJob]:
        """Read one page of a list."""
        ...

    def read_summaries(self, body: bytes) -> Page[JobSummary]:
        """Read of one page what tells jobs apart, whatever else may be odd about them.

        Raises:
            DecodeError: The page is not whole: jobs may be missing from it.
        """
        ...
