"""What requests may contain: messages, members and types, as data.

Written from Google's discovery document of the API and from the newer members its own SDKs
send. A type is a scalar (``string``, ``bool``, ``int32``, ``int64``, ``float``, ``bytes``,
``timestamp``), ``struct`` (a user's own object), ``value`` (any JSON), the name of an enum
or of a message, ``[x]`` (repeated) or ``{x}`` (a map from strings).
"""

from collections.abc import Mapping

ENUMS: Mapping[str, frozenset[str]] = {
    name: frozenset(values.split())
    for name, values in {
        "Type": "TYPE_UNSPECIFIED STRING NUMBER INTEGER BOOLEAN ARRAY OBJECT NULL",
        "HarmCategory": (
            "HARM_CATEGORY_UNSPECIFIED HARM_CATEGORY_DEROGATORY HARM_CATEGORY_TOXICITY"
            " HARM_CATEGORY_VIOLENCE HARM_CATEGORY_SEXUAL HARM_CATEGORY_MEDICAL"
            " HARM_CATEGORY_DANGEROUS HARM_CATEGORY_HARASSMENT HARM_CATEGORY_HATE_SPEECH"
            " HARM_CATEGORY_SEXUALLY_EXPLICIT HARM_CATEGORY_DANGEROUS_CONTENT"
            " HARM_CATEGORY_CIVIC_INTEGRITY"
        ),
        "HarmBlockThreshold": (
            "HARM_BLOCK_THRESHOLD_UNSPECIFIED BLOCK_LOW_AND_ABOVE BLOCK_MEDIUM_AND_ABOVE"
            " BLOCK_ONLY_HIGH BLOCK_NONE OFF"
        ),
        "FunctionCallingMode": "MODE_UNSPECIFIED AUTO ANY NONE VALIDATED",
        "MediaResolution": (
            "MEDIA_RESOLUTION_UNSPECIFIED MEDIA_RESOLUTION_LOW MEDIA_RESOLUTION_MEDIUM"
            " MEDIA_RESOLUTION_HIGH"
        ),
        "MediaResolutionLevel": (
            "MEDIA_RESOLUTION_UNSPECIFIED MEDIA_RESOLUTION_LOW MEDIA_RESOLUTION_MEDIUM"
            " MEDIA_RESOLUTION_HIGH MEDIA_RESOLUTION_ULTRA_HIGH"
        ),
        "Modality": "MODALITY_UNSPECIFIED TEXT IMAGE AUDIO VIDEO",
        "Language": "LANGUAGE_UNSPECIFIED PYTHON",
        "Outcome": (
            "OUTCOME_UNSPECIFIED OUTCOME_OK OUTCOME_FAILED OUTCOME_DEADLINE_EXCEEDED"
        ),
        "Behavior": "UNSPECIFIED BLOCKING NON_BLOCKING",
        "Scheduling": "SCHEDULING_UNSPECIFIED SILENT WHEN_IDLE INTERRUPT",
        "DynamicRetrievalMode": "MODE_UNSPECIFIED MODE_DYNAMIC",
        "ThinkingLevel": "THINKING_LEVEL_UNSPECIFIED MINIMAL LOW MEDIUM HIGH",
        "Environment": (
            "ENVIRONMENT_UNSPECIFIED ENVIRONMENT_BROWSER ENVIRONMENT_MOBILE"
            " ENVIRONMENT_DESKTOP"
        ),
        "ServiceTier": "unspecified standard flex priority",
        "ToolType": (
            "TOOL_TYPE_UNSPECIFIED GOOGLE_SEARCH_WEB GOOGLE_SEARCH_IMAGE URL_CONTEXT"
            " GOOGLE_MAPS FILE_SEARCH"
        ),
        "TaskType": (
            "TASK_TYPE_UNSPECIFIED RETRIEVAL_QUERY RETRIEVAL_DOCUMENT SEMANTIC_SIMILARITY"
            " CLASSIFICATION CLUSTERING QUESTION_ANSWERING FACT_VERIFICATION"
            " CODE_RETRIEVAL_QUERY"
        ),
    }.items()
}

_BATCH = {
    "model": "string",
    "displayName": "string",
    "priority": "int64",
    "webhookConfig": "WebhookConfig",
    # Output only: taken, and ignored.
    "name": "string",
    "state": "string",
    "output": "struct",
    "createTime": "timestamp",
    "endTime": "timestamp",
    "updateTime": "timestamp",
    "batchStats": "struct",
}

