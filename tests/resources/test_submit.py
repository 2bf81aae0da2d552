"""submit: checked before a byte is sent, keyed, small ones inline, large ones uploaded."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gemini_batch import (
    Client,
    EmbedRequest,
    GenerateRequest,
    InputError,
    JobKind,
    RateLimitError,
    TransferProgress,
    check_input,
)
from gemini_batch._input.prepare import prepare
from gemini_batch.resources.batches import create
from gemini_batch.resources.batches.create import BatchRequest
from gemini_batch.testing import Emulator, Fault, ManualClock
from tests.support.rows import EMBED_MODEL, MODEL, jsonl, many, row


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everything go through a file, as large inputs do."""
    monkeypatch.setattr(
        create, "prepare", lambda *a, **k: prepare(*a, **{**k, "inline_limit": 0})
    )


async def keys(client: Client, clock: ManualClock, job: str) -> list[str | None]:
    clock.advance(3600)
    return [
        result.key async for result in client.batches.results(await client.batches.get(job))
    ]


async def test_a_small_file_goes_inline(
    emulator: Emulator, client: Client, clock: ManualClock, tmp_path: Path
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(many(3))

    job = await client.batches.submit(MODEL, path, display_name="Mine", priority=3)

    assert (job.display_name, job.priority, job.source.file_name) == ("Mine", 3, None)
    assert dict(emulator.files) == {}
    assert await keys(client, clock, str(job.name)) == ["k0", "k1", "k2"]


@pytest.mark.usefixtures("uploads")
async def test_a_large_file_is_uploaded(
    emulator: Emulator, client: Client, clock: ManualClock, tmp_path: Path
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(many(3))
    seen: list[TransferProgress] = []

    job = await client.batches.submit(MODEL, str(path), on_progress=seen.append)

    assert job.source.file_name is not None
    (file,) = [f for name, f in emulator.files.items() if name == job.source.file_name]
    assert [json.loads(line)["key"] for line in file.read().splitlines()] == [
        "k0",
        "k1",
        "k2",
    ]
    assert seen[-1].done == seen[-1].total == file.size
    assert await keys(client, clock, job.name) == ["k0", "k1", "k2"]


@pytest.mark.parametrize("through_file", [False, True])
async def test_every_form_of_request_is_taken(
    client: Client, clock: ManualClock, through_file: bool, request: pytest.FixtureRequest
) -> None:
    if through_file:
        request.getfixturevalue("uploads")

    async def requests() -> AsyncIterator[BatchRequest]:
        yield GenerateRequest.from_text("Hello", key="typed")
        yield GenerateRequest.from_text("Hello")
        yield row("mapping")
        yield row("x")["request"]
        yield jsonl(row("line")).decode()
        yield jsonl(row("bytes"))
        yield {
            "key": "snake",
            "request": {**row("x")["request"], "generation_config": {"top_p": 1}},
        }

    job = await client.batches.submit(MODEL, requests())

    assert await keys(client, clock, job.name) == [
        "typed",
        "row-000000002",
        "mapping",
        "row-000000004",
        "line",
        "bytes",
        "snake",
    ]


async def test_the_kind_is_told_by_the_requests(client: Client) -> None:
    job = await client.batches.submit(
        EMBED_MODEL, [EmbedRequest.from_text("Hello", key="a")]
    )

    assert job.kind == JobKind.EMBED


async def test_defaults_are_applied(emulator: Emulator, client: Client) -> None:
    await client.batches.submit(
        MODEL,
        [row("a")],
        system_instruction="Be brief.",
        generation_config={"max_output_tokens": 7},
    )

    (sent,) = json.loads(emulator.log[-1].body or b"")["batch"]["inputConfig"]["requests"][
        "requests"
    ]
    assert sent["request"]["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert sent["request"]["generationConfig"] == {"maxOutputTokens": 7}


async def test_all_problems_are_told_before_anything_is_sent(
    emulator: Emulator, client: Client, tmp_path: Path
) -> None:
    path = tmp_path / "in.jsonl"
    lines = [
        json.dumps(row("a")),
        "{",
        json.dumps(row("a")),
        json.dumps({"key": "b", "request": {"contents": [], "temperature": 1}}),
        "",
        json.dumps({"key": 5, "request": row("x")["request"]}),
    ]
    path.write_text("\n".join(lines))

    with pytest.raises(InputError) as caught:
        await client.batches.submit(MODEL, path)

    problems = caught.value.problems
    assert {p.line for p in problems} == {2, 3, 4, 6}
    assert {p.file for p in problems} == {str(path)}
    assert all(p.remedy for p in problems)
    assert any("generationConfig" in p.remedy for p in problems if p.line == 4)
    assert emulator.log == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty|no requests"),
        (b"\n\n\r\n", "no requests"),
        (b"\xff\xfe{\x00", "UTF-16"),
        (b'{"key": "a\xff", "request": {}}', "UTF-8"),
        (b"[1, 2]\n", "object"),
        (
            b'{"custom_id": "a", "request": {"contents": [{"parts": [{"text": "x"}]}]}}',
            "custom_id",
        ),
        (b'{"key": "", "request": {"contents": [{"parts": [{"text": "x"}]}]}}', "key"),
        (b'{"key": "a"}', "request|contents"),
        (
            jsonl(row("a", cachedContent="cachedContents/x", tools=[{"googleSearch": {}}])),
            "cachedContent",
        ),
        (
            jsonl(row("a", systemInstruction={"parts": [{"text": ""}]})),
            "systemInstruction",
        ),
        (b'{"contents": "Hello", "config": {"temperature": 0}}', "config"),
    ],
)
async def test_bad_input_is_refused(
    emulator: Emulator, client: Client, tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(content)

    with pytest.raises(InputError, match=message):
        await client.batches.submit(MODEL, path)

    assert emulator.log == []


async def test_bom_crlf_and_blank_lines_are_coped_with(
    client: Client, clock: ManualClock, tmp_path: Path
) -> None:
    path = tmp_path / "in.jsonl"
    lines = [json.dumps(row("a")), "", json.dumps(row("b")), "  "]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())

    job = await client.batches.submit(MODEL, path)

    assert await keys(client, clock, job.name) == ["a", "b"]


async def test_a_line_of_30_mb_is_told_with_its_number(
    emulator: Emulator, client: Client, tmp_path: Path
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(jsonl(row("a"), row("b", "x" * 30_000_000), row("a")))

    with pytest.raises(InputError) as caught:
        await client.batches.submit(MODEL, path)

    assert [p.line for p in caught.value.problems] == [2, 3]
    assert "fileData" in caught.value.problems[0].remedy
    assert emulator.log == []


@pytest.mark.parametrize("what", ["absent", "folder", "empty"])
async def test_a_path_that_is_no_input_is_refused(
    emulator: Emulator, client: Client, tmp_path: Path, what: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()

    with pytest.raises(InputError) as caught:
        await client.batches.submit(MODEL, tmp_path / what)

    assert caught.value.problems[0].file == str(tmp_path / what)
    assert emulator.log == []


@pytest.mark.usefixtures("uploads")
async def test_a_key_is_looked_up_before_the_upload(
    emulator: Emulator, client: Client
) -> None:
    first = await client.batches.submit(MODEL, [row("a")], idempotency_key="x")
    sent = len(emulator.log)

    second = await client.batches.submit(MODEL, [row("a")], idempotency_key="x")

    assert second.name == first.name
    paths = [entry.path for entry in emulator.log[sent:]]
    assert paths == ["/v1beta/batches", f"/v1beta/{first.name}"]


@pytest.mark.usefixtures("uploads")
async def test_a_refused_create_takes_its_file_back(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(Fault(path="*:batchGenerateContent", status=429, times=99))

    with pytest.raises(RateLimitError):
        await client.batches.submit(MODEL, [row("a")])

    assert dict(emulator.files) == {}


@pytest.mark.usefixtures("uploads")
async def test_an_ambiguous_create_leaves_its_file(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults.append(Fault(path="*:batchGenerateContent", drop="after"))

    job = await client.batches.submit(MODEL, [row("a")])

    assert list(emulator.files) == [job.source.file_name]


@pytest.mark.usefixtures("uploads")
async def test_a_file_that_cannot_be_taken_back_is_let_go(
    emulator: Emulator, client: Client
) -> None:
    emulator.faults += [
        Fault(path="*:batchGenerateContent", status=403),
        Fault(method="DELETE", status=403),
    ]

    with pytest.raises(Exception, match="403"):
        await client.batches.submit(MODEL, [row("a")])


async def test_a_wrong_model_in_a_row_is_told(client: Client) -> None:
    wrong = {"key": "a", "request": {**row("a")["request"], "model": "models/other"}}

    with pytest.raises(InputError, match="model"):
        await client.batches.submit(MODEL, [wrong])


async def test_a_sound_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(many(3))

    report = await check_input(path, model=MODEL)

    assert (report.kind, report.count, report.inline) == (JobKind.GENERATE, 3, True)
    assert report.size > 0
    path.write_bytes(b"{")
    with pytest.raises(InputError):
        await check_input(path)
