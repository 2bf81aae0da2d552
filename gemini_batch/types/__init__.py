"""Values of the package: frozen, typed, without I/O.

Each is loaded when it is first used: a client that waits does not need the classes of
requests and responses, which take as long to load as all others.
"""

from typing import TYPE_CHECKING

from gemini_batch._lazy import loader

if TYPE_CHECKING:
    from gemini_batch.types._config import (
        DeveloperAPI,
        PollSchedule,
        Retry,
        Timeouts,
        VertexAI,
    )
    from gemini_batch.types._content import (
        Blob,
        CodeExecutionResult,
        CodeLanguage,
        CodeOutcome,
        Content,
        ExecutableCode,
        FileData,
        FunctionCall,
        FunctionResponse,
        Part,
    )
    from gemini_batch.types._embeddings import Embeddings, UnusableResult
    from gemini_batch.types._enums import (
        BlockReason,
        FileSource,
        FileState,
        FinishReason,
        HarmBlockThreshold,
        HarmCategory,
        HarmProbability,
        JobKind,
        JobState,
        Modality,
        OpenEnum,
        Outcome,
        TaskType,
    )
    from gemini_batch.types._error_code import ErrorCode
    from gemini_batch.types._files import File, StoredObject, TransferProgress
    from gemini_batch.types._jobs import (
        BatchJob,
        CompletionStats,
        JobDestination,
        JobSource,
        Page,
        Progress,
        WebhookConfig,
    )
    from gemini_batch.types._parts import few_shot
    from gemini_batch.types._pricing import Estimate, Price
    from gemini_batch.types._requests import (
        EmbedRequest,
        GenerateRequest,
        GenerationConfig,
        SafetySetting,
        ThinkingConfig,
    )
    from gemini_batch.types._responses import (
        Candidate,
        ContentEmbedding,
        EmbedContentResponse,
        FloatArray,
        GenerateContentResponse,
        ModalityTokenCount,
        ModelStatus,
        PromptFeedback,
        SafetyRating,
        Usage,
    )
    from gemini_batch.types._results import BatchResult
    from gemini_batch.types._status import RpcStatus
    from gemini_batch.types._tally import LeftOut, Tally
    from gemini_batch.types._tools import (
        FunctionCallingConfig,
        FunctionCallingMode,
        FunctionDeclaration,
        Tool,
        ToolConfig,
    )

__all__ = [
    "BatchJob",
    "BatchResult",
    "Blob",
    "BlockReason",
    "Candidate",
    "CodeExecutionResult",
    "CodeLanguage",
    "CodeOutcome",
    "CompletionStats",
    "Content",
    "ContentEmbedding",
    "DeveloperAPI",
    "EmbedContentResponse",
    "EmbedRequest",
    "Embeddings",
    "ErrorCode",
    "Estimate",
    "ExecutableCode",
    "File",
    "FileData",
    "FileSource",
    "FileState",
    "FinishReason",
    "FloatArray",
    "FunctionCall",
    "FunctionCallingConfig",
    "FunctionCallingMode",
    "FunctionDeclaration",
    "FunctionResponse",
    "GenerateContentResponse",
    "GenerateRequest",
    "GenerationConfig",
    "HarmBlockThreshold",
    "HarmCategory",
    "HarmProbability",
    "JobDestination",
    "JobKind",
    "JobSource",
    "JobState",
    "LeftOut",
    "Modality",
    "ModalityTokenCount",
    "ModelStatus",
    "OpenEnum",
    "Outcome",
    "Page",
    "Part",
    "PollSchedule",
    "Price",
    "Progress",
    "PromptFeedback",
    "Retry",
    "RpcStatus",
    "SafetyRating",
    "SafetySetting",
    "StoredObject",
    "Tally",
    "TaskType",
    "ThinkingConfig",
    "Timeouts",
    "Tool",
    "ToolConfig",
    "TransferProgress",
    "UnusableResult",
    "Usage",
    "VertexAI",
    "WebhookConfig",
    "few_shot",
]

if not TYPE_CHECKING:  # pragma: no branch - else type checkers would believe in any name
    __getattr__ = loader(
        __name__,
        __all__,
        (
            "_enums",
            "_status",
            "_error_code",
            "_jobs",
            "_config",
            "_embeddings",
            "_files",
            "_content",
            "_responses",
            "_pricing",
            "_results",
            "_tally",
            "_tools",
            "_parts",
            "_requests",
        ),
    )


def __dir__() -> list[str]:
    return sorted(__all__)
