"""Names on Vertex AI: what callers may write."""

from typing import Any

import pytest

from gemini_batch._codec import Codec
from gemini_batch._wire.vertex.batches import VertexBatches
from gemini_batch.errors import InputError
from gemini_batch.types import BatchJob, JobKind, JobState, VertexAI

PARENT = "projects/my-project/locations/us-central1"
BATCHES = VertexBatches(Codec(), VertexAI(project="my-project", location="us-central1"))
GLOBAL = VertexBatches(Codec(), VertexAI(project="my-project", location="global"))
JOB = "projects/123/locations/us-central1/batchPredictionJobs/456"


@pytest.mark.parametrize(
    ("given", "full"),
    [
        ("456", f"{PARENT}/batchPredictionJobs/456"),
        (JOB, JOB),
        (
            BatchJob(name=JOB, state=JobState.RUNNING, kind=JobKind.GENERATE),
            JOB,
        ),
    ],
)
def test_jobs(given: str | BatchJob, full: str) -> None:
    assert BATCHES.job_name(given) == full


@pytest.mark.parametrize(
    "given",
    [
        "",
        "a b",
        "batches/abc",
        "projects/1/locations/us-central1/models/2",
        "../x",
        5,
        None,
    ],
)
def test_no_jobs(given: Any) -> None:
    with pytest.raises(InputError, match="not the name of a job on Vertex AI"):
        BATCHES.job_name(given)


def test_a_job_elsewhere_is_not_reached() -> None:
    with pytest.raises(InputError, match=r"is in eu.*location='eu'"):
        BATCHES.job_name("projects/1/locations/eu/batchPredictionJobs/2")


@pytest.mark.parametrize(
    ("given", "full"),
    [
        ("gemini-2.5-flash", "publishers/google/models/gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "publishers/google/models/gemini-2.5-flash"),
        ("google/gemini-2.5-flash", "publishers/google/models/gemini-2.5-flash"),
        ("gemini-2.0-flash@001", "publishers/google/models/gemini-2.0-flash@001"),
        ("publishers/meta/models/llama@5", "publishers/meta/models/llama@5"),
        ("456", f"{PARENT}/models/456"),
        ("models/456@2", f"{PARENT}/models/456@2"),
        (
            "projects/9/locations/us-central1/models/456",
            "projects/9/locations/us-central1/models/456",
        ),
    ],
)
def test_models(given: str, full: str) -> None:
    assert BATCHES.model_name(given) == full


@pytest.mark.parametrize(
    "given",
    [
        "",
        "tunedModels/x",
        "models/a b",
        "projects/1/locations/us-central1/endpoints/2",
        "publishers/google/models/x?y",
        "a//b",
        None,
    ],
)
def test_no_models(given: Any) -> None:
    with pytest.raises(InputError, match="not the name of a model on Vertex AI"):
        BATCHES.model_name(given)


def test_tuned_models_of_the_other_api_are_told_apart() -> None:
    with pytest.raises(InputError, match="Developer API"):
        BATCHES.model_name("tunedModels/x")


def test_a_tuned_model_is_in_the_same_place() -> None:
    with pytest.raises(InputError, match="is in eu"):
        BATCHES.model_name("projects/1/locations/eu/models/2")


@pytest.mark.parametrize("given", ["2", "projects/1/locations/global/models/2"])
def test_tuned_models_are_not_global(given: str) -> None:
    with pytest.raises(InputError, match="not available in the location 'global'"):
        GLOBAL.model_name(given)


def test_a_project_has_two_names() -> None:
    tuned = "projects/{}/locations/us-central1/models/2"

    assert BATCHES.same_model(tuned.format("my-project"), tuned.format("123"))
    assert not BATCHES.same_model(tuned.format("1"), "publishers/google/models/2")
