"""Every recorded request is accepted, and whatever is made wrong about it is refused."""

import copy
import io
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
from attrs import define, field

from gemini_batch.testing import Emulator, Limits, ManualClock
from tests.emulator.mutations import Mutation, broken_texts, in_snake_case, mutations
from tests.emulator.service import KEY, RECORDED, Answer, Service, recorded, request_of

GENERATE = "/v1beta/models/gemini-2.5-flash:batchGenerateContent"
EMBED = "/v1beta/models/gemini-embedding-001:asyncBatchEmbedContent"
CREATES = {
    "create-inline": GENERATE,
    "create-inline-full-options": GENERATE,
    "create-file": GENERATE,
    "embed-create-inline": EMBED,
    "embed-create-file": EMBED,
}
INPUTS = {
    "generate-input.jsonl": "batchGenerateContent",
    "generate-input-options.jsonl": "batchGenerateContent",
    "embed-input.jsonl": "asyncBatchEmbedContent",
}
START = {"X-Goog-Upload-Protocol": "resumable", "X-Goog-Upload-Command": "start"}
# The service lists that many bad lines of a file.
LISTED = 10


@define
class Tally:
    """What became of all that was sent."""

    samples: int = 0
    mutated: int = 0
    refused: int = 0
    wrongly_named: int = 0
    complaints: list[str] = field(factory=list)

    def take(self, mutation: Mutation | str, refused: bool, named: bool) -> None:
        """Count one mutation."""
        self.mutated += 1
        self.refused += refused
        self.wrongly_named += refused and not named
        if not refused or not named:
            self.complaints.append(f"{'misnamed' if refused else 'accepted'}: {mutation}")

    def check(self) -> None:
        """Fail for what went wrong since it was last asked."""
        complaints, self.complaints = self.complaints, []
        assert not complaints, complaints[:5]

    def __str__(self) -> str:
        return (
            f"sweep: {self.samples} samples accepted; {self.mutated} mutations:"
            f" {self.refused} refused, {self.mutated - self.refused} wrongly accepted,"
            f" {self.wrongly_named} refused with the wrong field"
        )


@pytest.fixture(scope="module")
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    tally = Tally()
    yield tally
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        print(f"\n{tally}")  # noqa: T201 - the figures belong in the log of every run


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """It holds the files that the samples name."""
    limits = Limits(max_open_jobs=10**6)
    async with (
        Emulator(clock=ManualClock(), limits=limits) as emulator,
        aiohttp.ClientSession() as session,
    ):
        service = Service(emulator, session)
        rows = (RECORDED / "jsonl/generate-input.jsonl").read_bytes()
        await service.upload(rows, name="files/9ipl31k7go00")
        rows = (RECORDED / "jsonl/embed-input.jsonl").read_bytes()
        await service.upload(rows, name="files/t5snrshrqff1")
        yield service


def _names_it(answer: Answer, mutation: Mutation) -> bool:
    error = answer.json["error"]
    if (error["code"], error["status"]) != (400, "INVALID_ARGUMENT"):
        return False
    if mutation.kind == "rule":
        return mutation.at in error["message"]
    [violation] = error["details"][0]["fieldViolations"]
    place, text = mutation.in_json()
    return (
        violation.get("field", "") == place
        and text in violation["description"]
        and error["message"] == violation["description"]
    )


async def _sweep(
    service: Service, tally: Tally, method: str, url: str, sample: Any, **options: Any
) -> None:
    """Send a sample in both spellings, and everything that is made of it."""
    for body in (sample, in_snake_case(sample)):
        answer = await service.call(method, url, json=body, **options)
        assert answer.status == 200, answer.body
        tally.samples += 1
    jobs = len(service.emulator.jobs)
    for mutation in mutations(sample, seed=len(str(sample))):
        answer = await service.call(method, url, json=mutation.body, **options)
        tally.take(mutation, answer.status != 200, _names_it(answer, mutation))
    for text in broken_texts(sample):
        answer = await service.call(method, url, data=text.encode(), **options)
        named = answer.status == 400 and "Invalid" in answer.message
        tally.take(text, answer.status != 200, named)
    assert len(service.emulator.jobs) == jobs
    tally.check()


@pytest.mark.parametrize("sample", CREATES)
async def test_creates(service: Service, tally: Tally, sample: str) -> None:
    body = recorded(f"gemini/{sample}.request.json")

    await _sweep(service, tally, "POST", CREATES[sample], body)


async def test_updates(service: Service, tally: Tally) -> None:
    name = await service.create_inline("x")
    url = f"/v1beta/{name}:updateGenerateContentBatch?updateMask="
    body = recorded("gemini/update-priority.request.json")

    await _sweep(service, tally, "PATCH", f"{url}priority", body)
    for mask in ("", "state", "name", "priority,model", "Priority", "priority,", "*"):
        answer = await service.call("PATCH", url + mask, json=body)
        named = answer.status == 400 and "update mask" in answer.message
        tally.take(f"mask {mask}", answer.status != 200, named)
    tally.check()


