"""The benchmarks' own arithmetic. Nothing here measures time."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from benchmarks import __main__ as command
from benchmarks import _data, _report, _summary, build, results
from benchmarks.__main__ import JOBS
from benchmarks._check import (
    SLACK,
    STALL_SLACK,
    Spread,
    difference,
    judge,
    ratio,
    ratio_to_before,
    reached,
)
from benchmarks._harness import (
    ROOT,
    Checkouts,
    Service,
    check_counts,
    checked_out,
    run_case,
    run_job,
    serving,
)
from benchmarks._job import BEFORE, Beyond, Job, Setting, Side, Target, find_job
from benchmarks._meter import Meter, memory, percentile
from benchmarks._record import load, merged, save
from benchmarks._result_files import DECODE, KEYS, LEAN, THEIR_FILE, THEIR_KEYS, WIDE
from gemini_batch._codec import Codec

OURS, THEIRS = "gemini_batch: rows", "google-genai: rows"


def case(side: str, walls: list[float], before: Any = (), **more: Any) -> dict[str, Any]:
    def readings(walls: Sequence[float]) -> list[dict[str, Any]]:
        return [{"count": 10, "wall": wall, "stall_max": None, **more} for wall in walls]

    found = {"side": side, "size": 10, "readings": readings(walls)}
    return {**found, "before": readings(before)}


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
        "before": None,
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


def test_what_is_compared_with_before_is_compared_round_by_round() -> None:
    # The machine was four times as slow in the second round, for both.
    now, before = [1.1, 4.4, 1.2], [1.0, 4.0, 1.0]
    target = Target(side=OURS, against=BEFORE, size=10, at_most=1.1)

    expected = Spread(middle=1.1, low=1.1, high=1.2)
    assert ratio_to_before(now, before) == pytest.approx(expected)
    assert reached(target, [case(OURS, now, before)]) == pytest.approx(expected)


def test_what_was_not_run_before_cannot_be_compared_with() -> None:
    target = Target(side=OURS, against=BEFORE, size=10, at_most=1.1)

    (verdict,) = judge(job(target), [case(OURS, [1.0])])

    assert verdict.reached is None
    assert not verdict.held


@pytest.mark.parametrize(
    ("against", "measured", "quick", "before", "left_out"),
    [
        (BEFORE, False, False, False, True),
        (BEFORE, False, False, True, False),
        (THEIRS, False, False, False, False),
        (THEIRS, False, True, False, True),
        (BEFORE, True, True, False, False),
    ],
)
def test_a_check_passes_over_what_the_run_was_not_to_measure(
    against: str, measured: bool, quick: bool, before: bool, left_out: bool
) -> None:
    target = Target(side=OURS, against=against, size=10, at_most=1.1)
    cases = [case(OURS, [9.0], [1.0])] if measured else []

    (verdict,) = judge(job(target), cases)

    assert command._is_left_out(verdict, quick=quick, before=before) is left_out


@pytest.mark.parametrize(("first", "passes"), [(13.0, True), (13.1, False)])
def test_a_difference_is_of_medians_and_has_no_slack(first: float, passes: bool) -> None:
    target = Target(
        side=OURS, against=THEIRS, by="difference", measure="stall_max", size=10, at_most=10
    )
    ours, theirs = case(OURS, [1.0] * 3), case(THEIRS, [1.0] * 3)
    for reading, stall in zip(ours["readings"], (first, 90.0, 2.0), strict=True):
        reading["stall_max"] = stall
    for reading, stall in zip(theirs["readings"], (3.0, 4.0, 1.0), strict=True):
        reading["stall_max"] = stall

    (verdict,) = judge(job(target), [ours, theirs])

    assert verdict.passed is passes
    assert difference([], [1.0]) is None
    assert "| ≤ 10.0 ms more |" in _report.targets([verdict])


@pytest.mark.parametrize(
    ("target", "figures", "passes"),
    [
        ({"against": THEIRS, "at_least": 100 / (1 - SLACK)}, {"wall": 0.01}, True),
        ({"against": THEIRS, "at_least": 101 / (1 - SLACK)}, {"wall": 0.01}, False),
        ({"against": THEIRS, "at_most": 2 / (1 + SLACK)}, {"wall": 2.0}, True),
        ({"against": THEIRS, "at_most": 1.9 / (1 + SLACK)}, {"wall": 2.0}, False),
        ({"against": BEFORE, "at_most": 1.1}, {"wall": 1.1}, True),
        ({"against": BEFORE, "at_most": 1.1}, {"wall": 1.11}, False),
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
    ours = case(OURS, [1.0, 1.0, 1.0], [1.0, 1.0, 1.0])
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


def test_what_counted_differently_before_is_refused() -> None:
    other = case(OURS, [1.0], [1.0])
    other["before"][0]["count"] = 9

    with pytest.raises(SystemExit, match="did not count the same"):
        check_counts("rows", [other])


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


def test_the_table_tells_what_it_took_before() -> None:
    figures = {"cpu": 1.0, "peak": 5.0, "process": 50.0, "stall_p99": None, "server": 0.5}
    cases = [
        case(OURS, [2.0, 2.0, 3.0], [1.0, 2.0, 2.0], **figures),
        case(THEIRS, [10.0] * 3, **figures),
    ]

    text = _report.results({"jobs": {"rows": {**record(cases), "before": "e604415"}}})

    head, line, ours, theirs = (
        row for row in text.splitlines() if row.startswith("|") and "aiohttp" not in row
    )
    assert "revision abc, before: revision e604415" in text
    assert head.count("|") == line.count("|") == ours.count("|") == theirs.count("|")
    assert head.endswith(
        "| before: s | before: CPU s | before: MB + | before: MB | before: stall ms | now / before |"
    )
    assert ours.endswith(
        "| 2.00 (1.00 to 2.00) | 1.00 | 5.00 | 50.0 |  | 1.50 (1.00 to 2.00) |"
    )
    assert theirs.endswith("|  |  |  |  |  |  |")


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
    stalls = record([case(OURS, [1.0], peak=1.0) | {"size": 10}])
    stalls["cases"][0]["readings"][0]["stall_max"] = 120.0
    plot("rows", {**stalls, "headline": "stall_max"}, tmp_path / "stalls.png")

    for name in ("one.png", "two.png", "stalls.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


# The README's table


def test_the_readme_has_the_figures_of_the_record() -> None:
    record = load(Path(results.__file__).parent / "results")

    assert _summary.block(record) in (ROOT / "README.md").read_text()


def test_the_table_of_the_readme_leaves_out_what_was_not_measured() -> None:
    figures = {"peak": 5.0, "process": 50.0}
    ours = case("gemini_batch: text", [1.0], **figures)
    theirs = case(
        "google-genai async (aiohttp): download(), json.loads of bytes, text of the dict",
        [1.9],
        **figures,
    )

    alone = _summary.table({"jobs": {"results_lean": record([ours])}})
    both = _summary.table({"jobs": {"results_lean": record([ours, theirs])}})

    assert alone.splitlines()[2:] == [
        "| 10 lean results: text of each |  |  | process at 50 MB |"
    ]
    assert both.splitlines()[2:] == [
        "| 10 lean results: text of each | 1.90 than dicts |  | process at 50 MB |"
    ]


def test_the_table_is_put_where_the_readme_has_it(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    found = {
        "jobs": {"results_lean": record([case("gemini_batch: text", [1.0], process=9.0)])}
    }
    readme.write_text(f"before\n{_summary.BEGIN}\nold\n{_summary.END}\nafter\n")

    _summary.put(readme, found)

    assert readme.read_text() == f"before\n{_summary.block(found)}\nafter\n"
    readme.write_text("no table")
    with pytest.raises(SystemExit, match="no place for the table"):
        _summary.put(readme, found)


def test_the_table_of_the_readme_names_sides_and_sizes_that_are_run() -> None:
    for row in _summary.ROWS:
        found = find_job(row.job)
        sides = [row.side, *(side for side, *_ in (*row.theirs, *row.floors, *row.memory))]
        for name in sides:
            side = found.side(name)
            size = row.size or found.sizes[-1]
            assert side.most is None or size <= side.most, (row.words, name)


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
        side = found.side(target.side)
        assert side.is_ours
        assert side.most is None or target.size <= side.most
        if target.against == BEFORE:
            assert side.before_most is None or target.size <= side.before_most
        elif target.against is not None:
            other = found.side(target.against)
            assert other.most is None or target.size <= other.most
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
        for lean in (False, True):
            rows = list(_data.result_rows(count, lean=lean))
            assert _data.result_bytes(count, lean=lean) == sum(map(len, rows))


def test_lean_rows_are_of_1_kb_and_wide_ones_of_half_as_much_again() -> None:
    count = 997  # every body once

    assert _data.result_bytes(count, lean=True) / count == pytest.approx(1_000, rel=0.02)
    assert _data.result_bytes(count) / count == pytest.approx(1_530, rel=0.02)


def test_lean_rows_have_what_current_models_send() -> None:
    (line,) = _data.result_rows(1, lean=True)

    response = json.loads(line)["response"]

    (candidate,) = response["candidates"]
    assert candidate.keys() == {"content", "finishReason", "index"}
    assert response.keys() == {"candidates", "usageMetadata", "modelVersion", "responseId"}


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
    prepare = build.preparing()
    async with prepare(
        requests, codec=Codec(), model="gemini-2.5-flash", inline_limit=0, **given
    ) as prepared:
        assert prepared.path is not None
        return [json.loads(line) for line in prepared.path.read_bytes().splitlines()]


# Programs


def test_cases_run_in_processes_of_their_own_and_count_the_same(tmp_path: Path) -> None:
    pytest.importorskip("orjson")
    pytest.importorskip("google.genai")
    found = find_job("results_lean")
    LEAN.prepare(tmp_path, (300,))
    sides = (KEYS, DECODE, THEIR_KEYS, THEIR_FILE)

    with serving(found, tmp_path) as service:
        seen = [
            run_case(found, found.side(name), 300, data=tmp_path, service=service)["count"]
            for name in sides
        ]

    assert seen == [300] * len(sides)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("first_calls", ["submit, inline", "wait", "results", "get with a retry"]),
        ("first_calls_tls", ["submit of a file", "get on Vertex AI"]),
    ],
)
def test_first_calls_go_as_they_should(name: str, calls: list[str], tmp_path: Path) -> None:
    found = find_job(name)
    assert found.prepare is not None
    found.prepare(tmp_path, found.sizes)
    # The second of a kind makes the first as well.
    wanted = tuple(f"gemini_batch: second {call}" for call in calls)
    sides = [side for side in found.sides if side.name.startswith(wanted)]

    with serving(found, tmp_path) as service:
        for side in sides:
            figures = run_case(found, side, 1, data=tmp_path, service=service)
            assert figures["count"] == 1
            assert figures["stall_max"] is not None

    assert len(sides) == len(calls)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of a package that says what it is and does not load."""
    root = tmp_path_factory.mktemp("other")
    package = root / "gemini_batch"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit(77)\n")
    return root


