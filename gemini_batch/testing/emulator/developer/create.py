"""The two calls that make a job."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from anyio.to_thread import run_sync
from attrs import frozen

from gemini_batch.testing.emulator.core.clock import Clock
from gemini_batch.testing.emulator.core.errors import (
    failed_precondition,
    invalid,
    no_such_model,
)
from gemini_batch.testing.emulator.core.file_store import Store, new_id
from gemini_batch.testing.emulator.core.limits import Limits
from gemini_batch.testing.emulator.developer.files import Files
from gemini_batch.testing.emulator.developer.inputs import (
    check_inlined,
    count_rows,
    write_rows,
)
from gemini_batch.testing.emulator.developer.jobs import (
    Job,
    Kind,
    moment_of,
    operation_of,
)
from gemini_batch.testing.emulator.developer.registry import Registry
from gemini_batch.testing.emulator.http.web import (
    Call,
    checked_json,
    checked_query,
    json_answer,
    read_body,
)

_MESSAGES: Final = {
    "batchGenerateContent": (Kind.GENERATE, "BatchGenerateContentRequest"),
    "asyncBatchEmbedContent": (Kind.EMBED, "AsyncBatchEmbedContentRequest"),
}
_EMBEDS: Final = re.compile(r"models/(gemini-|text-)?embedding-[\w.-]+|tunedModels/[\w.-]+")
_GENERATES: Final = re.compile(r"models/gemini-(?!embedding)[\w.-]+|tunedModels/[\w.-]+")


@frozen(kw_only=True)
class Creates:
    """Answers the create calls."""

    registry: Registry
    store: Store
    files: Files
    clock: Clock
    limits: Limits

    async def create(self, call: Call) -> web.StreamResponse:
        """Answer ``batchGenerateContent`` and ``asyncBatchEmbedContent``."""
        checked_query(call, ())
        body = await read_body(call, self.limits.max_request_bytes)
        call.body = body
        method, model = call.names["method"], call.names["model"]
        kind, message = _MESSAGES[method]
        if not (_EMBEDS if kind is Kind.EMBED else _GENERATES).fullmatch(model):
            raise no_such_model(model, version=call.version, method=method)
        # A full body takes a while to check; other requests go on meanwhile.
        batch = (await run_sync(checked_json, message, body)).get("batch")
        if batch is None:
            raise invalid(f"* {message}.batch: batch is not specified\n")
        if batch.get("model", model) != model:
            raise invalid(f"* {message}.batch.model: differs from the model in the URL.\n")
        self.registry.check_quotas(model, 0)
        input_path = self.store.new_path()
        try:
            job = await self._new_job(batch, kind, model, input_path)
            # Once more: others may have come in while this one's rows were read.
            self.registry.check_quotas(model, job.tokens)
        except BaseException:
            input_path.unlink(missing_ok=True)
            raise
        self.registry.add(job)
        # As it was made, however fast the clock runs.
        made = moment_of(job, job.create_time, self.limits)
        return json_answer(operation_of(job, made, None))

    async def _new_job(
        self, batch: Mapping[str, Any], kind: Kind, model: str, input_path: Path
    ) -> Job:
        config = batch.get("inputConfig", {})
        if "fileName" in config:
            file = self.files.find(_file_name(config["fileName"]))
            if file.state != "ACTIVE":
                raise failed_precondition(
                    f"The File {file.name} is not in an ACTIVE state and usage is not allowed."
                )
            # The job keeps its input even if the file is deleted meanwhile.
            self.store.keep(file, input_path)
            count, tokens = await run_sync(count_rows, input_path, kind)
        else:
            rows = config.get("requests", {}).get("requests", ())
            tokens = check_inlined(rows, kind)
            await run_sync(write_rows, input_path, rows)
            count = len(rows)
        now = self.clock.now()
        return Job(
            name=f"batches/{new_id(36)}",
            kind=kind,
            model=model,
            display_name=batch.get("displayName", ""),
            file_name=_file_name(config["fileName"]) if "fileName" in config else "",
            priority=batch.get("priority"),
            webhook_config=batch.get("webhookConfig"),
            row_count=count,
            tokens=tokens,
            input_path=input_path,
            result_path=self.store.new_path(),
            create_time=now,
        )


def _file_name(text: str) -> str:
    if not re.fullmatch(r"files/[a-z0-9-]+", text):
        raise invalid(
            "* GenerateContentBatch.input_config.file_name: must be in the form"
            f" 'files/<id>', not '{text[:80]}'.\n"
        )
    return text
