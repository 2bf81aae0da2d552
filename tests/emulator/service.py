"""A client of the emulator that shares nothing with the SDK: aiohttp and literal wire names."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
from attrs import frozen

from gemini_batch.testing import Emulator

RECORDED = Path(__file__).parent.parent / "recorded"
KEY = {"x-goog-api-key": "emulator-key"}


@frozen
class Answer:
    """What came back, all of it read."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        return str(self.json["error"]["message"])


@frozen
class Service:
    """The calls of the service, spelt out."""

    emulator: Emulator
    session: aiohttp.ClientSession

    async def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Answer:
        url = path if path.startswith("http") else self.emulator.url + path
        sent = KEY if headers is None else headers
        async with self.session.request(method, url, headers=sent, **options) as response:
            return Answer(response.status, response.headers.copy(), await response.read())

    async def receive(self, path: str, into: bytearray) -> None:
        """Keep what arrives, even if the connection breaks."""
        async with self.session.get(self.emulator.url + path, headers=KEY) as response:
            assert response.status == 200
            async for chunk in response.content.iter_any():
                into += chunk

    async def start_upload(self, size: int | None = None, **file: Any) -> Answer:
        headers = {
            **KEY,
            "X-Goog-Upload-Protocol": "resumable",
            "X-Goog-Upload-Command": "start",
            "X-Goog-Upload-Header-Content-Type": "application/jsonl",
        }
        if size is not None:
            headers["X-Goog-Upload-Header-Content-Length"] = str(size)
        return await self.call(
            "POST", "/upload/v1beta/files", headers=headers, json={"file": file}
        )

    async def send(
        self, url: str, command: str, offset: int | None = None, data: bytes = b""
    ) -> Answer:
        headers = {"X-Goog-Upload-Command": command}
        if offset is not None:
            headers["X-Goog-Upload-Offset"] = str(offset)
        return await self.call("POST", url, headers=headers, data=data)

    async def upload(self, data: bytes, **file: Any) -> dict[str, Any]:
        start = await self.start_upload(len(data), **file)
        url = start.headers["X-Goog-Upload-URL"]
        answer = await self.send(url, "upload, finalize", 0, data)
        assert answer.status == 200, answer.body
        stored = answer.json["file"]
        assert isinstance(stored, dict)
        return stored

    async def create(
        self,
        batch: Mapping[str, Any],
        *,
        model: str = "models/gemini-2.5-flash",
        method: str = "batchGenerateContent",
        **options: Any,
    ) -> Answer:
        path = f"/v1beta/{model}:{method}"
        return await self.call("POST", path, json={"batch": batch}, **options)

    async def create_inline(self, *prompts: str, **batch: Any) -> str:
        rows = [
            {"request": request_of(prompt), "metadata": {"key": f"row-{index}"}}
            for index, prompt in enumerate(prompts)
        ]
        config = {"requests": {"requests": rows}}
        answer = await self.create({"displayName": "test", **batch, "inputConfig": config})
        assert answer.status == 200, answer.body
        return str(answer.json["name"])

    async def create_from(self, prompts: Iterable[str], **batch: Any) -> str:
        file = await self.upload(jsonl(prompts))
        config = {"fileName": file["name"]}
        answer = await self.create({"displayName": "test", **batch, "inputConfig": config})
        assert answer.status == 200, answer.body
        return str(answer.json["name"])

    async def get(self, name: str) -> dict[str, Any]:
        answer = await self.call("GET", f"/v1beta/{name}")
        assert answer.status == 200, answer.body
        value = answer.json
        assert isinstance(value, dict)
        return value

    async def download(self, name: str, **headers: str) -> Answer:
        path = f"/download/v1beta/{name}:download?alt=media"
        return await self.call("GET", path, headers={**KEY, **headers})


def request_of(prompt: str, **options: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": prompt}]}], **options}


def jsonl(prompts: Iterable[str]) -> bytes:
    rows = [
        {"key": f"row-{index}", "request": request_of(prompt)}
        for index, prompt in enumerate(prompts)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def recorded(path: str) -> Any:
    return json.loads((RECORDED / path).read_text())


def shape(value: Any) -> Any:
    """The members and types of a JSON value, without its figures and texts."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shape(member) for member in value[:1]]
    return type(value).__name__
