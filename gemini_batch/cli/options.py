"""Options that several commands share."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Group, Parameter
from cyclopts.validators import Number

_EVERYWHERE = Group("Options of every command", sort_key=98)
_VERTEX = Group("Vertex AI, for every command", sort_key=99)


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """Options that every command takes."""

    json: Annotated[bool, Parameter(negative=(), group=_EVERYWHERE, show_default=False)] = (
        False
    )
    """Write JSON to stdout and nothing else: one document, or one per line for commands that
    report several events."""

    emulator: Annotated[
        bool, Parameter(negative=(), group=_EVERYWHERE, show_default=False)
    ] = False
    """Use the emulator instead of the service: the one that runs at $GEMINI_BATCH_EMULATOR
    (else http://127.0.0.1:8765), or one inside this command. Costs nothing. Its Vertex AI
    has its own project and bucket, which replace --project and --staging."""

    vertex: Annotated[
        bool | None, Parameter(negative="--no-vertex", group=_VERTEX, show_default=False)
    ] = None
    """Use Vertex AI, or the Gemini Developer API. Left out, $GOOGLE_GENAI_USE_ENTERPRISE or
    else $GOOGLE_GENAI_USE_VERTEXAI decides; each of the next three implies --vertex."""

    project: Annotated[str | None, Parameter(group=_VERTEX)] = None
    """ID or number of the project; $GOOGLE_CLOUD_PROJECT if left out."""

    location: Annotated[str | None, Parameter(group=_VERTEX)] = None
    """Such as us-central1; $GOOGLE_CLOUD_LOCATION if left out, else global."""

    staging: Annotated[str | None, Parameter(group=_VERTEX)] = None
    """gs://bucket/prefix, below which submit uploads requests and results are written."""


COMMON = Common()

ON_VERTEX = Group("Vertex AI", sort_key=97)

Output = Annotated[
    str | None, Parameter(name=["--output", "-o"], allow_leading_hyphen=True)
]

Limit = Annotated[int, Parameter(validator=Number(gte=0))]
