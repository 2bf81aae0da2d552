"""The stand-in for a Gemini model: the same request always gets the same answer."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gemini_batch.testing.emulator.core.errors import GRPC_MESSAGES
from gemini_batch.testing.emulator.core.seeded_random import SeededRandom
from gemini_batch.testing.emulator.model.fit_schema import Fitter
from gemini_batch.testing.emulator.model.texts import (
    count_tokens,
    cut_to_tokens,
    language_of,
    quotations,
    text_answer,
)
from gemini_batch.testing.emulator.model.usage import prompt_usage, thoughts_of
from gemini_batch.testing.emulator.model.vectors import unit_vector

_MARKER: Final = re.compile(r"\[emulator:(block|safety|empty|error:(\d{1,2}))\]")
# A phrase any safety filter stops, so that demonstrations need no marker.
_BLOCKED_PHRASE: Final = "build a pipe bomb"
_DIMENSIONS: Final = 3072
_OLD_DIMENSIONS: Final = 768
# One grey pixel: the least that is an image.
_PNG: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJ"
    "RU5ErkJggg=="
)

Json = dict[str, Any]


class Model:
    """Answers requests without a model.

    Texts are short sentences that quote the prompt in its own language; JSON fits the
    schema that was asked for; embeddings are unit vectors. Some phrases in a prompt have
    an effect of their own:

    - ``[emulator:block]``: the prompt is blocked, there is no candidate.
    - ``[emulator:safety]``: the candidate is stopped for safety, without content.
    - ``[emulator:empty]``: the candidate has no parts.
    - ``[emulator:error:N]``: the request fails with gRPC code N.

    Subclasses may override `answer` and fall back on it.
    """

    def answer(self, request: Json, model: str) -> Json:
        """Return the response to one request.

        Args:
            request: A GenerateContentRequest or EmbedContentRequest, in camelCase.
            model: Bare name of the model.

        Returns:
            The response, or a mapping whose only member is ``error``.
        """
        contents = [request["content"]] if "content" in request else request["contents"]
        prompt = "\n".join(_texts(contents))
        marker = _MARKER.search(prompt)
        if marker is not None and marker.group(2):
            code = int(marker.group(2))
            return {"error": {"code": code, "message": GRPC_MESSAGES.get(code, "Error.")}}
        if "content" in request:
            return _embedding(request, prompt, model)
        effect = "" if marker is None else marker.group(1)
        if _BLOCKED_PHRASE in prompt.lower():
            effect = "block"
        return _generated(request, prompt, model, effect)


def _texts(contents: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        part["text"]
        for content in contents
        for part in content.get("parts", ())
        if "text" in part and not part.get("thought")
    ]


def _embedding(request: Json, prompt: str, model: str) -> Json:
    modern = model.startswith("gemini-embedding")
    default = _DIMENSIONS if modern else _OLD_DIMENSIONS
    size = request.get("outputDimensionality", default)
    embedding = {"embedding": {"values": unit_vector(prompt, size)}}
    tokens = max(1, count_tokens(prompt))
    if model.startswith("gemini-embedding-001"):
        return {"tokenCount": str(tokens), **embedding}
    if modern:
        return {**embedding, "usageMetadata": {"promptTokenCount": tokens}}
    return embedding


def _generated(request: Json, prompt: str, model: str, effect: str) -> Json:
    usage = prompt_usage(request)
    response: Json = {}
    if effect == "block":
        response["promptFeedback"] = {"blockReason": "PROHIBITED_CONTENT"}
    else:
        candidate, thoughts = _candidate(request, prompt, model, effect)
        response["candidates"] = [candidate]
        answered = sum(
            count_tokens(_shown(part))
            for part in candidate.get("content", {}).get("parts", ())
            if not part.get("thought")
        )
        usage |= {
            name: count
            for name, count in (
                ("candidatesTokenCount", answered),
                ("thoughtsTokenCount", thoughts),
            )
            if count
        }
        usage["totalTokenCount"] += answered + thoughts
    digest = hashlib.blake2b(prompt.encode("utf-8", "replace"), digest_size=16).digest()
    return {
        **response,
        "usageMetadata": usage,
        "modelVersion": model,
        "responseId": base64.urlsafe_b64encode(digest).decode().rstrip("="),
    }


def _shown(part: Mapping[str, Any]) -> str:
    return part["text"] if "text" in part else json.dumps(part)


def _candidate(request: Json, prompt: str, model: str, effect: str) -> tuple[Json, int]:
    """Return the candidate, and the tokens spent on thinking."""
    config = request.get("generationConfig", {})
    thoughts = thoughts_of(config, prompt, model)
    if effect == "safety":
        rating = {
            "category": "HARM_CATEGORY_DANGEROUS_CONTENT",
            "probability": "HIGH",
            "blocked": True,
        }
        return {"finishReason": "SAFETY", "index": 0, "safetyRatings": [rating]}, thoughts
    if effect == "empty":
        return (
            {"content": {"role": "model"}, "finishReason": "STOP", "index": 0},
            thoughts,
        )
    part = _function_call(request, prompt) or {"text": _text(config, prompt)}
    finish = "STOP"
    if "text" in part:
        part["text"], finish = _limited(part["text"], config)
    if model.startswith("gemini-3"):
        signature = hashlib.shake_256(prompt.encode("utf-8", "replace")).digest(96)
        part["thoughtSignature"] = base64.b64encode(signature).decode()
    parts = [part]
    if thoughts and config.get("thinkingConfig", {}).get("includeThoughts"):
        parts.insert(0, {"text": "**Reading the request**\n\nI look for what is asked.\n"})
        parts[0]["thought"] = True
    if "IMAGE" in config.get("responseModalities", ()):
        parts.append({"inlineData": {"mimeType": "image/png", "data": _PNG}})
    content = {"parts": parts, "role": "model"}
    return {"content": content, "finishReason": finish, "index": 0}, thoughts


def _limited(text: str, config: Mapping[str, Any]) -> tuple[str, str]:
    """Cut a text at its stop sequences and at the output limit."""
    places = [text.find(stop) for stop in config.get("stopSequences", ()) if stop]
    text = text[: min((place for place in places if place >= 0), default=len(text))]
    limit = config.get("maxOutputTokens")
    if limit is not None and count_tokens(text) > limit:
        return cut_to_tokens(text, limit), "MAX_TOKENS"
    return text, "STOP"


def _fitter(schema: object, prompt: str) -> Fitter:
    words = quotations(prompt, language_of(prompt))
    root = schema if isinstance(schema, Mapping) else {}
    return Fitter(dice=SeededRandom(prompt), words=words, root=root)


def _text(config: Mapping[str, Any], prompt: str) -> str:
    mime_type = config.get("responseMimeType", "text/plain")
    schema = config.get("responseSchema", config.get("responseJsonSchema"))
    if mime_type == "text/plain":
        return text_answer(prompt)
    if schema is None:
        return json.dumps({"answer": text_answer(prompt)}, ensure_ascii=False)
    value = _fitter(schema, prompt).value(schema)
    if mime_type == "text/x.enum":
        return str(value)
    return json.dumps(value, ensure_ascii=False, indent=2)


def _function_call(request: Json, prompt: str) -> Json | None:
    """Return a call of one of the declared functions, if the request insists on one."""
    calling = request.get("toolConfig", {}).get("functionCallingConfig", {})
    if calling.get("mode") != "ANY":
        return None
    allowed = calling.get("allowedFunctionNames")
    declared = [
        function
        for tool in request.get("tools", ())
        for function in tool.get("functionDeclarations", ())
        if not allowed or function.get("name") in allowed
    ]
    if not declared:
        return None
    function = SeededRandom(prompt).among(declared)
    schema = function.get("parameters", function.get("parametersJsonSchema"))
    arguments = _fitter(schema, prompt).value(schema) if schema else {}
    return {"functionCall": {"name": function.get("name", ""), "args": arguments}}
