"""How a client is set up: which service, how long to wait, how often to try."""

import os
import re
from collections.abc import Iterator
from typing import Any

from attrs import Attribute, Factory, field, frozen

DEFAULT_BASE_URL = "https://generativelanguage.googleapis.com"
DEFAULT_VERSION = "v1beta"
DEFAULT_STORAGE_URL = "https://storage.googleapis.com"
DEFAULT_BIGQUERY_URL = "https://bigquery.googleapis.com"

_MULTI_REGIONS = frozenset({"us", "eu"})
# Both go into paths, and the location into the host: nothing but names may pass.
_PROJECT = re.compile(r"(?:[a-z0-9][a-z0-9.-]*:)?[a-z0-9][a-z0-9-]*")
_LOCATION = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]")
_STAGING = re.compile(r"gs://[a-z0-9][a-z0-9._-]+[a-z0-9](?:/[^/\x00-\x1f\x7f*?#\[\]]+)*")


def _api_key_from_environment() -> str:
    # GOOGLE_API_KEY wins when both are set, as in Google's own SDKs.
    return os.environ.get("GOOGLE_API_KEY") or os.environ.get("GEMINI_API_KEY") or ""


def _base_url_from_environment() -> str:
    return os.environ.get("GOOGLE_GEMINI_BASE_URL") or DEFAULT_BASE_URL


def _bare_url(url: str) -> str:
    return url.rstrip("/")


def _version_from_environment() -> str:
    version = os.environ.get("GOOGLE_GENAI_API_VERSION") or DEFAULT_VERSION
    # Google's SDKs read "beta" as this API's beta version.
    return DEFAULT_VERSION if version == "beta" else version


@frozen(kw_only=True)
class DeveloperAPI:
    """The Gemini Developer API, as one key sees it.

    What is left out is read from the environment, once, when the value is made.
    """

    api_key: str = field(factory=_api_key_from_environment, repr=False)
    """API key; from ``GOOGLE_API_KEY``, else ``GEMINI_API_KEY``."""

    base_url: str = field(factory=_base_url_from_environment, converter=_bare_url)
    """Scheme, host and port; from ``GOOGLE_GEMINI_BASE_URL``, else Google's own. Plain
    ``http`` is accepted for loopback addresses only."""

    version: str = field(factory=_version_from_environment)
    """Version segment of the path; from ``GOOGLE_GENAI_API_VERSION``, else ``v1beta``."""


def _project_from_environment() -> str:
    return os.environ.get("GOOGLE_CLOUD_PROJECT") or ""


def _location_from_environment() -> str:
    # Google's own SDKs go to "global", too.
    return os.environ.get("GOOGLE_CLOUD_LOCATION") or "global"


def _vertex_version_from_environment() -> str:
    version = os.environ.get("GOOGLE_GENAI_API_VERSION") or "v1"
    return "v1beta1" if version == "beta" else version


def _storage_url_from_environment() -> str:
    return os.environ.get("STORAGE_EMULATOR_HOST") or DEFAULT_STORAGE_URL


def _bigquery_url_from_environment() -> str:
    return os.environ.get("BIGQUERY_EMULATOR_HOST") or DEFAULT_BIGQUERY_URL


def _full_url(url: str) -> str:
    # The variables of emulators hold a bare host and port as often as not.
    return _bare_url(url if "://" in url else f"http://{url}")


def _bare_staging(staging: str | None) -> str | None:
    return staging.rstrip("/") if staging else None


def vertex_host(location: str) -> str:
    """Return the base URL of Vertex AI for a region, ``global``, ``us`` or ``eu``."""
    if location == "global":
        return "https://aiplatform.googleapis.com"
    if location in _MULTI_REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


def _vertex_base_url(api: "VertexAI") -> str:
    return os.environ.get("GOOGLE_VERTEX_BASE_URL") or vertex_host(api.location)


def _check_project(_: object, __: object, project: str) -> None:
    # Without one the value is made all the same, as without a key; a client says so.
    if project and not _PROJECT.fullmatch(project):
        raise ValueError(
            f"project must be the id or number of a project such as 'my-project-123', "
            f"not {project!r}"
        )


def _check_location(_: object, __: object, location: str) -> None:
    if not _LOCATION.fullmatch(location):
        raise ValueError(
            "location must be a region such as 'us-central1', or 'global', 'us' or 'eu', "
            f"not {location!r}"
        )


def _check_staging(_: object, __: object, staging: str | None) -> None:
    if staging is not None and not _STAGING.fullmatch(staging):
        raise ValueError(
            f"staging must be 'gs://bucket' or 'gs://bucket/prefix', not {staging!r}"
        )