MESSAGES: Mapping[str, Mapping[str, str]] = {
    # The batch resources.
    "BatchGenerateContentRequest": {"batch": "GenerateContentBatch"},
    "AsyncBatchEmbedContentRequest": {"batch": "EmbedContentBatch"},
    "GenerateContentBatch": {**_BATCH, "inputConfig": "InputConfig"},
    "EmbedContentBatch": {**_BATCH, "inputConfig": "InputEmbedContentConfig"},
    "WebhookConfig": {"uris": "[string]", "userMetadata": "struct"},
    "InputConfig": {"fileName": "string", "requests": "InlinedRequests"},
    "InlinedRequests": {"requests": "[InlinedRequest]"},
    "InlinedRequest": {"request": "GenerateContentRequest", "metadata": "struct"},
    "InputEmbedContentConfig": {
        "fileName": "string",
        "requests": "InlinedEmbedContentRequests",
    },
    "InlinedEmbedContentRequests": {"requests": "[InlinedEmbedContentRequest]"},
    "InlinedEmbedContentRequest": {"request": "EmbedContentRequest", "metadata": "struct"},
    "CancelOperationRequest": {},
    # A line of an input file.
    "GenerateRow": {"key": "string", "request": "GenerateContentRequest"},
    "EmbedRow": {"key": "string", "request": "EmbedContentRequest"},
    # Files. The service takes these members of a File when an upload starts.
    "CreateFileRequest": {"file": "File"},
    "File": {
        "name": "string",
        "displayName": "string",
        "mimeType": "string",
        "sizeBytes": "int64",
    },
    # Requests to a model.
    "EmbedContentRequest": {
        "model": "string",
        "content": "Content",
        "taskType": "TaskType",
        "title": "string",
        "outputDimensionality": "int32",
    },
    "GenerateContentRequest": {
        "model": "string",
        "contents": "[Content]",
        "systemInstruction": "Content",
        "tools": "[Tool]",
        "toolConfig": "ToolConfig",
        "safetySettings": "[SafetySetting]",
        "generationConfig": "GenerationConfig",
        "cachedContent": "string",
        "labels": "{string}",
        "serviceTier": "ServiceTier",
        "store": "bool",
    },
    "Content": {"parts": "[Part]", "role": "string"},
    "Part": {
        "text": "string",
        "inlineData": "Blob",
        "fileData": "FileData",
        "functionCall": "FunctionCall",
        "functionResponse": "FunctionResponse",
        "executableCode": "ExecutableCode",
        "codeExecutionResult": "CodeExecutionResult",
        "toolCall": "ToolCall",
        "toolResponse": "ToolResponse",
        "thought": "bool",
        "thoughtSignature": "bytes",
        "videoMetadata": "VideoMetadata",
        "mediaResolution": "PartMediaResolution",
        "partMetadata": "struct",
    },
    "Blob": {"mimeType": "string", "data": "bytes"},
    "FileData": {"mimeType": "string", "fileUri": "string"},
    "FunctionCall": {"id": "string", "name": "string", "args": "struct"},
    "FunctionResponse": {
        "id": "string",
        "name": "string",
        "response": "struct",
        "parts": "[FunctionResponsePart]",
        "willContinue": "bool",
        "scheduling": "Scheduling",
    },
    "FunctionResponsePart": {"inlineData": "Blob", "fileData": "FileData"},
    "ExecutableCode": {"id": "string", "language": "Language", "code": "string"},
    "CodeExecutionResult": {"id": "string", "outcome": "Outcome", "output": "string"},
    "ToolCall": {"id": "string", "toolType": "ToolType", "args": "struct"},
    "ToolResponse": {"id": "string", "toolType": "ToolType", "response": "struct"},
    "VideoMetadata": {"startOffset": "string", "endOffset": "string", "fps": "float"},
    "PartMediaResolution": {"level": "MediaResolutionLevel"},
    "SafetySetting": {"category": "HarmCategory", "threshold": "HarmBlockThreshold"},
    # Tools.
    "Tool": {
        "functionDeclarations": "[FunctionDeclaration]",
        "googleSearchRetrieval": "GoogleSearchRetrieval",
        "codeExecution": "CodeExecution",
        "googleSearch": "GoogleSearch",
        "computerUse": "ComputerUse",
        "urlContext": "UrlContext",
        "fileSearch": "FileSearch",
        "googleMaps": "GoogleMaps",
        "mcpServers": "[McpServer]",
    },
    "CodeExecution": {},
    "UrlContext": {},
    "GoogleSearch": {"timeRangeFilter": "Interval", "searchTypes": "SearchTypes"},
    "SearchTypes": {"webSearch": "struct", "imageSearch": "struct"},
    "Interval": {"startTime": "timestamp", "endTime": "timestamp"},
    "GoogleMaps": {"enableWidget": "bool"},
    "GoogleSearchRetrieval": {"dynamicRetrievalConfig": "DynamicRetrievalConfig"},
    "DynamicRetrievalConfig": {"mode": "DynamicRetrievalMode", "dynamicThreshold": "float"},
    "ComputerUse": {
        "environment": "Environment",
        "excludedPredefinedFunctions": "[string]",
    },
    "FileSearch": {
        "fileSearchStoreNames": "[string]",
        "topK": "int32",
        "metadataFilter": "string",
    },
    "McpServer": {"name": "string", "streamableHttpTransport": "StreamableHttpTransport"},
    "StreamableHttpTransport": {
        "url": "string",
        "headers": "{string}",
        "timeout": "string",
        "sseReadTimeout": "string",
        "terminateOnClose": "bool",
    },
    "FunctionDeclaration": {
        "name": "string",
        "description": "string",
        "behavior": "Behavior",
        "parameters": "Schema",
        "parametersJsonSchema": "value",
        "response": "Schema",
        "responseJsonSchema": "value",
    },
    "ToolConfig": {
        "functionCallingConfig": "FunctionCallingConfig",
        "retrievalConfig": "RetrievalConfig",
        "includeServerSideToolInvocations": "bool",
    },
    "FunctionCallingConfig": {
        "mode": "FunctionCallingMode",
        "allowedFunctionNames": "[string]",
    },
    "RetrievalConfig": {"latLng": "LatLng", "languageCode": "string"},
    "LatLng": {"latitude": "float", "longitude": "float"},
    # How to generate.
    "GenerationConfig": {
        "candidateCount": "int32",
        "stopSequences": "[string]",
        "maxOutputTokens": "int32",
        "temperature": "float",
        "topP": "float",
        "topK": "int32",
        "seed": "int32",
        "responseMimeType": "string",
        "responseSchema": "Schema",
        "responseJsonSchema": "value",
        "presencePenalty": "float",
        "frequencyPenalty": "float",
        "responseLogprobs": "bool",
        "logprobs": "int32",
        "enableEnhancedCivicAnswers": "bool",
        "responseModalities": "[Modality]",
        "speechConfig": "SpeechConfig",
        "thinkingConfig": "ThinkingConfig",
        "imageConfig": "ImageConfig",
        "mediaResolution": "MediaResolution",
    },
    "ThinkingConfig": {
        "includeThoughts": "bool",
        "thinkingBudget": "int32",
        "thinkingLevel": "ThinkingLevel",
    },
    "ImageConfig": {"aspectRatio": "string", "imageSize": "string"},
    "SpeechConfig": {
        "voiceConfig": "VoiceConfig",
        "multiSpeakerVoiceConfig": "MultiSpeakerVoiceConfig",
        "languageCode": "string",
    },
    "VoiceConfig": {"prebuiltVoiceConfig": "PrebuiltVoiceConfig"},
    "PrebuiltVoiceConfig": {"voiceName": "string"},
    "MultiSpeakerVoiceConfig": {"speakerVoiceConfigs": "[SpeakerVoiceConfig]"},
    "SpeakerVoiceConfig": {"speaker": "string", "voiceConfig": "VoiceConfig"},
    "Schema": {
        "type": "Type",
        "format": "string",
        "title": "string",
        "description": "string",
        "nullable": "bool",
        "enum": "[string]",
        "items": "Schema",
        "maxItems": "int64",
        "minItems": "int64",
        "properties": "{Schema}",
        "required": "[string]",
        "minProperties": "int64",
        "maxProperties": "int64",
        "minLength": "int64",
        "maxLength": "int64",
        "minimum": "float",
        "maximum": "float",
        "pattern": "string",
        "example": "value",
        "anyOf": "[Schema]",
        "propertyOrdering": "[string]",
        "default": "value",
    },
}

ONEOFS: Mapping[str, tuple[str, frozenset[str]]] = {
    "Part": (
        "data",
        frozenset(
            (
                "text",
                "inlineData",
                "fileData",
                "functionCall",
                "functionResponse",
                "executableCode",
                "codeExecutionResult",
                "toolCall",
                "toolResponse",
            )
        ),
    ),
    "InputConfig": ("source", frozenset(("fileName", "requests"))),
    "InputEmbedContentConfig": ("source", frozenset(("fileName", "requests"))),
}
"""Members of which a message may carry one at most, and the name of that choice."""
