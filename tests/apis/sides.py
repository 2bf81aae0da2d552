"""The two APIs as scenarios meet them: what truly differs is here, and nowhere else."""

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from gemini_batch import BatchJob, Client
from gemini_batch.testing import Emulator, Fault, ManualClock
from gemini_batch.testing.emulator import Job, VertexJob
from gemini_batch.testing.faults import RowEffect
from gemini_batch.types import DeveloperAPI, VertexAI

KEY = "AIzaPLANTED0123456789abcdefghijklmnop"
"""The key of the Developer API that the emulator accepts."""

TOKEN = "emulator-token"
"""How the access tokens begin that the emulator accepts."""

Which = Mapping[str, Any]
"""Members of a `Fault` that say which requests it hits."""


class Side:
    """One of the APIs, on an emulator: where things are, and how they are steered."""

    title: ClassVar[str]
    """How errors call it."""

    CREATE: ClassVar[Which]
    LIST: ClassVar[Which]
    LOOK: ClassVar[Which]
    READ: ClassVar[Which]
    """Reading the bytes of stored results."""

    foreign: ClassVar[Mapping[str, Any]]
    """Options of a create that only the other API has."""

    prefix: ClassVar[str]
    """What states begin with on the wire."""

    def __init__(self, emulator: Emulator, clock: ManualClock) -> None:
        self.emulator = emulator
        self.clock = clock

    @property
    def settings(self) -> DeveloperAPI | VertexAI:
        """What a client needs."""
        raise NotImplementedError

    @property
    def jobs(self) -> Mapping[str, Job] | Mapping[str, VertexJob]:
        """The service's jobs by name."""
        raise NotImplementedError

    @property
    def stored(self) -> list[str]:
        """Names of all that has been uploaded, or written by jobs."""
        raise NotImplementedError

    async def store(self, client: Client, data: bytes) -> dict[str, Any]:
        """Store rows, and return what `create` takes for them."""
        raise NotImplementedError

    def rows_of(self, job: BatchJob) -> list[dict[str, Any]]:
        """Return the rows that the service was given for the latest job, by `submit`."""
        raise NotImplementedError

    def odd_rows(self, *effects: RowEffect) -> None:
        """Let something be wrong with the stored results of the next job."""
        raise NotImplementedError

    def partial(self, job: BatchJob) -> None:
        """Let a job that has ended be one that did so in part."""
        raise NotImplementedError

    def fault(self, which: Which, **members: Any) -> None:
        """Let something go wrong with requests."""
        self.emulator.faults.append(Fault(**{**which, **members}))

    def count(self, which: Which) -> int:
        """Return how many requests of a kind there were."""
        return sum(
            entry.method == which["method"] and fnmatchcase(entry.path, which["path"])
            for entry in self.emulator.log
        )

    def script(self, job: BatchJob, *looks: str | Mapping[str, Any]) -> None:
        """Fix the course of a job: states without their prefix, or members beside a state."""
        self.emulator.script(job.name, *(self._look(look) for look in looks))

    def _look(self, look: str | Mapping[str, Any]) -> str | dict[str, Any]:
        if isinstance(look, str):
            return f"{self.prefix}{look}"
        return {**look, "state": f"{self.prefix}{look['state']}"}


class Developer(Side):
    """The Gemini Developer API: rows inline or in files."""

    title = "the Gemini Developer API"
    CREATE: ClassVar[Which] = {"method": "POST", "path": "*:*atch*Content"}
    LIST: ClassVar[Which] = {"method": "GET", "path": "*/batches"}
    LOOK: ClassVar[Which] = {"method": "GET", "path": "*/batches/*"}
    READ: ClassVar[Which] = {"method": "GET", "path": "*:download"}
    foreign: ClassVar[Mapping[str, Any]] = {
        "gcs_uri": "gs://bucket/object.jsonl",
        "bigquery_uri": "bq://project.dataset.table",
        "vertex_dataset": "123",
        "dest": "gs://bucket/prefix",
        "labels": {"team": "search"},
        "service_account": "bot@project.iam.gserviceaccount.com",
        "kms_key_name": "projects/p/locations/l/keyRings/r/cryptoKeys/k",
    }
    prefix = "BATCH_STATE_"

    @property
    def settings(self) -> DeveloperAPI:
        return self.emulator.api

    @property
    def jobs(self) -> Mapping[str, Job]:
        return self.emulator.jobs

    @property
    def stored(self) -> list[str]:
        return list(self.emulator.files)

    async def store(self, client: Client, data: bytes) -> dict[str, Any]:
        return {"file_name": await client.files.upload(data)}

    def rows_of(self, job: BatchJob) -> list[dict[str, Any]]:
        (body,) = (e.body for e in self.emulator.log[-1:])
        sent = json.loads(body or b"")["batch"]["inputConfig"]["requests"]["requests"]
        return [{"key": row["metadata"]["key"], "request": row["request"]} for row in sent]

    def odd_rows(self, *effects: RowEffect) -> None:
        self.emulator.faults.append(Fault.odd_rows(*effects))

    def partial(self, job: BatchJob) -> None:
        assert job.dest is not None
        output = {"responsesFile": job.dest.file_name}
        self.script(job, {"state": "PARTIALLY_SUCCEEDED", "output": output})


class Vertex(Side):
    """Vertex AI: rows in Cloud Storage."""

    title = "Vertex AI"
    CREATE: ClassVar[Which] = {"method": "POST", "path": "*/batchPredictionJobs"}
    LIST: ClassVar[Which] = {"method": "GET", "path": "*/batchPredictionJobs"}
    LOOK: ClassVar[Which] = {"method": "GET", "path": "*/batchPredictionJobs/*"}
    READ: ClassVar[Which] = {"method": "GET", "path": "/storage/v1/b/*/o/*"}
    foreign: ClassVar[Mapping[str, Any]] = {
        "file_name": "files/abc",
        "inlined_requests": [{"contents": [{"parts": [{"text": "Hello"}]}]}],
        "priority": 1,
    }
    prefix = "JOB_STATE_"

    @property
    def settings(self) -> VertexAI:
        return self.emulator.vertex

    @property
    def jobs(self) -> Mapping[str, VertexJob]:
        return self.emulator.vertex_jobs

    @property
    def stored(self) -> list[str]:
        return list(self.emulator.objects)

    async def store(self, client: Client, data: bytes) -> dict[str, Any]:
        uri = f"gs://emulator-bucket/in/{len(self.stored)}.jsonl"
        self.emulator.objects.put(uri, data)
        return {"gcs_uri": uri}

    def rows_of(self, job: BatchJob) -> list[dict[str, Any]]:
        (uri,) = job.source.gcs_uris
        lines = self.emulator.objects[uri].read().splitlines()
        return [json.loads(line) for line in lines]

    def odd_rows(self, *effects: RowEffect) -> None:
        # They are written as they are to be read.
        self.fault(self.CREATE, rows=effects)

    def partial(self, job: BatchJob) -> None:
        self.script(job, "PARTIALLY_SUCCEEDED")
