"""The fixtures that come with the package, used as its users do."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import anyio
import pytest

from gemini_batch import (
    BatchJob,
    BatchResult,
    Client,
    EmbedRequest,
    Outcome,
    TransportError,
)
from gemini_batch.testing import Emulator, Fault, ManualClock

MODEL = "gemini-2.5-flash"
REQUESTS: Any = [{"contents": "Hello"}]  # as google-genai takes them


def prompt(text: str = "Hello") -> dict[str, Any]:
    return {"contents": [{"parts": [{"text": text}]}]}


async def run(client: Client, *texts: str) -> list[BatchResult]:
    job = await client.batches.submit(MODEL, [prompt(text) for text in texts or ("Hello",)])
    job = await client.batches.poll(job)
    return [result async for result in client.batches.results(job)]


async def test_the_client_is_opened_by_the_test(gemini_client: Client) -> None:
    async with gemini_client as client:
        assert client is gemini_client
        [result] = await run(client)

    assert result.ok


def test_a_test_need_not_be_async(gemini_client: Client) -> None:
    async def program() -> list[BatchResult]:
        async with gemini_client as client:
            return await run(client)

    [result] = asyncio.run(program())

    assert result.ok


def test_a_client_that_is_not_open_says_how(gemini_client: Client) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        _ = gemini_client.batches


async def test_jobs_end_without_a_pause(gemini_client: Client) -> None:
    with anyio.fail_after(1.9):  # the default schedule waits two seconds after a look
        async with gemini_client as client:
            await run(client)


async def test_a_new_job_has_not_ended(
    gemini_emulator: Emulator, gemini_client: Client
) -> None:
    async with gemini_client as client:
        job = await client.batches.submit(MODEL, [prompt()])

    assert job.state.value == "pending"


async def test_a_program_finds_it_by_the_environment(
    gemini_emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    monkeypatch.setenv("GEMINI_API_KEY", gemini_emulator.api.api_key)
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", gemini_emulator.url)

    async with Client() as client:
        await client.batches.submit(MODEL, [prompt()])

    assert len(gemini_emulator.jobs) == 1


def test_googles_client_works_too_and_may_block(gemini_emulator: Emulator) -> None:
    from google.genai import Client as Genai

    gemini_emulator.answers(lambda request, model: f"{model} was asked")
    client = Genai(
        api_key=gemini_emulator.api.api_key, http_options={"base_url": gemini_emulator.url}
    )

    made = client.batches.create(model=MODEL, src=REQUESTS)
    assert made.name is not None
    job = client.batches.get(name=made.name)
    client.close()

    assert job.dest is not None
    assert job.dest.inlined_responses is not None
    [answer] = job.dest.inlined_responses
    assert answer.response is not None
    assert answer.response.text == "gemini-2.5-flash was asked"


# google-genai derives from aiohttp.ClientSession.
@pytest.mark.filterwarnings(
    "ignore:Inheritance class AiohttpClientSession:DeprecationWarning"
)
async def test_googles_async_client_works_too(gemini_emulator: Emulator) -> None:
    from google.genai import Client as Genai

    client = Genai(
        api_key=gemini_emulator.api.api_key, http_options={"base_url": gemini_emulator.url}
    )

    made = await client.aio.batches.create(model=MODEL, src=REQUESTS)
    assert made.name is not None
    job = await client.aio.batches.get(name=made.name)
    await client.aio.aclose()
    client.close()

    assert job.done


# Answers


async def test_a_function_plays_the_model(
    gemini_emulator: Emulator, gemini_client: Client
) -> None:
    seen: list[tuple[str, str]] = []

    def model(request: dict[str, Any], name: str) -> str:
        text = request["contents"][0]["parts"][0]["text"]
        seen.append((text, name))
        return f"You said {text}"

    gemini_emulator.answers(model)
    async with gemini_client as client:
        results = await run(client, "one", "two")

    assert seen == [("one", MODEL), ("two", MODEL)]
    assert [result.text for result in results] == ["You said one", "You said two"]
    usage = results[0].usage
    assert usage is not None
    assert usage.total_token_count == (
        (usage.prompt_token_count or 0) + (usage.candidates_token_count or 0)
    )


async def test_a_function_may_return_a_whole_response(
    gemini_emulator: Emulator, gemini_client: Client
) -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}}
    gemini_emulator.answers(lambda request, model: blocked)

    async with gemini_client as client:
        [result] = await run(client)

    assert result.outcome is Outcome.BLOCKED


async def test_a_function_may_fail_a_request(
    gemini_emulator: Emulator, gemini_client: Client
) -> None:
    error = {"error": {"code": 8, "message": "Quota."}}
    gemini_emulator.answers(lambda request, model: error)

    async with gemini_client as client:
        [result] = await run(client)

    assert result.outcome is Outcome.ERROR
    assert result.error is not None
    assert (result.error.code, result.error.message) == (8, "Quota.")


async def test_a_function_that_raises_fails_the_request_and_says_why(
    gemini_emulator: Emulator, gemini_client: Client
) -> None:
    def model(request: dict[str, Any], name: str) -> str:
        raise LookupError("no such row")

    gemini_emulator.answers(model)
    async with gemini_client as client:
        [result] = await run(client)

    assert result.error is not None
    assert result.error.code == 13
    assert "LookupError('no such row')" in (result.error.message or "")


async def test_an_empty_text_is_an_empty_answer(
    gemini_emulator: Emulator, gemini_client: Client
) -> None:
    gemini_emulator.answers(lambda request, model: "")

    async with gemini_client as client:
        [result] = await run(client)

    assert result.outcome is Outcome.EMPTY


async def test_a_text_is_no_embedding(
    gemini_emulator: Emulator, gemini_client: Client
) -> None:
    gemini_emulator.answers(lambda request, model: "text")

    async with gemini_client as client:
        requests = [EmbedRequest.from_text("Hello")]
        job = await client.batches.submit("gemini-embedding-001", requests)
        job = await client.batches.poll(job)
        [result] = [result async for result in client.batches.results(job)]

    assert result.error is not None
    assert "a text is no answer" in (result.error.message or "")


async def test_the_newest_function_plays(
    gemini_emulator: Emulator, gemini_client: Client
) -> None:
    async with gemini_client as client:
        gemini_emulator.answers(lambda request, model: "first")
        before = await run(client)
        gemini_emulator.answers(lambda request, model: "second")
        after = await run(client)

    assert [before[0].text, after[0].text] == ["first", "second"]


# Steering from the thread of the test


async def test_scripts_faults_and_the_log(
    gemini_emulator: Emulator, gemini_client: Client
) -> None:
    gemini_emulator.script("nightly*", "BATCH_STATE_RUNNING", "BATCH_STATE_EXPIRED")
    gemini_emulator.faults.append(Fault(path="*/batches/*", status=503))

    async with gemini_client as client:
        job = await client.batches.submit(MODEL, [prompt("Hi")], display_name="nightly")
        states = [
            progress.state.value
            async for progress in client.batches.wait(job, poll_interval=0.01)
        ]

    assert states == ["running", "expired"]
    assert [entry.status for entry in gemini_emulator.log] == [200, 503, 200, 200]
    [row] = gemini_emulator.log[0].json["batch"]["inputConfig"]["requests"]["requests"]
    assert row["request"]["contents"][0]["parts"] == [{"text": "Hi"}]
    assert gemini_emulator.log[1].json is None
    assert gemini_emulator.faults == []


async def test_a_job_that_is_there_can_be_scripted(
    gemini_emulator: Emulator, gemini_client: Client
) -> None:
    async with gemini_client as client:
        job = await client.batches.submit(MODEL, [prompt()])
        gemini_emulator.script(job.name, "BATCH_STATE_FAILED")
        job = await client.batches.get(job)

    assert job.failed


async def test_it_can_be_out_of_reach_for_a_while(
    gemini_emulator: Emulator, gemini_client: Client
) -> None:
    async with gemini_client as client:
        job = await client.batches.submit(MODEL, [prompt()])
        async with gemini_emulator.unreachable():
            with pytest.raises(TransportError):
                await client.batches.get(job)

        assert (await client.batches.get(job)).succeeded


def test_a_mistake_in_a_script_is_raised_where_it_was_made(
    gemini_emulator: Emulator,
) -> None:
    with pytest.raises(KeyError):
        gemini_emulator.script("batches/nobody", "BATCH_STATE_FAILED")


async def test_a_job_can_be_cancelled_once_it_stays_open(
    gemini_emulator: Emulator, gemini_client: Client
) -> None:
    gemini_emulator.script("*", "BATCH_STATE_RUNNING")
    async with gemini_client as client:
        job = await client.batches.submit(MODEL, [prompt()])
        job = await client.batches.get(job)
        await client.batches.cancel(job)
        gemini_emulator.script(job.name, "BATCH_STATE_CANCELLED")
        job = await client.batches.poll(job)

    assert job.cancelled


async def test_a_download_is_in_the_log_when_it_has_been_read(
    gemini_emulator: Emulator, gemini_client: Client, tmp_path: Path
) -> None:
    source = tmp_path / "input.jsonl"
    source.write_text(
        '{"key": "a", "request": {"contents": [{"parts": [{"text": "x"}]}]}}\n'
    )
    async with gemini_client as client:
        file = await client.files.upload(source)
        job = await client.batches.create(MODEL, file_name=file.name)
        job = await client.batches.poll(job)
        for _ in range(20):
            [result] = [result async for result in client.batches.results(job)]
            assert gemini_emulator.log[-1].path.endswith(":download")
            assert gemini_emulator.log[-1].status == 200

    assert result.key == "a"


async def test_many_threads_may_steer_at_once(
    gemini_emulator: Emulator, gemini_client: Client
) -> None:
    """Nothing is lost, and no request is answered with an error, while four threads steer."""
    stop = threading.Event()
    failures: list[Exception] = []

    def steer(number: int) -> None:
        try:
            while not stop.is_set():
                gemini_emulator.script(f"{number}*", "BATCH_STATE_RUNNING")
                gemini_emulator.answers(lambda request, model: "answer")
                gemini_emulator.faults.append(Fault(path="/nowhere", status=500))
                for name in list(gemini_emulator.jobs):
                    assert gemini_emulator.jobs[name].state
                assert all(entry.method for entry in gemini_emulator.log)
                gemini_emulator.faults.clear()
        except Exception as error:  # noqa: BLE001 - told by the test
            failures.append(error)

    threads = [threading.Thread(target=steer, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        async with gemini_client as client:
            jobs = [await run(client, "x") for _ in range(15)]
    finally:
        stop.set()
        for thread in threads:
            await anyio.to_thread.run_sync(thread.join)

    assert failures == []
    assert all(result.ok for [result] in jobs)
    assert {entry.status for entry in gemini_emulator.log} == {200}


# Options


class TestAnEmulatorOfOnesOwn:
    @pytest.fixture
    def gemini_emulator_options(self) -> dict[str, Any]:
        return {"clock": ManualClock(), "api_key": "mine"}

    async def test_its_clock_is_turned_by_the_test(
        self, gemini_emulator: Emulator, gemini_client: Client
    ) -> None:
        assert isinstance(gemini_emulator.clock, ManualClock)
        async with gemini_client as client:
            job: BatchJob = await client.batches.submit(MODEL, [prompt()])
            states = [(await client.batches.get(job)).state.value]
            for seconds in (2, 3, 1):
                gemini_emulator.clock.advance(seconds)
                states.append((await client.batches.get(job)).state.value)

        assert gemini_emulator.api.api_key == "mine"
        assert states == ["pending", "running", "running", "succeeded"]


class TestAnotherKey:
    @pytest.fixture
    def gemini_emulator_options(self) -> dict[str, Any]:
        return {"api_key": "mine"}

    async def test_other_options_leave_the_haste(
        self, gemini_emulator: Emulator, gemini_client: Client
    ) -> None:
        async with gemini_client as client:
            job = await client.batches.submit(MODEL, [prompt()])
            await anyio.sleep(0.005)
            job = await client.batches.get(job)

        assert gemini_emulator.api.api_key == "mine"
        assert job.succeeded


class TestKeptOnDisk:
    @pytest.fixture
    def gemini_emulator_options(self, tmp_path: Path) -> dict[str, Any]:
        return {"data": tmp_path / "data"}

    async def test_it_is_steered_from_another_thread_all_the_same(
        self, gemini_emulator: Emulator, gemini_client: Client
    ) -> None:
        """SQLite lets one thread alone use a connection."""
        async with gemini_client as client:
            job = await client.batches.submit(MODEL, [prompt()])
            gemini_emulator.script(job.name, "BATCH_STATE_EXPIRED")
            gemini_emulator.answers(lambda request, model: "answer")
            job = await client.batches.get(job)

        assert job.state.value == "expired"
