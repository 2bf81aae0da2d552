"""Stored files: their contents on disk, their records in memory."""

import base64
import datetime as dt
import hashlib
import os
import secrets
import string
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import define

from gemini_batch.testing.emulator.core.clock import stamp

_ALPHABET = string.ascii_lowercase + string.digits
_HASH_BLOCK = 1 << 20


def new_id(length: int) -> str:
    """Return a random id of lower-case letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


@define(kw_only=True, eq=False)
class StoredFile:
    """One file the emulator holds."""

    name: str
    """``files/<id>``."""

    path: Path
    """Where its bytes are."""

    size: int
    """Bytes."""

    sha256: str
    """Digest of its bytes, in hex."""

    mime_type: str
    display_name: str = ""
    source: str = "UPLOADED"
    state: str = "ACTIVE"
    create_time: dt.datetime
    expire_time: dt.datetime
    """From this moment on it can no longer be reached."""

    error: Mapping[str, Any] | None = None

    def read(self) -> bytes:
        """Return its bytes, all at once."""
        return self.path.read_bytes()

    def resource(self, base_url: str) -> dict[str, Any]:
        """Return the File resource as it stands in answers."""
        created = stamp(self.create_time, digits=6)
        uri = f"{base_url}/v1beta/{self.name}"
        value: dict[str, Any] = {"name": self.name}
        if self.display_name:
            value["displayName"] = self.display_name
        value |= {"mimeType": self.mime_type, "sizeBytes": str(self.size)}
        value |= {"createTime": created, "updateTime": created}
        if not self.size:
            del value["sizeBytes"]
        if self.source == "UPLOADED":
            value["expirationTime"] = stamp(self.expire_time, digits=6)
            # The service encodes the hex text of the digest, not its bytes.
            value["sha256Hash"] = base64.b64encode(self.sha256.encode()).decode()
        value["uri"] = uri
        if self.source == "GENERATED":
            value["downloadUri"] = f"{uri}:download?alt=media"
        value |= {"state": self.state, "source": self.source}
        if self.error is not None:
            value["error"] = dict(self.error)
        return value


class Store(Mapping[str, StoredFile]):
    """All files, by name, oldest first."""

    def __init__(self) -> None:
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._folder: Path | None = None
        self._files: dict[str, StoredFile] = {}
        self._sequence: dict[str, int] = {}
        self._next = 1
        self.on_add: Callable[[StoredFile, int], None] = lambda *_: None
        """Called with each new file and its place in the order of creation."""

        self.on_remove: Callable[[str], None] = lambda _: None
        """Called with the name of each file that goes."""

    def open(self, folder: Path | None = None) -> None:
        """Make room on the disk; without a `folder`, for as long as the store is open."""
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="gemini-emulator-")
            folder = Path(self._temporary.name)
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def __getitem__(self, name: str) -> StoredFile:
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._files))

    def __len__(self) -> int:
        return len(self._files)

    def add(self, file: StoredFile) -> None:
        """Take a file in, under its name."""
        sequence = self._next
        self.on_add(file, sequence)
        self.restore(file, sequence)

    def restore(self, file: StoredFile, sequence: int) -> None:
        """Take in a file that was known before."""
        self._files[file.name] = file
        self._sequence[file.name] = sequence
        self._next = max(self._next, sequence + 1)

    def newest_first(self) -> list[tuple[int, StoredFile]]:
        """Return all files with their places in the order of creation."""
        return [(self._sequence[name], self._files[name]) for name in reversed(self._files)]

    def remove(self, name: str) -> None:
        """Forget a file and free its space."""
        self.on_remove(name)
        self._files.pop(name).path.unlink(missing_ok=True)
        del self._sequence[name]

    def new_path(self) -> Path:
        """Return the path of a file that does not exist yet."""
        if self._folder is None:
            raise RuntimeError("the store is not open")
        return self._folder / new_id(24)

    def keep(self, file: StoredFile, path: Path) -> None:
        """Make a file's bytes reachable at a second path, which outlives the file."""
        self.link(file.path, path)

    def link(self, source: Path, path: Path) -> None:
        """Make what is at `source` reachable at a second path, which outlives the first."""
        os.link(source, path)

    def sweep(self, known: Collection[Path]) -> None:
        """Remove from the disk what is neither a file here nor among `known`."""
        if self._folder is not None:
            kept = {file.path for file in self._files.values()} | set(known)
            for path in self._folder.iterdir():
                if path not in kept:
                    path.unlink()

    def close(self) -> None:
        """Remove from the disk what was only for as long as it is open."""
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None
        self._folder = None


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file on disk, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_HASH_BLOCK):
            digest.update(block)
    return digest.hexdigest()
