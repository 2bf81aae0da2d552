"""Objects of Cloud Storage: their contents on disk, their records in memory."""

import base64
import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from attrs import define, field

from gemini_batch.testing.emulator.core.clock import Clock, stamp
from gemini_batch.testing.emulator.core.file_store import Store
from gemini_batch.testing.emulator.google_cloud.crc32c import crc32c

_BLOCK: Final = 1 << 20
_SCHEME: Final = "gs://"


@define
class Sums:
    """Size and checksums of bytes that come one after the other."""

    size: int = 0
    crc: int = 0
    md5: Any = field(factory=lambda: hashlib.md5(usedforsecurity=False))

    def add(self, data: bytes) -> None:
        """Take in the next bytes."""
        self.size += len(data)
        self.crc = crc32c(data, self.crc)
        self.md5.update(data)

    @property
    def crc32c(self) -> str:
        """CRC-32C as Cloud Storage writes it: big-endian, in base64."""
        return base64.b64encode(self.crc.to_bytes(4, "big")).decode()

    @property
    def md5_hash(self) -> str:
        """MD5 in base64."""
        return base64.b64encode(self.md5.digest()).decode()


def sums_of(path: Path) -> Sums:
    """Return size and checksums of a file on disk. Blocks; run it in a thread."""
    sums = Sums()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            sums.add(block)
    return sums


@define(kw_only=True, eq=False)
class StoredObject:
    """One object the emulator holds."""

    bucket: str
    name: str
    generation: int
    path: Path
    """Where its bytes are."""

    size: int
    """Bytes."""

    crc32c: str
    md5_hash: str
    content_type: str
    metadata: Mapping[str, str] = field(factory=dict)
    create_time: dt.datetime

    @property
    def uri(self) -> str:
        """``gs://bucket/name``."""
        return f"{_SCHEME}{self.bucket}/{self.name}"

    def read(self) -> bytes:
        """Return its bytes, all at once."""
        return self.path.read_bytes()

    def resource(self, base_url: str) -> dict[str, Any]:
        """Return the Object resource as it stands in answers."""
        created = stamp(self.create_time, digits=3)
        path = f"storage/v1/b/{self.bucket}/o/{quote(self.name, safe='')}"
        media = f"{base_url}/download/{path}?generation={self.generation}&alt=media"
        value: dict[str, Any] = {
            "kind": "storage#object",
            "id": f"{self.bucket}/{self.name}/{self.generation}",
            "selfLink": f"{base_url}/{path}",
            "mediaLink": media,
            "name": self.name,
            "bucket": self.bucket,
            "generation": str(self.generation),
            "metageneration": "1",
            "contentType": self.content_type,
            "storageClass": "STANDARD",
            # Unlike the newer APIs this one writes zeros.
            "size": str(self.size),
            "md5Hash": self.md5_hash,
            "crc32c": self.crc32c,
            "etag": base64.b64encode(f"{self.generation}".encode()).decode(),
            "timeCreated": created,
            "updated": created,
        }
        return {**value, "metadata": dict(self.metadata)} if self.metadata else value


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and object name of a ``gs://`` URI; the name may be empty.

    Raises:
        ValueError: It is none.
    """
    bucket, _, name = uri.removeprefix(_SCHEME).partition("/")
    if not uri.startswith(_SCHEME) or not bucket:
        raise ValueError(f"not a gs:// URI: {uri!r}")
    return bucket, name


class Buckets(Mapping[str, StoredObject]):
    """All objects, by their ``gs://`` URI.

    Args:
        store: Where there is room on the disk.
        clock: Where it reads the time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._buckets: dict[str, dict[str, StoredObject]] = {}
        self._last_generation = 0
        self.at_home: Callable[[Callable[[], None]], None] = lambda call: call()
        """Makes a call where requests are answered; `put` may come from elsewhere."""

        self.on_bucket: Callable[[str], None] = lambda _: None
        """Called with the name of each new bucket."""

        self.on_put: Callable[[StoredObject], None] = lambda _: None
        """Called with each new object."""

        self.on_remove: Callable[[StoredObject], None] = lambda _: None
        """Called with each object that goes."""

    def __getitem__(self, uri: str) -> StoredObject:
        try:
            bucket, name = split_uri(uri)
        except ValueError:
            raise KeyError(uri) from None
        return self._buckets.get(bucket, {})[name]

    def __iter__(self) -> Iterator[str]:
        return iter([o.uri for objects in self._buckets.values() for o in objects.values()])

    def __len__(self) -> int:
        return sum(map(len, self._buckets.values()))

    def has_bucket(self, bucket: str) -> bool:
        """Tell whether there is a bucket of that name."""
        return bucket in self._buckets

    def add_bucket(self, bucket: str) -> None:
        """Make a bucket, unless there is one of that name."""
        if bucket not in self._buckets:
            self.on_bucket(bucket)
            self._buckets[bucket] = {}

    def find(self, bucket: str, name: str) -> StoredObject | None:
        """Return an object; None if there is none."""
        return self._buckets.get(bucket, {}).get(name)

    def sorted(self, bucket: str) -> list[StoredObject]:
        """Return the objects of a bucket in the order of lists."""
        objects = self._buckets[bucket]
        return [objects[name] for name in sorted(objects, key=str.encode)]

    def put(self, uri: str, data: bytes, content_type: str = "application/jsonl") -> None:
        """Store an object; its bucket is made if it is not there."""
        bucket, name = split_uri(uri)
        path = self._store.new_path()
        path.write_bytes(data)
        sums = Sums()
        sums.add(data)

        def take_in() -> None:
            self.add_bucket(bucket)
            self.add(bucket, name, path=path, sums=sums, content_type=content_type)

        self.at_home(take_in)

    def add(
        self,
        bucket: str,
        name: str,
        *,
        path: Path,
        sums: Sums,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        created: dt.datetime | None = None,
    ) -> StoredObject:
        """Take in bytes that are on the disk, in place of an object of that name."""
        now = created or self._clock.now()
        generation = max(self._last_generation + 1, int(now.timestamp() * 1e6))
        added = StoredObject(
            bucket=bucket,
            name=name,
            generation=generation,
            path=path,
            size=sums.size,
            crc32c=sums.crc32c,
            md5_hash=sums.md5_hash,
            content_type=content_type,
            metadata=dict(metadata or {}),
            create_time=now,
        )
        before = self.find(bucket, name)
        self.on_put(added)
        self.restore(added)
        if before is not None:
            before.path.unlink(missing_ok=True)
        return added

    def restore(self, known: StoredObject) -> None:
        """Take in an object that was known before."""
        self._buckets.setdefault(known.bucket, {})[known.name] = known
        self._last_generation = max(self._last_generation, known.generation)

    def remove(self, gone: StoredObject) -> None:
        """Forget an object and free its space."""
        self.on_remove(gone)
        del self._buckets[gone.bucket][gone.name]
        gone.path.unlink(missing_ok=True)
