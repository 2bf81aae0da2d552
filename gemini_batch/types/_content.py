"""Content of requests and answers: parts, and what parts hold.

These are slotted but not frozen: answers are built by the million.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from gemini_batch.types._enums import OpenEnum


@define(kw_only=True)
class Blob:
    """Bytes that travel inside the request or answer."""

    mime_type: str = ""
    data: bytes = field(default=b"", repr=lambda data: f"<{len(data)} bytes>")
    """The bytes themselves; base64 on the wire."""

    display_name: str | None = None


@define(kw_only=True)
class FileData:
    """A file the service already has."""

    file_uri: str = ""
    """On the Developer API the `uri` of a `File`. It must outlive the job: files live for 48
    hours, and a job may take as long."""

    mime_type: str | None = None
    display_name: str | None = None


@define(kw_only=True)
class FunctionCall:
    """A call the model asks for."""

    name: str = ""
    args: Mapping[str, Any] | None = None
    id: str | None = None


@define(kw_only=True)
class FunctionResponse:
    """What a called function returned, sent back to the model."""

    name: str = ""
    response: Mapping[str, Any] | None = None
    id: str | None = None
    parts: tuple[Mapping[str, Any], ...] | None = None
    scheduling: str | None = None
    will_continue: bool | None = None


class CodeLanguage(OpenEnum):
    """Programming language of generated code."""

    UNSPECIFIED = "LANGUAGE_UNSPECIFIED"
    PYTHON = "PYTHON"


class CodeOutcome(OpenEnum):
    """How a run of generated code ended."""

    UNSPECIFIED = "OUTCOME_UNSPECIFIED"
    OK = "OUTCOME_OK"
    FAILED = "OUTCOME_FAILED"
    DEADLINE_EXCEEDED = "OUTCOME_DEADLINE_EXCEEDED"


@define(kw_only=True)
class ExecutableCode:
    """Code the model wrote to be run by the service."""

    code: str = ""
    language: CodeLanguage | None = None
    id: str | None = None


@define(kw_only=True)
class CodeExecutionResult:
    """What running the model's code gave."""

    outcome: CodeOutcome | None = None
    output: str | None = None
    id: str | None = None


@define(kw_only=True)
class Part:
    """One piece of content. Exactly one of the content fields is set."""

    text: str | None = None
    thought: bool | None = None
    """True if the text is a summary of the model's thinking, not its answer."""

    thought_signature: bytes | None = field(default=None, repr=False)
    """Opaque bytes to be sent back with this part in a later turn."""

    inline_data: Blob | None = None
    file_data: FileData | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    executable_code: ExecutableCode | None = None
    code_execution_result: CodeExecutionResult | None = None
    video_metadata: Mapping[str, Any] | None = None
    media_resolution: Mapping[str, Any] | None = None
    part_metadata: Mapping[str, Any] | None = None

    @classmethod
    def from_text(cls, text: str) -> "Part":
        """Return a part of plain text."""
        return cls(text=text)

    @classmethod
    def from_bytes(cls, data: bytes, *, mime_type: str) -> "Part":
        """Return a part that carries `data` inside the request."""
        return cls(inline_data=Blob(data=data, mime_type=mime_type))

    @classmethod
    def from_file(
        cls, path: str | os.PathLike[str], *, mime_type: str | None = None
    ) -> "Part":
        """Return a part that carries a local file inside the request: an image, a PDF.

        It is read here and now, which blocks, and is held in memory until its row is
        written: in an event loop, call it in a thread. Many large files are better uploaded
        and pointed at with `from_uri`.

        Args:
            path: A file of up to 15 MB. Base64 makes 20 MB of that, the most a row may have
                together with its prompt.
            mime_type: Left out, it is told by the name.

        Raises:
            OSError: The file cannot be read.
            ValueError: It is empty or too large, or its name does not tell the MIME type.
        """
        data, mime_type = read_file(path, mime_type)
        return cls(inline_data=Blob(data=data, mime_type=mime_type))

    @classmethod
    def from_uri(cls, file_uri: str, *, mime_type: str | None = None) -> "Part":
        """Return a part that points at a file the service has."""
        return cls(file_data=FileData(file_uri=file_uri, mime_type=mime_type))


@define(kw_only=True)
class Content:
    """One turn of a conversation: parts, and whose they are."""

    parts: tuple[Part, ...] = ()
    role: str | None = None
    """``"user"`` or ``"model"``; None for a system instruction."""

    @classmethod
    def from_text(cls, text: str, *, role: str | None = None) -> "Content":
        """Return content of a single text part."""
        return cls(parts=(Part(text=text),), role=role)


MAX_INLINE_BYTES: Final = 15_000_000
"""Largest file, in bytes. Base64 makes four bytes of three, and a row may have 20 MB in all."""


# Newer than the tables of some Pythons and systems that are still in use.
_MORE: Final = {
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".md": "text/markdown",
    ".webp": "image/webp",
}


def read_file(path: str | os.PathLike[str], mime_type: str | None) -> tuple[bytes, str]:
    """Return what a file holds, and its MIME type, by its name if none is given.

    Raises:
        OSError: It cannot be read.
        ValueError: It is empty or too large, or its name does not tell the type.
    """
    path = Path(path)
    mime_type = mime_type or _mime_type_of(path)
    with path.open("rb") as file:
        # No more than that: it may be growing, or never end.
        data = file.read(MAX_INLINE_BYTES + 1)
    if not data:
        raise ValueError(f"{path} is empty")
    if len(data) > MAX_INLINE_BYTES:
        raise ValueError(
            f"{path} is larger than {MAX_INLINE_BYTES / 1e6:g} MB, too large to travel inside "
            "a request: upload it with files.upload and point at it with Part.from_uri"
        )
    return data, mime_type


def _mime_type_of(path: Path) -> str:
    import mimetypes  # noqa: PLC0415 - reads the system's tables, which most have no use for

    guessed, encoding = mimetypes.guess_type(path.name)
    mime_type = _MORE.get(path.suffix.lower()) or guessed
    if mime_type is None or encoding is not None:
        raise ValueError(
            f"the name of {path} does not tell its MIME type: give mime_type, such as "
            "'application/pdf'"
        )
    return mime_type
