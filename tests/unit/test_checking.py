"""Checking a file for one API or the other."""

from pathlib import Path

import pytest

from gemini_batch import (
    DeveloperAPI,
    InputError,
    JobKind,
    VertexAI,
    check_input,
    response_schema,
)
from gemini_batch._input.check import check_count
from tests.support.rows import jsonl, many, row

VERTEX = VertexAI(project="p", location="us-central1")
DEVELOPER = DeveloperAPI(api_key="k")
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
