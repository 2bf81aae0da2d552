"""What callers may write for a name, and what goes into a path."""

import pytest

from gemini_batch._wire.developer.names import file_name, job_name, model_name
from gemini_batch.errors import InputError
from gemini_batch.types import BatchJob, File, JobKind, JobState


def test_names_bare_ids_and_values_are_taken() -> None:
    job = BatchJob(name="batches/abc", state=JobState.RUNNING, kind=JobKind.GENERATE)

    assert job_name("batches/abc") == job_name("abc") == job_name(job) == "batches/abc"
    assert file_name("files/a-b") == file_name("a-b") == file_name(File(name="files/a-b"))


@pytest.mark.parametrize(
    "uri",
    [
        "https://generativelanguage.googleapis.com/v1beta/files/batch-abc",
        "https://generativelanguage.googleapis.com/v1beta/files/batch-abc:download?alt=media",
        "https://generativelanguage.googleapis.com/download/v1/files/batch-abc:download",
    ],
)
def test_the_uri_of_a_file_is_its_name(uri: str) -> None:
    assert file_name(uri) == "files/batch-abc"


@pytest.mark.parametrize(
    "name", ["", "batches/", "batches/a/b", "../x", "a b", "a?b", "a#b", "a%2Fb", None, 3]
)
def test_what_cannot_be_a_name_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"'batches/abc123'") as caught:
        job_name(name)

    assert caught.value.problems[0].field == "name"


def test_models_get_their_collection() -> None:
    assert model_name("gemini-2.5-flash") == "models/gemini-2.5-flash"
    assert model_name("models/gemini-2.5-flash") == "models/gemini-2.5-flash"
    assert model_name("tunedModels/mine-1") == "tunedModels/mine-1"


@pytest.mark.parametrize(
    "model", ["", "models/", "publishers/google/models/x", "a b", None]
)
def test_what_cannot_be_a_model_is_refused(model: str) -> None:
    with pytest.raises(InputError, match="not the name of a model"):
        model_name(model)
