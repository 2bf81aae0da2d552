"""The emulated service: a web server on a loopback port."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import anyio

from gemini_batch.testing.emulator.control import Control
from gemini_batch.testing.emulator.core.address import Address
from gemini_batch.testing.emulator.core.clock import Clock, SpeedClock
from gemini_batch.testing.emulator.core.event_loop_thread import EventLoopThread
from gemini_batch.testing.emulator.core.file_store import Store, StoredFile
from gemini_batch.testing.emulator.core.limits import Limits
from gemini_batch.testing.emulator.core.request_log import LogEntry
from gemini_batch.testing.emulator.developer.batches import Batches
from gemini_batch.testing.emulator.developer.create import Creates
from gemini_batch.testing.emulator.developer.files import Files
from gemini_batch.testing.emulator.developer.jobs import Job, Look
from gemini_batch.testing.emulator.developer.registry import Registry
from gemini_batch.testing.emulator.developer.uploads import Uploads
from gemini_batch.testing.emulator.dispatch import Dispatcher, Gate
from gemini_batch.testing.emulator.google_cloud.buckets import Buckets
from gemini_batch.testing.emulator.google_cloud.project import PROJECT
from gemini_batch.testing.emulator.google_cloud.tables import Tables
from gemini_batch.testing.emulator.google_cloud.tokens import StandInCredentials
from gemini_batch.testing.emulator.google_cloud_apis import BUCKET, GoogleCloudApis
from gemini_batch.testing.emulator.http.fault_plan import FaultPlan
from gemini_batch.testing.emulator.http.listener import Listener
from gemini_batch.testing.emulator.model.custom_model import Player, custom_model
from gemini_batch.testing.emulator.model.model import Model
from gemini_batch.testing.emulator.persistence.journal import Journal
from gemini_batch.testing.emulator.persistence.persistence import Persistence
from gemini_batch.testing.emulator.routes import all_routes
from gemini_batch.testing.emulator.vertex.jobs import VertexJob
from gemini_batch.testing.faults import Fault
from gemini_batch.types._config import DeveloperAPI, VertexAI


class Emulator:
    """An offline stand-in for Gemini's batch jobs, on both of its APIs.

    That is the Developer API with its files, and Vertex AI with the Cloud Storage and
    BigQuery that its jobs read and write, all at one address. It listens on a loopback port while its ``async with`` block runs. It is as strict as
    the service, and its time runs faster. It cannot be started twice.

    Tests may use it from another thread or event loop than it was started in: `script`,
    `answers`, `unreachable`, `log`, `jobs`, `files`, `faults` (append and clear) and the
    clock's `advance` are safe there.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        api_key: The only key it accepts.
        speed: Emulated seconds per real second; not used when a `clock` is given.
        clock: Where it reads the time; a `ManualClock` for tests that turn it themselves.
        model: What answers the requests: a `Model`, or a function of a request in
            camelCase and a bare model name, as in `answers`. It runs in a thread.
        limits: Bounds and speeds of the service.
        access_log: Called with each request once it is answered.
        data: Folder in which it keeps its jobs, files and time, and from which a later
            one goes on, even after a crash. Left out, everything is forgotten at the end.
        control: Whether programs on this machine may steer it over HTTP, without a key:
            ``GET /emulator/status``, ``GET``, ``POST``, ``DELETE /emulator/faults``,
            ``POST /emulator/clock`` with ``{"advance": seconds}``,
            ``GET /emulator/log?since=n``, and ``POST /emulator/script`` with
            ``{"job": …, "looks": […]}``.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str = "emulator-key",
        speed: float = 60.0,
        clock: Clock | None = None,
        model: Model | Player | None = None,
        limits: Limits | None = None,
        access_log: Callable[[LogEntry], None] | None = None,
        data: str | os.PathLike[str] | None = None,
        control: bool = False,
    ) -> None:
        self.clock: Clock = clock or SpeedClock(speed)
        self.limits = limits or Limits()
        self.faults = list[Fault]()
        """Things to go wrong; taken off as they are used up."""

        self.url = ""
        """Scheme, host and port; empty before the start."""

        self._log: list[LogEntry] = []
        self._home = EventLoopThread()
        self._doors = Listener(host, port)
        self._api_key = api_key
        self._access_log = access_log
        chosen = Model() if model is None else model
        answer = chosen.answer if isinstance(chosen, Model) else custom_model(chosen)
        self._store = Store()
        self._registry = Registry(self._store, self.clock, self.limits, answer)
        self._google = GoogleCloudApis.of(
            self._store, self.clock, self.limits, lambda: self._registry.answer
        )
        self._google.buckets.at_home = self._home.do
        self._google.tables.at_home = self._home.do
        self._credentials = StandInCredentials(self._google.tokens)
        self._data = None if data is None else Path(data)
        self._memory: Persistence | None = None
        self._control = control
        self._started = False
        self._gate = Gate()

    def __repr__(self) -> str:
        return f"<Emulator {self.url or 'not started'}>"

    @property
    def api(self) -> DeveloperAPI:
        """What a client needs to talk to it."""
        if not self.url:
            raise RuntimeError("the emulator has an address only inside its 'async with'")
        return DeveloperAPI(api_key=self._api_key, base_url=self.url, version="v1beta")

    @property
    def vertex(self) -> VertexAI:
        """What a client needs to talk to its Vertex AI, Cloud Storage and BigQuery."""
        if not self.url:
            raise RuntimeError("the emulator has an address only inside its 'async with'")
        return VertexAI(
            project=PROJECT,
            location="us-central1",
            credentials=self._credentials,
            staging=f"gs://{BUCKET}/staging",
            base_url=self.url,
            storage_url=self.url,
            bigquery_url=self.url,
        )

    @property
    def vertex_jobs(self) -> Mapping[str, VertexJob]:
        """Its Vertex jobs by full name, oldest first."""
        return self._google.jobs

    @property
    def objects(self) -> Buckets:
        """What is in its Cloud Storage, by URI; `Buckets.put` adds to it."""
        return self._google.buckets

    @property
    def tables(self) -> Tables:
        """Its BigQuery tables, by URI; rows may be assigned."""
        return self._google.tables

    @property
    def datasets(self) -> dict[str, str]:
        """Tables, as ``bq://`` URIs, of Vertex AI's multimodal datasets by their names."""
        return self._google.datasets

    def expire_token(self) -> None:
        """Let the access token that clients hold in no more; they have to refresh."""
        self._home.do(self._google.tokens.expire)

    @property
    def jobs(self) -> Mapping[str, Job]:
        """Its jobs by name, oldest first."""
        return self._registry

    @property
    def files(self) -> Mapping[str, StoredFile]:
        """Its files by name, oldest first, expired ones included."""
        return self._store

    @property
    def log(self) -> list[LogEntry]:
        """Every request, in the order of arrival; what a client has read is complete."""
        # From another thread: the step that sent an answer may not have noted it yet.
        return self._home.do(lambda: self._log)

    def answers(self, player: Player) -> None:
        """Let a function play the model from now on.

        Args:
            player: Called in a thread with each request, in camelCase, and the bare name
                of the model. Returns a response, as the service writes it; or its text,
                for a usual one; or ``{"error": {"code": …, "message": …}}``, with a gRPC
                code, for a request that fails. One that raises fails too.
        """
        self._home.do(lambda: self._registry.answer_with(custom_model(player)))

    def script(self, name_or_display_name: str, *looks: Look) -> None:
        """Fix the course of a job, whatever the clock says.

        Args:
            name_or_display_name: The name of a job there is, or a pattern (`fnmatch`) on
                the display names of jobs created from now on; the newest pattern wins.
            looks: What each GET sees in turn; the last one repeats. A look is a wire state
                such as ``"BATCH_STATE_RUNNING"`` or ``"JOB_STATE_RUNNING"``, or a mapping
                whose members replace those of the job's metadata (``done``, ``error`` and
                ``response``: of the operation), or of a Vertex job's resource; None takes a
                member away, and ``"output": None`` the response as well.
        """
        self._home.do(lambda: self._script(name_or_display_name, looks))

    def _script(self, name: str, looks: tuple[Look, ...]) -> None:
        if not name.startswith("projects/"):
            self._registry.script(name, looks)
        if not name.startswith("batches/"):
            self._google.jobs.script(name, looks)

    async def __aenter__(self) -> Self:
        """Start listening.

        Raises:
            OSError: It cannot listen there, or write its `data`.
            RuntimeError: It was started before, or its `data` are in use.
        """
        if self._started:
            raise RuntimeError("an emulator cannot be started twice")
        self._started = True
        self._home.settle()
        try:
            self._open_store()
            # The address is part of answers, so it has to be known before the handlers
            # are made.
            await self._doors.open(self._gate)
        except BaseException:
            await self.aclose()
            raise
        address = Address(self._doors.host, self._doors.port)
        self.url = address.url
        self._gate.target = self._dispatcher(address)
        return self

    def _open_store(self) -> None:
        if self._data is None:
            self._store.open()
            return
        folder = self._data / "files"
        self._store.open(folder)
        self._memory = Persistence(
            journal=Journal(self._data / "emulator.sqlite3"),
            folder=folder,
            registry=self._registry,
            store=self._store,
            google=self._google,
            clock=self.clock,
        )
        self._memory.recall()
        self._memory.follow()

    @asynccontextmanager
    async def unreachable(self) -> AsyncIterator[None]:
        """Listen no more while the ``async with`` block runs: connections are refused.

        Those there are, are cut. Afterwards it is at its old address again.
        """
        was_open = await self._home.run(self._doors.shut)
        try:
            yield
        finally:
            if was_open:
                await self._home.run(self._doors.reopen)

    def _dispatcher(self, address: Address) -> Dispatcher:
        files = Files(self._registry, self._store, self.clock, self.limits, address)
        creates = Creates(
            registry=self._registry,
            store=self._store,
            files=files,
            clock=self.clock,
            limits=self.limits,
        )
        routes = all_routes(
            batches=Batches(registry=self._registry, clock=self.clock, limits=self.limits),
            creates=creates,
            files=files,
            uploads=Uploads(self._store, self.clock, self.limits, address),
        )
        return Dispatcher(
            api_key=self._api_key,
            tokens=self._google.tokens,
            routes=(*routes, *self._google.routes(address)),
            plan=FaultPlan(self.faults, self._state_named),
            doors=self._doors,
            log=self._log,
            access_log=self._access_log,
            control=self._controls() if self._control else None,
            before_answer=self._memory.note_time if self._memory else lambda: None,
            before_google=self._google.jobs.settle,
        )

    def _state_named(self, path: str) -> str | None:
        return self._registry.state_named(path) or self._google.jobs.state_named(path)

    def _controls(self) -> Control:
        return Control(
            registry=self._registry,
            store=self._store,
            clock=self.clock,
            faults=self.faults,
            log=self._log,
            script=self._script,
            vertex_jobs=self._google.jobs,
        )

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop listening, and remove what it stored if not told where to keep it."""
        await self.aclose()

    async def aclose(self) -> None:
        """Stop listening, and remove what it stored if not told where to keep it.

        May be called again.
        """
        self._home.leave()
        try:
            if self._started:
                self._registry.close()
                self._google.jobs.close()
                with anyio.CancelScope(shield=True):
                    await self._gate.close()
                    await self._doors.aclose()
        finally:
            self._forget()

    def _forget(self) -> None:
        memory, self._memory = self._memory, None
        try:
            if memory is not None and self.url:
                # A test may have turned the clock since the last answer.
                memory.note_time()
        finally:
            if memory is not None:
                memory.journal.close()
            self._store.close()
