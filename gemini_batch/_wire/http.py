"""One HTTP exchange as data."""

from collections.abc import AsyncGenerator, Callable, Mapping
from enum import Enum
from typing import Literal

from attrs import field, frozen

Service = Literal["api", "storage", "bigquery"]
"""Which of an API's origins a request goes to. The Developer API has but the first."""


class Pace(Enum):
    """Which limits on time an exchange has."""

    SHORT = "short"
    """A short call: its whole time is bounded."""

    CREATE = "create"
    """The service reads and checks the input during the call."""

    STREAM = "stream"
    """Bytes flow, in or out, for as long as they flow: a standstill is bounded."""


@frozen(kw_only=True)
class StreamedBody:
    """A body that is read as it is sent."""

    length: int
    """Bytes in all."""

    open: Callable[[], AsyncGenerator[bytes, None]]
    """Returns a fresh stream of exactly these bytes, for one try."""


@frozen(kw_only=True)
class Request:
    """One HTTP exchange, ready to be tried more than once."""

    method: str
    path: str
    """Path below the URL of its `service`. For a request with its own `url`: what errors show."""

    idempotent: bool
    """True if sending it twice has the effect of sending it once."""

    query: Mapping[str, str] = field(factory=dict)
    headers: Mapping[str, str] = field(factory=dict)
    body: bytes | StreamedBody | None = field(default=None, repr=False)
    pace: Pace = Pace.SHORT
    service: Service = "api"
    answers: frozenset[int] = frozenset()
    """Statuses beyond 2xx that are answers too, and no errors."""

    url: str | None = field(default=None, repr=False)
    """Absolute URL that is a credential in itself, such as an upload URL. It is kept out of
    reprs and logs, and neither key nor token is sent with it."""


@frozen(kw_only=True)
class Response:
    """A successful answer, read to its end."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names are lower-case."""

    body: bytes = field(repr=False)
