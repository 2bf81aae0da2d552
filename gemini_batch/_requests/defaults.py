"""Defaults of a job: what rows get that do not say otherwise."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from gemini_batch._codec import Codec
from gemini_batch._requests import rules
from gemini_batch._requests.api_rules import DEVELOPER, ApiRules
from gemini_batch._requests.messages import Message
from gemini_batch._requests.normalize import Normalizer, Path
from gemini_batch.errors import InputError, InputProblem
from gemini_batch.types import Content, GenerationConfig


@frozen(kw_only=True)
class Defaults:
    """Checked defaults in canonical form."""

    config: dict[str, Any] | None = None
    instruction: dict[str, Any] | None = None
    given: tuple[str, ...] = field(default=())
    """Names of the options that were given."""

    api_rules: ApiRules = field(default=DEVELOPER, repr=False)

    def applied(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a generation request in canonical form with what it lacks filled in."""
        more: dict[str, Any] = {}
        own = request.get("generationConfig", {})
        if self.config is not None and isinstance(own, dict):
            more["generationConfig"] = self.completed(own)
        if self.instruction is not None and "systemInstruction" not in request:
            more["systemInstruction"] = self.instruction
        return _in_order(self.api_rules.generate, {**request, **more}) if more else request

    def completed(self, own: dict[str, Any]) -> dict[str, Any]:
        """Return the config of a row in canonical form with what it lacks filled in."""
        if self.config is None:
            return own
        config = self.config
        if any(name in own for name in rules.SCHEMAS):
            # The two schemas exclude each other: a row's own replaces either.
            config = {k: v for k, v in config.items() if k not in rules.SCHEMAS}
        return _in_order(self.api_rules.config, {**config, **own})


def _in_order(message: Message, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in message.names if name in values}


def read_defaults(
    codec: Codec,
    generation_config: GenerationConfig | Mapping[str, Any] | None,
    system_instruction: str | Content | Mapping[str, Any] | None,
    api_rules: ApiRules = DEVELOPER,
) -> Defaults:
    """Check defaults once, before any row.

    Raises:
        InputError: One is wrong.
    """
    problems: list[InputProblem] = []

    def report(field: str, message: str, remedy: str) -> None:
        problems.append(InputProblem(message=message, remedy=remedy, field=field))

    normalizer = Normalizer(report, trusted=False, after=api_rules.after(report))
    config: Any = None
    if generation_config is not None:
        where: Path = (None, "generation_config")
        config = normalizer.message(
            api_rules.config, codec.unstructure(generation_config), where
        )
        if isinstance(config, dict):
            rules.check_config(config, where, report)
    instruction: Any = None
    if system_instruction is not None:
        where = (None, "system_instruction")
        value = (
            {"parts": [{"text": system_instruction}]}
            if isinstance(system_instruction, str)
            else codec.unstructure(system_instruction)
        )
        instruction = normalizer.message(api_rules.content, value, where)
        rules.check_instruction(instruction, where, report)
    if problems:
        raise InputError(problems=tuple(problems))
    options = {"generation_config": config, "system_instruction": instruction}
    return Defaults(
        config=config,
        instruction=instruction,
        given=tuple(name for name, value in options.items() if value is not None),
        api_rules=api_rules,
    )
