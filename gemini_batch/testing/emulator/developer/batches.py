"""The batch jobs' endpoints beside create: get, list, cancel, delete, update."""

from typing import Any, Final

from aiohttp import web
from anyio.to_thread import run_sync
from attrs import frozen

from gemini_batch.testing.emulator.core.clock import Clock
from gemini_batch.testing.emulator.core.errors import (
    Refusal,
    failed_precondition,
    invalid,
)
from gemini_batch.testing.emulator.core.limits import Limits
from gemini_batch.testing.emulator.core.page_tokens import sequence_of, token_after
from gemini_batch.testing.emulator.developer.jobs import (
    Job,
    Kind,
    Moment,
    operation_of,
    resource_of,
    take_look,
)
from gemini_batch.testing.emulator.developer.registry import Registry
from gemini_batch.testing.emulator.developer.results import read_results
from gemini_batch.testing.emulator.http.field_masks import (
    OPERATION,
    PAGE,
    asked_of,
    part_of,
)
from gemini_batch.testing.emulator.http.web import (
    Call,
    checked_json,
    checked_query,
    json_answer,
    page_size,
    read_body,
)

_UPDATES: Final = {
    "updateGenerateContentBatch": Kind.GENERATE,
    "updateEmbedContentBatch": Kind.EMBED,
}
# Spelling in an update mask -> member of the resource.
_UPDATABLE: Final = {
    "priority": "priority",
    "displayName": "displayName",
    "display_name": "displayName",
}


@frozen(kw_only=True)
class Batches:
    """Everything behind ``/batches``."""

    registry: Registry
    clock: Clock
    limits: Limits

    def _find(self, call: Call) -> Job:
        job = self.registry.get(f"batches/{call.names['id']}")
        if job is None:
            raise Refusal(404)
        return job

    async def get(self, call: Call) -> web.StreamResponse:
        """Answer ``batches.get``: one look at a job, with all its inlined results."""
        checked_query(call, ())
        asked = asked_of(call, OPERATION)
        job = self._find(call)
        take_look(job, self.clock.now())
        if job.course:
            self.registry.on_change(job)
        moment = self.registry.moment(job)
        await self.registry.work(job, moment)
        output = await self._output(job, moment)
        return json_answer(part_of(operation_of(job, moment, output), asked))

    async def _output(self, job: Job, moment: Moment) -> dict[str, Any] | None:
        if not moment.has_output:
            return None
        if job.file_name:
            return {"responsesFile": job.result_file}
        results = await run_sync(lambda: list(read_results(job)))
        return {"inlinedResponses": {"inlinedResponses": results}}

    async def list(self, call: Call) -> web.StreamResponse:
        """Answer ``batches.list``: newest first, without inlined results."""
        query = checked_query(
            call, ("pageSize", "pageToken", "filter", "returnPartialSuccess")
        )
        asked = asked_of(call, PAGE)
        if query.get("filter"):
            raise invalid("Filtering is not supported.")
        if query.get("returnPartialSuccess", "false") == "true":
            raise Refusal(501)
        # Seen live: a list call that asks for no page size comes back empty.
        size = page_size(query, default=0, most=self.limits.max_page_size)
        token = query.get("pageToken", "")
        before = sequence_of(token, "batches") if token else None
        found = [
            job
            for job in sorted(self.registry.values(), key=lambda job: -job.sequence)
            if before is None or job.sequence < before
        ]
        page = found[:size]
        answer: dict[str, Any] = {}
        if page:
            answer["operations"] = [self._element(job) for job in page]
        if page and len(found) > size:
            answer["nextPageToken"] = token_after(page[-1].sequence, "batches")
        return json_answer(part_of(answer, asked))

    def _element(self, job: Job) -> dict[str, Any]:
        # Seen live: counts in lists are old. Here they are those of the last GET.
        moment = self.registry.moment(job)
        output = {"responsesFile": job.result_file} if job.file_name else None
        operation = operation_of(job, moment, output)
        operation.pop("response", None)
        return operation

    async def cancel(self, call: Call) -> web.StreamResponse:
        """Answer ``batches.cancel``. The job is cancelled some time later."""
        checked_query(call, ())
        body = await read_body(call, self.limits.max_request_bytes)
        call.body = body
        checked_json("CancelOperationRequest", body)
        job = self._find(call)
        if self.registry.moment(job).ended:
            raise failed_precondition(
                f"Batch {job.name} has already ended and cannot be cancelled."
            )
        if job.cancel_time is None:
            job.cancel_time = self.clock.now()
            self.registry.on_change(job)
        return json_answer({})

    async def delete(self, call: Call) -> web.StreamResponse:
        """Answer ``batches.delete``. The record goes; a result file stays."""
        checked_query(call, ())
        self.registry.remove(self._find(call))
        return json_answer({})

    async def update(self, call: Call) -> web.StreamResponse:
        """Answer the two update calls. The answer is the bare resource."""
        query = checked_query(call, ("updateMask",))
        body = await read_body(call, self.limits.max_request_bytes)
        call.body = body
        kind = _UPDATES[call.names["method"]]
        job = self._find(call)
        if job.kind is not kind:
            raise invalid(f"{job.name} is not a {kind.value}.")
        value = checked_json(kind.value, body)
        mask = [path.strip() for path in query.get("updateMask", "").split(",")]
        for path in mask:
            if path not in _UPDATABLE:
                raise invalid(f"Invalid update mask: '{path}' cannot be updated.")
        if self.registry.moment(job).ended:
            raise failed_precondition(
                f"Batch {job.name} has already ended and cannot be updated."
            )
        members = {_UPDATABLE[path] for path in mask}
        if "priority" in members:
            job.priority = value.get("priority")
        if "displayName" in members:
            job.display_name = value.get("displayName", "")
        job.update_time = self.clock.now()
        self.registry.on_change(job)
        return json_answer(resource_of(job, self.registry.moment(job)))
