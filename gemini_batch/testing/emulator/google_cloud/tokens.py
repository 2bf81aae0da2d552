"""Access tokens that the emulated Google Cloud lets in, and who holds them."""

from collections.abc import MutableMapping
from typing import Final

from aiohttp import web

from gemini_batch.testing.emulator.core.errors import Refusal

_FIRST: Final = "emulator-token"
_CHALLENGE: Final = {
    "WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
}
_MISSING: Final = (
    "Request is missing required authentication credential. Expected OAuth 2 access token,"
    " login cookie or other valid authentication credential. See"
    " https://developers.google.com/identity/sign-in/web/devconsole-project."
)


class Tokens:
    """The one access token that is good at a time."""

    def __init__(self) -> None:
        self._turn = 1

    @property
    def current(self) -> str:
        """The token that is let in."""
        return _FIRST if self._turn == 1 else f"{_FIRST}-{self._turn}"

    def expire(self) -> None:
        """Let the current token in no more, and make another."""
        self._turn += 1

    def check(self, request: web.BaseRequest) -> None:
        """Check that a request carries the current token.

        Raises:
            Refusal: 401.
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refusal(401, _MISSING, headers=_CHALLENGE)
        if token != self.current:
            raise Refusal(401, headers=_CHALLENGE)


class StandInCredentials:
    """What `google.auth.credentials.Credentials` is to programs, without google-auth.

    Args:
        tokens: Where `refresh` gets its token.
    """

    quota_project_id: str | None = None
    universe_domain = "googleapis.com"

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self.token: str | None = tokens.current
        self.expiry = None
        self.refreshes = 0
        """How often a new token was fetched."""

    def __repr__(self) -> str:
        return f"<StandInCredentials, refreshed {self.refreshes} times>"

    @property
    def valid(self) -> bool:
        """Whether there is a token; the emulator alone knows if it is still good."""
        return self.token is not None

    @property
    def expired(self) -> bool:
        """Whether the token has run out by its own time: it has none."""
        return False

    def refresh(self, request: object) -> None:  # noqa: ARG002 - google-auth's signature
        """Fetch the current token."""
        self.refreshes += 1
        self.token = self._tokens.current

    def apply(self, headers: MutableMapping[str, str], token: str | None = None) -> None:
        """Put the token into the headers of a request."""
        headers["authorization"] = f"Bearer {token or self.token}"

    def before_request(
        self,
        request: object,
        method: str,  # noqa: ARG002 - google-auth's signature
        url: str,  # noqa: ARG002
        headers: MutableMapping[str, str],
    ) -> None:
        """Refresh if there is no token, and put it into the headers of a request."""
        if not self.valid:
            self.refresh(request)
        self.apply(headers)
