"""What is wrong, as a fact that a program can act on."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """What is missing or does not go together, in a setting, an argument or the input.

    `CredentialsError`, `SecurityError` and `InputProblem` have one where a program could act
    on it; the argument it is about is in `InputProblem.field`. More codes may come.
    """

    MISSING_API_KEY = "missing_api_key"
    """There is no API key, neither as an argument nor in the environment."""

    INVALID_API_KEY = "invalid_api_key"
    """The API key has characters that no key has."""

    MISSING_PROJECT = "missing_project"
    """There is no Google Cloud project, neither as an argument nor in the environment."""

    MISSING_CREDENTIALS = "missing_credentials"
    """There are no Application Default Credentials."""

    INVALID_CREDENTIALS = "invalid_credentials"
    """The credentials gave no access token, or none that can be sent."""

    MISSING_PACKAGE = "missing_package"
    """An optional dependency is not installed."""

    INVALID_URL = "invalid_url"
    """A base URL is no address, or has a user name, a password or a query."""

    INSECURE_URL = "insecure_url"
    """A base URL is plain ``http`` to another machine."""

    NEEDS_VERTEX_AI = "needs_vertex_ai"
    """Only Vertex AI has it, and the client speaks to the Gemini Developer API."""

    NEEDS_DEVELOPER_API = "needs_developer_api"
    """Only the Gemini Developer API has it, and the client speaks to Vertex AI."""

    OTHER_LOCATION = "other_location"
    """It is in another location of Vertex AI than the client speaks to."""

    MISSING_STAGING = "missing_staging"
    """`submit` on Vertex AI needs a prefix in Cloud Storage to upload requests to."""

    MISSING_DESTINATION = "missing_destination"
    """A job on Vertex AI needs a destination, and none follows from its source."""

    NOT_LOCAL = "not_local"
    """A local file was expected, and a URI of Google Cloud given."""

    TABLE = "table"
    """A file of requests was expected, and a table given."""

    STORED_INPUT = "stored_input"
    """The option would change requests that are stored already."""

    EMBEDDING_MODEL = "embedding_model"
    """The model embeds, and a job that generates was asked for."""

    NO_KEYS = "no_keys"
    """The model's results carry no keys, so that they cannot be matched with requests."""

    SEVERAL_OBJECTS = "several_objects"
    """A single object was expected, and a URI with a wildcard given."""

    UNKNOWN_COST = "unknown_cost"
    """The cost has a limit, and cannot be estimated."""

    COST_ABOVE_LIMIT = "cost_above_limit"
    """The estimated cost is above the limit."""

    FOREIGN_OUTPUT = "foreign_output"
    """The output file exists, and holds what cannot be kept."""
