"""Result files of two kinds, and the programs that read them row by row.

*Wide* rows have what models sent for years, four safety ratings among it: 1.5 kB. *Lean* rows
have what current models send, text, finish reason and usage: 1 kB.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from attrs import frozen

from benchmarks._clients import AIO, genai_client, our_api
from benchmarks._data import result_bytes, result_rows, write_rows
from benchmarks._job import Run, Setting

if TYPE_CHECKING:
    from google import genai

    from gemini_batch import BatchResult

WARM: Final = 200
"""Rows of the file that is read before anything is measured."""

KEYS: Final = "gemini_batch: key and raw"
TEXTS: Final = "gemini_batch: text"
STRUCTURED: Final = "gemini_batch: response, structured"
STREAM: Final = "aiohttp: stream, discard"
DECODE: Final = "aiohttp: stream, split lines, orjson.loads"
THEIR_KEYS: Final = f"{AIO}: download(), json.loads of bytes, key and dict"
THEIR_DICTS: Final = f"{AIO}: download(), json.loads of bytes, text of the dict"
THEIR_MODELS: Final = f"{AIO}: download(), json.loads of bytes, model_validate"
THEIR_GUIDE: Final = f"{AIO}: download(), json.loads, text of the dict"
THEIRS: Final = f"{AIO}: download(), json.loads, model_validate"
THEIR_TEXT: Final = f"{AIO}: download(), json.loads, model_validate, .text"
THEIR_FILE: Final = f"{AIO}: download(destination=file), json.loads, model_validate"
"""Theirs: ``json.loads`` is of lines of the decoded text, as the guide has it, or of bytes."""


@frozen
class ResultFiles:
    """Result files of one kind of rows; the job that a file belongs to has its name."""

    prefix: str
    lean: bool

    def name(self, rows: int) -> str:
        """Return the name of a file, and of its job."""
        return f"{self.prefix}{rows}"

    def prepare(self, data: Path, sizes: tuple[int, ...]) -> None:
        """Write a file per size, and a small one to warm up with."""
        for rows in (*sizes, WARM):
            path = data / f"{self.name(rows)}.jsonl"
            write_rows(path, result_rows(rows, lean=self.lean))

    def url(self, setting: Setting, rows: int) -> str:
        """Return the address of a file's content."""
        return f"{setting.url}/v1beta/files/{self.name(rows)}:download?alt=media"

    # Ours

    def keys(self) -> Run:
        """Return a run of ours that looks at keys and raw rows."""
        return self._ours(lambda result: bool(result.key and result.raw))

    def texts(self) -> Run:
        """Return a run of ours that reads the texts."""
        return self._ours(lambda result: bool(result.text))

    def structured(self) -> Run:
        """Return a run of ours that has every answer structured."""
        return self._ours(lambda result: result.response is not None)

    def _ours(self, look: Callable[["BatchResult"], bool]) -> Run:
        async def run(setting: Setting) -> int:
            from gemini_batch import Client

            async with Client(our_api(setting.url)) as client:
                async for result in client.batches.results(f"batches/{self.name(WARM)}"):
                    look(result)
                count = 0
                name = f"batches/{self.name(setting.size)}"
                with setting.meter:
                    async for result in client.batches.results(name):
                        count += look(result)
            return count

        return run

    # Floors

    async def discard(self, setting: Setting) -> int:
        """Stream a file and forget it."""
        import aiohttp

        async def take(session: aiohttp.ClientSession, rows: int) -> int:
            held = 0
            async with session.get(self.url(setting, rows)) as response:
                async for piece in response.content.iter_any():
                    held += len(piece)
            return held

        async with aiohttp.ClientSession() as session:
            await take(session, WARM)
            with setting.meter:
                held = await take(session, setting.size)
        due = result_bytes(setting.size, lean=self.lean)
        if held != due:
            raise RuntimeError(f"{held} bytes came instead of {due}")
        return setting.size

    async def decode(self, setting: Setting) -> int:
        """Stream a file and decode each row to mappings."""
        import aiohttp
        import orjson

        async def rows(session: aiohttp.ClientSession, wanted: int) -> int:
            count = 0
            rest = b""
            async with session.get(self.url(setting, wanted)) as response:
                async for piece in response.content.iter_any():
                    *lines, rest = (rest + piece).split(b"\n")
                    for line in lines:
                        count += "response" in orjson.loads(line)
            return count

        async with aiohttp.ClientSession() as session:
            await rows(session, WARM)
            with setting.meter:
                return await rows(session, setting.size)

    # Theirs

    async def decoded(self, client: "genai.Client", rows: int) -> Iterable[str]:
        """Return the lines of a file as the guide does: downloaded, decoded and split."""
        content = await client.aio.files.download(file=f"files/{self.name(rows)}")
        # Not `splitlines`, as the guide has it: it would cut rows at U+2028 and U+0085.
        return content.decode("utf-8").split("\n")

    async def in_memory(self, client: "genai.Client", rows: int) -> Iterable[bytes]:
        """Return the lines of a file as bytes: of what was tried, the quickest way.

        One emoji makes a decoded text four bytes a character, and a list of lines is as much
        again; `json.loads` decodes each line by itself.
        """
        content = await client.aio.files.download(file=f"files/{self.name(rows)}")
        return io.BytesIO(content)

    async def in_file(
        self, client: "genai.Client", rows: int, folder: Path
    ) -> Iterable[bytes]:
        """Return the lines of a file that was downloaded to a file."""
        path = folder / "downloaded.jsonl"
        await client.aio.files.download(file=f"files/{self.name(rows)}", destination=path)

        def lines() -> Iterator[bytes]:
            with path.open("rb") as file:
                yield from file
            path.unlink()

        return lines()

    def theirs(
        self,
        looking: Callable[[], Callable[[Any], bool]],
        *,
        way: Literal["decoded", "bytes", "file"],
    ) -> Run:
        """Return a run of theirs.

        Args:
            looking: Makes what looks at each row, a mapping; what it imports is not measured.
            way: How lines are made of the download.
        """

        async def run(setting: Setting) -> int:
            import json

            client = genai_client(setting.url)
            look = looking()

            async def lines(wanted: int) -> Iterable[str | bytes]:
                if way == "decoded":
                    return await self.decoded(client, wanted)
                if way == "bytes":
                    return await self.in_memory(client, wanted)
                return await self.in_file(client, wanted, setting.data)

            async def rows(wanted: int) -> int:
                return sum(look(json.loads(line)) for line in await lines(wanted) if line)

            try:
                await rows(WARM)
                with setting.meter:
                    return await rows(setting.size)
            finally:
                await client.aio.aclose()

        return run


WIDE: Final = ResultFiles("rows", lean=False)
LEAN: Final = ResultFiles("lean", lean=True)


def key_and_dict() -> Callable[[Any], bool]:
    """Return what looks at the key and the answer, a mapping."""
    return lambda row: bool(row["key"] and row["response"])


def text_of_dict() -> Callable[[Any], bool]:
    """Return what looks at the text of the answer, a mapping."""
    return lambda row: bool(row["response"]["candidates"][0]["content"]["parts"][0]["text"])


def model() -> Callable[[Any], bool]:
    """Return what makes google-genai's model of an answer."""
    from google.genai import types

    validate = types.GenerateContentResponse.model_validate
    return lambda row: validate(row["response"]) is not None


def text_of_model() -> Callable[[Any], bool]:
    """Return what reads the text of google-genai's model."""
    from google.genai import types

    validate = types.GenerateContentResponse.model_validate
    return lambda row: bool(validate(row["response"]).text)
