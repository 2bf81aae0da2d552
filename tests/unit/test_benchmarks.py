"""The benchmarks' own arithmetic. Nothing here measures time."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import _data, _report, build, results
from benchmarks.__main__ import JOBS
from benchmarks._check import SLACK, STALL_SLACK, Spread, judge, ratio, reached
from benchmarks._harness import check_counts, run_case, serving
from benchmarks._job import Beyond, Job, Setting, Side, Target, find_job
from benchmarks._meter import Meter, memory, percentile
from benchmarks._record import load, merged, save
from gemini_batch._codec import Codec
from gemini_batch._input.prepare import prepare

OURS, THEIRS = "gemini_batch: rows", "google-genai: rows"


def case(side: str, walls: list[float], **more: Any) -> dict[str, Any]:
    readings = [{"count": 10, "wall": wall, "stall_max": None, **more} for wall in walls]
    return {"side": side, "size": 10, "readings": readings}


async def idle(setting: Setting) -> int:
    return setting.size


def job(*targets: Target) -> Job:
    return Job(
        name="rows",
        title="rows of a table",
        unit="rows",
        sizes=(10,),
        sides=(Side(name=OURS, run=idle), Side(name=THEIRS, run=idle)),
        targets=targets,
    )


def record(cases: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "title": "rows of a table",
        "unit": "rows",
        "rounds": 3,
        "date": "2026-11-22",
        "git": "abc",
        "python": "3.11.7",
        "machine": {"cpu": "EPYC", "cores": 2, "memory_mb": 24_000, "kernel": "6"},
        "versions": {"aiohttp": "3.14.5", "pip": "1"},
        "cases": cases,
    }


# Figures


def test_a_ratio_is_that_of_the_medians_and_its_spread_that_of_the_rounds() -> None:
    assert ratio([10.0, 40.0, 20.0], [1.0, 2.0, 4.0]) == Spread(
        middle=10.0, low=5.0, high=20.0
    )


def test_a_ratio_to_something_unmeasured_is_none() -> None:
    assert ratio([], [1.0]) is None
    assert ratio([1.0], []) is None


def test_at_least_is_theirs_by_ours_and_at_most_ours_by_theirs() -> None:
    cases = [case(OURS, [2.0]), case(THEIRS, [8.0])]
    at_least = Target(side=OURS, against=THEIRS, size=10, at_least=3)
    at_most = Target(side=OURS, against=THEIRS, size=10, at_most=3)

    assert reached(at_least, cases) == Spread(middle=4.0, low=4.0, high=4.0)
    assert reached(at_most, cases) == Spread(middle=0.25, low=0.25, high=0.25)


@pytest.mark.parametrize(
    ("target", "figures", "passes"),
    [
        ({"against": THEIRS, "at_least": 100 / (1 - SLACK)}, {"wall": 0.01}, True),
        ({"against": THEIRS, "at_least": 101 / (1 - SLACK)}, {"wall": 0.01}, False),
        ({"against": THEIRS, "at_most": 2 / (1 + SLACK)}, {"wall": 2.0}, True),
        ({"against": THEIRS, "at_most": 1.9 / (1 + SLACK)}, {"wall": 2.0}, False),
        ({"measure": "peak", "at_most": 60}, {"peak": 60.0}, True),
        ({"measure": "peak", "at_most": 60}, {"peak": 60.1}, False),
        ({"measure": "stall_max", "at_most": 2}, {"stall_max": 2 + STALL_SLACK}, True),
        ({"measure": "stall_max", "at_most": 2}, {"stall_max": 2.1 + STALL_SLACK}, False),
        ({"measure": "kept", "against": THEIRS, "at_least": 8}, {"kept": 1.0}, True),
        ({"measure": "kept", "against": THEIRS, "at_least": 8.1}, {"kept": 1.0}, False),
    ],
)
def test_a_target_passes_within_the_slack_of_its_measure(
    target: dict[str, Any], figures: dict[str, Any], passes: bool
) -> None:
    ours = case(OURS, [1.0, 1.0, 1.0])
    for reading in ours["readings"]:
        reading.update(figures)
    theirs = case(THEIRS, [1.0, 1.0, 1.0], kept=8.0)

    (verdict,) = judge(job(Target(side=OURS, size=10, **target)), [ours, theirs])

    assert verdict.passed is passes


@pytest.mark.parametrize(
    ("wall", "held", "word"),
    [
        (1.0, True, "| reached |"),
        (2.0, True, "| [beyond reach](beyond-reach.md#rows), held at 4.00 |"),
        (2.5, False, "| [beyond reach](beyond-reach.md#rows), **lost**, was 4.00 |"),
    ],
)
def test_beyond_reach_is_no_failure_as_long_as_what_is_held_is_not_lost(
    wall: float, held: bool, word: str
) -> None:
    beyond = Beyond(held=4, proof="rows")
    target = Target(side=OURS, against=THEIRS, size=10, at_least=8, beyond=beyond)

    (verdict,) = judge(job(target), [case(OURS, [wall]), case(THEIRS, [8.0])])

    assert verdict.held is held
    assert verdict.passed is (wall == 1.0)
    assert word in _report.targets([verdict])


def test_what_was_not_measured_does_not_pass() -> None:
    target = Target(side=OURS, measure="stall_max", size=10, at_most=5)

    (verdict,) = judge(job(target), [case(OURS, [1.0])])

    assert not verdict.passed
    assert not verdict.held
    assert "not measured" in _report.targets([verdict])


def test_sides_that_count_differently_are_refused() -> None:
    other = case(THEIRS, [1.0])
    other["readings"][0]["count"] = 9

    with pytest.raises(SystemExit, match="did not count the same"):
        check_counts("rows", [case(OURS, [1.0]), other])

    check_counts("rows", [case(OURS, [1.0]), case(THEIRS, [1.0])])


def test_memory_is_told_in_millions_of_bytes() -> None:
    assert memory("Name:\tpython\nVmHWM:\t   1000 kB\nVmRSS:\t 500 kB\n", "VmHWM") == 1.024

    with pytest.raises(ValueError, match="VmPeak"):
        memory("VmHWM:\t 1 kB\n", "VmPeak")


def test_a_percentile_of_few_values_is_the_largest() -> None:
    assert percentile([1.0, 2.0, 3.0], 0.99) == 3.0
    assert percentile([float(value) for value in range(1000)], 0.99) == 990.0


def test_a_meter_that_measured_nothing_says_so() -> None:
    with pytest.raises(RuntimeError, match="nothing was measured"):
        _ = Meter(loop=False).reading


# Records and tables


def test_a_run_of_one_job_keeps_what_is_known_of_the_others(tmp_path: Path) -> None:
    save(tmp_path, merged(load(tmp_path), {"a": record([case(OURS, [1.0])])}))
    save(tmp_path, merged(load(tmp_path), {"b": record([case(OURS, [2.0])])}))
    save(tmp_path, merged(load(tmp_path), {"a": record([case(OURS, [3.0])])}))

    jobs = load(tmp_path)["jobs"]

    assert jobs == {"a": record([case(OURS, [3.0])]), "b": record([case(OURS, [2.0])])}


def test_the_table_has_a_row_for_every_side_and_size() -> None:
    figures = {"cpu": 1.0, "peak": 5.0, "process": 50.0, "stall_p99": None, "server": 0.5}
    cases = [case(OURS, [1.0, 2.0, 4.0], **figures), case(THEIRS, [10.0] * 3, **figures)]

    text = _report.results({"jobs": {"rows": record(cases)}})

    ours, theirs = (line for line in text.splitlines() if line.startswith("| 10 |"))
    assert ours.startswith(f"| 10 | {OURS} | 2.00 (1.00 to 4.00) | 200,000 | 1.00 | 5.00 |")
    assert theirs.endswith("|  | 5% | 5.00 (2.50 to 10.0) |")
    assert "aiohttp 3.14.5" in text
    assert "pip" not in text


def test_the_targets_say_what_was_aimed_at_and_what_was_reached() -> None:
    target = Target(side=OURS, against=THEIRS, size=10, at_least=5)
    cases = [case(OURS, [1.0, 2.0], cpu=1.0), case(THEIRS, [3.0, 4.0], cpu=7.0)]

    text = _report.targets(judge(job(target), cases))

    assert (
        f"| rows | {OURS} | {THEIRS} | time | 10 | ≥ 5.00 times | "
        "2.33 times (2.00 to 3.00) | 7.00 | **short** |"
    ) in text


def test_a_picture_is_drawn_of_jobs_of_one_size_and_of_many(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks._plot import plot

    cases = [case(OURS, [1.0, 2.0], peak=0.0), case(THEIRS, [3.0], peak=5.0)]
    larger = [{**one, "size": 100} for one in cases]

    plot("rows", record(cases), tmp_path / "one.png")
    plot("rows", record([*cases, *larger]), tmp_path / "two.png")

    for name in ("one.png", "two.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


# Jobs


def test_a_side_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(SystemExit, match=THEIRS):
        job().side("somebody else")

    with pytest.raises(SystemExit, match="no job 'nothing'"):
        find_job("nothing")


@pytest.mark.parametrize("name", JOBS)
def test_targets_name_sides_and_sizes_that_are_run(name: str) -> None:
    found = find_job(name)

    assert found.name == name
    for target in found.targets:
        assert found.side(target.side).name == target.side
        if target.against is not None:
            assert found.side(target.against).name == target.against
        assert target.size in found.sizes
        assert (target.at_least is None) is not (target.at_most is None)
        if target.beyond is not None:
            assert target.beyond.proof in proofs()


def proofs() -> set[str]:
    text = (Path(results.__file__).parent / "results" / "beyond-reach.md").read_text()
    heads = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    return {head.lower().replace(" ", "-") for head in heads}


def test_the_size_of_a_result_file_is_known_without_writing_it() -> None:
    for count in (1, 996, 2_000):
        assert _data.result_bytes(count) == sum(map(len, _data.result_rows(count)))


def test_vectors_have_the_dimensions_asked_for() -> None:
    rows = [json.loads(line) for line in _data.vector_rows(70, 5)]

    assert [row["key"] for row in rows] == [_data.key(index) for index in range(70)]
    assert {len(row["response"]["embedding"]["values"]) for row in rows} == {5}


@pytest.mark.parametrize("make", [build.own, build.shared, build.mappings, build.lines])
async def test_all_ways_to_build_a_file_build_the_same(make: Any) -> None:
    if make is build.lines:
        pytest.importorskip("orjson")

    assert await built(make(3)) == [*build.mappings(3)]


async def test_defaults_build_the_same() -> None:
    assert await built(
        build.bare(3),
        generation_config=build.config(),
        system_instruction=_data.INSTRUCTION,
    ) == [*build.mappings(3)]


async def built(requests: Any, **given: Any) -> list[Any]:
    async with prepare(
        requests, codec=Codec(), model="gemini-2.5-flash", inline_limit=0, **given
    ) as prepared:
        assert prepared.path is not None
        return [json.loads(line) for line in prepared.path.read_bytes().splitlines()]


# Programs


def test_a_case_runs_in_a_process_of_its_own(tmp_path: Path) -> None:
    pytest.importorskip("orjson")
    found = find_job("results")
    results.prepare(tmp_path, (300,))

    with serving(found, tmp_path) as service:
        seen = [
            run_case(found, side, 300, data=tmp_path, service=service)["count"]
            for side in found.sides
            if side.name.startswith(("gemini_batch: key", "aiohttp: stream, split"))
        ]

    assert seen == [300, 300]
