"""Settings of a client: the API, schedules, limits, and the environment."""

import itertools
from collections.abc import Callable

import pytest

from gemini_batch.types import DeveloperAPI, PollSchedule, Retry, Timeouts, VertexAI

VARIABLES = (
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_LOCATION",
    "GOOGLE_VERTEX_BASE_URL",
    "STORAGE_EMULATOR_HOST",
    "BIGQUERY_EMULATOR_HOST",
    "GOOGLE_GENAI_API_VERSION",
)


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_what_is_left_out_has_a_default() -> None:
    api = VertexAI()

    assert (api.project, api.location, api.version) == ("", "global", "v1")
    assert api.base_url == "https://aiplatform.googleapis.com"
    assert api.storage_url == "https://storage.googleapis.com"
    assert api.bigquery_url == "https://bigquery.googleapis.com"
    assert (api.credentials, api.staging) == (None, None)


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_hosts(location: str, host: str) -> None:
    api = VertexAI(project="p", location=location)

    assert api.base_url == f"https://{host}"
    assert api.parent == f"projects/p/locations/{location}"


def test_the_environment_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "from-env")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "eu")
    monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", "http://127.0.0.1:1/")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "localhost:2")
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://localhost:3/")
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "beta")
    api = VertexAI()
    for name in VARIABLES:
        monkeypatch.delenv(name)

    assert (api.project, api.location, api.version) == ("from-env", "eu", "v1beta1")
    assert api.base_url == "http://127.0.0.1:1"
    assert api.storage_url == "http://localhost:2"
    assert api.bigquery_url == "http://localhost:3"


def test_what_is_given_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "from-env")

    api = VertexAI(
        project="mine",
        location="us-east4",
        base_url="https://a/",
        storage_url="https://b",
        bigquery_url="https://c",
        version="v9",
    )

    assert (api.project, api.location, api.version) == ("mine", "us-east4", "v9")
    assert (api.base_url, api.storage_url, api.bigquery_url) == (
        "https://a",
        "https://b",
        "https://c",
    )
    assert VertexAI().version == "from-env"


@pytest.mark.parametrize(
    "project", ["my-project-123", "123456789012", "example.com:my-project"]
)
def test_projects(project: str) -> None:
    assert VertexAI(project=project).project == project


@pytest.mark.parametrize("project", ["a/b", "My", "a b", "../x", "p\n", "p?x"])
def test_no_projects(project: str) -> None:
    with pytest.raises(ValueError, match="project must be the id or number"):
        VertexAI(project=project)


@pytest.mark.parametrize("location", ["", "a.b", "evil.example.com/#", "US", "us-", "-us"])
def test_a_location_cannot_lead_elsewhere(location: str) -> None:
    with pytest.raises(ValueError, match="location must be a region"):
        VertexAI(project="p", location=location)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("gs://my-bucket", "gs://my-bucket"),
        ("gs://my-bucket/", "gs://my-bucket"),
        ("gs://my_bucket.example.com/a b/ü/", "gs://my_bucket.example.com/a b/ü"),
        ("", None),
        (None, None),
    ],
)
def test_staging(given: str | None, kept: str | None) -> None:
    assert VertexAI(project="p", staging=given).staging == kept


@pytest.mark.parametrize(
    "staging",
    [
        "bucket/x",
        "gs://",
        "gs://B/x",
        "gs://b-b//x",
        "gs://b-b/*",
        "s3://b-b/x",
        "gs://b-b/\n",
    ],
)
def test_no_staging(staging: str) -> None:
    with pytest.raises(ValueError, match=r"staging must be 'gs://bucket'"):
        VertexAI(project="p", staging=staging)


def test_credentials_are_not_shown() -> None:
    assert "planted" not in repr(VertexAI(project="p", credentials="planted"))


def test_the_default_schedule_grows_to_its_cap() -> None:
    pauses = list(itertools.islice(PollSchedule().pauses(), 12))

    assert pauses[:3] == [2.0, 3.0, 4.5]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 60.0


def test_schedules_of_other_shapes_end_too() -> None:
    assert list(itertools.islice(PollSchedule.fixed(5).pauses(), 3)) == [5, 5, 5]
    shrinking = PollSchedule(initial=8, factor=0.5, cap=60)
    assert list(itertools.islice(shrinking.pauses(), 3)) == [8, 8, 8]
    assert list(itertools.islice(PollSchedule(initial=9, cap=3).pauses(), 2)) == [3, 3]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Timeouts(short=0),
        lambda: Retry(attempts=0),
        lambda: PollSchedule(jitter=1),
        lambda: PollSchedule(jitter=-0.1),
    ],
)
def test_settings_are_checked_when_made(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        make()


def test_the_environment_is_read_when_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ["GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("GOOGLE_GENAI_API_VERSION", raising=False)
    plain = DeveloperAPI()
    assert plain.api_key == ""
    assert plain.base_url == "https://generativelanguage.googleapis.com"
    assert plain.version == "v1beta"

    monkeypatch.setenv("GEMINI_API_KEY", "gemini")
    assert DeveloperAPI().api_key == "gemini"
    monkeypatch.setenv("GOOGLE_API_KEY", "google")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "https://proxy.example/")
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "v1")
    api = DeveloperAPI()
    assert (api.api_key, api.base_url, api.version) == (
        "google",
        "https://proxy.example",
        "v1",
    )
    assert "google" not in repr(api)
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "beta")
    assert DeveloperAPI().version == "v1beta"
