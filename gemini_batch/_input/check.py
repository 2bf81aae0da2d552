"""Whole inputs, checked and counted without being sent."""

import os
from collections.abc import (
    Mapping,
)
from functools import partial
from typing import Any

from attrs import frozen

from gemini_batch._codec import Codec
from gemini_batch._input.prepare import INLINE_LIMIT, Take, file_of, take_file, taken
from gemini_batch._requests.api_rules import DEVELOPER, ApiRules
from gemini_batch._requests.checker import MAX_REQUEST_BYTES, RequestChecker
from gemini_batch._wire.developer.files import MAX_FILE_BYTES
from gemini_batch._wire.dialect import InputRules
from gemini_batch.errors import InputError
from gemini_batch.types import (
    JobKind,
)


@frozen(kw_only=True)
class InputReport:
    """What sound input holds."""

    kind: JobKind
    """Whether its rows generate or embed."""

    count: int
    """Rows."""

    size: int
    """Bytes as they would be sent in a file."""

    inline: bool
    """True if `submit` would send them inside the create call rather than upload them."""


async def check_path(
    path: str | os.PathLike[str],
    *,
    codec: Codec,
    model: str | None = None,
    kind: JobKind | None = None,
    inline_limit: int = INLINE_LIMIT,
    max_file_bytes: int = MAX_FILE_BYTES,
    max_request_bytes: int = MAX_REQUEST_BYTES,
    max_requests: Mapping[JobKind, int] | None = None,
    api_rules: ApiRules = DEVELOPER,
) -> InputReport:
    """Check a JSONL file as `prepare` does and `check_count`, and keep nothing.

    Raises:
        InputError: Something is wrong with it; all of it is told.
    """
    checker = RequestChecker(
        codec,
        file=file_of(path),
        model=model,
        kind=kind,
        max_request_bytes=max_request_bytes,
        api_rules=api_rules,
    )
    return await check_rows(
        partial(take_file, path, max_request_bytes),
        checker,
        inline_limit=inline_limit,
        max_file_bytes=max_file_bytes,
        max_requests=max_requests,
    )


async def check_rows(
    take: Take,
    checker: RequestChecker,
    *,
    inline_limit: int = 0,
    max_file_bytes: int = MAX_FILE_BYTES,
    max_requests: Mapping[JobKind, int] | None = None,
) -> InputReport:
    """Check rows from wherever they are, and keep nothing.

    Args:
        take: Brings them to an intake.
        checker: Checks each of them.
        inline_limit: Bytes of inline rows up to which they may go inline.
        max_file_bytes: Largest file, in bytes.
        max_requests: As `check_count` takes it.

    Raises:
        InputError: Something is wrong with them; all of it is told.
    """
    async with taken(
        take,
        checker,
        inline_limit=inline_limit,
        max_file_bytes=max_file_bytes,
        spool=False,
    ) as intake:
        kind = checker.kind or JobKind.GENERATE
        check_count(kind, intake.count, max_requests or {})
        return InputReport(
            kind=kind,
            count=intake.count,
            size=intake.size,
            inline=intake.inline,
        )


def bounds_of(rules: InputRules) -> dict[str, Any]:
    """Return how much an API takes, as arguments of `check_path` and `check_rows`."""
    return {
        "inline_limit": INLINE_LIMIT if rules.inline else 0,
        "max_file_bytes": rules.max_bytes,
        "max_requests": rules.max_requests,
    }


def check_count(kind: JobKind, count: int, max_requests: Mapping[JobKind, int]) -> None:
    """Check that a job takes so many requests.

    Raises:
        InputError: There are too many.
    """
    most = max_requests.get(kind)
    if most is not None and count > most:
        raise InputError.one(
            f"there are {count:,} requests; a job takes up to {most:,}",
            remedy="Split them into several jobs.",
        )
