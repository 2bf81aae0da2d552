"""Checking a file and estimating its cost, for one API or the other."""

import math
from pathlib import Path

import pytest

from gemini_batch import (
    DeveloperAPI,
    InputError,
    JobKind,
    Price,
    VertexAI,
    check_cost,
    check_input,
    estimate_input,
    response_schema,
)
from gemini_batch._input.check import check_count
from tests.support.rows import jsonl, many, row

VERTEX = VertexAI(project="p", location="us-central1")
DEVELOPER = DeveloperAPI(api_key="k")
PRICE = Price(prompt=1.0, cached=0.25, answer=4.0, thoughts=8.0)
SETTING = {"category": "HARM_CATEGORY_HARASSMENT", "method": "SEVERITY"}
"""Of which the Developer API does not know the method."""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_bytes(jsonl(row("a", safetySettings=[SETTING])))
    return path


async def test_each_api_has_its_own_rules(path: Path) -> None:
    report = await check_input(path, api=VERTEX)

    assert (report.kind, report.count, report.inline) == (JobKind.GENERATE, 1, False)
    with pytest.raises(InputError, match="method"):
        await check_input(path, api=DEVELOPER)


async def test_the_environment_says_which_api(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="method"):
        await check_input(path)

    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")

    assert (await check_input(path)).count == 1


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "models/gemini-2.5-flash"])
async def test_a_model_is_named_as_the_api_names_it(tmp_path: Path, model: str) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(jsonl(row("a", model="gemini-2.5-flash")))

    assert (await check_input(path, model=model, api=VERTEX)).count == 1
    assert (await check_input(path, model=model, api=DEVELOPER)).count == 1
    with pytest.raises(InputError, match="model"):
        await check_input(path, model="gemini-2.5-pro", api=VERTEX)


async def test_no_rows_are_written_for_a_model_that_brings_no_keys_through(
    tmp_path: Path,
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(many(1))

    with pytest.raises(InputError, match="text-embedding-005"):
        await check_input(path, model="text-embedding-005", api=VERTEX)


def test_too_many_rows_are_too_many() -> None:
    check_count(JobKind.EMBED, 11, {JobKind.GENERATE: 10})
    check_count(JobKind.GENERATE, 10, {JobKind.GENERATE: 10})
    with pytest.raises(InputError, match="there are 1,001 requests; a job takes up to 10"):
        check_count(JobKind.GENERATE, 1001, {JobKind.GENERATE: 10})


def test_the_schema_of_a_type_can_be_seen() -> None:
    assert response_schema(list[str]) == {"type": "ARRAY", "items": {"type": "STRING"}}
    assert response_schema(list[str], as_json_schema=True) == {
        "type": "array",
        "items": {"type": "string"},
    }
    with pytest.raises(InputError, match=r"response_type\[\]"):
        response_schema(list[dict[str, int]])


@pytest.mark.parametrize("limit", [1.99, 0.0, -1.0, math.nan])
def test_the_guard_lets_nothing_by_that_is_above_the_limit(limit: float) -> None:
    estimate = Price(prompt=2.0).estimate(requests=9, size=4_000_000, answer_tokens=0)

    with pytest.raises(InputError, match=r"the estimated cost is 2\.0000") as caught:
        check_cost(estimate, limit)
    assert caught.value.problems[0].field == "max_cost"
    assert "estimate, not a count" in str(caught.value)


async def test_a_file_is_estimated(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(jsonl(row("a", "Hello" * 100), row("b")))

    estimate = await estimate_input(
        path, price=PRICE, answer_tokens=50, bytes_per_token=2.0, api=DEVELOPER
    )

    assert (estimate.requests, estimate.answer_tokens) == (2, 100)
    assert 500 < estimate.size < 700
    assert estimate.prompt_tokens == math.ceil(estimate.size / 2)
    assert estimate.cost is not None
    assert estimate.cost > 0


async def test_rows_that_embed_have_no_answers(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(
        jsonl({"key": "a", "request": {"content": {"parts": [{"text": "x"}]}}})
    )

    estimate = await estimate_input(path, price=Price(prompt=1.0), api=DEVELOPER)

    assert estimate.answer_tokens == 0
    assert estimate.cost is not None
    assert estimate.cost > 0


async def test_what_rows_point_at_has_tokens_that_nobody_can_see(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    file = {"parts": [{"file_data": {"fileUri": "https://example.org/files/1"}}]}
    path.write_bytes(
        jsonl(
            row("cached", cachedContent="cachedContents/1"),
            {"key": "file", "request": {"contents": [file]}},
            row("a text", 'says "fileData": "x"'),
            row("neither"),
        )
    )

    estimate = await estimate_input(path, price=PRICE, answer_tokens=1, api=DEVELOPER)

    assert estimate.unknown == ("the tokens that 2 requests point at",)


async def test_input_that_is_wrong_has_no_estimate(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"{}\n")

    with pytest.raises(InputError):
        await estimate_input(path, price=PRICE, api=DEVELOPER)
