"""Resource names: what callers may write, and what goes into a path."""

import re

from gemini_batch.errors import InputError
from gemini_batch.types import BatchJob, File

_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._~-]*$")
_FILE_URI = re.compile(r"^https?://[^/]+/(?:download/)?v[^/]+/(files/[^/:?]+)(?:[:?].*)?$")


def job_name(name: str | BatchJob) -> str:
    """Return ``batches/<id>`` for a name, a bare id or a job."""
    if isinstance(name, BatchJob):
        name = name.name
    return _name(name, collection="batches", what="job")


def file_name(name: str | File) -> str:
    """Return ``files/<id>`` for a name, a bare id, a file's URI or a file."""
    if isinstance(name, File):
        name = name.name
    match = _FILE_URI.match(_text(name))
    return _name(match[1] if match else name, collection="files", what="file")


def model_name(model: str) -> str:
    """Return ``models/<id>`` or ``tunedModels/<id>`` for a model or its bare id."""
    collection, slash, bare = _text(model).rpartition("/")
    if not _ID.match(bare) or (slash and collection not in {"models", "tunedModels"}):
        raise InputError.one(
            f"{model!r} is not the name of a model on the Developer API",
            remedy="Names look like 'gemini-2.5-flash' or 'models/gemini-2.5-flash'.",
            field="model",
        )
    return f"{collection or 'models'}/{bare}"


def _name(name: str, *, collection: str, what: str) -> str:
    bare = _text(name).removeprefix(f"{collection}/")
    if not _ID.match(bare):
        raise InputError.one(
            f"{name!r} is not the name of a {what}",
            remedy=f"Names look like '{collection}/abc123'; the bare id will do.",
            field="name",
        )
    return f"{collection}/{bare}"


def _text(value: object) -> str:
    # Callers without a type checker pass all sorts of things; they get the same error.
    return value if isinstance(value, str) else ""
