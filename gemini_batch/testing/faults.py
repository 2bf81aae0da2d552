"""What the emulator does wrong on purpose."""

from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen


@frozen(kw_only=True)
class Fault:
    """One thing that goes wrong with the requests it matches.

    Faults are appended to `Emulator.faults`; the first one that matches a request and has
    let its `skip` requests pass takes effect, and is removed once it has hit `times`
    requests. What is not set does not happen.
    """

    path: str = "*"
    """Pattern (`fnmatch`) on the request path, such as ``"*:batchGenerateContent"``."""

    method: str = "*"
    """Pattern (`fnmatch`) on the HTTP method."""

    times: int = 1
    """Matching requests it hits before it is used up."""

    skip: int = 0
    """Matching requests that pass unharmed first."""

    status: int | None = None
    """Answer with this HTTP status, without processing the request."""

    body: bytes | None = None
    """Body that goes with `status`; None is the service's usual error body for it."""

    headers: Mapping[str, str] = field(factory=dict)
    """Headers added to the answer, such as ``Retry-After``."""

    drop: Literal["before", "after"] | None = None
    """Close the connection without an answer: ``"before"`` the request is processed, or
    ``"after"`` (the job is made, the chunk is stored)."""

    drop_body_after: int | None = None
    """While an upload chunk arrives: take this many bytes of it, then drop the connection.
    As at the service, what is kept is rounded down to the granularity."""

    truncate_after: int | None = None
    """While a download is sent: send this many bytes of the body, then drop."""

    ignore_range: bool = False
    """Downloads: answer 200 with the whole file and no ``Content-Length``."""

    delay: float = 0.0
    """Real seconds between processing the request and answering it."""

    command: str | None = None
    """Only requests whose ``X-Goog-Upload-Command`` is exactly this."""
