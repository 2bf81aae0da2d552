"""What the emulator remembers of each request."""

import json
from collections.abc import Mapping
from typing import Any

from attrs import define, field


@define(kw_only=True, eq=False)
class LogEntry:
    """One request, as it arrived and as it was answered. The API key is left out."""

    method: str
    path: str
    """Path without the query."""

    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Case-insensitive."""

    status: int | None = None
    """Status of the answer; None until there is one, and for a dropped connection."""

    bytes_in: int = 0
    """Bytes of the body that were read."""

    body: bytes | None = field(default=None, repr=False)
    """The body, if it is JSON of at most a mebibyte."""

    @property
    def json(self) -> Any:
        """The body, decoded; None if none was kept.

        Raises:
            ValueError: It is not JSON.
        """
        return None if self.body is None else json.loads(self.body)
