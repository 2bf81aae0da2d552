"""The endpoints of Vertex AI's batch prediction jobs."""

import datetime as dt
import secrets
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web
from anyio.to_thread import run_sync
from attrs import define, field

from gemini_batch.testing.emulator.core.clock import Clock, seconds, stamp
from gemini_batch.testing.emulator.core.errors import Refusal, failed_precondition
from gemini_batch.testing.emulator.core.limits import Limits
from gemini_batch.testing.emulator.core.page_tokens import sequence_of, token_after
from gemini_batch.testing.emulator.google_cloud.project import (
    PROJECT,
    PROJECT_NUMBER,
)
from gemini_batch.testing.emulator.http.web import (
    Call,
    checked_json,
    checked_query,
    json_answer,
    page_size,
    read_body,
)
from gemini_batch.testing.emulator.vertex.create import JobMaker
from gemini_batch.testing.emulator.vertex.filters import parse_filter
from gemini_batch.testing.emulator.vertex.jobs import (
    VertexJob,
    VertexMoment,
    resource_of,
    take_look,
)
from gemini_batch.testing.emulator.vertex.registry import VertexJobs

_KIND: Final = "batchPredictionJobs"
_PAGE_SIZE: Final = 100
_TYPES: Final = "type.googleapis.com/google."


