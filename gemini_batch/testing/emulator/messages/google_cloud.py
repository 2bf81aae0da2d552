"""What the bodies of Vertex AI, Cloud Storage and BigQuery may contain, as data.

Written from the discovery documents; types are spelt as in `_schema`.
"""

from collections.abc import Mapping
from typing import Final

from gemini_batch.testing.emulator.messages.developer import MESSAGES, ONEOFS

# What the two flavours of a request do not share, as Google's own SDK has it.
_DEVELOPER_ONLY: Final = {
    "GenerateContentRequest": ("store",),
    "GenerationConfig": ("enableEnhancedCivicAnswers",),
    "Part": ("toolCall", "toolResponse", "partMetadata"),
    "FunctionResponse": ("willContinue",),
    "Tool": ("fileSearch",),
    "ToolConfig": ("includeServerSideToolInvocations",),
    "McpServer": ("name",),
}
_PART_METADATA: Final = {
    "documentMetadata": "struct",
    "spreadsheetMetadata": "struct",
    "audioMetadata": "struct",
}
_VERTEX_ONLY: Final[Mapping[str, Mapping[str, str]]] = {
    "GenerateContentRequest": {"modelArmorConfig": "struct", "outputConfig": "struct"},
    "GenerationConfig": {
        "audioTimestamp": "bool",
        "routingConfig": "struct",
        "modelConfig": "struct",
        "enableAffectiveDialog": "bool",
        "responseFormat": "struct",
        "translationConfig": "struct",
        "audioTranscriptionConfig": "struct",
    },
    "Part": {"audioTranscription": "struct", "speechMetadata": "struct", **_PART_METADATA},
    "FunctionResponsePart": {"videoMetadata": "VideoMetadata", **_PART_METADATA},
    "FunctionCall": {"partialArgs": "value", "willContinue": "bool"},
    "FunctionCallingConfig": {"streamFunctionCallArguments": "bool"},
    "SafetySetting": {"method": "string"},
    "ImageConfig": {
        "personGeneration": "string",
        "prominentPeople": "string",
        "imageOutputOptions": "struct",
    },
    "VoiceConfig": {"replicatedVoiceConfig": "struct", "voice": "string"},
    "GoogleSearch": {"blockingConfidence": "string", "excludeDomains": "[string]"},
    "GoogleMaps": {"groundingTypes": "struct"},
    "Tool": {
        "retrieval": "struct",
        "enterpriseWebSearch": "struct",
        "parallelAiSearch": "struct",
        "exaAiSearch": "struct",
    },
    "Blob": {"displayName": "string"},
    "FileData": {"displayName": "string"},
}


def _renamed(kind: str, names: Mapping[str, str]) -> str:
    bare = kind.strip("[]{}")
    return kind.replace(bare, names[bare]) if bare in names else kind


def _vertex_requests() -> dict[str, dict[str, str]]:
    """Return the messages of a generation request in Vertex AI's flavour."""
    reached, ahead = set[str](), ["GenerateContentRequest"]
    while ahead:
        name = ahead.pop()
        reached.add(name)
        kinds = {kind.strip("[]{}") for kind in MESSAGES[name].values()}
        ahead += sorted((kinds & MESSAGES.keys()) - reached)
    names = {name: f"Vertex{name}" for name in reached}
    tables = {}
    for name in sorted(reached):
        gone = _DEVELOPER_ONLY.get(name, ())
        members = {m: kind for m, kind in MESSAGES[name].items() if m not in gone}
        members |= _VERTEX_ONLY.get(name, {})
        tables[names[name]] = {m: _renamed(kind, names) for m, kind in members.items()}
    return tables


# What only answers carry: taken in requests, and ignored.
_JOB_OUTPUT: Final = {
    "name": "string",
    "state": "string",
    "outputInfo": "struct",
    "error": "struct",
    "partialFailures": "value",
    "completionStats": "struct",
    "resourcesConsumed": "struct",
    "createTime": "timestamp",
    "startTime": "timestamp",
    "endTime": "timestamp",
    "updateTime": "timestamp",
    "modelVersionId": "string",
    "satisfiesPzs": "bool",
    "satisfiesPzi": "bool",
}

