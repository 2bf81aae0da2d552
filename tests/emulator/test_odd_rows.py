"""Results whose rows are not what they should be."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gemini_batch.testing import Fault, ManualClock
from gemini_batch.testing.emulator.developer.odd_results import arrange
from tests.emulator.service import Service


async def _rows(service: Service, clock: ManualClock, fault: Fault) -> list[Any]:
    name = await service.create_from(f"prompt {n}" for n in range(6))
    clock.advance(60)
    output = (await service.get(name))["response"]["responsesFile"]
    service.emulator.faults[:] = [fault]
    first, again = await service.download(output), await service.download(output)
    assert first.body == again.body
    whole = await service.download(output, Range="bytes=7-")
    assert whole.body == first.body[7:]

    def rows() -> Iterator[Any]:
        for line in first.body.splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                yield None

    return list(rows())


@pytest.mark.parametrize("seed", range(3))
async def test_rows_of_a_file_go_wrong(
    service: Service, clock: ManualClock, seed: int
) -> None:
    async def keys(*effects: Any, **options: Any) -> list[str | None]:
        fault = Fault.odd_rows(*effects, seed=seed, **options)
        return [row and row["key"] for row in await _rows(service, clock, fault)]

    true = [f"row-{n}" for n in range(6)]
    twice = await keys("duplicate")
    assert len(twice) == 7
    assert sorted(set(map(str, twice))) == true
    missing = await keys("missing", row_count=2)
    assert len(missing) == 4
    assert set(missing) < set(true)
    foreign = await keys("foreign", row_count=2)
    assert [key for key in foreign if key not in true].count("foreign-1") == 1
    assert [key for key in foreign if key in true] == true
    mixed = await keys("shuffled")
    assert mixed != true
    assert sorted(map(str, mixed)) == true
    broken = await keys("invalid", row_count=3)
    assert broken.count(None) == 3
    everything = await keys("missing", "duplicate", "foreign", "huge", "invalid")
    assert len(everything) == 7


async def test_rows_may_be_huge(service: Service, clock: ManualClock) -> None:
    rows = await _rows(service, clock, Fault.odd_rows("huge", row_bytes=3_000_001))

    texts = [
        row["response"]["candidates"][0]["content"]["parts"][0]["text"] for row in rows
    ]
    assert [len(text) > 3_000_000 for text in texts].count(True) == 1


async def test_huge_rows_need_no_text(service: Service, clock: ManualClock) -> None:
    prompts = ["[emulator:block]", "[emulator:error:3]"]
    name = await service.create_inline(*prompts)
    clock.advance(60)
    fault = Fault.odd_rows("huge", path="*/batches/*", row_count=2, row_bytes=100)
    service.emulator.faults.append(fault)

    job = await service.get(name)

    blocked, failed = job["response"]["inlinedResponses"]["inlinedResponses"]
    assert len(blocked["response"]["padding"]) == 100
    assert failed["error"]["message"].endswith("x" * 36)


async def test_inlined_rows_go_wrong_in_both_places(
    service: Service, clock: ManualClock
) -> None:
    name = await service.create_inline(*"abcd")
    clock.advance(60)
    service.emulator.faults.append(
        Fault(rows=("foreign", "missing", "invalid"), path="*/batches/*")
    )

    job = await service.get(name)

    rows = job["response"]["inlinedResponses"]["inlinedResponses"]
    assert rows == job["metadata"]["output"]["inlinedResponses"]["inlinedResponses"]
    assert len(rows) == 4
    assert sum(isinstance(row, str) for row in rows) == 1
    keys = {row["metadata"]["key"] for row in rows if isinstance(row, dict)}
    assert len(keys - {f"row-{n}" for n in range(4)}) == 1


def test_nothing_can_be_wrong_with_no_rows() -> None:
    every = Fault(rows=("duplicate", "missing", "foreign", "huge", "invalid", "shuffled"))

    assert arrange(0, every) == []
    assert len(arrange(1, every)) == 1