def test_the_package_before_is_that_of_the_other_checkout(
    other: Path, tmp_path: Path
) -> None:
    results_job, imports_job = find_job("results"), find_job("imports")
    ours = results_job.side("gemini_batch: key and raw")
    nothing: Any = {"data": tmp_path, "service": Service(url="http://127.0.0.1:9")}

    with checked_out(other) as checkouts:
        assert checkouts.before is not None
        with pytest.raises(SystemExit, match="exit code 77"):
            run_case(results_job, ours, 1, root=checkouts.before, **nothing)
        # Interpreters that a case starts find it as well.
        importing = imports_job.side("gemini_batch: import")
        with pytest.raises(SystemExit, match="exit code 1"):
            run_case(imports_job, importing, 1, root=checkouts.before, **nothing)
        assert (
            run_case(imports_job, importing, 1, root=checkouts.now, **nothing)["count"] == 1
        )

        # Were it not found there, Python would run the one that is installed.
        shutil.rmtree(checkouts.before / "gemini_batch")
        with pytest.raises(SystemExit, match="exit code 1"):
            run_case(imports_job, importing, 1, root=checkouts.before, **nothing)
        WIDE.prepare(tmp_path, (10,))
        with (
            serving(results_job, tmp_path) as service,
            pytest.raises(SystemExit, match="not in"),
        ):
            run_case(
                results_job,
                ours,
                10,
                root=checkouts.before,
                data=tmp_path,
                service=service,
            )


