"""What a request may hold: the members of every message in a row, as data.

Written from Google's discovery document of the API and from what Google's own SDKs send. A
shape is a scalar, the name of a message, ``[x]`` (a list) or ``{x}`` (a map whose keys are the
user's own). Scalars: ``string``, ``number``, ``integer``, ``boolean``, ``bytes`` (base64),
``enum`` (any string: values born after this release must pass), ``struct`` (an object of the
user's, never touched) and ``value`` (any JSON of the user's, never touched).
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from attrs import field, frozen

from gemini_batch._codec import snake_name


class Scalar(Enum):
    """What a member that is not a message may be."""

    STRING = "string"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    BYTES = "bytes"
    ENUM = "enum"
    STRUCT = "struct"
    VALUE = "value"


class Form(Enum):
    """How often a member's value is there."""

    ONE = "one"
    LIST = "list"
    MAP = "map"


@frozen(eq=False)
class Member:
    """One member of a message."""

    name: str
    """camelCase."""

    place: int
    """Position in canonical order."""

    form: Form
    kind: "Scalar | Message" = field(repr=False)


@frozen(eq=False)
class Message:
    """One message: its members under every spelling the service takes."""

    name: str
    names: tuple[str, ...]
    """camelCase names in canonical order."""

    members: dict[str, Member] = field(factory=dict, repr=False)
    """By camelCase and by snake_case name."""


_OFFSETS = {"startOffset": "string", "endOffset": "string"}  # durations such as "1.5s"
_LABEL = {"mimeType": "string", "displayName": "string"}
_LAYERS = {"contentLayers": "[enum]"}
_TOOL_CALL = {"id": "string", "toolType": "enum"}
_DELIVERY = {"mimeType": "string", "delivery": "enum"}

_TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "GenerateContentRequest": {
        "model": "string",
        "contents": "[Content]",
        "systemInstruction": "Content",
        "tools": "[Tool]",
        "toolConfig": "ToolConfig",
        "safetySettings": "[SafetySetting]",
        "generationConfig": "GenerationConfig",
        "cachedContent": "string",
        "labels": "struct",
        "serviceTier": "enum",
        "store": "boolean",
    },
    "EmbedContentRequest": {
        "model": "string",
        "content": "Content",
        "taskType": "enum",
        "title": "string",
        "outputDimensionality": "integer",
    },
    # Content
    "Content": {"role": "string", "parts": "[Part]"},
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
        "audioTranscription": "struct",
        "thought": "boolean",
        "thoughtSignature": "bytes",
        "videoMetadata": "VideoMetadata",
        "audioMetadata": "AudioMetadata",
        "documentMetadata": "DocumentMetadata",
        "spreadsheetMetadata": "SpreadsheetMetadata",
        "speechMetadata": "SpeechMetadata",
        "mediaProcessing": "enum",
        "mediaResolution": "MediaResolution",
        "partMetadata": "struct",
    },
    "Blob": {**_LABEL, "data": "bytes"},
    "FileData": {**_LABEL, "fileUri": "string"},
    "FunctionCall": {"id": "string", "name": "string", "args": "struct"},
    "FunctionResponse": {
        "id": "string",
        "name": "string",
        "response": "struct",
        "parts": "[FunctionResponsePart]",
        "willContinue": "boolean",
        "scheduling": "enum",
    },
    "FunctionResponsePart": {
        "inlineData": "Blob",
        "fileData": "FileData",
        "videoMetadata": "VideoMetadata",
        "audioMetadata": "AudioMetadata",
        "documentMetadata": "DocumentMetadata",
        "spreadsheetMetadata": "SpreadsheetMetadata",
        "mediaProcessing": "enum",
        "mediaResolution": "MediaResolution",
    },
    "ExecutableCode": {"id": "string", "language": "enum", "code": "string"},
    "CodeExecutionResult": {"id": "string", "outcome": "enum", "output": "string"},
    "ToolCall": {**_TOOL_CALL, "args": "struct"},
    "ToolResponse": {**_TOOL_CALL, "response": "struct"},
    "VideoMetadata": {**_OFFSETS, "fps": "number", **_LAYERS},
    "AudioMetadata": _OFFSETS,
    "DocumentMetadata": {"startPage": "integer", "endPage": "integer", **_LAYERS},
    "SpreadsheetMetadata": {"visibleCells": "string", "sheetIndex": "integer", **_LAYERS},
    "SpeechMetadata": {"speaker": "string", "style": "string"},
    "MediaResolution": {"level": "enum", "numTokens": "integer"},
    # How to generate
    "GenerationConfig": {
        "candidateCount": "integer",
        "stopSequences": "[string]",
        "maxOutputTokens": "integer",
        "temperature": "number",
        "topP": "number",
        "topK": "integer",
        "seed": "integer",
        "responseMimeType": "string",
        "responseSchema": "Schema",
        "responseJsonSchema": "value",
        "presencePenalty": "number",
        "frequencyPenalty": "number",
        "responseLogprobs": "boolean",
        "logprobs": "integer",
        "enableEnhancedCivicAnswers": "boolean",
        "responseModalities": "[enum]",
        "speechConfig": "SpeechConfig",
        "thinkingConfig": "ThinkingConfig",
        "imageConfig": "ImageConfig",
        "mediaResolution": "enum",
        "enableAffectiveDialog": "boolean",
        "responseFormat": "[ResponseFormat]",
        "translationConfig": "TranslationConfig",
        "audioTranscriptionConfig": "AudioTranscriptionConfig",
        "continuationToken": "bytes",
    },
    "ThinkingConfig": {
        "includeThoughts": "boolean",
        "thinkingBudget": "integer",
        "thinkingLevel": "enum",
    },
    "ImageConfig": {"aspectRatio": "string", "imageSize": "string"},
    "SpeechConfig": {
        "voiceConfig": "VoiceConfig",
        "multiSpeakerVoiceConfig": "MultiSpeakerVoiceConfig",
        "languageCode": "string",
    },
    "VoiceConfig": {
        "prebuiltVoiceConfig": "PrebuiltVoiceConfig",
        "replicatedVoiceConfig": "ReplicatedVoiceConfig",
        "voice": "string",
    },
    "PrebuiltVoiceConfig": {"voiceName": "string"},
    "ReplicatedVoiceConfig": {
        "mimeType": "string",
        "voiceSampleAudio": "bytes",
        "consentAudio": "bytes",
        "voiceConsentSignature": "VoiceConsentSignature",
    },
    "VoiceConsentSignature": {"signature": "string"},
    "MultiSpeakerVoiceConfig": {"speakerVoiceConfigs": "[SpeakerVoiceConfig]"},
    "SpeakerVoiceConfig": {"speaker": "string", "voiceConfig": "VoiceConfig"},
    "ResponseFormat": {
        "text": "TextResponseFormat",
        "audio": "AudioResponseFormat",
        "image": "ImageResponseFormat",
        "video": "VideoResponseFormat",
    },
    "TextResponseFormat": {"mimeType": "string", "jsonSchema": "value"},
    "AudioResponseFormat": {**_DELIVERY, "bitRate": "integer", "sampleRate": "integer"},
    "ImageResponseFormat": {**_DELIVERY, "aspectRatio": "enum", "imageSize": "enum"},
    "VideoResponseFormat": {
        "delivery": "enum",
        "aspectRatio": "enum",
        "duration": "string",
        "gcsUri": "string",
        "resolution": "enum",
    },
    "TranslationConfig": {"echoTargetLanguage": "boolean", "targetLanguageCode": "string"},
    "AudioTranscriptionConfig": {
        "languageCodes": "[string]",
        "languageAuto": "Empty",
        "languageHints": "LanguageHints",
        "customVocabulary": "[string]",
        "adaptationPhrases": "[string]",
        "wordTimestamp": "boolean",
        "diarization": "boolean",
        "mode": "enum",
        "sourceText": "string",
    },
    "LanguageHints": {"languageCodes": "[string]"},
    "Schema": {
        "type": "enum",
        "format": "string",
        "title": "string",
        "description": "string",
        "nullable": "boolean",
        "enum": "value",
        "items": "Schema",
        "maxItems": "integer",
        "minItems": "integer",
        "properties": "{Schema}",
        "required": "[string]",
        "minProperties": "integer",
        "maxProperties": "integer",
        "minLength": "integer",
        "maxLength": "integer",
        "minimum": "number",
        "maximum": "number",
        "pattern": "string",
        "example": "value",
        "anyOf": "[Schema]",
        "propertyOrdering": "[string]",
        "default": "value",
    },
    "SafetySetting": {"category": "enum", "threshold": "enum"},
    # Tools
    "Tool": {
        "functionDeclarations": "[FunctionDeclaration]",
        "googleSearch": "GoogleSearch",
        "googleSearchRetrieval": "GoogleSearchRetrieval",
        "codeExecution": "Empty",
        "urlContext": "Empty",
        "googleMaps": "GoogleMaps",
        "fileSearch": "FileSearch",
        "computerUse": "ComputerUse",
        "mcpServers": "[McpServer]",
    },
    "Empty": {},
    "FunctionDeclaration": {
        "name": "string",
        "description": "string",
        "behavior": "enum",
        "parameters": "Schema",
        "parametersJsonSchema": "value",
        "response": "Schema",
        "responseJsonSchema": "value",
    },
    "GoogleSearch": {"timeRangeFilter": "Interval", "searchTypes": "SearchTypes"},
    "SearchTypes": {"webSearch": "Empty", "imageSearch": "Empty"},
    "Interval": {"startTime": "string", "endTime": "string"},
    "GoogleSearchRetrieval": {"dynamicRetrievalConfig": "DynamicRetrievalConfig"},
    "DynamicRetrievalConfig": {"mode": "enum", "dynamicThreshold": "number"},
    "GoogleMaps": {"authConfig": "AuthConfig", "enableWidget": "boolean"},
    "AuthConfig": {"apiKey": "string"},
    "FileSearch": {
        "fileSearchStoreNames": "[string]",
        "topK": "integer",
        "metadataFilter": "string",
    },
    "ComputerUse": {
        "environment": "enum",
        "excludedPredefinedFunctions": "[string]",
        "enablePromptInjectionDetection": "boolean",
        "disabledSafetyPolicies": "[enum]",
    },
    "McpServer": {"name": "string", "streamableHttpTransport": "StreamableHttpTransport"},
    "StreamableHttpTransport": {
        "url": "string",
        "headers": "struct",
        "timeout": "string",
        "sseReadTimeout": "string",
        "terminateOnClose": "boolean",
    },
    "ToolConfig": {
        "functionCallingConfig": "FunctionCallingConfig",
        "retrievalConfig": "RetrievalConfig",
        "includeServerSideToolInvocations": "boolean",
    },
    "FunctionCallingConfig": {"mode": "enum", "allowedFunctionNames": "[string]"},
    "RetrievalConfig": {"latLng": "LatLng", "languageCode": "string"},
    "LatLng": {"latitude": "number", "longitude": "number"},
}

PART_DATA: Final = frozenset(
    {
        "text",
        "inlineData",
        "fileData",
        "functionCall",
        "functionResponse",
        "executableCode",
        "codeExecutionResult",
        "toolCall",
        "toolResponse",
    }
)
"""Members of a part of which exactly one is set."""


def _compile(tables: Mapping[str, Mapping[str, str]]) -> dict[str, Message]:
    messages = {name: Message(name, tuple(table)) for name, table in tables.items()}
    for name, table in tables.items():
        for place, (member, shape) in enumerate(table.items()):
            form = {"[": Form.LIST, "{": Form.MAP}.get(shape[0], Form.ONE)
            bare = shape.strip("[]{}")
            kind = messages[bare] if bare in messages else Scalar(bare)
            compiled = Member(member, place, form, kind)
            messages[name].members[member] = compiled
            messages[name].members[snake_name(member)] = compiled
    return messages


MESSAGES: Final[Mapping[str, Message]] = _compile(_TABLES)
