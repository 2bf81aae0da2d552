"""Requests that were drawn from the caller and wait for their thread hop."""

from collections.abc import Mapping
from typing import Any, Final

from attrs import fields, has

from gemini_batch._io.input_file import BLOCK_BYTES
from gemini_batch._requests.checker import (
    EncodedBlock,
    NumberedRequest,
    RequestChecker,
    snapshot_of,
)
from gemini_batch.types import Content, EmbedRequest, GenerateRequest, GenerationConfig

_MOST: Final = 512  # requests: a millisecond of work, if they are of the usual shape
_MOST_LOOKED_AT: Final = 10_000  # values in a request that are weighed


class RequestGroup:
    """Requests in the order in which they came, and about how many bytes they hold.

    They may be of any size, so bytes tell when a batch is full. What requests share counts
    once: it is there once.
    """

    def __init__(self, checker: RequestChecker, following: int = 1) -> None:
        """Create an empty batch.

        Args:
            checker: Makes the rows of most requests at once.
            following: Number of the request to come.
        """
        self.rows = EncodedBlock()
        """Rows that are made."""
        self.waiting: list[NumberedRequest] = []
        """Requests of which no row is made yet."""
        self.count = 0
        """Requests."""
        self.held = 0
        """Bytes of text and data, about."""
        self.following = following
        self._checker = checker
        # By identity, which nothing else has while the batch holds them.
        self._weighed: set[int] = set()

    def add(self, value: Any) -> bool:
        """Take a request, and tell whether it is time for the hop."""
        number = self.following
        self.following = number + 1
        self.count += 1
        made = self._checker.made(value, number)
        if made is None:
            self._wait(value, number)
        else:
            rows = self.rows
            rows.keys.append(made[0])
            rows.numbers.append(number)
            rows.lines.append(made[1])
            self.held += len(made[1])
        return self.count >= _MOST or self.held >= BLOCK_BYTES

    def _wait(self, value: Any, number: int) -> None:
        snapshot = snapshot_of(value) if value.__class__ is dict else None
        self.waiting.append((number, value, snapshot is not None))
        if value.__class__ is bytes or value.__class__ is str:
            self.held += len(value)
            return
        try:
            self._weigh(value, snapshot)
        except (AttributeError, TypeError):
            # Not what its type says, which is told when it is checked.
            self.held += weight(value)

    def _weigh(self, value: Any, snapshot: bytes | None) -> None:
        if snapshot is not None:
            self.held += len(snapshot)
        elif value.__class__ is GenerateRequest:
            for content in value.contents:
                self._weigh_content(content)
            if value.system_instruction is not None:
                self._weigh_content(value.system_instruction)
            for member in (value.tools, value.tool_config, value.metadata):
                self._weigh_once(member)
            self._weigh_config(value.generation_config)
        elif value.__class__ is EmbedRequest:
            self._weigh_content(value.content)
            self._weigh_once(value.metadata)
        else:
            self.held += weight(value)

    def _weigh_config(self, config: Any) -> None:
        if config.__class__ is GenerationConfig:
            # The rest are numbers and words.
            self._weigh_once(config.response_schema)
            self._weigh_once(config.response_json_schema)
            self._weigh_once(config.speech_config)
        else:
            self._weigh_once(config)

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
