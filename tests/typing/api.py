"""The public API as type checkers see it. Never run; checked by mypy and pyright."""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any, assert_type

from attrs import frozen

from gemini_batch import (
    BatchJob,
    BatchResult,
    Client,
    CompletionStats,
    Content,
    CredentialsError,
    DeveloperAPI,
    Embeddings,
    EmbedRequest,
    ErrorCode,
    Estimate,
    File,
    FunctionCallingConfig,
    FunctionDeclaration,
    GenerateContentResponse,
    GenerateRequest,
    GenerationConfig,
    InputError,
    InputProblem,
    InputReport,
    JobState,
    Outcome,
    Page,
    Part,
    Price,
    Progress,
    RpcStatus,
    SecurityError,
    StoredObject,
    Tally,
    TaskType,
    Tool,
    ToolConfig,
    TransferProgress,
    Usage,
    VertexAI,
    WebhookConfig,
    check_cost,
    check_input,
    estimate_input,
    few_shot,
    response_schema,
    tables,
    write_results,
)
from gemini_batch.testing import Emulator
from gemini_batch.testing import result as made_result
from gemini_batch.types import FloatArray


@frozen
class Recipe:
    title: str


async def files(client: Client) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b""

    def report(progress: TransferProgress) -> None:
        assert_type(progress.fraction, float | None)

    assert_type(await client.files.upload("a.jsonl", on_progress=report), File)
    assert_type(await client.files.upload(Path("a.jsonl"), mime_type="jsonl"), File)
    assert_type(await client.files.upload(b"", name="files/a", display_name="A"), File)
    assert_type(await client.files.upload(pieces()), File)
    assert_type(await client.files.get("files/a"), File)
    assert_type(await client.files.list(page_size=5), Page[File])
    assert_type(client.files.list_all(), AsyncGenerator[File, None])
    assert_type(await client.files.download("files/a", "out.jsonl"), Path)
    async with client.files.open_download("files/a") as download:
        async for piece in download:
            assert_type(piece, bytes)
    await client.files.delete("files/a")


async def batches(client: Client, file: File) -> None:
    job = await client.batches.create(
        "gemini-2.5-flash",
        file_name=file,
        display_name="Mine",
        priority=1,
        webhook=WebhookConfig(uris=("https://x",)),
        idempotency_key="x",
    )
    assert_type(job, BatchJob)
    assert_type(job.state, JobState)
    assert_type(job.completion_stats, CompletionStats | None)
    assert_type(job.error, RpcStatus | None)
    request = GenerateRequest(
        contents=(Content(role="user", parts=(Part.from_text("Hello"),)),),
        generation_config=GenerationConfig(temperature=0.0),
    )
    await client.batches.create("m", inlined_requests=[request, {"contents": []}, "{}"])
    embed = EmbedRequest.from_text("Hello", task_type=TaskType.CLUSTERING)
    assert_type(
        await client.batches.create_embeddings("m", inlined_requests=[embed]), BatchJob
    )
    assert_type(
        await client.batches.submit("m", "input.jsonl", system_instruction="x"), BatchJob
    )
    assert_type(await client.batches.submit("m", [request]), BatchJob)
    assert_type(await client.batches.get(job), BatchJob)
    assert_type(await client.batches.list(filter="state=running"), Page[BatchJob])
    assert_type(client.batches.list_all(), AsyncGenerator[BatchJob, None])
    assert_type(await client.batches.update(job, priority=2), BatchJob)
    await client.batches.cancel(job)
    await client.batches.delete(job.name)


async def vertex(job: BatchJob) -> None:
    api = VertexAI(project="p", location="us-central1", staging="gs://b-b/prefix")
    async with Client(api) as client:
        assert_type(
            await client.batches.create(
                "m",
                gcs_uri=["gs://b-b/x.jsonl"],
                dest="bq://p",
                labels={"team": "search"},
                service_account="s@p.iam.gserviceaccount.com",
                kms_key_name="projects/p/locations/l/keyRings/r/cryptoKeys/k",
            ),
            BatchJob,
        )
        await client.batches.create("m", bigquery_uri="bq://p.d.t")
        await client.batches.create_embeddings("m", vertex_dataset="d", dest="gs://b-b/x")
        await client.batches.submit("m", [{}], dest="gs://b-b/x", labels={})
        assert_type(await client.batches.check("gs://b-b/x.jsonl", model="m"), InputReport)
        assert_type(await client.batches.check(Path("x"), key_column="id"), InputReport)
        await client.batches.submit("m", [{}], response_type=Recipe, as_json_schema=True)
        results = client.batches.results(job, key_column="id", response_type=list[Recipe])
        assert_type(results, AsyncGenerator[BatchResult, None])


async def objects(client: Client) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b""

    stored = await client.objects.upload(pieces(), "gs://b-b/x", on_progress=print)
    assert_type(stored, StoredObject)
    await client.objects.upload(Path("a.jsonl"), "gs://b-b/x", mime_type="text/plain")
    assert_type(await client.objects.get("gs://b-b/x"), StoredObject)
    assert_type(client.objects.list_all("gs://b-b"), AsyncGenerator[StoredObject, None])
    assert_type(await client.objects.download(stored, "out.jsonl"), Path)
    async with client.objects.open_download(stored) as download:
        async for piece in download:
            assert_type(piece, bytes)
    await client.objects.delete(stored)


