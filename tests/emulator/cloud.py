"""A client of the emulator's Google Cloud that shares nothing with the SDK."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
from attrs import frozen
from yarl import URL

from gemini_batch.testing import Emulator
from tests.emulator.service import Answer, request_of

TOKEN = {"Authorization": "Bearer emulator-token"}
BUCKET = "emulator-bucket"
PARENT = "/v1/projects/emulator-project/locations/us-central1"
JOBS = f"{PARENT}/batchPredictionJobs"
MODEL = "publishers/google/models/gemini-2.5-flash"
EMBEDDER = "publishers/google/models/gemini-embedding-001"
IN = f"gs://{BUCKET}/in/rows.jsonl"
OUT = f"gs://{BUCKET}/out/job-0001"
MIB = 1 << 20
UNIT = 256 * 1024
DATA = "/bigquery/v2/projects/emulator-project/datasets/data"


@frozen
class Cloud:
    """The calls of Vertex AI, Cloud Storage and BigQuery, spelt out."""

    emulator: Emulator
    session: aiohttp.ClientSession

    async def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        token: Mapping[str, str] = TOKEN,
        **options: Any,
    ) -> Answer:
        url = path if path.startswith("http") else self.emulator.url + path
        sent = {**token, **(headers or {})}
        async with self.session.request(
            method, URL(url, encoded=True), headers=sent, allow_redirects=False, **options
        ) as response:
            return Answer(response.status, response.headers.copy(), await response.read())

    # Vertex AI.

    async def create(self, *, location: str = "us-central1", **members: Any) -> Answer:
        path = JOBS.replace("us-central1", location)
        return await self.call("POST", path, json=body_of(**members))

    async def create_from(self, rows: bytes, **members: Any) -> str:
        """Store an input, make a job of it and return its name."""
        self.emulator.objects.put(IN, rows)
        answer = await self.create(**members)
        assert answer.status == 200, answer.body
        return str(answer.json["name"])

    async def get(self, name: str) -> dict[str, Any]:
        answer = await self.call("GET", f"/v1/{name}")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json
        return found

    async def listed(self, **query: str) -> list[str]:
        """Return the display names of a list."""
        text = "&".join(f"{name}={quote(value)}" for name, value in query.items())
        answer = await self.call("GET", f"{JOBS}?{text}")
        assert answer.status == 200, answer.body
        return [job["displayName"] for job in answer.json.get("batchPredictionJobs", ())]

    def output(self, job: Mapping[str, Any], name: str = "predictions.jsonl") -> bytes:
        """Return what is in an object of a job's output."""
        folder = job["outputInfo"]["gcsOutputDirectory"]
        return self.emulator.objects[f"{folder}/{name}"].read()

    def rows(self, job: Mapping[str, Any], name: str = "predictions.jsonl") -> list[Any]:
        return [json.loads(line) for line in self.output(job, name).splitlines()]

    # Cloud Storage.

    async def start(
        self,
        name: str,
        *,
        size: int | None = None,
        metadata: Any = None,
        bucket: str = BUCKET,
        **query: Any,
    ) -> Answer:
        """Begin a resumable upload."""
        text = "".join(f"&{key}={value}" for key, value in query.items())
        headers = {"X-Upload-Content-Type": "application/jsonl"}
        if size is not None:
            headers["X-Upload-Content-Length"] = str(size)
        path = f"/upload/storage/v1/b/{bucket}/o?uploadType=resumable"
        return await self.call(
            "POST",
            f"{path}&name={quote(name, safe='')}{text}",
            headers=headers,
            json=metadata or {},
        )

    async def session_for(self, name: str, **options: Any) -> str:
        answer = await self.start(name, **options)
        assert answer.status == 200, answer.body
        return str(answer.headers["Location"])

    async def send(
        self, session: str, data: bytes, start: int = 0, total: int | None = None
    ) -> Answer:
        """Send a chunk; a session is its own credential."""
        told = "*" if total is None else total
        headers = {"Content-Range": f"bytes {start}-{start + len(data) - 1}/{told}"}
        return await self.call("PUT", session, headers=headers, token={}, data=data)

    async def ask(self, session: str, total: int | str = "*") -> Answer:
        """Ask what a session holds."""
        headers = {"Content-Range": f"bytes */{total}"}
        return await self.call("PUT", session, headers=headers, token={})

    async def read(self, name: str, query: str = "", **headers: str) -> Answer:
        return await self.call(
            "GET", f"{object_path(name)}?alt=media{query}", headers=headers
        )

    async def receive(self, name: str, into: bytearray) -> None:
        """Keep what arrives of an object, even if the connection breaks."""
        url = URL(f"{self.emulator.url}{object_path(name)}?alt=media", encoded=True)
        async with self.session.get(url, headers=TOKEN) as response:
            async for piece in response.content.iter_any():
                into += piece


def object_path(name: str) -> str:
    return f"/storage/v1/b/{BUCKET}/o/{quote(name, safe='')}"


def body_of(**members: Any) -> dict[str, Any]:
    """Return the body of a create; members of None are left out."""
    body = {
        "displayName": "test",
        "model": MODEL,
        "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": [IN]}},
        "outputConfig": {
            "predictionsFormat": "jsonl",
            "gcsDestination": {"outputUriPrefix": OUT},
        },
        **members,
    }
    return {name: value for name, value in body.items() if value is not None}


def keyed(prompts: Iterable[str]) -> bytes:
    """Return an input whose keys are ``row-0``, ``row-1``, …"""
    return lines_of(
        {"key": f"row-{index}", "request": request_of(prompt)}
        for index, prompt in enumerate(prompts)
    )


def lines_of(rows: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)
