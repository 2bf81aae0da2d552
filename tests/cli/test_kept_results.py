"""Results that are kept: tables, one row per request, what did not end well, a limit on cost."""

import csv
import json
from pathlib import Path

import pytest

from gemini_batch import Client
from gemini_batch.testing import Emulator, Fault
from tests.cli.program import Program, write_rows
from tests.cli.test_results import finished, from_file

MODEL = "gemini-2.5-flash"


async def test_a_table_has_a_row_for_each_result(
    cli: Program, service: Emulator, mixed_file: Path, tmp_path: Path
) -> None:
    name = await finished(cli, mixed_file)
    target = tmp_path / "answers.csv"

    ran = await cli("results", name, "-o", target)

    assert ran.code == 3
    with target.open(newline="", encoding="utf-8") as file:
        rows = {row["outcome"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"ok", "blocked", "truncated"}
    assert rows["ok"]["text"]
    assert rows["blocked"]["error"].startswith("the prompt was blocked")
    assert ran.err.splitlines()[0].split() == ["Outcome", "Requests", "Example", "Reason"]


async def test_parquet_is_written_by_the_name(
    cli: Program, service: Emulator, input_file: Path, tmp_path: Path
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    name = await finished(cli, input_file)
    target = tmp_path / "answers.parquet"

    assert (await cli("results", name, "-o", target)).code == 0

    assert parquet.read_table(target).column("key").to_pylist() == ["k0", "k1", "k2"]


async def test_there_is_one_row_for_each_request_in_its_order(
    cli: Program, service: Emulator, tmp_path: Path
) -> None:
    path = write_rows(tmp_path / "input.jsonl", 5)
    service.faults.append(Fault.odd_rows("missing", "duplicate", "shuffled"))
    name = await from_file(cli, path)

    ran = await cli("results", name, "--expected", path, "--ordered")

    assert ran.code == 3
    assert [row["key"] for row in ran.lines] == [f"k{n}" for n in range(5)]
    assert [row["outcome"] for row in ran.lines].count("missing") == 1
    assert "Left out: 1 result with a key that came before" in ran.err
    assert "missing" in ran.err

    told = await cli(
        "results", name, "--expected", path, "-o", tmp_path / "a.jsonl", "--json"
    )
    assert told.document["outcomes"] == {"ok": 4, "missing": 1}
    assert told.document["duplicates"] == 1


async def test_a_missing_row_is_told_among_raw_ones(
    cli: Program, service: Emulator, tmp_path: Path
) -> None:
    path = write_rows(tmp_path / "input.jsonl", 3)
    service.faults.append(Fault.odd_rows("missing"))
    name = await from_file(cli, path)

    ran = await cli("results", name, "--raw", "--expected", path)

    assert {row["key"] for row in ran.lines} == {"k0", "k1", "k2"}
    (missing,) = (row for row in ran.lines if "error" in row)
    assert missing["error"]["message"].startswith("no row came back")


async def test_what_did_not_end_well_is_submitted_again_and_completes_the_file(
    cli: Program, service: Emulator, mixed_file: Path, tmp_path: Path
) -> None:
    name = await finished(cli, mixed_file)
    answers, failed = tmp_path / "answers.jsonl", tmp_path / "failed.jsonl"
    asked = {json.loads(line)["key"]: line for line in mixed_file.read_text().splitlines()}

    ran = await cli(
        "results", name, "-o", answers, "--expected", mixed_file, "--failures", failed
    )

    assert ran.code == 3
    lines = failed.read_text().splitlines()
    assert len(lines) == 2
    assert all(asked[json.loads(line)["key"]] == line for line in lines)

    service.answers(lambda request, name: "well now")
    again = await finished(cli, failed)
    ran = await cli("results", again, "-o", answers, "--resume")

    rows = {row["key"]: row for row in map(json.loads, answers.read_text().splitlines())}
    assert rows.keys() == asked.keys()
    assert {row["outcome"] for row in rows.values()} == {"ok"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--ordered"], "--ordered: it needs the input that was submitted"),
        (["--failures", "f.jsonl", "-o", "a.csv"], "--failures: it needs the input"),
        (
            ["--failures", "f.jsonl", "--expected", "i.jsonl"],
            "--failures: it needs a local file",
        ),
        (["--resume"], "--resume: it needs a local file of results"),
        (["-o", "gs://bucket/a.csv"], "Let the name end in .jsonl"),
    ],
)
async def test_options_that_need_others_are_refused_first(
    cli: Program, service: Emulator, options: list[str], told: str
) -> None:
    ran = await cli("results", "batches/x", *options)

    assert ran.code == 2
    assert told in " ".join(ran.err.split())
    assert service.log == []


# What it would cost


async def test_input_under_the_limit_is_sent_with_its_estimate(
    cli: Program, service: Emulator, input_file: Path
) -> None:
    price = ["--price", "prompt=0.15", "--price", "answer=1.25", "--price", "thoughts=1.25"]

    ran = await cli(
        *("submit", input_file, "-m", MODEL, "--max-cost", "1", "--answer-tokens", "100"),
        *price,
    )

    assert ran.code == 0
    assert "estimate, not a count" in ran.err
    assert len(service.jobs) == 1


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--max-cost=1"], "the cost is unknown"),
        (["--max-cost=1", "--price=prompt=1"], "the cost is unknown"),
        (
            [
                *("--max-cost=0.000001", "--price=prompt=1", "--price=answer=1"),
                *("--price=thoughts=1", "--answer-tokens=10"),
            ],
            "above the limit",
        ),
        (["--max-cost=1", "--price=tokens=1"], "is not a price of"),
        (["--max-cost=1", "--price=prompt=-1"], "is not a price of"),
        (["--max-cost=1", "--system-instruction=Be brief"], "Put it into the requests"),
        (["--price=prompt=1"], "Set the limit with --max-cost"),
        (["--answer-tokens=5"], "Set the limit with --max-cost"),
    ],
)
async def test_nothing_is_sent_above_the_limit_or_if_the_cost_is_unknown(
    cli: Program, service: Emulator, input_file: Path, options: list[str], told: str
) -> None:
    ran = await cli("submit", input_file, "-m", MODEL, *options)

    assert ran.code == 2
    assert told in " ".join(ran.err.split())
    assert service.log == []


async def test_stored_rows_have_no_limit(cli: Program, service: Emulator) -> None:
    ran = await cli(
        *("submit", "gs://bucket/rows.jsonl", "-m", MODEL, "--project=p-roject"),
        "--max-cost=1",
    )

    assert ran.code == 2
    assert "cannot be estimated" in " ".join(ran.err.split())


async def test_the_results_of_the_command_are_those_of_the_package(
    cli: Program, service: Emulator, mixed_file: Path, tmp_path: Path
) -> None:
    """A file and stdout say the same."""
    name = await finished(cli, mixed_file)
    target = tmp_path / "answers.jsonl"

    shown = await cli("results", name)
    await cli("results", name, "-o", target)

    assert [json.loads(line) for line in target.read_text().splitlines()] == shown.lines
    async with Client() as client:
        keys = [result.key async for result in client.batches.results(name)]
    assert [row["key"] for row in shown.lines] == keys
