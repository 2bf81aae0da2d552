"""Tools a model may use, and how it is to use them.

What is small and settled is typed. The rest are mappings, and so may be all of it: members of
tools come and go with models.
"""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from gemini_batch.types._enums import OpenEnum


@frozen(kw_only=True)
class FunctionDeclaration:
    """A function of yours a model may ask for. Nobody calls it: the answer is a `FunctionCall`.

    A batch row is one turn; what the function returns goes into a row of another job.
    """

    name: str
    description: str | None = None
    """What it does and when to call it. The model has nothing else to choose by."""

    parameters: Mapping[str, Any] | None = None
    """Schema of its arguments in the service's own schema language."""

    parameters_json_schema: Mapping[str, Any] | None = None
    """Schema of its arguments as JSON Schema. Excludes `parameters`."""

    response: Mapping[str, Any] | None = None
    """Schema of what it returns in the service's own schema language."""

    response_json_schema: Mapping[str, Any] | None = None
    """Schema of what it returns as JSON Schema. Excludes `response`."""


@frozen(kw_only=True)
class Tool:
    """What a model may use: functions of yours, or one of the service's own tools.

    ``Tool(google_search={})`` turns a tool of the service on; its settings, where it has some,
    go into the mapping. Tools without a member here are given as mappings themselves, such as
    ``{"computer_use": {…}}``.
    """

    function_declarations: tuple[FunctionDeclaration, ...] | None = None
    google_search: Mapping[str, Any] | None = None
    url_context: Mapping[str, Any] | None = None
    """Reads the pages whose addresses are in the prompt."""

    code_execution: Mapping[str, Any] | None = None
    """Lets the model write Python and have the service run it."""

    google_maps: Mapping[str, Any] | None = None


class FunctionCallingMode(OpenEnum):
    """Whether a model has to call functions."""

    UNSPECIFIED = "MODE_UNSPECIFIED"
    AUTO = "AUTO"
    """It may; what holds if nothing is said."""
    ANY = "ANY"
    """It must, one of those allowed."""
    NONE = "NONE"
    """It must not."""
    VALIDATED = "VALIDATED"
    """It may, and calls follow the schemas."""


@frozen(kw_only=True)
class FunctionCallingConfig:
    """How a model is to call functions."""

    mode: FunctionCallingMode | None = None
    allowed_function_names: tuple[str, ...] | None = None
    """Only these; None for all that are declared."""


@frozen(kw_only=True)
class ToolConfig:
    """How tools are to be used."""

    function_calling_config: FunctionCallingConfig | None = None
    retrieval_config: Mapping[str, Any] | None = None
    """Where the user is and what they speak, for search and maps."""