async def test_starts_of_uploads(service: Service, tally: Tally) -> None:
    sample = recorded("files/upload-start.request.json")
    headers = {**sample["_headers"], **KEY}
    url = "/upload/v1beta/files"

    await _sweep(service, tally, "POST", url, sample["_body"], headers=headers)
    for member, values, text in (
        ("displayName", ["x" * 513], "display_name"),
        (
            "name",
            ["files/A", "-a", "a-", "a" * 41, "files/a b", "files/9ipl31k7go00"],
            "name",
        ),
        ("sizeBytes", [2**63, "x", 1.5, True], "size_bytes"),
        ("mimeType", [7, {}], "mime_type"),
    ):
        for value in values:
            file = {**sample["_body"]["file"], member: value}
            answer = await service.call("POST", url, json={"file": file}, headers=headers)
            right = 409 if value == "files/9ipl31k7go00" else 400
            named = answer.status == right and text in answer.body.decode()
            tally.take(f"{member} {value}", answer.status != 200, named or right == 409)
    for name, value in (
        ("X-Goog-Upload-Protocol", "multipart"),
        ("X-Goog-Upload-Protocol", ""),
        ("X-Goog-Upload-Command", "begin"),
        ("X-Goog-Upload-Command", "start, upload"),
        ("X-Goog-Upload-Header-Content-Length", "many"),
        ("X-Goog-Upload-Header-Content-Length", "-1"),
        ("X-Goog-Upload-Header-Content-Length", str(2 * 1024**3 + 1)),
    ):
        wrong = {**headers, name: value}
        answer = await service.call("POST", url, json=sample["_body"], headers=wrong)
        tally.take(f"{name} {value}", answer.status != 200, answer.status == 400)
    tally.check()


async def _create_from(service: Service, lines: list[bytes], method: str) -> Answer:
    file = await service.upload(b"\n".join(lines) + b"\n")
    model = "gemini-embedding-001" if "Embed" in method else "gemini-2.5-flash"
    return await service.create(
        {"inputConfig": {"fileName": file["name"]}}, model=f"models/{model}", method=method
    )


def _with_key(row: Any, key: str) -> Any:
    """The row with a key of its own, if what it has is one."""
    if not isinstance(row, dict) or not isinstance(row.get("key"), str) or not row["key"]:
        return row
    return {**row, "key": key}


@pytest.mark.parametrize("sample", INPUTS)
async def test_rows(service: Service, tally: Tally, sample: str) -> None:
    method = INPUTS[sample]
    lines = (RECORDED / "jsonl" / sample).read_bytes().splitlines()
    rows = [json.loads(line) for line in lines]
    for good, row in zip(lines, rows, strict=True):
        for text in (good, json.dumps(in_snake_case(row)).encode()):
            answer = await _create_from(service, [text], method)
            assert answer.status == 200, answer.body
            tally.samples += 1
    jobs = len(service.emulator.jobs)
    wrong: Iterator[Mutation] = itertools.chain.from_iterable(
        mutations(row, seed) for seed, row in enumerate(rows)
    )
    while some := list(itertools.islice(wrong, LISTED)):
        # A good line first, so that the numbers are no accident.
        bad = [
            json.dumps(_with_key(mutation.body, f"k{number}")).encode()
            for number, mutation in enumerate(some)
        ]
        answer = await _create_from(service, [lines[0], *bad], method)
        complaints = answer.json.get("error", {}).get("message", "").split("\nError on ")
        for number, mutation in enumerate(some, 2):
            found = [text for text in complaints if f"line {number}: " in text]
            named = answer.status == 400 and any(mutation.in_line() in t for t in found)
            tally.take(mutation, answer.status != 200 and bool(found), named)
    for broken in broken_texts(rows[0]):
        answer = await _create_from(service, [lines[0], broken.encode()], method)
        named = answer.status == 400 and "Error on line 2: " in answer.message
        tally.take(broken, answer.status != 200, named)
    assert len(service.emulator.jobs) == jobs
    tally.check()


async def test_bare_rows_are_legacy(service: Service, tally: Tally) -> None:
    line = (RECORDED / "jsonl/generate-input-legacy-bare.jsonl").read_bytes().strip()

    answer = await _create_from(service, [line], "batchGenerateContent")

    named = answer.status == 400 and "no such field: 'contents'" in answer.message
    tally.take("bare row", answer.status != 200, named)
    tally.check()


async def test_keys_and_models_and_sizes(service: Service, tally: Tally) -> None:
    body = recorded("gemini/create-inline.request.json")

    async def refused(status: int, text: str, url: str = GENERATE, **options: Any) -> None:
        sent = {"json": body, **options} if "data" not in options else options
        answer = await service.call("POST", url, **sent)
        named = answer.status == status and text in answer.message
        tally.take(f"{url} {text}", answer.status != 200, named)

    await refused(403, "unregistered callers", headers={})
    for key in ("wrong", "emulator-keyx", "EMULATOR-KEY"):
        await refused(400, "API key not valid", headers={"x-goog-api-key": key})
    for model in ("models/gpt-4", "models/imagen-4.0", "models/gemini-embedding-001"):
        url = f"/v1beta/{model}:batchGenerateContent"
        await refused(404, f"{model} is not found for API version v1beta", url)
    await refused(404, "is not found", EMBED.replace("embedding-001", "2.5-flash"))
    other = copy.deepcopy(body)
    other["batch"]["model"] = "models/gemini-2.5-pro"
    await refused(400, "batch.model", json=other)
    large = copy.deepcopy(body)
    rows = large["batch"]["inputConfig"]["requests"]["requests"]
    rows[0] = {"request": request_of("x" * (20 << 20))}
    data = io.BytesIO(json.dumps(large).encode())
    await refused(400, "Request payload size exceeds the limit: 20971520", data=data)
    tally.check()


async def test_too_many_jobs(tally: Tally) -> None:
    body = recorded("gemini/create-inline.request.json")
    async with (
        Emulator(clock=ManualClock()) as emulator,
        aiohttp.ClientSession() as session,
    ):
        service = Service(emulator, session)
        for _ in range(100):
            assert (await service.call("POST", GENERATE, json=body)).status == 200
        answer = await service.call("POST", GENERATE, json=body)

    named = answer.json == recorded("errors/429-help-only.json")
    tally.take("job 101", answer.status != 200, answer.status == 429 and named)
    tally.check()