_VERTEX: Final[Mapping[str, Mapping[str, str]]] = {
    "BatchPredictionJob": {
        "displayName": "string",
        "model": "string",
        "inputConfig": "VertexInputConfig",
        "outputConfig": "VertexOutputConfig",
        "labels": "{string}",
        "serviceAccount": "string",
        "encryptionSpec": "EncryptionSpec",
        "instanceConfig": "InstanceConfig",
        "modelParameters": "value",
        "dedicatedResources": "struct",
        "manualBatchTuningParameters": "struct",
        "generateExplanation": "bool",
        "explanationSpec": "struct",
        "unmanagedContainerModel": "struct",
        "disableContainerLogging": "bool",
        **_JOB_OUTPUT,
    },
    "VertexInputConfig": {
        "instancesFormat": "string",
        "gcsSource": "GcsSource",
        "bigquerySource": "BigQuerySource",
        "vertexMultimodalDatasetSource": "VertexMultimodalDatasetSource",
    },
    "GcsSource": {"uris": "[string]"},
    "BigQuerySource": {"inputUri": "string"},
    "VertexMultimodalDatasetSource": {"datasetName": "string"},
    "VertexOutputConfig": {
        "predictionsFormat": "string",
        "gcsDestination": "GcsDestination",
        "bigqueryDestination": "BigQueryDestination",
        "vertexMultimodalDatasetDestination": "VertexMultimodalDatasetDestination",
    },
    "GcsDestination": {"outputUriPrefix": "string"},
    "BigQueryDestination": {"outputUri": "string"},
    "VertexMultimodalDatasetDestination": {
        "bigqueryDestination": "BigQueryDestination",
        "displayName": "string",
    },
    "EncryptionSpec": {"kmsKeyName": "string"},
    "InstanceConfig": {
        "instanceType": "string",
        "keyField": "string",
        "includedFields": "[string]",
        "excludedFields": "[string]",
    },
    "CancelBatchPredictionJobRequest": {},
    # A row's request.
    "VertexEmbedContentRequest": {
        "model": "string",
        "content": "VertexContent",
        "embedContentConfig": "EmbedContentConfig",
    },
    "EmbedContentConfig": {
        "outputDimensionality": "int32",
        "taskType": "TaskType",
        "title": "string",
        "autoTruncate": "bool",
        "documentOcr": "bool",
        "audioTrackExtraction": "bool",
    },
    **_vertex_requests(),
}

_STORAGE: Final[Mapping[str, Mapping[str, str]]] = {
    "StorageObject": {
        "kind": "string",
        "id": "string",
        "name": "string",
        "bucket": "string",
        "contentType": "string",
        "contentEncoding": "string",
        "contentDisposition": "string",
        "contentLanguage": "string",
        "cacheControl": "string",
        "crc32c": "string",
        "md5Hash": "string",
        "metadata": "{string}",
        "size": "int64",
        "storageClass": "string",
        "customTime": "timestamp",
        "temporaryHold": "bool",
        "eventBasedHold": "bool",
    },
    "StorageBucket": {
        "kind": "string",
        "name": "string",
        "location": "string",
        "storageClass": "string",
        "labels": "{string}",
        "iamConfiguration": "struct",
        "lifecycle": "struct",
        "softDeletePolicy": "struct",
        "versioning": "struct",
    },
}

_BIGQUERY: Final[Mapping[str, Mapping[str, str]]] = {
    "BigQueryTable": {
        "kind": "string",
        "tableReference": "TableReference",
        "schema": "TableSchema",
        "description": "string",
        "friendlyName": "string",
        "labels": "{string}",
        "expirationTime": "int64",
        "location": "string",
    },
    "TableReference": {"projectId": "string", "datasetId": "string", "tableId": "string"},
    "TableSchema": {"fields": "[TableFieldSchema]"},
    "TableFieldSchema": {
        "name": "string",
        "type": "string",
        "mode": "string",
        "description": "string",
        "fields": "[TableFieldSchema]",
    },
    "InsertAllRequest": {
        "kind": "string",
        "rows": "[InsertAllRow]",
        "skipInvalidRows": "bool",
        "ignoreUnknownValues": "bool",
        "templateSuffix": "string",
    },
    "InsertAllRow": {"insertId": "string", "json": "struct"},
    "BigQueryDataset": {
        "kind": "string",
        "datasetReference": "DatasetReference",
        "location": "string",
        "description": "string",
        "friendlyName": "string",
        "labels": "{string}",
    },
    "DatasetReference": {"projectId": "string", "datasetId": "string"},
}

ALL_MESSAGES: Final[Mapping[str, Mapping[str, str]]] = {
    **MESSAGES,
    **_VERTEX,
    **_STORAGE,
    **_BIGQUERY,
}
"""Every message the emulator knows, those of the Developer API included."""

VERTEX_MESSAGES: Final = frozenset(_VERTEX)
"""Names of the messages that belong to Vertex AI."""

ALL_ONEOFS: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    **ONEOFS,
    "VertexPart": (
        ONEOFS["Part"][0],
        ONEOFS["Part"][1] - {"toolCall", "toolResponse"},
    ),
    "VertexInputConfig": (
        "source",
        frozenset(("gcsSource", "bigquerySource", "vertexMultimodalDatasetSource")),
    ),
    "VertexOutputConfig": (
        "destination",
        frozenset(
            ("gcsDestination", "bigqueryDestination", "vertexMultimodalDatasetDestination")
        ),
    ),
}
"""Members of which a message may carry one at most, and the name of that choice."""
