"""What the commands have in common on their command lines."""

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Group, Parameter
from cyclopts.validators import Number

_EVERYWHERE = Group("Options of every command", sort_key=99)


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """Options that every command takes."""

    json: Annotated[bool, Parameter(negative=(), group=_EVERYWHERE, show_default=False)] = (
        False
    )
    """Write JSON to stdout and nothing else: one document, or one per line where there is
    more than one thing to tell."""

    emulator: Annotated[
        bool, Parameter(negative=(), group=_EVERYWHERE, show_default=False)
    ] = False
    """Use the emulator instead of the service: the one that runs at $GEMINI_BATCH_EMULATOR
    (else http://127.0.0.1:8765), or one inside this command. Costs nothing."""


COMMON = Common()

Output = Annotated[
    str | None, Parameter(name=["--output", "-o"], allow_leading_hyphen=True)
]

Limit = Annotated[int, Parameter(validator=Number(gte=0))]