@define(kw_only=True)
class Vertex:
    """Everything behind ``/projects/…/locations/…``."""

    jobs: VertexJobs
    maker: JobMaker
    clock: Clock
    limits: Limits
    operations: dict[str, dt.datetime] = field(factory=dict)
    """Ids of the operations there are, with the moments they began."""

    def _location(self, call: Call, permission: str) -> str:
        """Return the location that a path is about.

        Raises:
            Refusal: 403, it is in another project.
        """
        project, location = call.names["project"], call.names["location"]
        if project in {PROJECT, PROJECT_NUMBER}:
            return location
        resource = f"projects/{project}/locations/{location}"
        permission = f"aiplatform.{_KIND}.{permission}"
        info = {
            "@type": f"{_TYPES}rpc.ErrorInfo",
            "reason": "IAM_PERMISSION_DENIED",
            "domain": "aiplatform.googleapis.com",
            "metadata": {"resource": resource, "permission": permission},
        }
        text = (
            f"Permission '{permission}' denied on resource"
            f" '//aiplatform.googleapis.com/{resource}' (or it may not exist)."
        )
        raise Refusal(403, text, details=[info])

    def _find(self, call: Call, permission: str) -> VertexJob:
        location = self._location(call, permission)
        parent = f"projects/{PROJECT_NUMBER}/locations/{location}"
        name = f"{parent}/{_KIND}/{call.names['id']}"
        job = self.jobs.get(name)
        if job is None:
            raise Refusal(404, f'The BatchPredictionJob "{name}" does not exist.')
        return job

    async def create(self, call: Call) -> web.StreamResponse:
        """Answer ``batchPredictionJobs.create``. Its input is read when it starts."""
        checked_query(call, ())
        location = self._location(call, "create")
        call.body = await read_body(call, self.limits.max_request_bytes)
        body = await run_sync(checked_json, "BatchPredictionJob", call.body)
        job = self.maker.make(body, location, call.fault)
        made = VertexMoment(state="JOB_STATE_PENDING", update_time=job.create_time)
        self.jobs.add(job)
        # As it was made, however fast the clock runs.
        return json_answer(resource_of(job, made))

    async def get(self, call: Call) -> web.StreamResponse:
        """Answer ``batchPredictionJobs.get``: one look at a job."""
        checked_query(call, ())
        job = self._find(call, "get")
        take_look(job, self.clock.now())
        if job.course:
            self.jobs.on_change(job)
        moment = await self.jobs.advance(job)
        if job.abandoned:
            raise Refusal(404)
        return json_answer(resource_of(job, moment))

    async def list(self, call: Call) -> web.StreamResponse:
        """Answer ``batchPredictionJobs.list``: newest first, as far as the filter lets."""
        query = checked_query(call, ("filter", "pageSize", "pageToken", "readMask"))
        location = self._location(call, "list")
        size = page_size(query, default=_PAGE_SIZE, most=self.limits.max_page_size)
        token = query.get("pageToken", "")
        before = sequence_of(token, _KIND) if token else None
        passes = parse_filter(query["filter"]) if query.get("filter", "").strip() else None
        found = []
        for job in sorted(self.jobs.values(), key=lambda job: -job.sequence):
            if job.location != location or not (before is None or job.sequence < before):
                continue
            value = resource_of(job, self.jobs.moment(job))
            if passes is None or passes(_facts(job, value)):
                found.append((job.sequence, value))
        page = found[:size]
        answer: dict[str, Any] = {}
        if page:
            mask = query.get("readMask", "")
            answer[_KIND] = [_masked(value, mask) for _, value in page]
        if len(found) > size:
            answer["nextPageToken"] = token_after(page[-1][0], _KIND)
        return json_answer(answer)

    async def cancel(self, call: Call) -> web.StreamResponse:
        """Answer ``batchPredictionJobs.cancel``. The job is cancelled some time later."""
        checked_query(call, ())
        call.body = await read_body(call, self.limits.max_request_bytes)
        checked_json("CancelBatchPredictionJobRequest", call.body)
        job = self._find(call, "cancel")
        if self.jobs.moment(job).ended:
            raise failed_precondition(
                f"The BatchPredictionJob {job.name} has ended and cannot be cancelled."
            )
        if job.cancel_time is None:
            job.cancel_time = self.clock.now()
            self.jobs.on_change(job)
        return json_answer({})

    async def delete(self, call: Call) -> web.StreamResponse:
        """Answer ``batchPredictionJobs.delete`` with an operation."""
        checked_query(call, ())
        job = self._find(call, "delete")
        if not self.jobs.moment(job).ended:
            raise failed_precondition(
                f"The BatchPredictionJob {job.name} has not ended; only jobs that have can"
                " be deleted."
            )
        self.jobs.remove(job)
        operation_id = str(secrets.randbelow(9 * 10**18) + 10**18)
        self.operations[operation_id] = self.clock.now()
        return json_answer(self._operation(operation_id, job.location))

    async def get_operation(self, call: Call) -> web.StreamResponse:
        """Answer ``operations.get``."""
        checked_query(call, ())
        location = self._location(call, "get")
        if call.names["id"] not in self.operations:
            raise Refusal(404)
        return json_answer(self._operation(call.names["id"], location))

    def _operation(self, operation_id: str, location: str) -> dict[str, Any]:
        begun = self.operations[operation_id]
        moment = stamp(begun, digits=6)
        parent = f"projects/{PROJECT_NUMBER}/locations/{location}"
        value: dict[str, Any] = {
            "name": f"{parent}/operations/{operation_id}",
            "metadata": {
                "@type": f"{_TYPES}cloud.aiplatform.v1.DeleteOperationMetadata",
                "genericMetadata": {"createTime": moment, "updateTime": moment},
            },
        }
        if self.clock.now() >= begun + seconds(self.limits.delete_delay):
            value["done"] = True
            value["response"] = {"@type": f"{_TYPES}protobuf.Empty"}
        return value


def _facts(job: VertexJob, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a filter looks at."""
    return {
        "display_name": job.display_name,
        "model_display_name": job.model_id,
        "state": value.get("state", ""),
        "create_time": job.create_time,
        "labels": job.labels,
    }


def _masked(value: dict[str, Any], mask: str) -> dict[str, Any]:
    """Return the members that a read mask names; all of them for none."""
    names = [path.strip().partition(".")[0] for path in mask.split(",")]
    wanted = {_camel(name) for name in names if name}
    if not wanted or "*" in wanted:
        return value
    return {name: member for name, member in value.items() if name in wanted}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)