def test_a_folder_without_the_package_is_no_checkout(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no checkout"), checked_out(tmp_path):
        pass


def test_ours_run_with_both_packages_by_turns() -> None:
    found = find_job("imports")
    sides = [side for side in found.sides if side.name.endswith((": import", ": nothing"))]
    small = evolve(
        found,
        sizes=(1,),
        sides=(sides[0], *(side for side in sides if "Python" in side.name)),
    )
    said: list[str] = []

    with checked_out(ROOT) as checkouts:
        cases = run_job(small, checkouts, rounds=2, quick=False, say=said.append)

    assert [len(one["readings"]) for one in cases] == [2, 2]
    assert [len(one["before"]) for one in cases] == [2, 0]
    order = ["(before)" in line for line in said if "gemini_batch" in line]
    assert order == [False, True, True, False]


def test_a_side_takes_part_in_its_rounds_and_sizes_alone() -> None:
    found = find_job("imports")
    ours, nothing = found.side("gemini_batch: import"), found.side("Python: nothing")
    small = evolve(
        found,
        sizes=(1,),
        sides=(evolve(ours, before_most=0), evolve(nothing, rounds=1)),
    )

    cases = run_job(
        small, Checkouts(now=ROOT, before=ROOT), rounds=2, quick=False, say=lambda _: None
    )

    assert [len(one["readings"]) for one in cases] == [2, 1]
    assert [one["before"] for one in cases] == [[], []]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (["--report"], 0),
        (["--report", "--check"], 1),
    ],
)
def test_a_check_of_a_record_fails_where_a_target_was_not_measured(
    given: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["benchmarks", "results_lean", "--out", str(tmp_path), *given]
    )
    cases = [
        case("gemini_batch: text", [1.0], cpu=1.0, peak=1.0, process=9.0, stall_p99=None)
    ]
    save(tmp_path, {"jobs": {"results_lean": record(cases)}})

    assert command.main() == code
    assert "not measured" in (tmp_path / "latest-targets.md").read_text()
