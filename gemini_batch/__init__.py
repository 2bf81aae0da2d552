"""Asyncio-native client for Google's Gemini batch jobs.

What is public is listed in ``__all__``, and loaded when it is first asked for: importing the
package alone costs next to nothing.
"""

from typing import TYPE_CHECKING

from gemini_batch._lazy import loader

if TYPE_CHECKING:
    from gemini_batch import errors, types
    from gemini_batch._version import __version__
    from gemini_batch.checking import InputReport, check_input
    from gemini_batch.client import Client
    from gemini_batch.errors import (
        ApiError,
        AuthenticationError,
        BadRequestError,
        ConflictError,
        CreateOutcomeUnknownError,
        CredentialsError,
        DecodeError,
        FileFailedError,
        GeminiBatchError,
        InputError,
        InputProblem,
        JobFailedError,
        NotFoundError,
        PermissionDeniedError,
        RateLimitError,
        ResultsUnavailableError,
        SecurityError,
        ServerError,
        TransportError,
        WaitTimeoutError,
    )
    from gemini_batch.types import (
        BatchJob,
        BatchResult,
        CompletionStats,
        Content,
        DeveloperAPI,
        EmbedContentResponse,
        EmbedRequest,
        File,
        FileState,
        FinishReason,
        GenerateContentResponse,
        GenerateRequest,
        GenerationConfig,
        JobKind,
        JobState,
        Outcome,
        Page,
        Part,
        PollSchedule,
        Progress,
        Retry,
        SafetySetting,
        Status,
        StoredObject,
        TaskType,
        ThinkingConfig,
        Timeouts,
        TransferProgress,
        Usage,
        VertexAI,
        WebhookConfig,
    )

__all__ = [
    "ApiError",
    "AuthenticationError",
    "BadRequestError",
    "BatchJob",
    "BatchResult",
    "Client",
    "CompletionStats",
    "ConflictError",
    "Content",
    "CreateOutcomeUnknownError",
    "CredentialsError",
    "DecodeError",
    "DeveloperAPI",
    "EmbedContentResponse",
    "EmbedRequest",
    "File",
    "FileFailedError",
    "FileState",
    "FinishReason",
    "GeminiBatchError",
    "GenerateContentResponse",
    "GenerateRequest",
    "GenerationConfig",
    "InputError",
    "InputProblem",
    "InputReport",
    "JobFailedError",
    "JobKind",
    "JobState",
    "NotFoundError",
    "Outcome",
    "Page",
    "Part",
    "PermissionDeniedError",
    "PollSchedule",
    "Progress",
    "RateLimitError",
    "ResultsUnavailableError",
    "Retry",
    "SafetySetting",
    "SecurityError",
    "ServerError",
    "Status",
    "StoredObject",
    "TaskType",
    "ThinkingConfig",
    "Timeouts",
    "TransferProgress",
    "TransportError",
    "Usage",
    "VertexAI",
    "WaitTimeoutError",
    "WebhookConfig",
    "__version__",
    "check_input",
    "errors",
    "types",
]

if not TYPE_CHECKING:  # else type checkers would believe in any name
    # A type or an error does not load the transport.
    __getattr__ = loader(
        __name__, __all__, ("types", "errors", "_version", "client", "checking")
    )


def __dir__() -> list[str]:
    return sorted(__all__)
