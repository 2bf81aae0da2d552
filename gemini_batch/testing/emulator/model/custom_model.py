"""Functions of a test that play the model."""

import json
import reprlib
from collections.abc import Callable, Mapping
from typing import Any

from gemini_batch.testing.emulator.model.answer import Answer
from gemini_batch.testing.emulator.model.texts import count_tokens
from gemini_batch.testing.emulator.model.usage import prompt_usage

Player = Callable[[dict[str, Any], str], Mapping[str, Any] | str]
"""Takes a request in camelCase and the bare model name; returns a response, the text of
one, or a mapping whose only member is ``error``: a gRPC ``code`` and a ``message``."""

_INTERNAL = 13


def custom_model(player: Player) -> Answer:
    """Return what answers as `player` says. A request at which it raises has failed."""

    def answer(request: dict[str, Any], model: str) -> Mapping[str, Any]:
        try:
            found = player(request, model)
            if isinstance(found, str):
                return _spoken(found, request, model)
        except Exception as error:  # noqa: BLE001 - whatever a test's function raises
            return _failed(f"The function that plays the model raised {error!r}")
        try:
            return _checked(found)
        except Exception as error:  # noqa: BLE001 - whatever its objects raise
            name = getattr(player, "__qualname__", type(player).__name__)
            return _failed(
                f"The function that plays the model, {name}, returned"
                f" {reprlib.repr(found)}: {error}"
            )

    return answer


def _failed(message: str) -> dict[str, Any]:
    return {"error": {"code": _INTERNAL, "message": message}}


def _checked(found: object) -> dict[str, Any]:
    """Return what a function answered, if it is an answer.

    Raises:
        TypeError: It is none.
        ValueError: It holds what JSON has not.
    """
    if not isinstance(found, Mapping):
        raise TypeError("an answer is a text or a mapping")
    answer = dict(found)
    json.dumps(answer, allow_nan=False)
    if "error" in answer:
        error = answer["error"]
        told = error if isinstance(error, dict) else {}
        code = told.get("code")
        if isinstance(code, bool) or not isinstance(code, int):
            raise TypeError("an 'error' has a 'code', which is a number")
        if not isinstance(told.get("message"), str):
            raise TypeError("an 'error' has a 'message', which is a text")
    elif not isinstance(answer.get("usageMetadata", {}), dict):
        raise TypeError("'usageMetadata' is a mapping")
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
