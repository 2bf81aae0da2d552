"""Files and objects kept by the service, and how a transfer is going."""

import base64
import binascii
import datetime as dt
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from gemini_batch.types._enums import FileSource, FileState
from gemini_batch.types._status import RpcStatus

_SHA256_BYTES = 32


@frozen(kw_only=True)
class File:
    """A file in the Files API. Uploads are kept for 48 hours.

    See https://ai.google.dev/api/files.
    """

    name: str
    """``files/<id>``."""

    display_name: str | None = None
    mime_type: str | None = None
    size_bytes: int = 0
    create_time: dt.datetime | None = None
    update_time: dt.datetime | None = None
    expiration_time: dt.datetime | None = None
    """When the service deletes the file."""

    sha256_hash: str | None = None
    """The digest as the service spells it; `sha256` is the same in hex."""

    uri: str | None = None
    """What a `FileData` part refers to."""

    download_uri: str | None = None
    """Only on files the service generated; uploads cannot be downloaded."""

    state: FileState = FileState.UNSPECIFIED
    source: FileSource = FileSource.UNSPECIFIED
    error: RpcStatus | None = None
    """Why the file could not be processed; set in state FAILED."""

    video_metadata: Mapping[str, Any] | None = None

    @property
    def sha256(self) -> str | None:
        """SHA-256 of the content in hex, or None where the service gave none.

        The service sends base64 of the hex text; its schema says base64 of the 32 bytes.
        Both are read.
        """
        if not self.sha256_hash:
            return None
        try:
            decoded = base64.b64decode(self.sha256_hash, validate=True)
            if len(decoded) == _SHA256_BYTES:
                return decoded.hex()
            text = decoded.decode("ascii").lower()
            return text if len(bytes.fromhex(text)) == _SHA256_BYTES else None
        except (binascii.Error, ValueError):
            return None


@frozen(kw_only=True)
class StoredObject:
    """One generation of an object in Cloud Storage."""

    name: str
    """``gs://bucket/object``."""

    generation: int
    """Number of this content; another content of the same name has another."""

    size_bytes: int
    md5: str | None = None
    """MD5 of the bytes, in hex; None for composite objects."""


@frozen(kw_only=True)
class TransferProgress:
    """How far an upload or a download is."""

    done: int
    """Bytes sent or received. Goes back where an upload has to."""

    total: int | None
    """Bytes in all; None while unknown."""

    rate: float | None = None
    """Bytes per second over the last ten seconds or so; None until some time has passed."""

    @property
    def eta(self) -> float | None:
        """Seconds until the end at this rate; None while unknown, 0.0 at the end."""
        if self.total is None:
            return None
        if self.done >= self.total:
            return 0.0
        return (self.total - self.done) / self.rate if self.rate else None

    @property
    def fraction(self) -> float | None:
        """Share done, 0.0 to 1.0; None while the total is unknown."""
        if self.total is None:
            return None
        return self.done / self.total if self.total else 1.0
