"""Why a line is not JSON, in words a person can act on. Only runs for lines that failed."""

import json
from typing import Any

_ONE_OBJECT = "Every line is one whole JSON object, without a comma or list around it."


def why_not_json(line: bytes, error: Exception) -> tuple[str, str]:
    """Return what is wrong with a line that could not be decoded, and the remedy.

    Args:
        line: The line.
        error: What the decoder said, for faults only it sees.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError as exc:
        return f"not UTF-8 at byte offset {exc.start}", "Save the text again as UTF-8."
    try:
        # The fast decoder says less about faults than this one.
        json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as exc:
        return f"not JSON at column {exc.pos + 1}: {exc.msg}", _remedy(text.strip())
    except (ValueError, RecursionError) as exc:
        return f"not JSON: {exc}", _ONE_OBJECT
    return f"not JSON: {error.__cause__ or error}", _ONE_OBJECT


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _remedy(text: str) -> str:
    if text.startswith(("{'", "{b'")):
        return "This is Python's own notation: write rows with json.dumps."
    if text.startswith(("{", "[")):
        return _ONE_OBJECT
    return "For a plain prompt, use GenerateRequest.from_text(…)."
