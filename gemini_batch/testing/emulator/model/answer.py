"""What a model answered."""

from collections.abc import Callable, Mapping
from typing import Any

Answer = Callable[[dict[str, Any], str], Mapping[str, Any]]
"""Takes a request in camelCase and the bare model name; returns a response, or a mapping
whose only member is ``error``: a gRPC ``code`` and a ``message``."""
