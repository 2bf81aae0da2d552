"""Functions of a test that play the model."""

from collections.abc import Callable, Mapping
from typing import Any

from gemini_batch.testing.emulator._results import Answer
from gemini_batch.testing.emulator._texts import count_tokens
from gemini_batch.testing.emulator._usage import prompt_usage

Player = Callable[[dict[str, Any], str], Mapping[str, Any] | str]
"""Takes a request in camelCase and the bare model name; returns a response, the text of
one, or a mapping whose only member is ``error``: a gRPC ``code`` and a ``message``."""

_INTERNAL = 13


def played_by(player: Player) -> Answer:
    """Return what answers as `player` says. A request at which it raises has failed."""

    def answer(request: dict[str, Any], model: str) -> Mapping[str, Any]:
        try:
            found = player(request, model)
            return _spoken(found, request, model) if isinstance(found, str) else found
        except Exception as error:  # noqa: BLE001 - whatever a test's function raises
            message = f"The function that plays the model raised {error!r}"
            return {"error": {"code": _INTERNAL, "message": message}}

    return answer


def _spoken(text: str, request: dict[str, Any], model: str) -> dict[str, Any]:
    """Return the response of a model that says `text`."""
    if "contents" not in request:
        raise TypeError("a text is no answer to a request for an embedding")
    content = {"parts": [{"text": text}], "role": "model"}
    usage = prompt_usage(request)
    tokens = count_tokens(text)
    if tokens:
        usage |= {"candidatesTokenCount": tokens}
        usage["totalTokenCount"] += tokens
    return {
        "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
        "usageMetadata": usage,
        "modelVersion": model,
    }