async def reading(client: Client, job: BatchJob) -> None:
    async for progress in client.batches.wait(job, poll_interval=30, timeout=60):
        assert_type(progress, Progress)
        assert_type(progress.percent, float | None)
        assert_type(progress.eta, float | None)
    assert_type(await client.batches.poll(job, on_progress=print), BatchJob)
    assert_type(await client.batches.get_responses(job), tuple[BatchResult, ...])
    async for result in client.batches.results(job):
        assert_type(result.key, str | None)
        assert_type(result.outcome, Outcome)
        assert_type(result.text, str | None)
        assert_type(result.response, GenerateContentResponse | None)
        assert_type(result.embedding, FloatArray | None)
        assert_type(result.usage, Usage | None)
        assert_type(result.error, RpcStatus | None)
        assert_type(result.parsed(Recipe), Recipe)
        assert_type(result.parsed(list[Recipe]), list[Recipe])
        assert_type(result.parsed(), Any)


async def elsewhere() -> None:
    assert_type(await check_input("a.jsonl"), InputReport)
    assert_type(response_schema(Recipe), dict[str, Any])
    async with Emulator() as emulator, Client(emulator.api) as client:
        assert_type(emulator.api, DeveloperAPI)
        assert_type(emulator.vertex, VertexAI)
        assert_type(client, Client)
    try:
        pass
    except InputError as error:
        assert_type(error.problems, tuple[InputProblem, ...])


async def tables_and_tools(client: Client) -> None:
    tool = Tool(
        function_declarations=(
            FunctionDeclaration(name="f", parameters={"type": "OBJECT"}),
        )
    )
    request = GenerateRequest.from_parts(
        [Part.from_file("a.pdf"), "What is it?"],
        examples=[("in", "out")],
        tools=[tool, {"url_context": {}}],
        tool_config=ToolConfig(
            function_calling_config=FunctionCallingConfig(allowed_function_names=("f",))
        ),
    )
    assert_type(request, GenerateRequest)
    assert_type(GenerateRequest.from_file(Path("a.png"), prompt="?"), GenerateRequest)
    assert_type(EmbedRequest.from_file("a.png"), EmbedRequest)
    assert_type(few_shot([("in", "out")]), tuple[Content, ...])
    rows = tables.requests_from("a.csv", template="{a}", key="id", file_format="csv")
    assert_type(rows, AsyncGenerator[GenerateRequest, None])
    assert_type(await client.batches.submit("m", rows), BatchJob)
    vectors = tables.embed_requests_from("a.parquet", text="a", title="b")
    assert_type(vectors, AsyncGenerator[EmbedRequest, None])
    assert_type(await client.batches.submit("m", vectors), BatchJob)


async def reconciling(client: Client, job: BatchJob) -> None:
    tally = Tally()
    results = client.batches.results(job, expected={"a"}, tally=tally)
    assert_type(results, AsyncGenerator[BatchResult, None])
    client.batches.results(job, expected=Path("input.jsonl"), ordered=True)
    client.batches.results(job, expected=(key for key in ("a", "b")), ordered=True)
    client.batches.results(job, expected=3)
    assert_type(tally + tally, Tally)
    assert_type(tally.outcomes, Counter[Outcome])
    assert_type(tally.usage + Usage(), Usage)
    assert_type(tally.samples[0].key, str | None)
    async for result in results:
        assert_type(result.retryable, bool)


async def collecting(client: Client, job: BatchJob) -> None:
    found = await client.batches.collect_embeddings(job, dtype="float64", max_bytes=1)
    assert_type(found, Embeddings)
    assert_type(found.keys, tuple[str, ...])
    await client.batches.collect_embeddings(job, expected=["a"], ordered=True, partial=True)
    tally = await write_results(client.batches.results(job), "out.csv")
    assert_type(tally, Tally)
    responses = await client.batches.get_responses(job)
    await write_results(
        responses, Path("out.jsonl"), raw=True, failures="failed.jsonl", requests=[{}]
    )
    price = Price(prompt=0.15, answer=1.25, thoughts=1.25)
    assert_type(price.cost(tally.usage), float | None)
    estimate = await estimate_input("in.jsonl", price=price, answer_tokens=500)
    assert_type(estimate, Estimate)
    assert_type(check_cost(estimate, 10.0), float)


def making_results() -> None:
    found = made_result("a", text="x", usage=Usage(), metadata={"n": 1}, index=3)
    assert_type(found, BatchResult)
    made_result(None, embedding=[0.1], outcome=Outcome.OK)
    made_result("a", error=RpcStatus(code=8), response_type=Recipe)


def facts_of_errors(error: InputError, other: CredentialsError | SecurityError) -> None:
    assert_type(error.problems[0].code, ErrorCode | None)
    assert_type(other.code, ErrorCode | None)
    assert_type(other.remedy, str)
