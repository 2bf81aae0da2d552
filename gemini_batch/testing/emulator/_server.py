"""The emulated service: a web server on a loopback port."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self

import anyio
from aiohttp import web

from gemini_batch.testing.emulator._batches import Batches
from gemini_batch.testing.emulator._clock import Clock, SpeedClock
from gemini_batch.testing.emulator._create import Creates
from gemini_batch.testing.emulator._dispatch import Dispatcher, Gate
from gemini_batch.testing.emulator._files import Files
from gemini_batch.testing.emulator._jobs import Job, Look
from gemini_batch.testing.emulator._limits import Limits
from gemini_batch.testing.emulator._log import LogEntry
from gemini_batch.testing.emulator._model import Model
from gemini_batch.testing.emulator._plan import FaultPlan
from gemini_batch.testing.emulator._registry import Registry
from gemini_batch.testing.emulator._results import Answer
from gemini_batch.testing.emulator._routes import all_routes
from gemini_batch.testing.emulator._store import Store, StoredFile
from gemini_batch.testing.emulator._uploads import Uploads
from gemini_batch.testing.faults import Fault
from gemini_batch.types._settings import DeveloperAPI

# Handlers that still run when the emulator closes get this many real seconds.
_CLOSING_TIME: Final = 0.05


class Emulator:
    """An offline stand-in for the Gemini Developer API's batch jobs and files.

    It listens on a loopback port while its ``async with`` block runs. It is as strict as
    the service, and its time runs faster. It cannot be started twice.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        api_key: The only key it accepts.
        speed: Emulated seconds per real second; not used when a `clock` is given.
        clock: Where it reads the time; a `ManualClock` for tests that turn it themselves.
        model: What answers the requests: a `Model`, or a function of a request in
            camelCase and a bare model name that returns a response or ``{"error": …}``.
            It runs in a thread.
        limits: Bounds and speeds of the service.
        access_log: Called with each request once it is answered.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str = "emulator-key",
        speed: float = 60.0,
        clock: Clock | None = None,
        model: Model | Answer | None = None,
        limits: Limits | None = None,
        access_log: Callable[[LogEntry], None] | None = None,
    ) -> None:
        self.clock: Clock = clock or SpeedClock(speed)
        self.limits = limits or Limits()
        self.faults = list[Fault]()
        """Things to go wrong; taken off as they are used up."""

        self.log: list[LogEntry] = []
        """Every request, in the order of arrival."""

        self.url = ""
        """Scheme, host and port; empty before the start."""

        self._host = host
        self._port = port
        self._api_key = api_key
        self._access_log = access_log
        chosen = Model() if model is None else model
        answer: Answer = chosen.answer if isinstance(chosen, Model) else chosen
        self._store = Store()
        self._registry = Registry(self._store, self.clock, self.limits, answer)
        self._runner: web.ServerRunner | None = None
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
    def jobs(self) -> Mapping[str, Job]:
        """Its jobs by name, oldest first."""
        return self._registry

    @property
    def files(self) -> Mapping[str, StoredFile]:
        """Its files by name, oldest first, expired ones included."""
        return self._store

    def script(self, name_or_display_name: str, *looks: Look) -> None:
        """Fix the course of a job, whatever the clock says.

        Args:
            name_or_display_name: The name of a job there is, or a pattern (`fnmatch`) on
                the display names of jobs created from now on; the newest pattern wins.
            looks: What each GET sees in turn; the last one repeats. A look is a wire state
                such as ``"BATCH_STATE_RUNNING"``, or a mapping whose members replace those
                of the job's metadata (``done``, ``error`` and ``response``: of the
                operation); None takes a member away, and ``"output": None`` the response
                as well.
        """
        self._registry.script(name_or_display_name, looks)

    async def __aenter__(self) -> Self:
        """Start listening."""
        if self._runner is not None:
            raise RuntimeError("an emulator cannot be started twice")
        self._store.open()
        # The address is part of answers, so it has to be known before the handlers are made.
        gate = self._gate
        self._runner = web.ServerRunner(
            web.Server(gate, access_log=None), shutdown_timeout=_CLOSING_TIME
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        port = self._runner.addresses[0][1]
        shown = f"[{self._host}]" if ":" in self._host else self._host
        self.url = f"http://{shown}:{port}"
        gate.target = self._dispatcher()
        return self

    def _dispatcher(self) -> Dispatcher:
        files = Files(self._registry, self._store, self.clock, self.limits, self.url)
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
            uploads=Uploads(self._store, self.clock, self.limits, self.url),
        )
        return Dispatcher(
            api_key=self._api_key,
            routes=routes,
            plan=FaultPlan(self.faults),
            log=self.log,
            access_log=self._access_log,
        )

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop listening and remove everything it stored."""
        await self.aclose()

    async def aclose(self) -> None:
        """Stop listening and remove everything it stored. May be called again."""
        try:
            if self._runner is not None:
                self._registry.close()
                with anyio.CancelScope(shield=True):
                    await self._gate.close()
                    await self._runner.cleanup()
        finally:
            self._store.close()
