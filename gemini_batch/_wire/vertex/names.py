"""Names on Vertex AI: jobs, models, operations, labels, and where things are stored."""

import re
from collections.abc import Mapping

from gemini_batch._requests.vertex import wrong_with_label
from gemini_batch.errors import DecodeError, InputError
from gemini_batch.types import BatchJob, ErrorCode

_ID = r"[A-Za-z0-9][A-Za-z0-9._~-]*"
_PARENT = r"projects/[a-z0-9][a-z0-9.:-]*/locations/(?P<location>[a-z0-9-]+)"
_BARE_ID = re.compile(_ID)
_JOB = re.compile(rf"{_PARENT}/batchPredictionJobs/{_ID}")
_OPERATION = re.compile(rf"{_PARENT}/(?:[A-Za-z]+/{_ID}/)?operations/{_ID}")
_TUNED = re.compile(rf"{_PARENT}/models/{_ID}(?:@{_ID})?")
_PUBLISHED = re.compile(rf"publishers/[a-z0-9-]+/models/{_ID}(?:@{_ID})?")
_BY_PUBLISHER = re.compile(rf"(?P<publisher>[a-z0-9-]+)/(?P<id>{_ID}(?:@{_ID})?)")
_OWN_PARENT = re.compile(rf"{_PARENT}/")
_DATASET = re.compile(rf"{_PARENT}/datasets/{_ID}")
# Wildcards are the service's own; what a URI cannot hold is refused.
_GCS = re.compile(r"gs://[a-z0-9][a-z0-9._-]+[a-z0-9]/[^\x00-\x1f\x7f]+")
_PREFIX = re.compile(r"gs://[a-z0-9][a-z0-9._-]+[a-z0-9](?:/[^\x00-\x1f\x7f*]*)?")


def job_name(name: str | BatchJob, parent: str) -> str:
    """Return the full name of a job for its name, its bare id, or the job.

    Args:
        name: What the caller gave.
        parent: ``projects/<project>/locations/<location>`` of the client.

    Raises:
        InputError: It is no name of a job, or of a job that this client cannot reach.
    """
    text = name.name if isinstance(name, BatchJob) else _text(name)
    if _BARE_ID.fullmatch(text):
        return f"{parent}/batchPredictionJobs/{text}"
    match = _JOB.fullmatch(text)
    if match is None:
        raise InputError.one(
            f"{text or name!r} is not the name of a job on Vertex AI",
            remedy="Names look like 'projects/123/locations/us-central1/"
            "batchPredictionJobs/456'; the bare id will do.",
            field="name",
        )
    _check_location(match["location"], parent, "job", "name")
    return text


def model_name(model: str, parent: str) -> str:
    """Return the full name of a model of Google's, or of a tuned one.

    A bare id and ``models/<id>`` are Google's, as on the Developer API; an id of digits is
    that of a tuned model in the client's own project.

    Raises:
        InputError: It is no name of a model, or of a model elsewhere.
    """
    text = _text(model)
    bare = text.removeprefix("models/")
    if re.fullmatch(rf"{_ID}(?:@{_ID})?", bare):
        tuned = bare.partition("@")[0].isdecimal()
        full = f"{parent}/models/{bare}" if tuned else f"publishers/google/models/{bare}"
    elif match := _BY_PUBLISHER.fullmatch(text):
        full = f"publishers/{match['publisher']}/models/{match['id']}"
    else:
        full = text
    if _PUBLISHED.fullmatch(full):
        return full
    match = _TUNED.fullmatch(full)
    if match is None:
        raise _no_model(model, text)
    _check_location(match["location"], parent, "model", "model")
    if match["location"] == "global":
        raise InputError.one(
            "tuned models are not available in the location 'global'",
            remedy="Use VertexAI(location=…) with the region the model was tuned in.",
            field="model",
            code=ErrorCode.OTHER_LOCATION,
        )
    return full


def _no_model(model: object, text: str) -> InputError:
    tuned = " Tuned models of the Developer API are not there."
    return InputError.one(
        f"{model!r} is not the name of a model on Vertex AI",
        remedy="Names look like 'gemini-2.5-flash', 'publishers/google/models/"
        "gemini-2.5-flash' or 'projects/123/locations/us-central1/models/456'."
        + (tuned if text.startswith("tunedModels/") else ""),
        field="model",
    )


def same_model(one: str, other: str) -> bool:
    """True if two full names mean one model; the service writes projects as numbers."""
    return _OWN_PARENT.sub("", one) == _OWN_PARENT.sub("", other)


def operation_name(name: str, parent: str) -> str:
    """Return the name of an operation that an answer gave, once it is one of this place.

    Raises:
        DecodeError: It is not, and must not become part of a path.
    """
    match = _OPERATION.fullmatch(name)
    if match is None or match["location"] != _location(parent):
        raise DecodeError(message=f"{name!r} is not the name of an operation")
    return name


def check_gcs_uri(uri: object, field: str) -> str:
    """Return a ``gs://bucket/object``, which may hold wildcards.

    Raises:
        InputError: It is none.
    """
    text = _text(uri)
    if not _GCS.fullmatch(text):
        raise _not_a_uri(uri, "Write it as 'gs://bucket/path/rows.jsonl'.", field)
    return text


def check_gcs_prefix(uri: str, field: str) -> str:
    """Return a ``gs://bucket/prefix``, without a slash at its end.

    Raises:
        InputError: It is none.
    """
    if not _PREFIX.fullmatch(_text(uri)):
        raise _not_a_uri(uri, "Write it as 'gs://bucket/prefix'.", field)
    return uri.rstrip("/")


def check_dataset(name: object, parent: str) -> str:
    """Return the full name of a multimodal dataset in the client's location.

    Raises:
        InputError: It is none.
    """
    match = _DATASET.fullmatch(_text(name))
    if match is None:
        raise InputError.one(
            f"{name!r} is not the name of a dataset on Vertex AI",
            remedy="Names look like 'projects/123/locations/us-central1/datasets/456'.",
            field="vertex_dataset",
        )
    _check_location(match["location"], parent, "dataset", "vertex_dataset")
    return match[0]


def check_labels(labels: Mapping[str, str], reserved: str) -> dict[str, str]:
    """Return labels as they are sent.

    Args:
        labels: The caller's.
        reserved: What no name of theirs may begin with.

    Raises:
        InputError: One cannot be a label.
    """
    for name, value in labels.items():
        where = f"labels.{name}"
        for text in (name, value):
            if (wrong := wrong_with_label(text)) is not None:
                raise InputError.one(f"{text!r} {wrong}", field=where)
        if not name or not name[0].isalpha():
            raise InputError.one(
                f"the name {name!r} does not begin with a letter", field=where
            )
        if name.startswith(reserved):
            raise InputError.one(
                f"names that begin with {reserved!r} are this client's own",
                remedy="Call it something else.",
                field=where,
            )
    return dict(labels)


def _not_a_uri(uri: object, remedy: str, field: str) -> InputError:
    return InputError.one(f"{uri!r} is no place in storage", remedy=remedy, field=field)


def _check_location(found: str, parent: str, what: str, field: str) -> None:
    own = _location(parent)
    if found != own:
        raise InputError.one(
            f"the {what} is in {found}, this client speaks to {own}",
            remedy=f"Use a client with VertexAI(location={found!r}).",
            field=field,
            code=ErrorCode.OTHER_LOCATION,
        )


def _location(parent: str) -> str:
    return parent.rpartition("/")[2]


def _text(value: object) -> str:
    # Callers without a type checker pass all sorts of things; they get the same error.
    return value if isinstance(value, str) else ""
