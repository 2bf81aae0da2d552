"""How a client is set up: which service, how long to wait, how often to try."""

import os
from collections.abc import Iterator
from typing import Any

from attrs import Attribute, field, frozen

DEFAULT_BASE_URL = "https://generativelanguage.googleapis.com"
DEFAULT_VERSION = "v1beta"


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
