"""What a request may be on one API: the messages, the rules, and the form it is sent in."""

from collections.abc import Callable
from typing import Any, Final

from attrs import frozen

from gemini_batch._requests import rules
from gemini_batch._requests.messages import MESSAGES, Message
from gemini_batch._requests.normalize import Path, Report
from gemini_batch.types import JobKind

Request = dict[str, Any]
"""A request in canonical form."""


@frozen(kw_only=True)
class ApiRules:
    """How one API differs from the other in its rows."""

    generate: Message
    embed: Message
    config: Message
    """GenerationConfig, for defaults."""

    content: Message
    full_model: Callable[[str], str]
    """Gives the full name of a model that a row names."""

    after: Callable[[Report], Callable[[str, rules.Clean, Path], None]]
    """Returns the check of a single message."""

    check: Callable[[JobKind, Request, Path, Report], Request]
    """Checks a request for what the common rules do not know, and returns it in the common
    form."""

    sent: Callable[[JobKind, Request], Request]
    """Returns a checked request in the form it is sent in."""


def _full_model(model: str) -> str:
    return model if "/" in model else f"models/{model}"


DEVELOPER: Final = ApiRules(
    generate=MESSAGES["GenerateContentRequest"],
    embed=MESSAGES["EmbedContentRequest"],
    config=MESSAGES["GenerationConfig"],
    content=MESSAGES["Content"],
    full_model=_full_model,
    after=rules.after_message,
    check=lambda _kind, request, _path, _report: request,
    sent=lambda _kind, request: request,
)
"""Rows of the Gemini Developer API."""
