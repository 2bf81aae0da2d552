"""Random calls through our client find the emulator and a plain model of the rules equal."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any, Literal, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)

from gemini_batch import (
    APIError,
    BatchJob,
    Client,
    JobFailedError,
    ResultsUnavailableError,
    Retry,
)
from gemini_batch.testing import Emulator, Limits, ManualClock
from tests.emulator import rules
from tests.emulator.rules import TEXTS, RefusedError, Row, Seen

T = TypeVar("T")

LIMITS = Limits(
    pending=rules.PENDING_FOR,
    least_running=rules.LEAST_RUNNING,
    rows_per_second=1 / rules.SECONDS_PER_ROW,
    lag=0,
    cancel_delay=rules.CANCEL_TAKES,
    job_expiry=rules.JOB_LIFE,
    file_retention=rules.FILE_LIFE,
    result_retention=rules.RESULT_LIFE,
    max_open_jobs=rules.OPEN_JOBS,
    enqueued_tokens=rules.TOKENS,
)
ONCE = Retry(attempts=1)
GENERATE, EMBED = "gemini-2.5-flash", "gemini-embedding-001"
ROWS = st.lists(st.sampled_from(["good", "bad"]), min_size=1, max_size=14).map(tuple)
KINDS = st.sampled_from([GENERATE, GENERATE, EMBED])


def _request(row: Row, model: str) -> dict[str, Any]:
    content = {"parts": [{"text": TEXTS[row]}]}
    return {"content": content} if model == EMBED else {"contents": [content]}


def _lines(rows: tuple[Row, ...], model: str) -> list[dict[str, Any]]:
    return [{"key": f"k{n}", "request": _request(row, model)} for n, row in enumerate(rows)]


def _seen(job: BatchJob) -> Seen:
    stats = job.completion_stats
    assert stats is not None
    assert stats.pending_count == stats.total_count - stats.done_count
    return Seen(
        job.name,
        job.state.value.lower(),
        job.priority,
        stats.total_count,
        stats.success_count,
        stats.failure_count,
    )


class Machine(RuleBasedStateMachine):
    """Does the same to both, and compares."""

    jobs: Bundle[BatchJob] = Bundle("jobs")
    files: Bundle[tuple[str, str]] = Bundle("files")

    def __init__(self) -> None:
        super().__init__()
        self.model = rules.Service()
        self.clock = ManualClock()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()

    @initialize()
    def open(self) -> None:
        async def enter() -> Client:
            emulator = Emulator(clock=self.clock, limits=LIMITS)
            await self.stack.enter_async_context(emulator)
            return await self.stack.enter_async_context(Client(emulator.api, retry=ONCE))

        self.client = self.runner.run(enter())

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()

    def both(
        self, call: Coroutine[Any, Any, T], ours: Callable[[], Any]
    ) -> tuple[T, Any] | None:
        """Make one call on each side; None if both refuse, and for the same reason."""
        expected: Any = None
        refused = status = None
        try:
            expected = ours()
        except RefusedError as error:
            refused = error.args[0]
        try:
            answer = self.runner.run(call)
        except APIError as error:
            status = error.status_code
        assert status == refused
        return None if status is not None else (answer, expected)

    # Time

    @rule(seconds=st.sampled_from([1, 4, 5, 10, 30, 100]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.model.now += seconds

    def _just_before_and_at(self, moment: int, look: Callable[[], None]) -> None:
        for when in (moment - 1, moment):
            self.wait(max(0, when - self.model.now))
            look()

    @rule(job=jobs)
    def wait_for_the_end(self, job: BatchJob) -> None:
        known = self.model.jobs.get(job.name)
        if known is not None:
            self._just_before_and_at(known.end()[0], self.lists_are_equal)

    @rule(job=jobs)
    def wait_for_the_results_to_go(self, job: BatchJob) -> None:
        known = self.model.jobs.get(job.name)
        if known is not None:
            last = known.end()[0] + rules.RESULT_LIFE
            self._just_before_and_at(last, lambda: self.results(job))

    @rule(file=files)
    def wait_for_a_file_to_go(self, file: tuple[str, str]) -> None:
        made, _ = self.model.files.get(file[0], (-rules.FILE_LIFE, ()))
        self._just_before_and_at(made + rules.FILE_LIFE, self.lists_are_equal)

    # Files

    @rule(target=files, rows=ROWS, model=KINDS)
    def upload(self, rows: tuple[Row, ...], model: str) -> tuple[str, str]:
        lines = _lines(rows, model)
        data = "".join(json.dumps(line) + "\n" for line in lines).encode()
        file = self.runner.run(self.client.files.upload(data))
        self.model.upload(file.name, rows)
        assert file.size_bytes == len(data)
        return file.name, model

    @rule(file=files)
    def get_file(self, file: tuple[str, str]) -> None:
        name, _ = file
        both = self.both(self.client.files.get(name), lambda: self.model.file(name))
        assert both is None or both[0].name == name

    @rule(file=files)
    def delete_file(self, file: tuple[str, str]) -> None:
        name, _ = file
        self.both(self.client.files.delete(name), lambda: self.model.delete_file(name))

    # Jobs

    @rule(target=jobs, file=files)
    def create_from_file(self, file: tuple[str, str]) -> Any:
        return self._create(file[1], file[0])

    @rule(target=jobs, rows=ROWS, model=KINDS)
    def create_inline(self, rows: tuple[Row, ...], model: str) -> Any:
        return self._create(model, rows)

    @rule(target=jobs, model=KINDS)
    def create_with_all_tokens_left(self, model: str) -> Any:
        open_jobs = [j for j in self.model.jobs.values() if not j.ended(self.model.now)]
        left = rules.TOKENS - sum(job.tokens for job in open_jobs if job.model == model)
        row: Row = "good"
        assert self._create(model, (row,) * (left + 1)) == multiple()
        return self._create(model, (row,) * left) if left else multiple()

    def _create(self, model: str, source: tuple[Row, ...] | str) -> Any:
        batches = self.client.batches
        create = batches.create_embeddings if model == EMBED else batches.create
        if isinstance(source, str):
            call = create(model, file_name=source)
        else:
            call = create(model, inlined_requests=_lines(source, model))
        both = self.both(call, lambda: self.model.check_create(model, source))
        if both is None:
            return multiple()
        job, rows = both
        now, from_file = self.model.now, isinstance(source, str)
        self.model.jobs[job.name] = rules.Job(job.name, model, rows, from_file, now)
        assert _seen(job) == self.model.list_jobs()[0]
        return job

    @rule(job=jobs)
    def get(self, job: BatchJob) -> None:
        both = self.both(
            self.client.batches.get(job.name), lambda: self.model.get(job.name)
        )
        if both is not None:
            now, expected = both
            assert _seen(now) == expected
            assert now.done == (expected.state not in {"pending", "running"})
            assert (now.error is not None) == (expected.state == "cancelled")
            assert (now.dest is not None) == (expected.state == "succeeded")
            assert now.create_time == job.create_time

    @rule(job=jobs)
    def cancel(self, job: BatchJob) -> None:
        self.both(self.client.batches.cancel(job), lambda: self.model.cancel(job.name))

    @rule(job=jobs, priority=st.integers(-3, 3))
    def update(self, job: BatchJob, priority: int) -> None:
        call = self.client.batches.update(job, priority=priority)
        both = self.both(call, lambda: self.model.update(job.name, priority))
        assert both is None or _seen(both[0]) == both[1]

    @rule(job=jobs, spare=st.integers(0, 3).map(bool))
    def delete(self, job: BatchJob, spare: bool) -> None:
        if spare and job.name in self.model.jobs:
            return  # most jobs live on, or there would be little to look at
        self.both(self.client.batches.delete(job), lambda: self.model.delete(job.name))

    @rule(job=jobs)
    def results(self, job: BatchJob) -> None:
        async def read() -> list[tuple[str | None, bool]] | str:
            try:
                rows = self.client.batches.results(job.name)
                return [(row.key, row.ok) async for row in rows]
            except ResultsUnavailableError as error:
                return error.reason
            except JobFailedError as error:
                return error.job.state.value.lower()

        both = self.both(read(), lambda: self.model.results(job.name))
        assert both is None or both[0] == both[1]

    # Lists

    @rule(size=st.integers(1, 5), kind=st.sampled_from(["jobs", "files"]))
    def pages(self, size: int, kind: Literal["jobs", "files"]) -> None:
        async def read() -> list[list[str]]:
            pages, token = list[list[str]](), None
            while True:
                listing = self.client.batches if kind == "jobs" else self.client.files
                page = await listing.list(page_size=size, page_token=token)
                pages.append([item.name for item in page.items])
                token = page.next_page_token
                if token is None:
                    return pages

        listed = [job.name for job in self.model.list_jobs()]
        names = listed if kind == "jobs" else self.model.list_files()
        expected = [names[n : n + size] for n in range(0, max(1, len(names)), size)]
        assert self.runner.run(read()) == expected

    @invariant()
    def lists_are_equal(self) -> None:
        if not hasattr(self, "client"):
            return

        async def read() -> tuple[list[Seen], list[str]]:
            jobs = [_seen(job) async for job in self.client.batches.list_all()]
            return jobs, [file.name async for file in self.client.files.list_all()]

        assert self.runner.run(read()) == (self.model.list_jobs(), self.model.list_files())


Machine.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestRules = pytest.mark.timeout(120)(Machine.TestCase)
