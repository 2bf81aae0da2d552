"""Checking what a job would be made of, here or in Google Cloud. Nothing is sent or paid."""

import os
from functools import partial
from typing import Any

from attrs import evolve

from gemini_batch._codec import Codec
from gemini_batch._input.check import (
    InputReport,
    bounds_of,
    check_path,
    check_rows,
)
from gemini_batch._input.spool import RequestSpool
from gemini_batch._io.input_file import check_start
from gemini_batch._io.lines import NumberedLines
from gemini_batch._io.threads import in_thread
from gemini_batch._requests.checker import MAX_REQUEST_BYTES, RequestChecker
from gemini_batch._requests.envelope import StoredEnvelopeReader
from gemini_batch._transfer.progress import OnProgress, Reporter
from gemini_batch._transfer.read_ahead import ReadAhead
from gemini_batch._transport import Transport
from gemini_batch._wire.bigquery import (
    REQUEST,
    RESERVED,
    BigQuery,
    BigQueryUri,
    ResultTable,
)
from gemini_batch._wire.dialect import Dialect
from gemini_batch.errors import InputError, NotFoundError
from gemini_batch.resources.batches.results.bigquery_lines import TablePages
from gemini_batch.resources.batches.results.gcs_lines import Listed
from gemini_batch.resources.batches.staging import Stores
from gemini_batch.resources.objects import refuse
from gemini_batch.types import ErrorCode, StoredObject

_GCS = "gs://"
_BIGQUERY = "bq://"
_NO_LIMIT = 1 << 63


class InputChecker:
    """Checks rows by the rules of one API, wherever they are."""

    def __init__(
        self, transport: Transport, codec: Codec, wire: Dialect, stores: Stores
    ) -> None:
        self._transport = transport
        self._codec = codec
        self._wire = wire
        self._stores = stores

    async def check(
        self,
        source: str | os.PathLike[str],
        *,
        model: str | None,
        key_column: str | None,
        on_progress: OnProgress | None,
    ) -> InputReport:
        """Check a file, an object or a table."""
        full = None if model is None else self._wire.model_name(model)
        rules = self._wire.input_rules(full or "")
        bounds = bounds_of(rules)
        options: dict[str, Any] = {"model": full, "api_rules": rules.api_rules}
        if isinstance(source, str) and source.startswith(_GCS):
            return await self._check_object(source, options, bounds, on_progress)
        if isinstance(source, str) and source.startswith(_BIGQUERY):
            return await self._check_table(source, options, bounds, key_column)
        return await check_path(source, codec=self._codec, **options, **bounds)

    async def _check_object(
        self,
        uri: str,
        options: dict[str, Any],
        bounds: dict[str, Any],
        on_progress: OnProgress | None,
    ) -> InputReport:
        if self._stores.gcs is None:
            refuse(file=uri)
        if "*" in uri:
            raise InputError.one(
                "it may mean several objects",
                code=ErrorCode.SEVERAL_OBJECTS,
                remedy="Check them one by one: client.objects.list_all(…) lists them.",
                file=uri,
            )
        try:
            stored = await self._stores.objects.get(uri)
        except NotFoundError as exc:
            raise InputError.one(
                "there is no such object", remedy="Check its name.", file=uri
            ) from exc
        most = bounds["max_file_bytes"]
        if stored.size_bytes > most:
            raise InputError.one(
                f"it has {stored.size_bytes} bytes; a job takes up to {most}",
                remedy="Split it into several objects, and make a job of each.",
                file=uri,
            )
        rows = _ObjectRows(self._transport, stored, on_progress)
        report = await check_rows(rows.take, self._checker(uri, options), **bounds)
        # Nobody writes these rows anew.
        return evolve(report, size=rows.size)

    async def _check_table(
        self,
        uri: str,
        options: dict[str, Any],
        bounds: dict[str, Any],
        key_column: str | None,
    ) -> InputReport:
        wire = self._stores.bigquery
        if wire is None:
            refuse(file=uri)
        table = await self._table(wire, uri, key_column)
        return await check_rows(
            partial(_take_table, self._transport, wire, table),
            self._checker(uri, options),
            # What a job takes of a table is not bounded in bytes.
            **{**bounds, "max_file_bytes": _NO_LIMIT},
        )

    async def _table(self, wire: BigQuery, uri: str, key_column: str | None) -> ResultTable:
        where = BigQueryUri.read(uri, "bigquery_uri").as_table("bigquery_uri")
        try:
            answer = await self._transport.send(wire.get_table(where))
        except NotFoundError as exc:
            raise InputError.one(
                "there is no such table", remedy="Check its name.", file=uri
            ) from exc
        table = wire.read_table(
            answer.body, where, key_column=key_column, with_requests=True
        )
        names = [column.name for column in table.columns]
        known = f"Its columns are: {', '.join(names) or 'none'}."
        if REQUEST not in names:
            raise InputError.one(
                f"the table has no column {REQUEST!r}", remedy=known, file=uri
            )
        if table.key is None:
            raise InputError.one(
                "the table has no column 'key'",
                remedy=f"Name the one that holds the keys. {known}",
                file=uri,
                field="key_column",
            )
        for name in RESERVED:
            if name in names:
                raise InputError.one(
                    f"the table has a column {name!r}, which the service writes itself",
                    remedy="Call it something else.",
                    file=uri,
                )
        return table

    def _checker(self, uri: str, options: dict[str, Any]) -> RequestChecker:
        return RequestChecker(
            self._codec, file=uri, envelopes=StoredEnvelopeReader, **options
        )


class _ObjectRows:
    """The lines of one object, read ahead while those before are checked."""

    def __init__(
        self, transport: Transport, stored: StoredObject, on_progress: OnProgress | None
    ) -> None:
        self._transport = transport
        self._stored = stored
        self._reporter = Reporter(on_progress)
        self.size = 0
        """Bytes that have been read."""

    async def take(self, intake: RequestSpool) -> None:
        """Have all of them checked."""
        name, total = self._stored.name, self._stored.size_bytes
        lines = NumberedLines(MAX_REQUEST_BYTES)

        def read_some(piece: bytes) -> None:
            intake.lines(lines.feed(piece))

        reader = ReadAhead(self._transport, Listed((self._stored,)), name)
        try:
            piece = await reader.read()
            check_start(piece, name)
            while piece:
                self.size += len(piece)
                await in_thread(read_some, piece)
                await self._reporter.report(self.size, total)
                piece = await reader.read()
        finally:
            await reader.aclose()
        await in_thread(intake.lines, lines.finish())


async def _take_table(
    transport: Transport, wire: BigQuery, table: ResultTable, intake: RequestSpool
) -> None:
    """Have all rows of a table checked, a page at a time."""
    pages = TablePages(transport, wire, table)
    count = 0
    while (rows := await pages.read()) is not None:
        numbered = list(enumerate(rows, count + 1))
        count += len(numbered)
        await in_thread(intake.lines, numbered)
