"""The file of requests that did not end well, in the form of the input."""

import logging
import os
from collections.abc import AsyncIterable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

from gemini_batch._codec import Codec
from gemini_batch._io.input_file import LineReader
from gemini_batch._io.threads import in_thread
from gemini_batch._requests.checker import MAX_REQUEST_BYTES
from gemini_batch._requests.envelope import written_key
from gemini_batch._writers.resume_index import FailedKeys
from gemini_batch.errors import DecodeError, InputError

Requests: TypeAlias = str | os.PathLike[str] | Iterable[Any] | AsyncIterable[Any]

_MARK: Final = b"\xef\xbb\xbf"
_HOP: Final = 512
_TOLD: Final = 5
_log = logging.getLogger("gemini_batch._writers.write_results")


class Failures:
    """Finds the requests of keys in the input that was submitted, and writes them again."""

    def __init__(self, keys: FailedKeys) -> None:
        self._keys = keys
        self._codec = Codec()

    async def write(self, requests: Requests, path: Path) -> None:
        """Write the requests to a new file.

        Raises:
            InputError: The input cannot be read any more.
        """
        # Made here, so that no cancellation falls between making it and knowing of it.
        with path.open("xb") as file:
            if isinstance(requests, str | os.PathLike):
                await self._from_file(requests, file)
            elif isinstance(requests, AsyncIterable):
                await self._from_stream(requests, file)
            else:
                drawn = enumerate(requests, 1)
                while some := list(islice(drawn, _HOP)):
                    await in_thread(self._take, some, file)
        await in_thread(self._tell)

    async def _from_file(self, path: str | os.PathLike[str], file: IO[bytes]) -> None:
        reader = LineReader(path, max_line_bytes=MAX_REQUEST_BYTES)

        def read_some() -> bool:
            lines = reader.block()
            self._take([(n, line or b"") for n, line in lines or ()], file)
            return lines is not None

        await in_thread(reader.check)
        while await in_thread(read_some):
            pass

    async def _from_stream(self, requests: AsyncIterable[Any], file: IO[bytes]) -> None:
        some: list[tuple[int, Any]] = []
        number = 0
        async for value in requests:
            number += 1
            some.append((number, value))
            if len(some) == _HOP:
                await in_thread(self._take, some, file)
                some = []
        await in_thread(self._take, some, file)

    def _take(self, requests: Sequence[tuple[int, Any]], file: IO[bytes]) -> None:
        file.writelines(self._failed_lines(requests))

    def _failed_lines(self, requests: Sequence[tuple[int, Any]]) -> Iterator[bytes]:
        for number, value in requests:
            row = self._row(value, number)
            own = row.pop("key", None)
            # What the service echoes of inline requests has no place in a file.
            metadata = row.pop("metadata", None)
            if own is None and isinstance(metadata, Mapping):
                own = metadata.get("key")
            key = written_key(number) if own is None else own
            if row and isinstance(key, str) and self._keys.found(key):
                request = row if "request" in row else {"request": row}
                as_it_was = own is not None and metadata is None
                if as_it_was and isinstance(value, bytes):
                    yield value.removeprefix(_MARK) + b"\n"
                else:
                    yield self._codec.dumps({"key": key, **request}) + b"\n"

    def _row(self, value: Any, number: int) -> dict[str, Any]:
        if isinstance(value, str):
            value = value.encode()
        if isinstance(value, bytes | bytearray):
            try:
                value = self._codec.decode(bytes(value).removeprefix(_MARK))
            except DecodeError:
                if value.strip():
                    raise InputError.one(
                        f"request {number} of the input is not JSON",
                        remedy="Give the input as it was submitted.",
                        field="requests",
                    ) from None
                return {}
        row = self._codec.unstructure(value)
        return dict(row) if isinstance(row, Mapping) else {}

    def _tell(self) -> None:
        count, keys = self._keys.not_found(_TOLD)
        if count:
            _log.warning(
                "%d requests that did not end well are not in the input, and not in the "
                "file of failures; the first are %s",
                count,
                ", ".join(map(repr, keys)),
            )
