"""What google-auth does: finding credentials and renewing them. Blocks: runs in a thread.

google-auth is an optional dependency, and it takes a while to load: it is imported when a
token is needed that nobody has yet.
"""

import re
from typing import Any

from gemini_batch.errors import CredentialsError, TransportError
from gemini_batch.types import ErrorCode

SCOPE = "https://www.googleapis.com/auth/cloud-platform"

_SHOWN = 400
# Assertions, tokens and secrets are long and hold digits; words and addresses do not.
_OPAQUE = re.compile(r"(?=[A-Za-z_+/=-]*\d)[A-Za-z0-9_+/=-]{24,}")


def scoped(credentials: Any) -> Any:
    """Return credentials that ask for the scope we need, where they must ask for one."""
    if getattr(credentials, "requires_scopes", False):
        return credentials.with_scopes([SCOPE])
    return credentials


def refresh(credentials: Any) -> Any:
    """Renew credentials, or find and renew Application Default Credentials, and return them.

    Args:
        credentials: Any `google.auth.credentials.Credentials`; None to find some.

    Raises:
        CredentialsError: There are none, they are refused, or google-auth is missing.
        TransportError: The service that gives tokens could not be reached, or failed.
    """
    try:
        import google.auth  # noqa: PLC0415 - see above
        import google.auth.exceptions  # noqa: PLC0415
        import google.auth.transport.requests  # noqa: PLC0415
    except ImportError:
        missing = True
    else:
        missing = False
    if missing:
        raise CredentialsError(
            message="Vertex AI needs google-auth, which is not installed",
            remedy="Install it: pip install 'gemini-batch[vertex]'.",
            code=ErrorCode.MISSING_PACKAGE,
        )
    request = google.auth.transport.requests.Request()
    passing = (
        google.auth.exceptions.TransportError,
        google.auth.exceptions.TimeoutError,
        google.auth.exceptions.ResponseError,
    )
    try:
        if credentials is None:
            credentials, _ = google.auth.default(scopes=[SCOPE], request=request)
            # Some have fetched a token already, to ask which project they belong to.
            if not credentials.valid:
                credentials.refresh(request)
        else:
            credentials.refresh(request)
    except google.auth.exceptions.DefaultCredentialsError as exc:
        failure: CredentialsError | TransportError = CredentialsError(
            message=f"there are no credentials: {_said(exc).rstrip('.')}",
            remedy="Run gcloud auth application-default login, set "
            "GOOGLE_APPLICATION_CREDENTIALS, or pass VertexAI(credentials=…).",
            code=ErrorCode.MISSING_CREDENTIALS,
        )
    except Exception as exc:  # noqa: BLE001 - credentials of every make end here
        # Answers of token services hang on these errors, and tokens may be in them: ours is
        # raised after theirs has been dealt with, and says what they say in short.
        causes = (exc, exc.__cause__)
        if getattr(exc, "retryable", False) or any(isinstance(c, passing) for c in causes):
            failure = TransportError(
                message=f"no access token could be had: {_said(exc)}", maybe_received=False
            )
        else:
            failure = CredentialsError(
                message=f"the credentials gave no access token: {_said(exc)}",
                code=ErrorCode.INVALID_CREDENTIALS,
            )
    else:
        return credentials
    finally:
        request.session.close()
    raise failure


def _said(exc: BaseException) -> str:
    """Return the first words of an error, without what might be a secret."""
    text = " ".join(str(exc.args[0] if exc.args else "").split())
    return _OPAQUE.sub("…", text)[:_SHOWN] or type(exc).__name__
