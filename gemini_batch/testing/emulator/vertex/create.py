"""Checks what a new Vertex job is made of."""

import re
import secrets
from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from gemini_batch.testing._load_faults import fault_entry
from gemini_batch.testing.emulator.core.clock import Clock
from gemini_batch.testing.emulator.core.errors import Refusal, invalid
from gemini_batch.testing.emulator.core.file_store import Store
from gemini_batch.testing.emulator.google_cloud.project import (
    PROJECT,
    PROJECT_NUMBER,
)
from gemini_batch.testing.emulator.vertex.inputs import own_dataset
from gemini_batch.testing.emulator.vertex.jobs import VertexJob
from gemini_batch.testing.faults import Fault

_LONGEST_NAME: Final = 128
_LONGEST_LABEL: Final = 64
_MOST_LABELS: Final = 64
_PUBLISHED: Final = re.compile(
    r"publishers/google/models/(gemini-[\w.-]+|text-(multilingual-)?embedding-[\w.-]+)"
)
_TUNED: Final = re.compile(r"projects/([^/]+)/locations/([^/]+)/models/[\w@.-]+")
_TABLE: Final = re.compile(r"bq://[^./]+(\.[^./]+){2}")
_BIGQUERY: Final = re.compile(r"bq://[^./]+(\.[^./]+){0,2}")
_OBJECT: Final = re.compile(r"gs://[a-z0-9._-]+/.+")
_FOLDER: Final = re.compile(r"gs://[a-z0-9._-]+(/.*)?")
_DATASET: Final = re.compile(r"projects/[^/]+/locations/([^/]+)/datasets/[0-9]+")
# Format -> the member that goes with it.
_SOURCES: Final = {
    "jsonl": "gcsSource",
    "bigquery": "bigquerySource",
    "vertex-dataset": "vertexMultimodalDatasetSource",
}
_DESTINATIONS: Final = {
    "jsonl": "gcsDestination",
    "bigquery": "bigqueryDestination",
    "vertex-dataset": "vertexMultimodalDatasetDestination",
}
# Meant for models that are not Gemini's.
_NOT_FOR_GEMINI: Final = (
    "modelParameters",
    "dedicatedResources",
    "generateExplanation",
    "explanationSpec",
    "unmanagedContainerModel",
)
_KEPT: Final = (
    "displayName",
    "model",
    "inputConfig",
    "outputConfig",
    "labels",
    "serviceAccount",
    "encryptionSpec",
    "instanceConfig",
)
# What a fault on a create says of the job's output.
_MANNER: Final = (
    "rows",
    "row_count",
    "row_bytes",
    "seed",
    "incremental",
    "shards",
    "padded",
)


@frozen
class JobMaker:
    """Makes jobs of checked bodies."""

    store: Store
    clock: Clock

    def make(
        self, body: Mapping[str, Any], location: str, fault: Fault | None
    ) -> VertexJob:
        """Return the job that a create asks for.

        Raises:
            Refusal: It breaks a rule.
        """
        _check_names(body)
        _check_model(body.get("model", ""), location)
        _check_source(body.get("inputConfig"), location)
        _check_destination(body.get("outputConfig"))
        for name in _NOT_FOR_GEMINI:
            if body.get(name):
                raise invalid(f"{name} is not supported for this model.")
        entry = {} if fault is None else fault_entry(fault)
        manner = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in entry.items()
            if name in _MANNER
        }
        return VertexJob(
            id=str(secrets.randbelow(9 * 10**18) + 10**18),
            location=location,
            resource={name: body[name] for name in _KEPT if name in body},
            create_time=self.clock.now(),
            manner=manner,
            input_path=self.store.new_path(),
            result_path=self.store.new_path(),
        )


def _check_names(body: Mapping[str, Any]) -> None:
    name = body.get("displayName", "")
    if not name or len(name) > _LONGEST_NAME:
        raise invalid(
            "The display_name of a BatchPredictionJob is required, and is no more than"
            f" {_LONGEST_NAME} characters long."
        )
    labels = body.get("labels", {})
    if len(labels) > _MOST_LABELS:
        raise invalid(f"There are more than {_MOST_LABELS} labels.")
    for key, value in labels.items():
        good = all(map(_is_label, (key, value))) and key and key[0].isalpha()
        if not good:
            raise invalid(
                f"Invalid label '{key}': '{value}'. Keys and values are at most 64"
                " characters: lower-case letters, digits, underscores and dashes."
            )


def _is_label(text: str) -> bool:
    return len(text) <= _LONGEST_LABEL and all(
        c in "_-" or (c.isalnum() and c == c.lower()) for c in text
    )


def _check_model(model: str, location: str) -> None:
    if _PUBLISHED.fullmatch(model):
        return
    tuned = _TUNED.fullmatch(model)
    if tuned is None:
        if model.startswith("publishers/"):
            raise Refusal(404, f"Publisher Model `{model}` was not found.")
        raise invalid(f"Invalid resource name for the model: '{model[:200]}'.")
    if tuned[1] not in {PROJECT, PROJECT_NUMBER} or tuned[2] != location:
        raise invalid(f"The model {model} is not in the project and location of the job.")
    if location == "global":
        raise invalid("Tuned models are not supported in the location global.")


def _chosen(
    config: Mapping[str, Any] | None,
    where: str,
    format_name: str,
    members: Mapping[str, str],
) -> tuple[str, Any]:
    """Return the member that the format of a config goes with, and its value.

    Raises:
        Refusal: There is no such format, or it is not what the config has.
    """
    if config is None:
        raise invalid(f"{where} is required.")
    chosen = config.get(format_name, "")
    if chosen not in members:
        raise invalid(
            f"Unsupported {format_name} '{chosen[:80]}' in {where}; supported are"
            f" {', '.join(members)}."
        )
    member = members[chosen]
    if member not in config:
        raise invalid(f"{where} with the {format_name} '{chosen}' needs {member}.")
    return member, config[member]


def _check_source(config: Mapping[str, Any] | None, location: str) -> None:
    member, source = _chosen(config, "input_config", "instancesFormat", _SOURCES)
    if member == "gcsSource":
        uris = source.get("uris", ())
        if not uris or not all(_OBJECT.fullmatch(uri) for uri in uris):
            raise invalid("input_config.gcs_source.uris must be gs:// URIs of objects.")
    elif member == "bigquerySource":
        if not _TABLE.fullmatch(source.get("inputUri", "")):
            raise invalid("input_config.bigquery_source.input_uri must be bq://p.d.t.")
    else:
        found = _DATASET.fullmatch(own_dataset(source.get("datasetName", "")))
        if found is None or found[1] != location:
            raise invalid("The dataset is not a dataset of this location.")


def _check_destination(config: Mapping[str, Any] | None) -> None:
    member, target = _chosen(config, "output_config", "predictionsFormat", _DESTINATIONS)
    if member == "gcsDestination":
        if not _FOLDER.fullmatch(target.get("outputUriPrefix", "")):
            raise invalid(
                "output_config.gcs_destination.output_uri_prefix must be a gs:// URI."
            )
        return
    table = target
    if member == "vertexMultimodalDatasetDestination":
        table = target.get("bigqueryDestination", {})
    if not _BIGQUERY.fullmatch(table.get("outputUri", "")):
        raise invalid(
            "bigquery_destination.output_uri must be bq://p, bq://p.d or bq://p.d.t."
        )