@frozen(kw_only=True)
class VertexAI:
    """Gemini on Vertex AI, as one project sees it in one location.

    What is left out is read from the environment, once, when the value is made.

    Raises:
        ValueError: Project, location or staging cannot be one.
    """

    project: str = field(factory=_project_from_environment, validator=_check_project)
    """Id or number of the project; from ``GOOGLE_CLOUD_PROJECT``."""

    location: str = field(factory=_location_from_environment, validator=_check_location)
    """A region such as ``us-central1``, or ``global``, ``us``, ``eu``; from
    ``GOOGLE_CLOUD_LOCATION``, else ``global``."""

    credentials: Any = field(default=None, repr=False)
    """Any `google.auth.credentials.Credentials`; left out, Application Default
    Credentials."""

    staging: str | None = field(
        default=None, converter=_bare_staging, validator=_check_staging
    )
    """``gs://bucket/prefix`` under which `submit` puts rows and results."""

    base_url: str = field(
        default=Factory(_vertex_base_url, takes_self=True), converter=_bare_url
    )
    """Scheme, host and port of Vertex AI; from ``GOOGLE_VERTEX_BASE_URL``, else Google's
    own for the location. Plain ``http`` is accepted for loopback addresses only, here and
    below."""

    storage_url: str = field(factory=_storage_url_from_environment, converter=_full_url)
    """The same of Cloud Storage; from ``STORAGE_EMULATOR_HOST``, else Google's own."""

    bigquery_url: str = field(factory=_bigquery_url_from_environment, converter=_full_url)
    """The same of BigQuery; from ``BIGQUERY_EMULATOR_HOST``, else Google's own."""

    version: str = field(factory=_vertex_version_from_environment)
    """Version segment of the path; from ``GOOGLE_GENAI_API_VERSION``, else ``v1``."""

    @property
    def parent(self) -> str:
        """``projects/<project>/locations/<location>``, under which its jobs are."""
        return f"projects/{self.project}/locations/{self.location}"


def _positive(_: object, attribute: "Attribute[Any]", value: float) -> None:
    if not value > 0:
        raise ValueError(f"{attribute.name} must be positive, not {value!r}")


def _share(_: object, attribute: "Attribute[Any]", value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(f"{attribute.name} must be at least 0 and below 1, not {value!r}")


@frozen(kw_only=True)
class Timeouts:
    """Limits on one HTTP exchange, in seconds."""

    connect: float = field(default=15.0, validator=_positive)
    """To open a connection, TLS included."""

    short: float = field(default=60.0, validator=_positive)
    """For a whole short call: get, list, cancel, delete."""

    create: float = field(default=180.0, validator=_positive)
    """For a whole create call. The service reads and checks the input during the call."""

    read: float = field(default=60.0, validator=_positive)
    """Between two pieces of a download, and for the answer to an uploaded chunk."""


@frozen(kw_only=True)
class Retry:
    """How often a call is tried again. Only calls that are safe to repeat are."""

    attempts: int = field(default=6, validator=_positive)
    """Tries of one call, the first included."""

    timeout: float = field(default=120.0, validator=_positive)
    """Seconds from the first try after which no further one is begun."""

    wait_initial: float = field(default=0.5, validator=_positive)
    """Seconds before the second try; doubled for each further one."""

    wait_max: float = field(default=30.0, validator=_positive)
    """Most seconds between two tries. A longer pause that the service asks for is honoured
    as far as `timeout` allows."""

    wait_jitter: float = 1.0
    """Most random seconds added to a pause."""

    lookup_pauses: tuple[float, ...] = (1.0, 3.0, 6.0, 10.0, 20.0, 25.0, 30.0)
    """Seconds before each look for a job whose create was left without an answer. The
    service's list lags behind its creates, so absence is believed late."""

    def pause(self, failures: int) -> float:
        """Return the seconds to wait before a transfer goes on, after so many failures."""
        return min(self.wait_max, self.wait_initial * 2.0 ** (failures - 1))


@frozen(kw_only=True)
class PollSchedule:
    """Pauses between two looks at a job: short at first, growing to a cap."""

    initial: float = field(default=2.0, validator=_positive)
    """Seconds after the first look."""

    factor: float = field(default=1.5, validator=_positive)
    """Growth from one pause to the next."""

    cap: float = field(default=60.0, validator=_positive)
    """Most seconds between two looks."""

    jitter: float = field(default=0.1, validator=_share)
    """Share by which a pause is varied at random, so that many waiters do not march in
    step."""

    output_grace: float = 60.0
    """Seconds to go on looking at a job that succeeded and whose output is not there yet."""

    @classmethod
    def fixed(cls, seconds: float) -> "PollSchedule":
        """Return a schedule of equal pauses without jitter."""
        return cls(initial=seconds, factor=1.0, cap=seconds, jitter=0.0)

    def pauses(self) -> Iterator[float]:
        """Yield the pauses in seconds, without jitter, for ever."""
        pause = min(self.initial, self.cap)
        while True:
            yield pause
            pause = min(pause * max(self.factor, 1.0), self.cap)
