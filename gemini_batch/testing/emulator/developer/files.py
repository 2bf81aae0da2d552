"""The Files API beside uploads: get, list, delete, download."""

from typing import Final

from aiohttp import web
from anyio.to_thread import run_sync

from gemini_batch.testing.emulator.core.address import Address
from gemini_batch.testing.emulator.core.clock import Clock
from gemini_batch.testing.emulator.core.errors import invalid, no_such_file
from gemini_batch.testing.emulator.core.file_store import Store, StoredFile
from gemini_batch.testing.emulator.core.limits import Limits
from gemini_batch.testing.emulator.core.page_tokens import sequence_of, token_after
from gemini_batch.testing.emulator.developer.odd_results import write_odd_rows
from gemini_batch.testing.emulator.developer.registry import Registry
from gemini_batch.testing.emulator.http.byte_ranges import send_file
from gemini_batch.testing.emulator.http.web import (
    Call,
    checked_query,
    json_answer,
    page_size,
)
from gemini_batch.testing.faults import Fault

_LONGEST_ID: Final = 40


class Files:
    """Everything behind ``/files``, uploads excepted."""

    def __init__(
        self,
        registry: Registry,
        store: Store,
        clock: Clock,
        limits: Limits,
        address: Address,
    ) -> None:
        self._registry = registry
        self._store = store
        self._clock = clock
        self._limits = limits
        self._address = address

    def find(self, name: str) -> StoredFile:
        """Return a file that clients can reach.

        Raises:
            Refusal: There is none of that name, or it has expired.
        """
        file = self._store.get(name)
        if file is None or file.expire_time <= self._clock.now():
            raise no_such_file(name.removeprefix("files/"))
        return file

    def _refuse_long(self, file_id: str, message: str) -> None:
        if len(file_id) > _LONGEST_ID:
            raise invalid(
                f"* {message}.name: File ID (name excluding 'files/') cannot be more than"
                f" {_LONGEST_ID} characters.\n"
            )

    async def get(self, call: Call) -> web.StreamResponse:
        """Answer ``files.get``."""
        checked_query(call, ())
        if not self._limits.long_file_ids:
            self._refuse_long(call.names["id"], "GetFileRequest")
        name = f"files/{call.names['id']}"
        await self._registry.result_file(name)
        return json_answer(self.find(name).resource(self._address.seen_by(call.request)))

    async def delete(self, call: Call) -> web.StreamResponse:
        """Answer ``files.delete``."""
        checked_query(call, ())
        self._refuse_long(call.names["id"], "DeleteFileRequest")
        self._store.remove(self.find(f"files/{call.names['id']}").name)
        return json_answer({})

    async def list(self, call: Call) -> web.StreamResponse:
        """Answer ``files.list``: newest first, result files left out."""
        query = checked_query(call, ("pageSize", "pageToken"))
        size = page_size(
            query, default=self._limits.file_page_size, most=self._limits.max_page_size
        )
        token = query.get("pageToken", "")
        before = sequence_of(token, "files") if token else None
        now = self._clock.now()
        found = [
            (sequence, file)
            for sequence, file in self._store.newest_first()
            if file.expire_time > now
            and len(file.name.removeprefix("files/")) <= _LONGEST_ID
            and (before is None or sequence < before)
        ]
        page = found[:size]
        answer: dict[str, object] = {}
        if page:
            url = self._address.seen_by(call.request)
            answer["files"] = [file.resource(url) for _, file in page]
        if len(found) > size:
            answer["nextPageToken"] = token_after(page[-1][0], "files")
        return json_answer(answer)

    async def download(self, call: Call) -> web.StreamResponse:
        """Answer a download of a generated file, whole or a range of it."""
        checked_query(call, ())
        if call.request.query.get("alt") != "media":
            raise invalid("Download is supported with 'alt=media' only.")
        name = f"files/{call.names['id']}"
        await self._registry.result_file(name)
        file = self.find(name)
        if file.source != "GENERATED":
            raise invalid(
                f"File {file.name} cannot be downloaded: only generated files can be, not"
                " those that were uploaded."
            )
        if call.fault is not None and call.fault.rows:
            return await self._send_odd(call, file, call.fault)
        return await send_file(call, file.path, file.size, file.mime_type)

    async def _send_odd(
        self, call: Call, file: StoredFile, fault: Fault
    ) -> web.StreamResponse:
        path = self._store.new_path()
        try:
            size = await run_sync(write_odd_rows, file.path, path, fault)
            return await send_file(call, path, size, file.mime_type)
        finally:
            path.unlink(missing_ok=True)
