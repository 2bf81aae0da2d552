"""What the emulator does wrong on purpose."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, get_args

from attrs import Attribute, field, frozen, validators

RowEffect = Literal["duplicate", "missing", "foreign", "shuffled", "huge", "invalid"]
"""What can be wrong with the rows of a result; see `Fault.rows`."""

_EFFECTS: Final = frozenset(get_args(RowEffect))
_HTML: Final = (
    b"<!DOCTYPE html>\n<html lang=en>\n  <title>Error 502 (Server Error)!!1</title>\n"
    b"  <p>The server encountered a temporary error.\n</html>\n"
)
_GET_JOB: Final = "*/batch*s/*"  # batches and batchPredictionJobs
_LIST: Final = "/v1*/batches"
_DOWNLOAD: Final = "*:download"
_UPLOAD: Final = "/upload/*"
_OBJECT: Final = "/*storage/v1/b/*/o/*"
_SUCCEEDED: Final = "*_STATE_SUCCEEDED"

_at_least_0: Final[Any] = validators.ge(0)
_at_least_1: Final[Any] = validators.ge(1)
_positive_or_none: Final[Any] = validators.optional(_at_least_1)
_not_negative: Final[Any] = validators.optional(_at_least_0)


def _effects(value: Iterable[RowEffect]) -> tuple[RowEffect, ...]:
    return tuple(value)


def _known_effects(_: object, attribute: "Attribute[Any]", value: tuple[str, ...]) -> None:
    for effect in value:
        if effect not in _EFFECTS:
            known = ", ".join(sorted(_EFFECTS))
            raise ValueError(f"'{attribute.name}' knows {known}; not {effect!r}")


def _single_lines(_: object, attribute: "Attribute[Any]", value: Mapping[str, str]) -> None:
    for header in value.items():
        if any(character in part for part in header for character in "\r\n\0"):
            raise ValueError(f"'{attribute.name}' must be single lines: {header!r}")


@frozen(kw_only=True)
class Fault:
    """One thing that goes wrong with the requests it matches.

    Faults are appended to `Emulator.faults`; the first one that matches a request, has
    let its `skip` requests pass and wins its `probability` takes effect, and is removed
    once it has hit `times` requests. What is not set does not happen.
    """

    # Which requests.

    path: str = "*"
    """Pattern (`fnmatch`) on the request path, such as ``"*:batchGenerateContent"``."""

    method: str = "*"
    """Pattern (`fnmatch`) on the HTTP method."""

    command: str | None = None
    """Only requests whose ``X-Goog-Upload-Command`` is exactly this."""

    when: str | None = None
    """Only requests for one job, as long as its state matches this pattern (`fnmatch`)."""

    times: int | None = field(default=1, validator=_positive_or_none)
    """Matching requests it hits before it is used up; None for ever."""

    skip: int = field(default=0, validator=_at_least_0)
    """Matching requests that pass unharmed first."""

    probability: float = field(
        default=1.0, validator=validators.and_(validators.ge(0), validators.le(1))
    )
    """Share of the matching requests it hits, 0.0 to 1.0."""

    seed: int = 0
    """Decides which requests `probability`, and which rows `rows` hits: the same seed,
    the same ones."""

    # What becomes of the request.

    status: int | None = field(
        default=None,
        validator=validators.optional(
            validators.and_(validators.ge(200), validators.lt(600))
        ),
    )
    """Answer with this HTTP status, without processing the request."""

    body: bytes | None = None
    """Body that goes with `status`; None is the service's usual error body for it."""

    headers: Mapping[str, str] = field(factory=dict, validator=_single_lines)
    """Headers added to the answer, such as ``Retry-After``."""

    drop: Literal["before", "after"] | None = field(
        default=None, validator=validators.optional(validators.in_(("before", "after")))
    )
    """Close the connection without an answer: ``"before"`` the request is processed, or
    ``"after"`` (the job is made, the chunk is stored)."""

    refuse: float | None = field(default=None, validator=_not_negative)
    """Real seconds during which nobody listens, from this request on: it and every other
    connection is cut, unprocessed, and new ones are refused."""

    drop_body_after: int | None = field(default=None, validator=_not_negative)
    """While an upload chunk arrives: take this many bytes of it, then drop the connection.
    As at the service, what is kept is rounded down to the granularity."""

    keep: int | None = field(default=None, validator=_not_negative)
    """Cloud Storage: of an upload chunk, keep this many bytes, rounded down to the
    granularity, and say so with a 308."""

    delay: float = field(default=0.0, validator=_at_least_0)
    """Real seconds between processing the request and answering it; with `stall_after`,
    between the two parts of the answer's body."""

    # How the answer travels.

    truncate_after: int | None = field(default=None, validator=_not_negative)
    """Send this many bytes of the answer's body, then drop."""

    without_length: bool = False
    """The body has neither a ``Content-Length`` nor chunks: it ends where the connection
    does, so that `truncate_after` cannot be told from an end."""

    stall_after: int | None = field(default=None, validator=_not_negative)
    """Send this many bytes of the answer's body, nothing for `delay`, then the rest."""

    bytes_per_second: float | None = field(
        default=None, validator=validators.optional(validators.gt(0))
    )
    """The answer's body comes in drops, at this speed."""

    ignore_range: bool = False
    """Downloads: answer 200 with the whole file and no ``Content-Length``."""

    fields: Literal["refuse", "ignore"] | None = field(
        default=None,
        validator=validators.optional(validators.in_(("refuse", "ignore"))),
    )
    """Only requests that ask for a part of an answer with ``fields``: refuse them with 400,
    or answer whole."""

    # What the answer says.

    rows: tuple[RowEffect, ...] = field(
        default=(), converter=_effects, validator=_known_effects
    )
    """What is wrong with the rows of a result file, or with a job's inlined results; on the
    create of a Vertex job, with its output from the beginning.
    ``"duplicate"``: a row comes twice; ``"missing"``: it does not come; ``"foreign"``: a
    row comes whose key nobody sent; ``"huge"``: a row has `row_bytes` more; ``"invalid"``:
    a line is cut in the middle (inlined: it is a text); ``"shuffled"``: the order is
    another. All but the last happen to `row_count` rows each."""

    row_count: int = field(default=1, validator=_at_least_1)
    """Rows that each of `rows` happens to."""

    row_bytes: int = field(default=4 << 20, validator=_at_least_0)
    """Bytes by which a ``"huge"`` row grows."""

    state: str | None = None
    """Jobs are shown in this wire state, which may be one that does not exist. One that is
    no end shows no end either: no output, no error, no ``done``."""

    counts: Literal["missing", "stale"] | None = field(
        default=None, validator=validators.optional(validators.in_(("missing", "stale")))
    )
    """Jobs are shown without counts, or with those they had when they were created."""

    no_output: bool = False
    """Jobs are shown without their output, as if it were not filled in yet."""

    empty_page: bool = False
    """A list comes as an empty page whose token leads to the one that was asked for."""

    received_shift: int = 0
    """Bytes by which the size an upload session says it received is wrong."""

    # What becomes of the things in store.

    replace_object: bool = False
    """Cloud Storage: the object asked for is written again just before, with the same
    bytes, so that the generation a client knows is gone."""

    incremental: bool = False
    """On the create of a Vertex job: beside its output there will be an object
    ``incremental_predictions.jsonl`` with half of the rows."""

    shards: int = field(default=0, validator=_at_least_0)
    """On the create of a Vertex job: its output will be this many objects
    ``predictions_0001.jsonl`` …, and failed rows in ``errors_0001.jsonl``; 0 is the usual
    single one."""

    padded: bool = False
    """On the create of a Vertex job: requests echoed in its output have nulls for members
    that were not sent."""

    def __attrs_post_init__(self) -> None:
        if self.stall_after is not None and not self.delay:
            raise ValueError("'stall_after' needs a 'delay', the seconds it lasts")

    @classmethod
    def html(cls, status: int = 502, **options: Any) -> "Fault":
        """A front end's HTML page instead of JSON; with `status` 200 even as a success."""
        headers = {"Content-Type": "text/html; charset=UTF-8"}
        return cls(status=status, body=_HTML, headers=headers, **options)

    @classmethod
    def redirect(cls, url: str, status: int = 307, **options: Any) -> "Fault":
        """A redirect to `url`, which may be another host's."""
        return cls(status=status, body=b"", headers={"Location": url}, **options)

    @classmethod
    def quota(cls, retry_after: float | None = None, **options: Any) -> "Fault":
        """429, with a ``Retry-After`` of whole seconds, rounded up, if one is given."""
        told = {} if retry_after is None else {"Retry-After": f"{math.ceil(retry_after)}"}
        return cls(status=429, headers=told, **options)

    @classmethod
    def output_late(cls, looks: int = 1, **options: Any) -> "Fault":
        """For this many looks at a succeeded job, its output is not there yet."""
        found = {"path": _GET_JOB, "method": "GET", "when": _SUCCEEDED}
        return cls(**{**found, "no_output": True, "times": looks, **options})

    @classmethod
    def empty_pages(cls, pages: int = 1, **options: Any) -> "Fault":
        """This many empty pages, each with a token, in lists of jobs."""
        found = {"path": _LIST, "method": "GET"}
        return cls(**{**found, "empty_page": True, "times": pages, **options})

    @classmethod
    def odd_rows(cls, *effects: RowEffect, **options: Any) -> "Fault":
        """Every download of a result file has these effects on its rows.

        For inlined results give ``path="*/batches/*"``.
        """
        found = {"path": _DOWNLOAD, "method": "GET", "times": None}
        return cls(**{**found, "rows": effects, **options})

    @classmethod
    def wrong_offset(cls, shift: int, **options: Any) -> "Fault":
        """An upload session says it holds `shift` bytes more (or less) than it does."""
        found = {"path": _UPLOAD, "command": "query"}
        return cls(**{**found, "received_shift": shift, **options})

    @classmethod
    def object_changed(cls, **options: Any) -> "Fault":
        """The next read of an object's bytes finds it written again by somebody."""
        found = {"path": _OBJECT, "method": "GET"}
        return cls(**{**found, "replace_object": True, **options})

    @classmethod
    def expired_token(cls, **options: Any) -> "Fault":
        """401, as for an access token that has run out."""
        challenge = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
        return cls(**{"status": 401, "headers": {"WWW-Authenticate": challenge}, **options})
