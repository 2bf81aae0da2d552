"""Hooks of `StoredObject`, for the JSON in which Cloud Storage describes an object."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from cattrs import Converter

from gemini_batch._codec.class_hooks import (
    StructureHook,
    register_factories,
    unstructure_hook,
)
from gemini_batch.types import StoredObject

_SCHEME: Final = "gs://"
_NAMES: Final = {"size_bytes": "size", "md5": "md5Hash"}


def register_stored_objects(converter: Converter) -> None:
    """Register the hooks."""
    register_factories(converter, StoredObject, _structuring, _unstructuring)


def _structuring(cls: type[StoredObject], converter: Converter) -> Any:
    structure = StructureHook(cls, converter, _NAMES)

    def structure_object(document: Mapping[str, Any], _: object) -> StoredObject:
        md5 = document.get("md5Hash")
        members = {
            "size": 0,
            **document,
            "name": f"{_SCHEME}{document['bucket']}/{document['name']}",
            "md5Hash": None if md5 is None else converter.structure(md5, bytes).hex(),
        }
        stored: StoredObject = structure(members, cls)
        return stored

    return structure_object


def _unstructuring(cls: type[StoredObject], converter: Converter) -> Any:
    unstructure = unstructure_hook(cls, converter, _NAMES)

    def unstructure_object(stored: StoredObject) -> dict[str, Any]:
        document: dict[str, Any] = unstructure(stored)
        if stored.md5 is not None:
            document["md5Hash"] = base64.b64encode(bytes.fromhex(stored.md5)).decode()
        bucket, _, name = stored.name.removeprefix(_SCHEME).partition("/")
        return {**document, "bucket": bucket, "name": name}

    return unstructure_object
