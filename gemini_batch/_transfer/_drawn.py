"""Requests that were drawn from the caller and wait for their thread hop."""

from collections.abc import Mapping
from typing import Any, Final

from attrs import fields, has

from gemini_batch._wire.rows import Drawn, request_texts, snapshot_of
from gemini_batch.types import Content, EmbedRequest, GenerateRequest, GenerationConfig

_MOST_LOOKED_AT: Final = 10_000  # values in a request that are weighed


class Batch:
    """Requests in the order in which they came, and about how many bytes they hold.

    They may be of any size, so bytes tell when a batch is full. What requests share counts
    once: it is there once.
    """

    def __init__(self, following: int) -> None:
        """Create an empty batch.

        Args:
            following: Number of the request to come.
        """
        self.requests: list[Drawn] = []
        self.held = 0
        """Bytes of text and data, about."""
        self.following = following
        # By identity, which nothing else has while the batch holds them.
        self._weighed: set[int] = set()
        self._config: Any = None  # the last one

    def add(self, value: Any) -> None:
        """Take a request."""
        texts, plain = None, False
        try:
            if value.__class__ is GenerateRequest:
                config = value.generation_config
                if config is not self._config:
                    self._weigh_config(config)
                texts = request_texts(value)
                if texts is None:
                    self._weigh_generate(value)
                else:
                    self.held += len(texts[1])
                    if texts[3]:
                        self.held += len(texts[3])
            elif value.__class__ is dict:
                snapshot = snapshot_of(value)
                plain = snapshot is not None
                self.held += weight(value) if snapshot is None else len(snapshot)
            elif value.__class__ is EmbedRequest:
                self._weigh_content(value.content)
                self._weigh_once(value.metadata)
            else:
                self.held += weight(value)
        except (AttributeError, TypeError):
            # Not what its type says, which is told when it is checked.
            self.held += weight(value)
        self.requests.append((self.following, value, texts, plain))
        self.following += 1

    def _weigh_config(self, config: Any) -> None:
        self._config = config
        if config.__class__ is GenerationConfig:
            # The rest are numbers and words.
            self._weigh_once(config.response_schema)
            self._weigh_once(config.response_json_schema)
            self._weigh_once(config.speech_config)
        else:
            self._weigh_once(config)

    def _weigh_generate(self, value: GenerateRequest) -> None:
        for content in value.contents:
            self._weigh_content(content)
        if value.system_instruction is not None:
            self._weigh_content(value.system_instruction)
        self._weigh_once(value.tools)
        self._weigh_once(value.tool_config)
        self._weigh_once(value.metadata)

    def _weigh_content(self, content: Content) -> None:
        for part in content.parts:
            text = part.text
            self.held += len(text) if text.__class__ is str else weight(part)

    def _weigh_once(self, value: Any) -> None:
        if value is not None and id(value) not in self._weighed:
            self._weighed.add(id(value))
            self.held += weight(value)


def weight(value: Any) -> int:
    """Return about how many bytes of text and data a value holds."""
    total, waiting = 0, [value]
    for _ in range(_MOST_LOOKED_AT):  # it may hold itself
        if not waiting:
            break
        one = waiting.pop()
        if isinstance(one, str | bytes):
            total += len(one)
        elif isinstance(one, Mapping):
            waiting += one.values()
        elif isinstance(one, list | tuple):
            waiting += one
        elif has(type(one)):
            waiting += [getattr(one, field.name) for field in fields(type(one))]
    return total
